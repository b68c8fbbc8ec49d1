// RUN: spillway-opt %s -verify-diagnostics --pass-pipeline='builtin.module(train.step(train-slice-updates{slice-bytes=0}))'

// expected-error @+1 {{expects a slice of at least 1 byte, but got 0}}
train.step @s() {
  train.return
}
