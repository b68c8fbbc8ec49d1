#!/usr/bin/env python3
"""Times the CPU kernels against PyTorch's eager operators, same shapes and threads.

    compare.py BUILD/bin/kernel-benchmark [--threads=2] [--filter=REGEX] [--cpu-time]

Prints milliseconds of both and their ratio (below 1: ours is faster), the least of several
repetitions each. --cpu-time measures one thread's processor time, which other load on the
machine disturbs less.
"""

import argparse
import json
import os
import re
import subprocess
import time

import torch
import torch.nn.functional as F


def operators(batch, tokens, heads, width, vocabulary):
    rows, inner, size = batch * tokens, 4 * width, width // heads
    rand = torch.rand
    x, h, vector = rand(rows, width), rand(rows, inner), rand(width)
    wide, narrow = rand(inner), rand(width)
    ids = torch.randint(0, 128, (rows,))
    result = {}

    def linear(name, m, n, k, bias=None):
        a, b = rand(m, k), rand(k, n)
        result[name] = (lambda: torch.addmm(bias, a, b)) if bias is not None else (lambda: a @ b)

    linear("matmul_qkv", rows, 3 * width, width, rand(3 * width))
    linear("matmul_fc", rows, inner, width, wide)
    linear("matmul_proj", rows, width, inner, narrow)
    fc = rand(width, inner)
    result["matmul_fc_dx"] = lambda: h @ fc.t()
    result["matmul_fc_dw"] = lambda: x.t() @ h
    result["matmul_proj_dw"] = lambda: h.t() @ x
    result["matmul_out_dw"] = lambda: x.t() @ x
    table = rand(vocabulary, width)
    logits = rand(rows, vocabulary)
    result["matmul_head"] = lambda: x @ table.t()
    result["matmul_head_dw"] = lambda: logits.t() @ x

    qkv = rand(batch, tokens, 3, heads, size)
    q, k, v = (qkv[:, :, i].transpose(1, 2).detach().requires_grad_() for i in range(3))
    result["attention"] = lambda: F.scaled_dot_product_attention(q, k, v, is_causal=True)
    out = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    result["attention_grad"] = lambda: torch.autograd.grad(out, (q, k, v), out.detach(), retain_graph=True)

    result["gelu_tanh"] = lambda: F.gelu(h, approximate="tanh")
    result["gelu_tanh_grad"] = lambda: torch.ops.aten.gelu_backward(h, h, approximate="tanh")
    result["gelu_erf"] = lambda: F.gelu(h)
    result["exp"] = lambda: h.exp()
    result["add"] = lambda: x + x
    result["add_row"] = lambda: h + wide
    result["bias_grad"] = lambda: h.sum(0, keepdim=True)
    result["layer_norm"] = lambda: torch.native_layer_norm(x, (width,), vector, vector, 1e-5)
    _, mean, rstd = torch.native_layer_norm(x, (width,), vector, vector, 1e-5)
    result["layer_norm_grad"] = lambda: torch.ops.aten.native_layer_norm_backward(
        x, x, (width,), mean, rstd, vector, vector, (True, True, True))
    result["softmax"] = lambda: h.softmax(-1)
    result["embedding"] = lambda: F.embedding(ids, table)
    result["embedding_grad"] = lambda: torch.ops.aten.embedding_dense_backward(x, ids, vocabulary, -1, False)
    loss_of = logits.detach().requires_grad_()
    result["cross_entropy"] = lambda: F.cross_entropy(logits, ids)
    loss = F.cross_entropy(loss_of, ids)
    result["cross_entropy_grad"] = lambda: torch.autograd.grad(loss, loss_of, retain_graph=True)
    heads_last = rand(batch, tokens, heads, size).transpose(1, 2)
    result["copy_heads"] = lambda: heads_last.contiguous()
    parameter = torch.nn.Parameter(rand(12 * width * width))
    parameter.grad = rand(12 * width * width)
    optimizer = torch.optim.AdamW([parameter], lr=1e-3, fused=True)
    result["adamw"] = optimizer.step
    result["sum_squares"] = lambda: parameter.grad.norm()
    return result


def least(function, clock, seconds=0.4):
    function()
    best, stop, count = float("inf"), time.monotonic() + seconds, 0
    while count < 5 or time.monotonic() < stop:
        start = clock()
        with torch.enable_grad():
            function()
        best, count = min(best, clock() - start), count + 1
    return best * 1e3


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--filter", default=".")
    parser.add_argument("--cpu-time", action="store_true")
    options = parser.parse_args()
    threads = 1 if options.cpu_time else options.threads
    output = subprocess.run(
        [options.program, f"--benchmark_filter={options.filter}", "--benchmark_format=json", "--benchmark_min_time=0.02",
         "--benchmark_repetitions=15"],
        env={**os.environ, "SPILLWAY_THREADS": str(threads)}, check=True, capture_output=True, text=True).stdout
    ours = {}
    scale = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3}
    for entry in json.loads(output)["benchmarks"]:
        if entry.get("run_type") != "iteration":
            continue
        name = entry["run_name"].removesuffix("/real_time")
        value = entry["cpu_time" if options.cpu_time else "real_time"] * scale[entry["time_unit"]]
        ours[name] = min(ours.get(name, float("inf")), value)
    torch.set_num_threads(threads)
    clock = time.thread_time if options.cpu_time else time.perf_counter
    print(f"{'kernel':28} {'spillway ms':>12} {'torch ms':>10} {'ratio':>6}")
    models = {"demo": (8, 256, 6, 384, 256), "gpt2": (4, 512, 12, 768, 50257)}
    for model, shape in models.items():
        if not any(name.startswith(model + "/") for name in ours):
            continue
        for name, function in operators(*shape).items():
            name = f"{model}/{name}"
            if name in ours and re.search(options.filter, name):
                theirs = least(function, clock)
                print(f"{name:28} {ours[name]:12.3f} {theirs:10.3f} {ours[name] / theirs:6.2f}", flush=True)


if __name__ == "__main__":
    main()
