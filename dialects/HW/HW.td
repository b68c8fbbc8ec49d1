//===- HW.td - Machines: tiers, links, engines -------------*- tablegen -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_HW
#define SPILLWAY_HW

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"

def HW_Dialect : Dialect {
  let name = "hw";
  let cppNamespace = "::spillway::hw";
  let summary = "Machines: tiers of memory, links between them, engines";
  let description = [{
    Describes a machine to plan for. Everything is a symbol, never an enum: a
    machine may have more devices and more tiers than we know today. Rates are
    the data sheet's; `efficiency` is the share of it that programs reach.
    The rationale is in `dialects/HW/README.md`.
  }];
  let useDefaultAttributePrinterParser = 1;
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

def HW_RateAttr : AttrDef<HW_Dialect, "Rate"> {
  let mnemonic = "rate";
  let summary = "how fast an engine does one kind of work in one data type";
  let description = [{
    `work` is an open set of names; the cost model asks for `gemm`, `attention`
    and `elementwise`.

    ```mlir
    #hw.rate<"gemm", f32, 67000000000000, 0.8>
    ```
  }];
  let parameters = (ins "::mlir::StringAttr":$work, "::mlir::Type":$type,
                        "int64_t":$flopsPerSecond, "::mlir::FloatAttr":$efficiency);
  let assemblyFormat = "`<` $work `,` $type `,` $flopsPerSecond `,` custom<Share>($efficiency) `>`";
}

def HW_RateArrayAttr : TypedArrayAttrBase<HW_RateAttr, "rates of an engine">;

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

class HW_Op<string mnemonic, list<Trait> traits = []> : Op<HW_Dialect, mnemonic, traits>;

def HW_MachineOp : HW_Op<"machine", [SymbolTable, Symbol, IsolatedFromAbove, GraphRegionNoTerminator,
                                     SingleBlock]> {
  let summary = "a machine to plan for";
  let description = [{
    Kernels run on `device`, a tier that must have an engine; the other tiers
    hold what does not fit there.

    Constraints:
    * the body has only tiers, links and engines, each with a name of its own;
    * `device` is one of the tiers and has an engine;
    * from the device to every other tier and back, there is a way of at most
      two links.

    ```mlir
    hw.machine @laptop device @device {
      hw.tier @device capacity 8GiB reserve 512MiB
      hw.tier @host capacity 16GiB reserve 4GiB
      hw.link @h2d @host -> @device bandwidth 16GB/s efficiency 0.8 latency 10us
      hw.link @d2h @device -> @host bandwidth 16GB/s efficiency 0.8 latency 10us
      hw.engine @compute on @device lanes 1 launch 5us memory 256GB/s rates [gemm f32 15TFLOP/s]
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, FlatSymbolRefAttr:$device);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name `device` $device attr-dict-with-keyword $body";
  let hasRegionVerifier = 1;
}

class HW_PartOp<string mnemonic> : HW_Op<mnemonic, [Symbol, HasParent<"MachineOp">]>;

def HW_TierOp : HW_PartOp<"tier"> {
  let summary = "memory of one kind";
  let description = [{
    `reserve` is what a plan must leave to others: the driver, the desktop, the
    process itself. A budget is by default the capacity less the reserve.

    Constraints: the capacity is positive, the reserve not negative and less
    than the capacity.

    ```mlir
    hw.tier @device capacity 24GiB reserve 1GiB
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$capacity_bytes,
                       DefaultValuedAttr<I64Attr, "0">:$reserve_bytes);
  let assemblyFormat = [{
    $sym_name `capacity` custom<Bytes>($capacity_bytes)
    (`reserve` custom<Bytes>($reserve_bytes)^)? attr-dict
  }];
  let hasVerifier = 1;
}

def HW_LinkOp : HW_PartOp<"link"> {
  let summary = "a one-way connection between two tiers";
  let description = [{
    A link has a queue of its own. Links that name the same `wire` share it, and
    transfer by turns: so is half duplex said, and a drive that reads and writes
    through one port. Without a wire, links are independent.

    Constraints: both ends are tiers of the machine, and differ; the bandwidth
    is positive, the efficiency above 0 and at most 1, the latency not negative.

    ```mlir
    hw.link @nvme_read @nvme -> @host bandwidth 7GB/s efficiency 0.9 latency 80us wire "nvme"
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, FlatSymbolRefAttr:$source,
                       FlatSymbolRefAttr:$destination, I64Attr:$bytes_per_second,
                       DefaultValuedAttr<F64Attr, "1.0">:$efficiency,
                       DefaultValuedAttr<I64Attr, "0">:$latency_ns,
                       OptionalAttr<StrAttr>:$wire);
  let assemblyFormat = [{
    $sym_name $source `->` $destination `bandwidth` custom<Bandwidth>($bytes_per_second)
    (`efficiency` custom<Share>($efficiency)^)? (`latency` custom<Time>($latency_ns)^)?
    (`wire` $wire^)? attr-dict
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The bandwidth that transfers reach.
    double getReachedBytesPerSecond() {
      return static_cast<double>(getBytesPerSecond()) * getEfficiency().convertToDouble();
    }
  }];
}

def HW_EngineOp : HW_PartOp<"engine"> {
  let summary = "what runs operators, one after the other";
  let description = [{
    `memory` is the bandwidth between the engine and its tier, which bounds work
    with few flops a byte; `launch` is the fixed cost of one operator; `lanes`
    is how many threads a kernel on it may use, and with that how many slices of
    workspace it is given. A rate that is missing in a data type is taken from
    the same work in f32, and a missing kind of work from `gemm`.

    Constraints: the tier is one of the machine; the memory bandwidth, the
    number of lanes and every rate are positive, efficiencies above 0 and at
    most 1, the launch time not negative; no two rates have one kind of work and
    one type; there is a rate of gemm in f32.

    ```mlir
    hw.engine @compute on @device lanes 1 launch 4us memory 1008GB/s efficiency 0.85 rates [
      gemm f32 82TFLOP/s efficiency 0.7, gemm bf16 165TFLOP/s efficiency 0.75]
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, FlatSymbolRefAttr:$tier,
                       DefaultValuedAttr<I64Attr, "1">:$lanes,
                       DefaultValuedAttr<I64Attr, "0">:$launch_ns,
                       I64Attr:$memory_bytes_per_second,
                       DefaultValuedAttr<F64Attr, "1.0">:$efficiency,
                       HW_RateArrayAttr:$rates);
  let assemblyFormat = [{
    $sym_name `on` $tier (`lanes` $lanes^)? (`launch` custom<Time>($launch_ns)^)?
    `memory` custom<Bandwidth>($memory_bytes_per_second) (`efficiency` custom<Share>($efficiency)^)?
    `rates` custom<Rates>($rates) attr-dict
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The memory bandwidth that programs reach.
    double getReachedBytesPerSecond() {
      return static_cast<double>(getMemoryBytesPerSecond()) * getEfficiency().convertToDouble();
    }
  }];
}

#endif // SPILLWAY_HW
