//===- Passes.td - From one dialect to the next -------------*- tablegen -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_CONVERSION_PASSES
#define SPILLWAY_CONVERSION_PASSES

include "mlir/Pass/PassBase.td"

def ConvertOffloadToSched : Pass<"convert-offload-to-sched", "::mlir::ModuleOp"> {
  let summary = "write a planned step as instructions over addresses";
  let description = [{
    For each `offload.step` whose buffers have addresses, a `sched.program`
    behind it. An op that acts becomes one instruction, at its place in the
    order; fed arguments are fed first and outputs fetched last. Nothing is
    decided; waits are inserted by `sched-insert-waits`.

    ```mlir
    // before
    %t = offload.load.start %x {offload.addresses = array<i64: 0>} : ...
    %v = offload.await %t : !offload.transfer<tensor<4x8xf32>>
    %0 = train.unary relu %v {id = 0 : i64, offload.addresses = array<i64: 256>} : tensor<4x8xf32>
    // after
    sched.copy host[0] -> device[0] bytes(128) on "h2d"
    sched.launch @unary 0 (device[0]) -> (device[256]) on "compute"
    ```
  }];
  let dependentDialects = ["::spillway::sched::SchedDialect"];
}

#endif // SPILLWAY_CONVERSION_PASSES
