// NVIDIA A100 40 GB PCIe in a server.
//
// GPU: "NVIDIA A100 Tensor Core GPU" data sheet: 19.5 TFLOP/s f32, 156 TFLOP/s TF32,
// 312 TFLOP/s BF16 and FP16 (dense), 40 GB HBM2, 1555 GB/s.
// Link: PCIe 4.0 x16, 32 GB/s each way less 128b/130b encoding.
// Host: 256 GiB of 8-channel DDR4-3200, 204.8 GB/s (AMD EPYC 7543: 32 cores, 2.8 GHz; 32 flops a
// cycle and core in f32 give 2.87 TFLOP/s).
// Efficiencies are our estimates of what large operators and pinned copies reach.
hw.machine @a100_40g device @device {
  hw.tier @device capacity 40GB reserve 1GiB
  hw.tier @host capacity 256GiB reserve 16GiB
  hw.link @h2d @host -> @device bandwidth 31500MB/s efficiency 0.84 latency 10us
  hw.link @d2h @device -> @host bandwidth 31500MB/s efficiency 0.84 latency 10us
  hw.engine @compute on @device lanes 1 launch 4us memory 1555GB/s efficiency 0.85 rates [
    gemm f32 19500GFLOP/s efficiency 0.9, gemm tf32 156TFLOP/s efficiency 0.75,
    gemm f16 312TFLOP/s efficiency 0.75, gemm bf16 312TFLOP/s efficiency 0.75,
    attention f32 19500GFLOP/s efficiency 0.6, attention f16 312TFLOP/s efficiency 0.6,
    attention bf16 312TFLOP/s efficiency 0.6, elementwise f32 19500GFLOP/s efficiency 0.5]
  hw.engine @cpu on @host lanes 32 launch 5us memory 204800MB/s efficiency 0.7 rates [
    gemm f32 2867GFLOP/s efficiency 0.7, elementwise f32 2867GFLOP/s efficiency 0.25]
}
