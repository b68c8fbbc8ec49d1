// RUN: spillway-opt %s --verify-roundtrip | FileCheck %s
// RUN: spillway-opt %s --mlir-print-debuginfo | FileCheck %s --check-prefix=LOC
// RUN: spillway-opt %s --emit-bytecode | spillway-opt | FileCheck %s

// Names of the source model are kept, whatever they are; values get readable ones.
// CHECK-LABEL: train.step @names(
// CHECK-NEXT: input %transformer_h_0_x "transformer.h.0/x" : tensor<2xf32>,
// CHECK-NEXT: param %arg_0_weight "0.weight" : tensor<2xf32>,
// CHECK-NEXT: param %[[Q:.*]] "a \22quoted\22 one" : tensor<2xf32>,
// CHECK-NEXT: param %[[U:.*]] "gr\C3\B6\C3\9Fe" : tensor<2xf32>,
// CHECK-NEXT: hyper %lr "lr" : tensor<f32> {fill = 1.000000e-03 : f64}) {
train.step @names(input %a "transformer.h.0/x" : tensor<2xf32>, param %b "0.weight" : tensor<2xf32>,
                  param %c "a \"quoted\" one" : tensor<2xf32>, param %d "größe" : tensor<2xf32>,
                  hyper %lr "lr" : tensor<f32> {fill = 1.0e-3 : f64}) {
  train.return
}

// CHECK-LABEL: train.step @"with space"(
// CHECK-NEXT: param %w "w" : tensor<2x3xf32> {frozen, source = #train.source<"dir/a \22b\22.data" at 4096 bytes 24>, tied = ["v", "u"]},
// CHECK-NEXT: input %ids "ids" : tensor<4xi64> {ignore_index = -100 : i64, vocabulary = 50257 : i64},
// CHECK-NEXT: state %w_exp_avg "w.exp_avg" : tensor<2x3xf32> {fill = 0.000000e+00 : f64},
// CHECK-NEXT: constant %c "c" : tensor<2xi64> {value = dense<[1, 2]> : tensor<2xi64>}) attributes {frozen, lanes = 4 : i64, micro_batches = 2 : i64, model = "m.onnx", other = "kept", tokens = 512 : i64} {
train.step @"with space"(param %w "w" : tensor<2x3xf32> {source = #train.source<"dir/a \"b\".data" at 4096 bytes 24>, tied = ["v", "u"], frozen},
                  input %ids "ids" : tensor<4xi64> {vocabulary = 50257 : i64, ignore_index = -100 : i64},
                  state %w.exp_avg "w.exp_avg" : tensor<2x3xf32> {fill = 0.0 : f64},
                  constant %c "c" : tensor<2xi64> {value = dense<[1, 2]> : tensor<2xi64>})
    attributes {model = "m.onnx", tokens = 512 : i64, lanes = 4 : i64, micro_batches = 2 : i64, frozen, other = "kept"} {
  train.return
}

// Defaults are not printed.
// CHECK-LABEL: train.step @defaults() {
train.step @defaults() attributes {micro_batches = 1 : i64, tokens = 0 : i64, lanes = 1 : i64} {
  // CHECK: train.return
  // CHECK-NOT: output_names
  train.return
}

// An argument may have a location: its name in the source model, say.
// CHECK-LABEL: train.step @locations
// LOC-LABEL: train.step @locations(
// LOC-NEXT: param %w loc("model/w") "w" : tensor<f32>,
// LOC-NEXT: param %v loc("model/v") "v" : tensor<f32> {fill = 1.000000e+00 : f64})
train.step @locations(param %w loc("model/w") "w" : tensor<f32>,
                      param %v loc("model/v") "v" : tensor<f32> {fill = 1.0 : f64}) {
  train.return
}

// CHECK-LABEL: train.step @returns
// CHECK: train.return loss %x : tensor<f32> outputs ["a", "b"](%x, %w : tensor<f32>, tensor<3xf32>)
// CHECK-SAME: update(%w, %m : tensor<3xf32>, tensor<3xf32>) to(%m, %w : tensor<3xf32>, tensor<3xf32>)
// CHECK-SAME: {note = 1 : i64}
train.step @returns(input %x "x" : tensor<f32>, param %w "w" : tensor<3xf32>, state %m "m" : tensor<3xf32>) {
  train.return loss %x : tensor<f32> outputs ["a", "b"] (%x, %w : tensor<f32>, tensor<3xf32>)
    update (%w, %m : tensor<3xf32>, tensor<3xf32>) to (%m, %w : tensor<3xf32>, tensor<3xf32>) {note = 1 : i64}
}
