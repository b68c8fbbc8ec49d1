//===- TrainNNOps.td - Layers and losses -*- tablegen -*-===//
//
// Part of the Spillway project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPILLWAY_TRAIN_NN_OPS
#define SPILLWAY_TRAIN_NN_OPS

include "Train/TrainBase.td"

def Train_SoftmaxOp : Train_KernelOp<"softmax", [SameOperandsAndResultType, Costs<["getFlops"]>,
    Kernel<["getInPlacePairs"]>, Differentiable]> {
  let summary = "softmax over the last dimension";
  let description = [{
    Constraints: (C1) the operand has at least one dimension.

    ```mlir
    %y = train.softmax %x : tensor<4x8xf32>
    ```
  }];
  let arguments = (ins Train_FloatTensor:$input);
  let results = (outs Train_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Train_SoftmaxGradOp : Train_KernelOp<"softmax_grad", [SameOperandsAndResultType, Costs<["getFlops"]>,
    Kernel<["getInPlacePairs"]>]> {
  let summary = "gradient of softmax";
  let description = [{
    Constraints: (C1) the operands have at least one dimension.

    ```mlir
    %dx = train.softmax_grad %g, %y : tensor<4x8xf32>
    ```
  }];
  let arguments = (ins Train_FloatTensor:$grad, Train_FloatTensor:$output);
  let results = (outs Train_FloatTensor:$result);
  let assemblyFormat = "$grad `,` $output attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Train_LayerNormOp : Train_KernelOp<"layer_norm", [InferTypeOpAdaptor, Costs<["getFlops"]>, Kernel<>, Differentiable]> {
  let summary = "layer normalization over the last dimension";
  let description = [{
    `mean` and `rstd` (1 / sqrt(variance + eps)) are kept for the gradient; no
    gradient flows through them.
    Constraints: (C1) gamma and beta have the size of the last dimension.

    ```mlir
    %y, %mean, %rstd = train.layer_norm %x, %gamma, %beta eps 1.0e-5
        : tensor<2x8x4xf32>, tensor<4xf32>, tensor<4xf32> to tensor<2x8x4xf32>, tensor<2x8xf32>, tensor<2x8xf32>
    ```
  }];
  let arguments = (ins Train_FloatTensor:$input, Train_FloatTensor:$gamma, Train_FloatTensor:$beta, F64Attr:$eps);
  let results = (outs Train_FloatTensor:$result, Train_FloatTensor:$mean, Train_FloatTensor:$rstd);
  let assemblyFormat = [{
    $input `,` $gamma `,` $beta `eps` $eps attr-dict `:` type($input) `,` type($gamma) `,` type($beta)
    `to` type($result) `,` type($mean) `,` type($rstd)
  }];
  let hasVerifier = 1;
}

def Train_LayerNormGradOp : Train_KernelOp<"layer_norm_grad", [InferTypeOpAdaptor, Costs<["getFlops", "getWorkspaceBytes"]>,
    Kernel<["getInPlacePairs"]>]> {
  let summary = "gradient of layer normalization";
  let description = [{
    Constraints: (C1) gamma has the size of the last dimension, (C2) the gradient
    has the input's type, (C3) mean and rstd have its shape less the last dimension.

    ```mlir
    %dx, %dgamma, %dbeta = train.layer_norm_grad %g, %x, %gamma, %mean, %rstd
        : tensor<2x8x4xf32>, tensor<2x8x4xf32>, tensor<4xf32>, tensor<2x8xf32>, tensor<2x8xf32>
        to tensor<2x8x4xf32>, tensor<4xf32>, tensor<4xf32>
    ```
  }];
  let arguments = (ins Train_FloatTensor:$grad, Train_FloatTensor:$input, Train_FloatTensor:$gamma,
                       Train_FloatTensor:$mean, Train_FloatTensor:$rstd);
  let results = (outs Train_FloatTensor:$dinput, Train_FloatTensor:$dgamma, Train_FloatTensor:$dbeta);
  let assemblyFormat = [{
    $grad `,` $input `,` $gamma `,` $mean `,` $rstd attr-dict `:` type(operands) `to` type(results)
  }];
  let hasVerifier = 1;
}

def Train_RmsNormOp : Train_KernelOp<"rms_norm", [InferTypeOpAdaptor, Costs<["getFlops"]>, Kernel<>, Differentiable]> {
  let summary = "root-mean-square normalization over the last dimension";
  let description = [{
    `rstd` is 1 / sqrt(mean(x^2) + eps).
    Constraints: (C1) gamma has the size of the last dimension.

    ```mlir
    %y, %rstd = train.rms_norm %x, %gamma eps 1.0e-6 : tensor<2x8x4xf32>, tensor<4xf32> to tensor<2x8x4xf32>, tensor<2x8xf32>
    ```
  }];
  let arguments = (ins Train_FloatTensor:$input, Train_FloatTensor:$gamma, F64Attr:$eps);
  let results = (outs Train_FloatTensor:$result, Train_FloatTensor:$rstd);
  let assemblyFormat = [{
    $input `,` $gamma `eps` $eps attr-dict `:` type($input) `,` type($gamma) `to` type($result) `,` type($rstd)
  }];
  let hasVerifier = 1;
}

def Train_RmsNormGradOp : Train_KernelOp<"rms_norm_grad", [InferTypeOpAdaptor, Costs<["getFlops", "getWorkspaceBytes"]>,
    Kernel<["getInPlacePairs"]>]> {
  let summary = "gradient of root-mean-square normalization";
  let description = [{
    Constraints: (C1) gamma has the size of the last dimension, (C2) the gradient
    has the input's type, (C3) rstd has its shape less the last dimension.

    ```mlir
    %dx, %dgamma = train.rms_norm_grad %g, %x, %gamma, %rstd
        : tensor<2x8x4xf32>, tensor<2x8x4xf32>, tensor<4xf32>, tensor<2x8xf32> to tensor<2x8x4xf32>, tensor<4xf32>
    ```
  }];
  let arguments = (ins Train_FloatTensor:$grad, Train_FloatTensor:$input, Train_FloatTensor:$gamma,
                       Train_FloatTensor:$rstd);
  let results = (outs Train_FloatTensor:$dinput, Train_FloatTensor:$dgamma);
  let assemblyFormat = "$grad `,` $input `,` $gamma `,` $rstd attr-dict `:` type(operands) `to` type(results)";
  let hasVerifier = 1;
}

def Train_AttentionOp : Train_KernelOp<"attention", [InferTypeOpAdaptor,
    Costs<["getFlops", "getWorkKind", "getWorkspaceBytes"]>,
    Kernel<["getKernelAttributes", "acceptsStrides", "getReadShape"]>, Differentiable]> {
  let summary = "scaled dot-product attention that never keeps its scores";
  let description = [{
    q: [B, T, H, D]; k, v: [B, S, K, D] with K dividing H (grouped queries); the
    result is [B, T, H, D], so that projections are views of it. `lse` [B, H, T]
    (log of the sum of exponentials of a row) is kept for the gradient. A float
    mask is added to the scaled scores, a boolean one forbids where false; it
    broadcasts to [B, H, T, S] and receives no gradient. `causal`: query t sees
    the keys s <= t + S - T.
    Constraints: (C1) ranks and sizes agree as above, (C2) K divides H,
    (C3) the mask broadcasts to [B, H, T, S].

    ```mlir
    %o, %lse = train.attention %q, %k, %v {causal = true, scale = 0.125 : f64}
        : tensor<2x8x6x64xf32>, tensor<2x8x6x64xf32>, tensor<2x8x6x64xf32> to tensor<2x8x6x64xf32>, tensor<2x6x8xf32>
    ```
  }];
  let arguments = (ins Train_FloatTensor:$q, Train_FloatTensor:$k, Train_FloatTensor:$v,
                       Optional<Train_Tensor>:$mask, F64Attr:$scale,
                       DefaultValuedAttr<BoolAttr, "false">:$causal);
  let results = (outs Train_FloatTensor:$result, Train_FloatTensor:$lse);
  let assemblyFormat = [{
    $q `,` $k `,` $v (`mask` $mask^)? attr-dict `:` type($q) `,` type($k) `,` type($v) (`,` type($mask)^)?
    `to` type($result) `,` type($lse)
  }];
  let hasVerifier = 1;
}

def Train_AttentionGradOp : Train_KernelOp<"attention_grad", [InferTypeOpAdaptor,
    Costs<["getFlops", "getWorkKind", "getWorkspaceBytes"]>,
    Kernel<["getKernelAttributes", "acceptsStrides", "getReadShape"]>]> {
  let summary = "gradient of attention";
  let description = [{
    Constraints: (C1) to (C3) of attention, (C4) the gradient and the output have
    the query's type, (C5) lse is [B, H, T].

    ```mlir
    %dq, %dk, %dv = train.attention_grad %g, %q, %k, %v, %o, %lse {causal = true, scale = 0.125 : f64}
        : tensor<2x8x6x64xf32>, tensor<2x8x6x64xf32>, tensor<2x8x6x64xf32>, tensor<2x8x6x64xf32>,
          tensor<2x8x6x64xf32>, tensor<2x6x8xf32> to tensor<2x8x6x64xf32>, tensor<2x8x6x64xf32>, tensor<2x8x6x64xf32>
    ```
  }];
  let arguments = (ins Train_FloatTensor:$grad, Train_FloatTensor:$q, Train_FloatTensor:$k, Train_FloatTensor:$v,
                       Train_FloatTensor:$output, Train_FloatTensor:$lse, Optional<Train_Tensor>:$mask,
                       F64Attr:$scale, DefaultValuedAttr<BoolAttr, "false">:$causal);
  let results = (outs Train_FloatTensor:$dq, Train_FloatTensor:$dk, Train_FloatTensor:$dv);
  let assemblyFormat = [{
    $grad `,` $q `,` $k `,` $v `,` $output `,` $lse (`mask` $mask^)? attr-dict `:` type($grad) `,` type($q) `,`
    type($k) `,` type($v) `,` type($output) `,` type($lse) (`,` type($mask)^)? `to` type(results)
  }];
  let hasVerifier = 1;
}

def Train_RopeOp : Train_KernelOp<"rope", [InferTypeOpAdaptor, Costs<["getFlops"]>, Kernel<["acceptsStrides"]>, Differentiable]> {
  let summary = "rotary position embedding";
  let description = [{
    x: [B, T, H, D]; cos, sin: [T, D] or [B, T, D]. y = x * cos + rotate_half(x) * sin,
    where rotate_half maps (x1, x2) to (-x2, x1) with x1, x2 the halves of the last
    dimension, or its even and odd elements where `interleaved`. `inverse` is the
    transpose of that map, hence its derivative. cos and sin receive no gradient.
    Constraints: (C1) shapes as above, (C2) D is even.

    ```mlir
    %y = train.rope %x, %cos, %sin : tensor<2x8x6x64xf32>, tensor<8x64xf32>, tensor<8x64xf32>
    ```
  }];
  let arguments = (ins Train_FloatTensor:$input, Train_FloatTensor:$cos, Train_FloatTensor:$sin,
                       DefaultValuedAttr<BoolAttr, "false">:$inverse,
                       DefaultValuedAttr<BoolAttr, "false">:$interleaved);
  let results = (outs Train_FloatTensor:$result);
  let assemblyFormat = "$input `,` $cos `,` $sin attr-dict `:` type($input) `,` type($cos) `,` type($sin)";
  let hasVerifier = 1;
}

def Train_CrossEntropyOp : Train_KernelOp<"cross_entropy", [InferTypeOpAdaptor,
    Costs<["getFlops", "getWorkspaceBytes"]>, Kernel<["getIndexLimit"]>, Differentiable]> {
  let summary = "mean cross-entropy of rows of logits and integer labels";
  let description = [{
    Rows whose label is `ignore_index` do not count. `lse` [N] and `count` (the
    number of rows that count, as f32) are kept for the gradient.
    Constraints: (C1) logits [N, V] and labels [N].

    ```mlir
    %loss, %lse, %n = train.cross_entropy %logits, %labels : tensor<16x256xf32>, tensor<16xi64>
        to tensor<f32>, tensor<16xf32>, tensor<f32>
    ```
  }];
  let arguments = (ins Train_FloatTensor:$logits, Train_IntTensor:$labels,
                       DefaultValuedAttr<I64Attr, "-100">:$ignore_index);
  let results = (outs Train_FloatTensor:$loss, Train_FloatTensor:$lse, Train_FloatTensor:$count);
  let assemblyFormat = "$logits `,` $labels attr-dict `:` type($logits) `,` type($labels) `to` type(results)";
  let hasVerifier = 1;
}

def Train_CrossEntropyGradOp : Train_KernelOp<"cross_entropy_grad", [InferTypeOpAdaptor, Costs<["getFlops"]>,
    Kernel<["getInPlacePairs"]>]> {
  let summary = "gradient of the mean cross-entropy";
  let description = [{
    Constraints: (C1) logits [N, V], labels and lse [N], (C2) the gradient and the
    count are scalars.

    ```mlir
    %dlogits = train.cross_entropy_grad %g, %logits, %labels, %lse, %n
        : tensor<f32>, tensor<16x256xf32>, tensor<16xi64>, tensor<16xf32>, tensor<f32> to tensor<16x256xf32>
    ```
  }];
  let arguments = (ins Train_FloatTensor:$grad, Train_FloatTensor:$logits, Train_IntTensor:$labels,
                       Train_FloatTensor:$lse, Train_FloatTensor:$count,
                       DefaultValuedAttr<I64Attr, "-100">:$ignore_index);
  let results = (outs Train_FloatTensor:$result);
  let assemblyFormat = "$grad `,` $logits `,` $labels `,` $lse `,` $count attr-dict `:` type(operands) `to` type(results)";
  let hasVerifier = 1;
}

#endif // SPILLWAY_TRAIN_NN_OPS
