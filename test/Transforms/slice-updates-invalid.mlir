// RUN: spillway-opt %s -verify-diagnostics --pass-pipeline='builtin.module(train.step(train-slice-updates{slice-bytes=-1}))'

// expected-error @+1 {{expects a slice of at least 0 bytes, but got -1}}
train.step @s() {
  train.return
}
