// RUN: spillway-opt %s --allow-unregistered-dialect --split-input-file --verify-diagnostics

// expected-error @+1 {{plans @t, which is not in the module}}
offload.step @symbol of @t () tiers [#sched.tier<"device" capacity 8>] links [] {
  offload.return
}

// -----

train.step @s(input %x "x" : tensor<4xf32>) { train.return }

// expected-error @+1 {{expects at least one tier}}
offload.step @no_tier of @s () tiers [] links [] {
  offload.return
}

// -----

train.step @s(input %x "x" : tensor<4xf32>) { train.return }

// expected-error @+1 {{expects argument 0 to be a tensor or a stash, but got 'f32'}}
offload.step @c1 of @s (%x: f32 feed "x") tiers [#sched.tier<"device" capacity 8>] links [] {
  offload.return
}

// -----

train.step @s(input %x "x" : tensor<4xf32>) { train.return }

// expected-error @+1 {{expects one hold for each argument, but got 0 for 1}}
"offload.step"() <{sym_name = "c1", step = @s, holds = [], tiers = [#sched.tier<"device" capacity 8>], links = []}> ({
^bb0(%x: tensor<4xf32>):
  "offload.return"() <{operandSegmentSizes = array<i32: 0, 0>}> : () -> ()
}) : () -> ()

// -----

train.step @s(input %x "x" : tensor<4xf32>) { train.return }

// expected-error @+1 {{names an unknown tier "disk"}}
offload.step @c2_unknown of @s (%x: !offload.stash<tensor<4xf32>, disk> feed "x")
    tiers [#sched.tier<"device" capacity 8>] links [] {
  offload.return
}

// -----

train.step @s(input %x "x" : tensor<4xf32>) { train.return }

offload.step @c2_device of @s (%x: tensor<4xf32> feed "x") tiers [#sched.tier<"device" capacity 8>] links [] {
  // expected-error @+1 {{expects a stash on another tier than "device", which is the device}}
  %t = offload.store.start %x : tensor<4xf32> to !offload.transfer<!offload.stash<tensor<4xf32>, device>>
  offload.return
}

// -----

train.step @s(param %w "w" : tensor<4xf32>) { train.return }

offload.step @c3_number of @s (%w: tensor<4xf32> hold "w") tiers [#sched.tier<"device" capacity 8>] links [] {
  // expected-error @+1 {{expects to carry 1 values, one for each held argument, but got 0}}
  offload.return
}

// -----

train.step @s(param %w "w" : tensor<4xf32>) { train.return }

offload.step @c3_type of @s (%w: tensor<4xf32> hold "w", %v: tensor<2xf32> feed "v")
    tiers [#sched.tier<"device" capacity 8>] links [] {
  // expected-error @+1 {{expects carried value 0 to be 'tensor<4xf32>', but got 'tensor<2xf32>'}}
  offload.return carry (%v : tensor<2xf32>)
}

// -----

// expected-error @+1 {{expects a transfer of a tensor or a stash, but got 'f32'}}
"test.op"() {type = !offload.transfer<f32>} : () -> ()

// -----

train.step @s(param %w "w" : tensor<4xf32>) { train.return }

offload.step @load of @s (%w: !offload.stash<tensor<4xf32>, host> feed "w")
    tiers [#sched.tier<"device" capacity 8>, #sched.tier<"host" capacity 8>] links [] {
  // expected-error @+1 {{expects to bring a tensor, but got '!offload.stash<tensor<4xf32>, host>'}}
  %t = offload.load.start %w : !offload.stash<tensor<4xf32>, host> to !offload.transfer<!offload.stash<tensor<4xf32>, host>>
  offload.return
}

// -----

train.step @s(param %w "w" : tensor<4xf32>) { train.return }

offload.step @load of @s (%w: !offload.stash<tensor<4xf32>, host> feed "w")
    tiers [#sched.tier<"device" capacity 8>, #sched.tier<"host" capacity 8>] links [] {
  // expected-error @+1 {{expects bytes inside the stash of 16, but got [12, 20)}}
  %t = offload.load.start %w at 12 : !offload.stash<tensor<4xf32>, host> to !offload.transfer<tensor<2xf32>>
  offload.return
}

// -----

train.step @s(param %w "w" : tensor<4xf32>) { train.return }

offload.step @store of @s (%w: tensor<4xf32> feed "w")
    tiers [#sched.tier<"device" capacity 8>, #sched.tier<"host" capacity 8>] links [] {
  // expected-error @+1 {{expects to bring a stash, but got 'tensor<4xf32>'}}
  %t = offload.store.start %w : tensor<4xf32> to !offload.transfer<tensor<4xf32>>
  offload.return
}

// -----

train.step @s(param %w "w" : tensor<4xf32>) { train.return }

offload.step @store of @s (%w: tensor<4xf32> feed "w", %v: !offload.stash<tensor<8xf32>, host> feed "v")
    tiers [#sched.tier<"device" capacity 8>, #sched.tier<"host" capacity 8>] links [] {
  // expected-error @+1 {{expects the type of the stash that it writes into, '!offload.stash<tensor<8xf32>, host>', but got '!offload.stash<tensor<4xf32>, host>'}}
  %t = offload.store.start %w into %v : tensor<4xf32>, !offload.stash<tensor<8xf32>, host> to !offload.transfer<!offload.stash<tensor<4xf32>, host>>
  offload.return
}

// -----

train.step @s(param %w "w" : tensor<4xf32>) { train.return }

offload.step @in_place of @s (%w: tensor<4xf32> feed "w") tiers [#sched.tier<"device" capacity 8>] links [] {
  // expected-error @+1 {{expects 'offload.in_place' to be pairs of an operand and a result (array<i64: ...>)}}
  %t = train.unary relu %w {offload.in_place = array<i64: 0>} : tensor<4xf32>
  offload.return
}

// -----

train.step @s(param %w "w" : tensor<4xf32>) { train.return }

offload.step @in_place of @s (%w: tensor<4xf32> feed "w") tiers [#sched.tier<"device" capacity 8>] links [] {
  // expected-error @+1 {{'offload.in_place' pairs operand 1 with result 0, but there are 1 operands and 1 results}}
  %t = train.unary relu %w {offload.in_place = array<i64: 1, 0>} : tensor<4xf32>
  offload.return
}
