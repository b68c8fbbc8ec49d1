// RUN: spillway-opt %s --split-input-file --convert-offload-to-sched --verify-diagnostics

train.step @s(input %x "x" : tensor<64xf32>) { train.return }

// expected-error @+1 {{has a buffer without an address: assign offsets first}}
offload.step @address of @s (%x: tensor<64xf32> feed "x") tiers [#sched.tier<"device" capacity 4096>] links [] {
  offload.return
}

// -----

train.step @s(param %w "w" : tensor<64xf32>) { train.return }

// expected-error @+1 {{expects the address 0, at which the buffer is in the other step, but got 256}}
offload.step @reborn of @s (%w: tensor<64xf32> hold "w", %h: !offload.stash<tensor<64xf32>, host> hold "w")
    tiers [#sched.tier<"device" capacity 4096>, #sched.tier<"host" capacity 4096>] links []
    attributes {offload.addresses = array<i64: 256, 0>} {
  offload.free %w : tensor<64xf32>
  %t = offload.load.start %h {offload.addresses = array<i64: 0>} : <tensor<64xf32>, host> to <tensor<64xf32>>
  %v = offload.await %t : <tensor<64xf32>>
  offload.return carry (%v, %h : tensor<64xf32>, !offload.stash<tensor<64xf32>, host>)
}

// -----

train.step @s(input %x "x" : tensor<64xf32>) { train.return }

offload.step @id of @s (%x: tensor<64xf32> feed "x") tiers [#sched.tier<"device" capacity 4096>] links []
    attributes {offload.addresses = array<i64: 0>} {
  // expected-error @+1 {{has the id 3, which no op of @s has}}
  %a = train.unary relu %x {id = 3 : i64, offload.addresses = array<i64: 256>} : tensor<64xf32>
  offload.return
}

// -----

train.step @s(input %x "x" : tensor<64xf32>) { train.return }

offload.step @no_id of @s (%x: tensor<64xf32> feed "x") tiers [#sched.tier<"device" capacity 4096>] links []
    attributes {offload.addresses = array<i64: 0>} {
  // expected-error @+1 {{expects either 'id' or 'recompute_of'}}
  %a = train.unary relu %x {offload.addresses = array<i64: 256>} : tensor<64xf32>
  offload.return
}

// -----

train.step @s(input %x "x" : tensor<64xf32>) { train.return }

offload.step @link of @s (%x: !offload.stash<tensor<64xf32>, host> feed "x")
    tiers [#sched.tier<"device" capacity 4096>, #sched.tier<"host" capacity 4096>] links []
    attributes {offload.addresses = array<i64: 0>} {
  // expected-error @+1 {{expects a link from "host" to "device", or two through a tier that stages, but the machine has none}}
  %t = offload.load.start %x {offload.addresses = array<i64: 0>} : <tensor<64xf32>, host> to <tensor<64xf32>>
  offload.return
}

// -----

train.step @s(input %x "x" : tensor<8x8xf32>) { train.return }

offload.step @gaps of @s (%x: tensor<8x8xf32> feed "x")
    tiers [#sched.tier<"device" capacity 4096>, #sched.tier<"host" capacity 4096>]
    links [#sched.link<"d2h" from "device" to "host" rate 1.0e+9 latency 0>]
    attributes {offload.addresses = array<i64: 0>} {
  %v = train.slice %x [0, 0] : tensor<8x8xf32> to tensor<8x4xf32>
  // expected-error @+1 {{expects a tensor without gaps}}
  %t = offload.store.start %v {offload.addresses = array<i64: 0>} : tensor<8x4xf32> to <!offload.stash<tensor<8x4xf32>, host>>
  offload.return
}

// -----

train.step @s(input %x "x" : tensor<64xf32>) {
  train.return outputs ["x"] (%x : tensor<64xf32>)
}

offload.step @outputs of @s (%x: tensor<64xf32> feed "x") tiers [#sched.tier<"device" capacity 4096>] links []
    attributes {offload.addresses = array<i64: 0>} {
  // expected-error @+1 {{expects 1 outputs, as the step has, but got 0}}
  offload.return
}

// -----

train.step @s(input %x "x" : tensor<64xf32>) { train.return }

// expected-error @+1 {{expects 'offload.staging' to have a tier, slots and bytes}}
offload.step @staging of @s (%x: tensor<64xf32> feed "x") tiers [#sched.tier<"device" capacity 4096>] links []
    attributes {offload.addresses = array<i64: 0>, offload.staging = {tier = "host", slots = 0 : i64}} {
  offload.return
}
