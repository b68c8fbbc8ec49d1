"""The models that are held against PyTorch."""

import sys
from dataclasses import dataclass
from typing import Callable

import tools

SEED, DEVIATION = 1, 0.02


def text():
    """The bytes that both sides train on: the demo's."""
    tools.python_path()
    import reference
    return reference.read_text()


def text_file():
    tools.OUT.mkdir(parents=True, exist_ok=True)
    path = tools.OUT / "text.bin"
    path.write_bytes(text())
    return f"tokens:{path}:u8"


@dataclass
class Case:
    model: tools.Model
    batch: int
    length: int
    module: Callable  # () -> torch.nn.Module
    loss: Callable    # (module, ids) -> loss


def gpt2_module():
    sys.path.insert(0, str(tools.EXAMPLES / "gpt2"))
    import export
    from transformers import GPT2LMHeadModel
    return GPT2LMHeadModel._from_config(export.demo_config(), attn_implementation="sdpa")


def next_token_loss(module, ids):
    return module(input_ids=ids, labels=ids, use_cache=False).loss


CASES = {
    "gpt2": Case(
        tools.Model("gpt2", tools.EXAMPLES / "gpt2/gpt2-demo.onnx",
                    {"batch": 8, "sequence": 256}, "cross_entropy(logits,shift)"),
        8, 256, gpt2_module, next_token_loss),
}
