// NVIDIA H100 80 GB PCIe in a server.
//
// GPU: "NVIDIA H100 Tensor Core GPU" data sheet, column H100 PCIe: 51 TFLOP/s f32,
// 378 TFLOP/s TF32 and 756 TFLOP/s BF16 (dense: half of the figures with sparsity),
// 80 GB, 2 TB/s.
// Link: PCIe 5.0 x16, 64 GB/s each way less 128b/130b encoding ("128 GB/s" in the data
// sheet counts both ways).
// Host: 512 GiB of 8-channel DDR5-4800, 307.2 GB/s (Intel Xeon Platinum 8480+, ARK: 56 cores,
// 2.0 GHz; 64 flops a cycle and core in f32 with AVX-512 give 7.1 TFLOP/s).
// Efficiencies are our estimates of what large operators and pinned copies reach.
hw.machine @h100_80g_pcie5 device @device {
  hw.tier @device capacity 80GB reserve 1GiB
  hw.tier @host capacity 512GiB reserve 32GiB
  hw.link @h2d @host -> @device bandwidth 63GB/s efficiency 0.87 latency 10us
  hw.link @d2h @device -> @host bandwidth 63GB/s efficiency 0.87 latency 10us
  hw.engine @compute on @device lanes 1 launch 4us memory 2TB/s efficiency 0.85 rates [
    gemm f32 51TFLOP/s efficiency 0.75, gemm tf32 378TFLOP/s efficiency 0.6,
    gemm f16 756TFLOP/s efficiency 0.65, gemm bf16 756TFLOP/s efficiency 0.65,
    attention f32 51TFLOP/s efficiency 0.5, attention f16 756TFLOP/s efficiency 0.45,
    attention bf16 756TFLOP/s efficiency 0.45, elementwise f32 51TFLOP/s efficiency 0.5]
  hw.engine @cpu on @host lanes 56 launch 5us memory 307200MB/s efficiency 0.7 rates [
    gemm f32 7168GFLOP/s efficiency 0.7, elementwise f32 7168GFLOP/s efficiency 0.25]
}
