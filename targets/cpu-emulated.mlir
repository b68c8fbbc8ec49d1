// The CPU backend with emulated links: the machine that a schedule can be tried on without a GPU.
//
// The "device" is an arena of its own with a hard capacity, its compute two threads of the CPU, and
// its links are throttled (spillway-run --emulate-links) so that they stand to that compute as a
// laptop GPU's do (targets/laptop-8g.mlir: 14.6 TFLOP/s over 12.6 GB/s, 1160 flops a byte). So
// neither swap nor recompute is free.
//
// Compute: OpenBLAS 0.3.21 sgemm of 2048^3 reaches 92 GFLOP/s on one and 184 on two cores of the
// machine that this was written on (AMD EPYC, Zen 4, 2 cores); 184 GFLOP/s over 130 MB/s are 1415
// flops a byte. Other machines: measure with spillway-run --profile.
hw.machine @cpu_emulated device @device {
  hw.tier @device capacity 8GiB
  hw.tier @host capacity 16GiB
  hw.link @h2d @host -> @device bandwidth 130MB/s latency 20us
  hw.link @d2h @device -> @host bandwidth 130MB/s latency 20us
  hw.engine @compute on @device lanes 2 launch 3us memory 20GB/s rates [
    gemm f32 184GFLOP/s, attention f32 60GFLOP/s, elementwise f32 20GFLOP/s]
}
