// RUN: spillway-opt %s | spillway-opt | FileCheck %s
// RUN: spillway-opt %s --mlir-print-op-generic | spillway-opt | FileCheck %s

// CHECK-LABEL: hw.machine @everything device @device {
hw.machine @everything device @device {
  // CHECK-NEXT: hw.tier @device capacity 8GiB reserve 512MiB
  hw.tier @device capacity 8GiB reserve 0.5GiB
  // CHECK-NEXT: hw.tier @host capacity 16GB{{$}}
  hw.tier @host capacity 16GB
  // CHECK-NEXT: hw.tier @nvme capacity 1TiB reserve 1B
  hw.tier @nvme capacity 1024GiB reserve 1B
  // CHECK-NEXT: hw.link @h2d @host -> @device bandwidth 13GB/s{{$}}
  hw.link @h2d @host -> @device bandwidth 13GB/s
  // CHECK-NEXT: hw.link @d2h @device -> @host bandwidth 13500MB/s efficiency 0.82 latency 10us
  hw.link @d2h @device -> @host bandwidth 13.5GB/s efficiency 0.82 latency 10us
  // CHECK-NEXT: hw.link @read @nvme -> @host bandwidth 7GB/s latency 1500ns wire "nvme"
  hw.link @read @nvme -> @host bandwidth 7GB/s latency 1.5us wire "nvme"
  // CHECK-NEXT: hw.link @write @host -> @nvme bandwidth 1B/s wire "nvme"
  hw.link @write @host -> @nvme bandwidth 1B/s wire "nvme"
  // CHECK-NEXT: hw.engine @compute on @device lanes 2 launch 5us memory 256GB/s efficiency 0.9 rates
  // CHECK-SAME:   [gemm f32 15TFLOP/s efficiency 0.125, gemm bf16 30500GFLOP/s, sparse tf32 1PFLOP/s]
  hw.engine @compute on @device lanes 2 launch 5us memory 256GB/s efficiency 0.9 rates [
    gemm f32 15TFLOP/s efficiency 0.125, gemm bf16 30.5TFLOP/s, sparse tf32 1PFLOP/s]
  // CHECK-NEXT: hw.engine @helper on @host memory 20GB/s rates [gemm f32 1FLOP/s]
  hw.engine @helper on @host memory 20GB/s efficiency 1 rates [gemm f32 1FLOP/s]
}

// One tier is a machine.
// CHECK-LABEL: hw.machine @least
hw.machine @least device @d {
  hw.tier @d capacity 1B
  hw.engine @e on @d memory 1B/s rates [gemm f32 1FLOP/s]
}
