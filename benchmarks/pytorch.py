"""Trains a case with PyTorch, from the weights and on the batches that ours gets.

    python benchmarks/pytorch.py CASE STEPS OUT.json [--gradients OUT.safetensors]

Writes the losses and the seconds of each step; with --gradients the gradients of the
first step as well, under the names that the exported model has for the parameters.
"""

import argparse
import json
import time

import cases
import numpy as np
import tools

tools.python_path()
import onnx  # noqa: E402
import torch  # noqa: E402
import weights  # noqa: E402
from safetensors.numpy import save_file  # noqa: E402


def exported_name(names, exported):
    """The name of a parameter, which may be tied, in the exported model."""
    return next(name for name in names if name in exported)


def gradients(module, loss, exported):
    """Of one backward pass, as arrays under the exported names."""
    module.zero_grad()
    loss.backward()
    names = {}
    for name, parameter in module.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), ([], parameter))[0].append(name)
    return {exported_name(aliases, exported): parameter.grad.numpy().astype(np.float32)
            for aliases, parameter in names.values() if parameter.grad is not None}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("case")
    parser.add_argument("steps", type=int)
    parser.add_argument("out")
    parser.add_argument("--gradients")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    case = cases.CASES[options.case]
    module = case.module()
    model = onnx.load(case.model.path, load_external_data=False)
    weights.initialize(module, model, cases.SEED, cases.DEVIATION)
    inputs = {name: torch.from_numpy(value.copy()) for name, value in case.inputs().items()}
    samples = len(inputs["input_ids"])

    def loss_of(step):
        rows = (torch.arange(case.batch) + step * case.batch) % samples
        return case.loss(module, {name: value[rows] for name, value in inputs.items()})

    if options.gradients:
        exported = {tensor.name for tensor in model.graph.initializer}
        save_file(gradients(module, loss_of(0), exported), options.gradients)
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3, weight_decay=0.01, fused=True)
    losses, seconds = [], []
    for step in range(options.steps):
        start = time.monotonic()
        loss = loss_of(step)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        seconds.append(time.monotonic() - start)
    result = {"losses": losses, "step_seconds": seconds, "torch": torch.__version__,
              "rss_peak_bytes": tools.own_peak()}
    with open(options.out, "w") as file:
        json.dump(result, file, indent=1)


if __name__ == "__main__":
    main()
