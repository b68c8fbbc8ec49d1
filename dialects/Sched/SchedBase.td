//===- SchedBase.td - The sched dialect and its attributes --*- tablegen -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_SCHED_BASE
#define SPILLWAY_SCHED_BASE

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"

def Sched_Dialect : Dialect {
  let name = "sched";
  let cppNamespace = "::spillway::sched";
  let summary = "When and where: a step as instructions over addresses";
  let description = [{
    Memory-explicit and fully ordered: every byte has a tier and an offset,
    every instruction a stream, every dependence between streams a wait. There
    are no SSA values: what an instruction means is said by the frozen
    `train.step` that the program schedules, and whether the program computes it
    is proven by the plan verifier. The rationale is in `dialects/Sched/README.md`.
  }];
  let useDefaultAttributePrinterParser = 1;
}

class Sched_Attr<string name, string mnem> : AttrDef<Sched_Dialect, name> { let mnemonic = mnem; }

def Sched_AddressAttr : Sched_Attr<"Address", "address"> {
  let summary = "a byte address: a tier and an offset in its arena";
  let description = [{
    In the operations it is written without its prefix: `device[4096]`.

    ```mlir
    #sched.address<device[4096]>
    ```
  }];
  let parameters = (ins StringRefParameter<"the tier's name">:$tier, "uint64_t":$offset);
  let hasCustomAssemblyFormat = 1;
}

def Sched_TierAttr : Sched_Attr<"Tier", "tier"> {
  let summary = "a level of the memory hierarchy";
  let description = [{
    `capacity` is the budget in bytes, `arena` the bytes that the program takes
    of it. The first tier of a program is where kernels compute.

    ```mlir
    #sched.tier<"device" capacity 201326592 arena 181403648>
    ```
  }];
  let parameters = (ins StringRefParameter<"">:$name, "uint64_t":$capacity,
                        DefaultValuedParameter<"uint64_t", "0">:$arena);
  let assemblyFormat = "`<` $name `capacity` $capacity (`arena` $arena^)? `>`";
}

def Sched_LinkAttr : Sched_Attr<"Link", "link"> {
  let summary = "a directed connection of two tiers";
  let description = [{
    `rate` is in bytes a second, `latency` in nanoseconds. Links of one nonzero
    `group` share one wire.

    ```mlir
    #sched.link<"h2d" from "host" to "device" rate 2.4e+10 latency 10000>
    ```
  }];
  let parameters = (ins StringRefParameter<"">:$name, StringRefParameter<"">:$source,
                        StringRefParameter<"">:$destination, "::mlir::FloatAttr":$rate,
                        "uint64_t":$latency, DefaultValuedParameter<"uint32_t", "0">:$group);
  let assemblyFormat = [{
    `<` $name `from` $source `to` $destination `rate` custom<Rate>($rate)
    `latency` $latency (`group` $group^)? `>`
  }];
}

def Sched_StreamAttr : Sched_Attr<"Stream", "stream"> {
  let summary = "an in-order queue";
  let description = [{
    A stream with a link runs its copies; one without launches kernels, or is
    the `host`'s, which feeds inputs and fetches results.

    ```mlir
    #sched.stream<"compute">
    #sched.stream<"h2d" over "h2d">
    ```
  }];
  let parameters = (ins StringRefParameter<"">:$name, OptionalParameter<"::mlir::StringAttr">:$link);
  let assemblyFormat = "`<` $name (`over` $link^)? `>`";
}

#endif // SPILLWAY_SCHED_BASE
