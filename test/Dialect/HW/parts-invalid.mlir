// RUN: spillway-opt %s --split-input-file --verify-diagnostics

hw.machine @m device @d {
  // expected-error @+1 {{'hw.tier' op expects a capacity above 0, but got 0 B}}
  hw.tier @d capacity 0B
}

// -----

hw.machine @m device @d {
  // expected-error @+1 {{'hw.tier' op expects a capacity above 0, but got -1024 B}}
  hw.tier @d capacity -1KiB
}

// -----

hw.machine @m device @d {
  // expected-error @+1 {{'hw.tier' op expects a reserve of at least 0, but got -1 B}}
  hw.tier @d capacity 1GiB reserve -1B
}

// -----

hw.machine @m device @d {
  // expected-error @+1 {{'hw.tier' op expects a reserve below the capacity of 1000 B, but got 1000 B}}
  hw.tier @d capacity 1KB reserve 1KB
}

// -----

hw.machine @m device @d {
  hw.tier @d capacity 1GiB
  // expected-error @+1 {{'hw.link' op expects two different tiers, but goes from 'd' to itself}}
  hw.link @l @d -> @d bandwidth 1GB/s
}

// -----

hw.machine @m device @d {
  // expected-error @+1 {{'hw.link' op expects a bandwidth above 0, but got -1000000000 B/s}}
  hw.link @l @h -> @d bandwidth -1GB/s
}

// -----

hw.machine @m device @d {
  // expected-error @+1 {{'hw.link' op expects an efficiency above 0 and at most 1, but got 1.500000e+00}}
  hw.link @l @h -> @d bandwidth 1GB/s efficiency 1.5
}

// -----

hw.machine @m device @d {
  // expected-error @+1 {{'hw.link' op expects a latency of at least 0, but got -5 ns}}
  hw.link @l @h -> @d bandwidth 1GB/s latency -5ns
}

// -----

hw.machine @m device @d {
  // expected-error @+1 {{'hw.engine' op expects a number of lanes above 0, but got 0}}
  hw.engine @e on @d lanes 0 memory 1GB/s rates [gemm f32 1GFLOP/s]
}

// -----

hw.machine @m device @d {
  // expected-error @+1 {{'hw.engine' op expects a launch time of at least 0, but got -1000 ns}}
  hw.engine @e on @d launch -1us memory 1GB/s rates [gemm f32 1GFLOP/s]
}

// -----

hw.machine @m device @d {
  // expected-error @+1 {{'hw.engine' op expects a memory bandwidth above 0, but got 0 B/s}}
  hw.engine @e on @d memory 0B/s rates [gemm f32 1GFLOP/s]
}

// -----

hw.machine @m device @d {
  // expected-error @+1 {{'hw.engine' op expects a memory efficiency above 0 and at most 1, but got 0.000000e+00}}
  hw.engine @e on @d memory 1GB/s efficiency 0 rates [gemm f32 1GFLOP/s]
}

// -----

hw.machine @m device @d {
  // expected-error @+1 {{'hw.engine' op expects a rate of gemm bf16 above 0, but got -1000000000 FLOP/s}}
  hw.engine @e on @d memory 1GB/s rates [gemm f32 1GFLOP/s, gemm bf16 -1GFLOP/s]
}

// -----

hw.machine @m device @d {
  // expected-error @+1 {{'hw.engine' op expects an efficiency of gemm f32 above 0 and at most 1, but got 2.000000e+00}}
  hw.engine @e on @d memory 1GB/s rates [gemm f32 1GFLOP/s efficiency 2]
}

// -----

hw.machine @m device @d {
  // expected-error @+1 {{'hw.engine' op expects one rate for gemm f32, but got two}}
  hw.engine @e on @d memory 1GB/s rates [gemm f32 1GFLOP/s, gemm f32 2GFLOP/s]
}

// -----

hw.machine @m device @d {
  // expected-error @+1 {{'hw.engine' op expects a rate for gemm f32, which stands in for those that are not given}}
  hw.engine @e on @d memory 1GB/s rates [gemm bf16 1GFLOP/s]
}
