//===- SchedInterfaces.td - What instructions share ---------*- tablegen -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_SCHED_INTERFACES
#define SPILLWAY_SCHED_INTERFACES

include "mlir/IR/OpBase.td"

def InstructionOpInterface : OpInterface<"InstructionOpInterface"> {
  let cppNamespace = "::spillway::sched";
  let description = [{
    An operation of a program's body: it runs on a stream, after the earlier
    ones of that stream and after what it waits for. A wait for an instruction
    that stands later in the body, or for itself, means that of the step before.
  }];
  let methods = [
    InterfaceMethod<"The stream's name.", "::llvm::StringRef", "getStream">,
    InterfaceMethod<"Signals to wait for.", "::llvm::ArrayRef<int64_t>", "getWaits">,
    InterfaceMethod<"", "void", "setWaits", (ins "::llvm::ArrayRef<int64_t>":$waits)>,
    InterfaceMethod<"The signal given at the end, if any.", "::std::optional<uint64_t>", "getSignal">,
    InterfaceMethod<"", "void", "setSignal", (ins "::std::optional<uint64_t>":$signal)>,
    InterfaceMethod<"Predicted start, from that of the step.", "::std::optional<uint64_t>", "getStartNs">,
    InterfaceMethod<"Predicted duration.", "::std::optional<uint64_t>", "getDurationNs">
  ];
}

#endif // SPILLWAY_SCHED_INTERFACES
