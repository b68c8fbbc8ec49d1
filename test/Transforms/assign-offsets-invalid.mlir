// RUN: spillway-opt %s --split-input-file --offload-assign-offsets --verify-diagnostics

train.step @s(input %x "x" : tensor<64xf32>) { train.return }

// expected-error @+1 {{takes 512 bytes of tier "device", but its capacity is 256 (512 are live at once)}}
offload.step @capacity of @s (%x: tensor<64xf32> feed "x") tiers [#sched.tier<"device" capacity 256>] links [] {
  %a = train.unary relu %x {id = 0 : i64} : tensor<64xf32>
  offload.return
}

// -----

train.step @s(input %x "x" : tensor<64xf32>) { train.return }

// expected-error @+1 {{has addresses on tier "device" that do not go together:}}
offload.step @clash of @s (%x: tensor<64xf32> feed "x") tiers [#sched.tier<"device" capacity 4096>] links []
    attributes {offload.addresses = array<i64: 256>} {
  %a = train.unary relu %x {id = 0 : i64, offload.addresses = array<i64: 256>} : tensor<64xf32>
  offload.return
}

// -----

train.step @s(input %x "x" : tensor<64xf32>) { train.return }

offload.step @use_after_free of @s (%w: tensor<64xf32> hold "w") tiers [#sched.tier<"device" capacity 4096>] links [] {
  %v = train.reshape %w : tensor<64xf32> to tensor<8x8xf32>
  // expected-note @+1 {{it is freed here}}
  offload.free %w : tensor<64xf32>
  // expected-error @+1 {{uses a buffer that has ended}}
  %a = train.unary relu %v {id = 0 : i64} : tensor<8x8xf32>
  offload.return carry (%w : tensor<64xf32>)
}

// -----

train.step @s(input %x "x" : tensor<64xf32>) { train.return }

offload.step @fed of @s (%x: tensor<64xf32> feed "x") tiers [#sched.tier<"device" capacity 4096>] links [] {
  // expected-error @+1 {{ends the buffer of "x", which the host writes in each step}}
  offload.free %x : tensor<64xf32>
  offload.return
}

// -----

train.step @s(input %x "x" : tensor<64xf32>) { train.return }

offload.step @carry_two of @s (%w: tensor<64xf32> hold "w") tiers [#sched.tier<"device" capacity 4096>] links [] {
  %a = train.unary relu %w {id = 0 : i64} : tensor<64xf32>
  // expected-error @+1 {{carries another buffer as "w", while that of the argument is still there}}
  offload.return carry (%a : tensor<64xf32>)
}

// -----

train.step @s(input %x "x" : tensor<64xf32>) { train.return }

offload.step @carry_part of @s (%w: tensor<32xf32> hold "w") tiers [#sched.tier<"device" capacity 4096>] links [] {
  offload.free %w : tensor<32xf32>
  %a = train.fill 1.0 {id = 0 : i64} : tensor<64xf32>
  %b = train.slice %a [0] : tensor<64xf32> to tensor<32xf32>
  // expected-error @+1 {{expects carried value 0 ("w") to be a whole buffer of its own}}
  offload.return carry (%b : tensor<32xf32>)
}

// -----

train.step @s(input %x "x" : tensor<64xf32>) { train.return }

offload.step @pieces of @s (%w: tensor<64xf32> hold "w") tiers [#sched.tier<"device" capacity 4096>] links [] {
  %a = train.slice %w [0] : tensor<64xf32> to tensor<32xf32>
  %b = train.slice %w [32] : tensor<64xf32> to tensor<32xf32>
  // expected-error @+1 {{expects pieces that lie side by side in one buffer}}
  %v = train.assemble %b, %a : tensor<32xf32>, tensor<32xf32> to tensor<64xf32>
  offload.return carry (%v : tensor<64xf32>)
}

// -----

train.step @s(input %x "x" : tensor<64xf32>) { train.return }

offload.step @in_place of @s (%w: tensor<64xf32> hold "w") tiers [#sched.tier<"device" capacity 4096>] links [] {
  // expected-error @+1 {{expects result 0 to be as large as operand 0, whose place it takes}}
  %a = train.reduce sum %w [0] {id = 0 : i64, offload.in_place = array<i64: 0, 0>} : tensor<64xf32> to tensor<1xf32>
  offload.return carry (%w : tensor<64xf32>)
}
