// RUN: spillway-opt %s --split-input-file --sched-insert-waits --verify-diagnostics

train.step @s(input %x "x" : tensor<64xf32>) {
  %a = train.unary relu %x {id = 0 : i64} : tensor<64xf32>
  train.return
}

sched.program @unknown_op of @s tiers [#sched.tier<"device" capacity 512 arena 512>] links []
    streams [#sched.stream<"compute">]
prologue {} body {
  // expected-error @+1 {{launches the op with the id 7, which the step does not have}}
  sched.launch @unary 7 (device[0]) -> (device[256]) on "compute"
}

// -----

train.step @s(input %x "x" : tensor<64xf32>) {
  %a = train.unary relu %x {id = 0 : i64} : tensor<64xf32>
  train.return
}

sched.program @operands of @s tiers [#sched.tier<"device" capacity 512 arena 512>] links []
    streams [#sched.stream<"compute">]
prologue {} body {
  // expected-error @+1 {{expects 1 inputs and 1 outputs, as the op of the step has, but got 2 and 1}}
  sched.launch @unary 0 (device[0], device[0]) -> (device[256]) on "compute"
}

// -----

train.step @s(input %x "x" : tensor<64xf32>) { train.return }

sched.program @tensor of @s tiers [#sched.tier<"device" capacity 512 arena 512>] links []
    streams [#sched.stream<"host">]
prologue {} body {
  // expected-error @+1 {{names "y", which is no argument of the step}}
  sched.feed "y" -> device[0] on "host"
}

// -----

train.step @s(input %x "x" : tensor<64xf32>) { train.return }

sched.program @output of @s tiers [#sched.tier<"device" capacity 512 arena 512>] links []
    streams [#sched.stream<"host">]
prologue {} body {
  // expected-error @+1 {{names "loss", which is no output of the step}}
  sched.fetch "loss" from device[0] on "host"
}

// -----

train.step @s(input %x "x" : tensor<64xf32>) {
  // expected-error @+1 {{has no id: freeze the step first}}
  %a = train.unary relu %x : tensor<64xf32>
  train.return
}

sched.program @frozen of @s tiers [#sched.tier<"device" capacity 512>] links [] streams [] prologue {} body {}

// -----

train.step @s(input %x "x" : tensor<64xf32>) {
  %a = train.unary relu %x {id = 0 : i64} : tensor<64xf32>
  // expected-error @+1 {{has the id 0, which another op has}}
  %b = train.unary relu %x {id = 0 : i64} : tensor<64xf32>
  train.return
}

sched.program @ids of @s tiers [#sched.tier<"device" capacity 512>] links [] streams [] prologue {} body {}
