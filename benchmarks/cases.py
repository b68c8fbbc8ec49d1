"""The models that are held against PyTorch."""

import importlib.util
from dataclasses import dataclass
from typing import Callable

import numpy as np
import tools
from safetensors.numpy import save_file

SEED, DEVIATION = 1, 0.02
SAMPLES = 160


@dataclass
class Case:
    model: tools.Model
    batch: int
    length: int
    module: Callable  # () -> torch.nn.Module
    loss: Callable    # (module, a batch of each input) -> loss
    masked: bool = False

    def inputs(self):
        """The model's inputs by name, samples along the first axis."""
        tools.python_path()
        import reference
        data = np.frombuffer(reference.read_text(), np.uint8).astype(np.int64)
        count = min(SAMPLES, len(data) // self.length)
        ids = data[:count * self.length].reshape(count, self.length)
        if not self.masked:
            return {"input_ids": ids}
        # As BERT is trained: some tokens are hidden and to be guessed, and samples end
        # at different lengths.
        random = np.random.default_rng(SEED)
        ends = random.integers(self.length // 2, self.length + 1, size=(count, 1))
        mask = (np.arange(self.length) < ends).astype(np.int64)
        guess = (random.random(ids.shape) < 0.15) & (mask == 1)
        return {"input_ids": np.where(guess, 1023, ids), "attention_mask": mask,
                "labels": np.where(guess, ids, -100)}

    def data_file(self):
        tools.OUT.mkdir(parents=True, exist_ok=True)
        path = tools.OUT / f"{self.model.name}.data.safetensors"
        save_file({name: np.ascontiguousarray(value) for name, value in self.inputs().items()},
                  path)
        return path


def exported(name):
    """The script that exported a model, as a module."""
    path = tools.EXAMPLES / name / "export.py"
    spec = importlib.util.spec_from_file_location(f"export_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def gpt2_module():
    from transformers import GPT2LMHeadModel
    return GPT2LMHeadModel._from_config(exported("gpt2").demo_config(),
                                        attn_implementation="sdpa")


def llama_module():
    from transformers import LlamaForCausalLM
    return LlamaForCausalLM._from_config(exported("llama").config(), attn_implementation="sdpa")


def bert_module():
    from transformers import BertForMaskedLM
    return BertForMaskedLM._from_config(exported("bert").config(), attn_implementation="sdpa")


def next_token_loss(module, inputs):
    ids = inputs["input_ids"]
    return module(input_ids=ids, labels=ids, use_cache=False).loss


def masked_loss(module, inputs):
    return module(**inputs).loss


def case(name, path, batch, length, module, loss, spec, masked=False):
    return Case(tools.Model(name, tools.EXAMPLES / path, {"batch": batch, "sequence": length},
                            spec), batch, length, module, loss, masked)


CASES = {
    "gpt2": case("gpt2", "gpt2/gpt2-demo.onnx", 8, 256, gpt2_module, next_token_loss,
                 "cross_entropy(logits,shift)"),
    "bert": case("bert", "bert/bert-small.onnx", 8, 128, bert_module, masked_loss,
                 "cross_entropy(logits)", masked=True),
    "llama": case("llama", "llama/llama-small.onnx", 8, 128, llama_module, next_token_loss,
                  "cross_entropy(logits,shift)"),
}
