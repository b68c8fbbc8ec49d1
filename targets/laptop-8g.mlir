// A laptop with an NVIDIA GeForce RTX 4060 Laptop GPU, 8 GB.
//
// GPU: NVIDIA's "GeForce RTX 40 Series laptops" comparison: 3072 cores, boost up to 2370 MHz, hence
// 14.6 TFLOP/s f32; 8 GB GDDR6, 128 bit at 16 Gbit/s, 256 GB/s. BF16 and FP16 with f32
// accumulation: twice f32, as in the "NVIDIA Ada GPU architecture" whitepaper.
// Link: PCIe 4.0 x8, 16 GB/s each way less 128b/130b encoding.
// Host: 16 GiB of 2-channel DDR5-4800, 76.8 GB/s (Intel Core i7-13700H, ARK: 6 performance cores,
// 2.4 GHz; 32 flops a cycle and core in f32 give 460 GFLOP/s).
// Efficiencies are our estimates of what large operators and pinned copies reach.
hw.machine @laptop_8g device @device {
  hw.tier @device capacity 8GiB reserve 768MiB
  hw.tier @host capacity 16GiB reserve 6GiB
  hw.link @h2d @host -> @device bandwidth 15750MB/s efficiency 0.8 latency 10us
  hw.link @d2h @device -> @host bandwidth 15750MB/s efficiency 0.8 latency 10us
  hw.engine @compute on @device lanes 1 launch 5us memory 256GB/s efficiency 0.85 rates [
    gemm f32 14600GFLOP/s efficiency 0.75, gemm f16 29200GFLOP/s efficiency 0.8,
    gemm bf16 29200GFLOP/s efficiency 0.8, attention f32 14600GFLOP/s efficiency 0.5,
    attention f16 29200GFLOP/s efficiency 0.6, attention bf16 29200GFLOP/s efficiency 0.6,
    elementwise f32 14600GFLOP/s efficiency 0.4]
  hw.engine @cpu on @host lanes 6 launch 5us memory 76800MB/s efficiency 0.7 rates [
    gemm f32 460GFLOP/s efficiency 0.7, elementwise f32 460GFLOP/s efficiency 0.25]
}
