// NVIDIA GeForce RTX 4090 24 GB in a desktop with an NVMe drive.
//
// GPU: "NVIDIA Ada GPU architecture" whitepaper, appendix A: 82.6 TFLOP/s f32, 82.6 TFLOP/s TF32,
// 165.2 TFLOP/s BF16 and FP16 with f32 accumulation (dense), 24 GB GDDR6X, 1008 GB/s.
// Link: PCIe 4.0 x16, 32 GB/s each way less 128b/130b encoding.
// Drive: Samsung 990 PRO 2 TB data sheet: up to 7450 MB/s sequential read, 6900 MB/s write; reads
// and writes share its controller.
// Host: 128 GiB of 2-channel DDR5-5200, 83.2 GB/s (AMD Ryzen 9 7950X: 16 cores, 4.5 GHz; 32 flops a
// cycle and core in f32 give 2.3 TFLOP/s).
// Efficiencies are our estimates of what large operators, pinned copies and direct I/O reach.
hw.machine @rtx4090_24g device @device {
  hw.tier @device capacity 24GiB reserve 1GiB
  hw.tier @host capacity 128GiB reserve 8GiB
  hw.tier @nvme capacity 2TB reserve 200GB
  hw.link @h2d @host -> @device bandwidth 31500MB/s efficiency 0.82 latency 10us
  hw.link @d2h @device -> @host bandwidth 31500MB/s efficiency 0.82 latency 10us
  hw.link @nvme_read @nvme -> @host bandwidth 7450MB/s efficiency 0.85 latency 80us wire "nvme"
  hw.link @nvme_write @host -> @nvme bandwidth 6900MB/s efficiency 0.8 latency 30us wire "nvme"
  hw.engine @compute on @device lanes 1 launch 4us memory 1008GB/s efficiency 0.88 rates [
    gemm f32 82600GFLOP/s efficiency 0.7, gemm tf32 82600GFLOP/s efficiency 0.85,
    gemm f16 165200GFLOP/s efficiency 0.85, gemm bf16 165200GFLOP/s efficiency 0.85,
    attention f32 82600GFLOP/s efficiency 0.5, attention f16 165200GFLOP/s efficiency 0.65,
    attention bf16 165200GFLOP/s efficiency 0.65, elementwise f32 82600GFLOP/s efficiency 0.4]
  hw.engine @cpu on @host lanes 16 launch 5us memory 83200MB/s efficiency 0.75 rates [
    gemm f32 2304GFLOP/s efficiency 0.7, elementwise f32 2304GFLOP/s efficiency 0.25]
}
