//===- SchedOps.td - A schedule's operations ----------------*- tablegen -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_SCHED_OPS
#define SPILLWAY_SCHED_OPS

include "Sched/SchedBase.td"
include "Sched/SchedInterfaces.td"

class Sched_Op<string mnemonic, list<Trait> traits = []> : Op<Sched_Dialect, mnemonic, traits>;

def Sched_ProgramOp : Sched_Op<"program", [IsolatedFromAbove, Symbol, SingleBlock, NoTerminator, NoRegionArguments,
                                           DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a scheduled training step";
  let description = [{
    The schedule of the frozen step `step`. The prologue says where persistent
    tensors lie when a step starts, hence also when it ends: the loader puts
    their first bytes there, and the saver, as the epilogue, reads them. The
    body is the steady step, in issue order. Between two steps there is no
    barrier but the waits.

    Constraints:
    * (C1) tiers, links and streams have distinct names, and links and streams
      name tiers and links that exist; there is at least one tier;
    * (C2) an arena is at most its tier's capacity;
    * (C3) every address is on a tier of the program and inside its arena;
    * (C4) an instruction's stream is one of the program's, a copy's has a link
      from its source to its destination, all others' have none;
    * (C5) a signal is given once, and a wait names a signal that is given.

    ```mlir
    sched.program @mlp_plan of @mlp
        tiers [#sched.tier<"device" capacity 8192 arena 4096>, #sched.tier<"host" capacity 8192 arena 2048>]
        links [#sched.link<"h2d" from "host" to "device" rate 1.0e+10 latency 1000>]
        streams [#sched.stream<"compute">, #sched.stream<"h2d" over "h2d">]
    prologue {
      sched.bind "w" [0] bytes(1024) at device[0]
    } body {
      sched.copy host[0] -> device[1024] bytes(512) on "h2d" signal 0
      sched.launch @relu 3 (device[1024]) -> (device[2048]) on "compute" wait [0]
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, FlatSymbolRefAttr:$step,
                       TypedArrayAttrBase<Sched_TierAttr, "tiers">:$tiers,
                       TypedArrayAttrBase<Sched_LinkAttr, "links">:$links,
                       TypedArrayAttrBase<Sched_StreamAttr, "streams">:$streams);
  let regions = (region SizedRegion<1>:$prologue, SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name `of` $step `\n` `tiers` $tiers `\n` `links` $links `\n` `streams` $streams
    attr-dict-with-keyword `\n` `prologue` $prologue `body` $body
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Index of the tier, link or stream of a name; none where there is none.
    std::optional<unsigned> findTier(::llvm::StringRef name);
    std::optional<unsigned> findLink(::llvm::StringRef name);
    std::optional<unsigned> findStream(::llvm::StringRef name);
    TierAttr getTier(unsigned index) { return ::llvm::cast<TierAttr>(getTiers()[index]); }
    LinkAttr getLink(unsigned index) { return ::llvm::cast<LinkAttr>(getLinks()[index]); }
    StreamAttr getStream(unsigned index) { return ::llvm::cast<StreamAttr>(getStreams()[index]); }
  }];
}

//===----------------------------------------------------------------------===//
// Prologue
//===----------------------------------------------------------------------===//

def Sched_BindOp : Sched_Op<"bind", [HasParent<"ProgramOp">]> {
  let summary = "where a piece of a persistent tensor lies between steps";
  let description = [{
    Bytes [`value_offset`, `value_offset` + `bytes`) of the argument `tensor` of
    the step. A tensor may be bound in several pieces on several tiers.

    ```mlir
    sched.bind "w" [4096] bytes(1024) at host[0]
    ```
  }];
  let arguments = (ins StrAttr:$tensor, I64Attr:$value_offset, I64Attr:$bytes, Sched_AddressAttr:$location);
  let assemblyFormat = [{
    $tensor `[` $value_offset `]` `bytes` `(` $bytes `)` `at`
    custom<Address>($location) attr-dict
  }];
}

def Sched_BufferOp : Sched_Op<"buffer", [HasParent<"ProgramOp">]> {
  let summary = "a range of bytes and what it is for";
  let description = [{
    For people: pictures, reports and diagnostics read it, nothing else does.
    `first` and `last` are the positions in the body of the instructions that
    touch it first and last; `last` < `first` where it lives over the step's end.

    ```mlir
    sched.buffer "layer.0.h" activation at device[4096] bytes(1024) from 3 to 12
    ```
  }];
  let arguments = (ins StrAttr:$name, StrAttr:$category, Sched_AddressAttr:$location, I64Attr:$bytes,
                       I64Attr:$first, I64Attr:$last);
  let assemblyFormat = [{
    $name custom<Keyword>($category) `at` custom<Address>($location) `bytes` `(`
    $bytes `)` `from` $first `to` $last attr-dict
  }];
}

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

/// What all instructions have: a stream, the signal that it gives when it is
/// done, and the signals that it waits for.
class Sched_Instruction<string mnemonic, dag args>
    : Sched_Op<mnemonic, [HasParent<"ProgramOp">, InstructionOpInterface]> {
  let arguments = !con(args, (ins StrAttr:$stream, DefaultValuedOptionalAttr<DenseI64ArrayAttr, "{}">:$waits, OptionalAttr<I64Attr>:$signal,
                                  OptionalAttr<I64Attr>:$start_ns, OptionalAttr<I64Attr>:$duration_ns));
}

def Sched_LaunchOp : Sched_Instruction<"launch", (ins FlatSymbolRefAttr:$kernel, I64Attr:$id,
    TypedArrayAttrBase<Sched_AddressAttr, "addresses">:$inputs,
    TypedArrayAttrBase<Sched_AddressAttr, "addresses">:$outputs,
    OptionalAttr<Sched_AddressAttr>:$workspace, UnitAttr:$recompute)> {
  let summary = "run a kernel";
  let description = [{
    Runs the op of the step that has the id `id`, whose kernel is named for the
    reader. An address is that of an operand's first element; sizes, strides
    and attributes are the op's. `recompute`: not the first run of the op.

    ```mlir
    sched.launch @matmul 12 (device[0], device[4096]) -> (device[8192]) workspace device[65536] on "compute" wait [3] signal 4
    sched.launch @unary 13 recompute (device[0]) -> (device[4096]) on "compute"
    ```
  }];
  let assemblyFormat = [{
    $kernel $id (`recompute` $recompute^)?
    custom<Addresses>($inputs) `->` custom<Addresses>($outputs)
    (`workspace` custom<Address>($workspace)^)? `on` $stream (`wait` $waits^)?
    (`signal` $signal^)? attr-dict
  }];
}

def Sched_CopyOp : Sched_Instruction<"copy", (ins Sched_AddressAttr:$source,
                                              Sched_AddressAttr:$destination, I64Attr:$bytes)> {
  let summary = "move bytes between tiers";
  let description = [{
    ```mlir
    sched.copy device[0] -> host[4096] bytes(1024) on "d2h" wait [7] signal 8
    ```
  }];
  let assemblyFormat = [{
    custom<Address>($source) `->` custom<Address>($destination) `bytes` `(` $bytes `)`
    `on` $stream (`wait` $waits^)? (`signal` $signal^)? attr-dict
  }];
}

def Sched_FeedOp : Sched_Instruction<"feed", (ins StrAttr:$tensor, Sched_AddressAttr:$destination)> {
  let summary = "the host writes an input of the step";
  let description = [{
    The next sample of an input, or the present number of a hyperparameter.

    ```mlir
    sched.feed "input_ids" -> host[0] on "host" wait [2] signal 0
    ```
  }];
  let assemblyFormat = [{
    $tensor `->` custom<Address>($destination)
    `on` $stream (`wait` $waits^)? (`signal` $signal^)? attr-dict
  }];
}

def Sched_FetchOp : Sched_Instruction<"fetch", (ins StrAttr:$output, Sched_AddressAttr:$source)> {
  let summary = "the host reads a result of the step";
  let description = [{
    ```mlir
    sched.fetch "loss" from host[256] on "host" wait [9]
    ```
  }];
  let assemblyFormat = [{
    $output `from` custom<Address>($source)
    `on` $stream (`wait` $waits^)? (`signal` $signal^)? attr-dict
  }];
}

#endif // SPILLWAY_SCHED_OPS
