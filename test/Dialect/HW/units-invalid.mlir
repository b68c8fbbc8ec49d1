// RUN: spillway-opt %s --split-input-file --verify-diagnostics

hw.machine @m device @d {
  // expected-error @+1 {{expects a number with a unit (TiB, GiB, MiB, TB, GB, MB, KiB, KB, B), but got 'GX'}}
  hw.tier @d capacity 8GX
}

// -----

hw.machine @m device @d {
  // expected-error @+2 {{expects a number with a unit (TiB, GiB, MiB, TB, GB, MB, KiB, KB, B), but got no unit}}
  hw.tier @d capacity
    8 {}
}

// -----

hw.machine @m device @d {
  // expected-error @+1 {{expects a number with a unit (TB/s, GB/s, MB/s, KB/s, B/s), but got 'GB' without '/s'}}
  hw.link @l @h -> @d bandwidth 8GB latency 1us
}

// -----

hw.machine @m device @d {
  // expected-error @+1 {{expects a number with a unit (s, ms, us, ns), but got 'h'}}
  hw.link @l @h -> @d bandwidth 8GB/s latency 1h
}

// -----

hw.machine @m device @d {
  // expected-error @+1 {{expects a number with a unit (PFLOP/s, TFLOP/s, GFLOP/s, MFLOP/s, KFLOP/s, FLOP/s), but got 'TFLOPs'}}
  hw.engine @e on @d memory 1GB/s rates [gemm f32 1TFLOPs]
}

// -----

hw.machine @m device @d {
  // expected-error @+1 {{is too large for 64 bits}}
  hw.tier @d capacity 8388608TiB
}

// -----

hw.machine @m device @d {
  // expected-error @+1 {{expected floating point literal}}
  hw.tier @d capacity many
}
