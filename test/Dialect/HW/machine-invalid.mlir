// RUN: spillway-opt %s --split-input-file --verify-diagnostics

// expected-error @+1 {{'hw.machine' op expects at least one hw.tier}}
hw.machine @empty device @d {
}

// -----

// expected-error @+1 {{'hw.machine' op expects a tier of the machine (a, b), but got 'gpu'}}
hw.machine @m device @gpu {
  hw.tier @a capacity 1GiB
  hw.tier @b capacity 1GiB
}

// -----

// expected-error @+1 {{'hw.machine' op expects an hw.engine on the device tier 'd'}}
hw.machine @m device @d {
  hw.tier @d capacity 1GiB
  hw.tier @h capacity 1GiB
  hw.link @in @h -> @d bandwidth 1GB/s
  hw.link @out @d -> @h bandwidth 1GB/s
  hw.engine @e on @h memory 1GB/s rates [gemm f32 1GFLOP/s]
}

// -----

hw.machine @m device @d {
  // expected-note @+1 {{see existing symbol definition here}}
  hw.tier @d capacity 1GiB
  // expected-error @+1 {{redefinition of symbol named 'd'}}
  hw.engine @d on @d memory 1GB/s rates [gemm f32 1GFLOP/s]
}

// -----

hw.machine @m device @d {
  hw.tier @d capacity 1GiB
  // expected-error @+1 {{'hw.link' op expects a tier of the machine (d), but got 'h'}}
  hw.link @in @h -> @d bandwidth 1GB/s
}

// -----

hw.machine @m device @d {
  hw.tier @d capacity 1GiB
  // expected-error @+1 {{'hw.link' op expects a tier of the machine (d), but got 'h'}}
  hw.link @out @d -> @h bandwidth 1GB/s
}

// -----

hw.machine @m device @d {
  hw.tier @d capacity 1GiB
  // expected-error @+1 {{'hw.engine' op expects a tier of the machine (d), but got 'gpu'}}
  hw.engine @e on @gpu memory 1GB/s rates [gemm f32 1GFLOP/s]
}

// -----

hw.machine @m device @d {
  hw.tier @d capacity 1GiB
  // expected-error @+1 {{'hw.tier' op expects a way of at most two links from the device tier 'd' and back}}
  hw.tier @h capacity 1GiB
  hw.link @out @d -> @h bandwidth 1GB/s
  hw.engine @e on @d memory 1GB/s rates [gemm f32 1GFLOP/s]
}

// -----

// Three links away.
hw.machine @m device @d {
  hw.tier @d capacity 1GiB
  hw.tier @h capacity 1GiB
  hw.tier @n capacity 1GiB
  // expected-error @+1 {{'hw.tier' op expects a way of at most two links from the device tier 'd' and back}}
  hw.tier @tape capacity 1TiB
  hw.link @l0 @d -> @h bandwidth 1GB/s
  hw.link @l1 @h -> @d bandwidth 1GB/s
  hw.link @l2 @h -> @n bandwidth 1GB/s
  hw.link @l3 @n -> @h bandwidth 1GB/s
  hw.link @l4 @n -> @tape bandwidth 1GB/s
  hw.link @l5 @tape -> @n bandwidth 1GB/s
  hw.engine @e on @d memory 1GB/s rates [gemm f32 1GFLOP/s]
}

// -----

hw.machine @m device @d {
  // expected-error @+1 {{'builtin.module' op is no part of a machine; expects hw.tier, hw.link or hw.engine}}
  builtin.module {}
}

// -----

// expected-error @+1 {{'hw.tier' op expects parent op 'hw.machine'}}
hw.tier @d capacity 1GiB
