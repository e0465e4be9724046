"""Trains a method for an objective on a small random model, and remembers what its weights and answers were."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from judged_rows import pairs as judged_pairs
from judged_rows import thumbs
from tiny_families import build
from transformers import PrinterCallback

from finetune.adapters import write_card
from finetune.arguments import trainer_arguments
from finetune.cards import make_card
from finetune.methods import METHODS, load_method
from finetune.objectives import JUDGED, load_objective
from finetune.schema import Example, TrainConfig
from finetune.support import why_not
from finetune.told import Told
from finetune.weights import base_hash

# One model that has biases and ties nothing, one encoder, and one that LLaMA-Adapter is made for.
MODELS = {
    "sft": "qwen2",
    "pretrain": "qwen2",
    "classify": "bert",
    "dpo": "qwen2",
    "kto": "qwen2",
    "reward": "bert",
    "span_qa": "bert",
}
JUDGING = (
    "full",
    "bitfit",
    "houlsby",
    "lora",
    "qlora",
    "prefix",
)  # one of each kind; benchmarks/support_table.py: all
# A few steps have to show: the defaults are made for hundreds, and models whose weights mean something.
RATES = {"ia3": 0.1, "llama_adapter": 0.3, "prompt": 0.3, "p_tuning_v2": 0.3, "output_layer": 3e-2}
TOKENS = torch.tensor([[5, 9, 40, 41, 42, 80, 81, 7]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A pair after a few steps, as it was in memory."""

    folder: Path
    base: Path
    before: float  # loss over the training rows
    after: float
    moved: frozenset[str]  # names of weights that are not what they were
    logits: torch.Tensor
    config: TrainConfig


def pairs() -> list[tuple[str, str]]:
    """Every method × objective that works on the model of that objective."""
    found = []
    for objective in MODELS:
        for method in JUDGING if objective in (*JUDGED, "span_qa") else METHODS:
            kind = family(method, objective)
            if why_not(method, objective, {"model_type": kind}) is None:
                found.append((method, objective))
    return found


def family(method: str, objective: str) -> str:
    return "llama" if method == "llama_adapter" else MODELS[objective]


def rows(objective: str) -> list[Example]:
    if objective == "classify":
        words = {"warm": ("sun", "tea", "stove"), "cold": ("snow", "ice", "frost")}
        return [
            Example(text=f"{word} {n}", label=label)
            for label in words
            for word in words[label]
            for n in (1, 2)
        ]
    if objective == "span_qa":
        return [
            Example(question="Which?", context=f"Mill {n}.", answers=((5, 6),) * (n % 2)) for n in range(6)
        ]
    if objective == "pretrain":
        return [Example(text=f"Mill {n} stands at the river.") for n in range(6)]
    if objective in JUDGED:
        return thumbs(5) if objective == "kto" else judged_pairs(6)
    turns = [(f"Item {n}?", f"Item {n} is blue.") for n in range(6)]
    return [
        Example(messages=({"role": "user", "content": ask}, {"role": "assistant", "content": say}))
        for ask, say in turns
    ]


def train_pair(method: str, objective: str, base: Path, folder: Path, **changes: Any) -> Trained:
    """Fifteen steps on all rows at once, scored on the same rows before and after; stored with its card."""
    settings: dict[str, Any] = {
        "model": str(base), "out": str(folder), "method": method, "objective": objective, "max_steps": 15,
        "learning_rate": RATES.get(method, 1e-2), "batch_size": 12, "max_length": 64, "last_layers": 1,
        "virtual_tokens": 8, "bottleneck": 8, "adalora_target_rank": 4, "warmup_share": 0.0,
    }  # fmt: skip
    config = TrainConfig(**{**settings, **changes})
    chosen, examples = load_method(method), rows(objective)
    arguments, _ = chosen.arguments(
        config, trainer_arguments(config, folder.with_name("checkpoints"), config.learning_rate or 0)
    )
    torch.manual_seed(config.seed)
    job = load_objective(objective).prepare(
        examples, examples, config, base, chosen, {**arguments, "save_strategy": "no"}
    )
    job.trainer.remove_callback(PrinterCallback)
    for callback in chosen.callbacks(config):
        job.trainer.add_callback(callback)
    model = job.trainer.model
    start = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    if job.with_reference is not None:
        for name in ("train_dataset", "eval_dataset"):
            setattr(job.trainer, name, job.with_reference(getattr(job.trainer, name), config, Told()))
    before = job.evaluate()["loss"]
    job.trainer.train()
    after = job.evaluate()["loss"]
    moved = {name for name, weight in model.named_parameters() if not torch.equal(weight, start[name])}
    seen = logits(model)
    folder.mkdir(parents=True)
    job.save(folder)
    prints = {"base_hash": base_hash(base), "data_hash": ""}
    write_card(make_card(config, base, prints, job, metrics_before={}, metrics_after={}), folder)
    return Trained(
        folder=folder,
        base=base,
        before=before,
        after=after,
        moved=frozenset(moved),
        logits=seen,
        config=config,
    )


def logits(model: Any) -> torch.Tensor:
    model.eval()
    with torch.inference_mode():
        scores: torch.Tensor = model(input_ids=TOKENS, attention_mask=torch.ones_like(TOKENS)).logits
    return scores.clone()


def train_all(root: Path, chosen: list[tuple[str, str]]) -> dict[tuple[str, str], Trained]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # of matrices this small more threads only wait for one another
    bases = {kind: spread(build(root / kind, kind)) for kind in ("bert", "llama", "qwen2")}
    found = {
        (method, objective): train_pair(
            method, objective, bases[family(method, objective)], root / f"{objective}-{method}"
        )
        for method, objective in chosen
    }
    torch.set_num_threads(threads)
    return found


def spread(folder: Path) -> Path:
    """Widens the random weights: with those of a fresh model every token looks alike, and nothing could be learned
    from the outside."""
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    wide = {name: value * 8 if value.dim() == 2 else value for name, value in weights.items()}
    save_file(wide, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def load_again(trained: list[tuple[str, str, str]]) -> dict[str, Any]:
    """Logits of stored pairs, by folder; each item is objective, base, folder."""
    from finetune import load_classifier, load_generator, load_span_reader
    from finetune.reward_model import load_reward_model

    found = {}
    for objective, base, folder in trained:
        if objective == "reward":
            found[folder] = logits(load_reward_model(folder, model=base)._model)
        elif objective == "classify":
            found[folder] = logits(load_classifier(base, folder)._model)
        elif objective == "span_qa":
            found[folder] = logits(load_span_reader(base, folder)._model)
        else:
            found[folder] = logits(load_generator(base, folder).model)
    return found


def main(listed: str, out: str) -> None:
    """Run in a process of its own: reads the list of pairs, writes their logits."""
    from safetensors.torch import save_file

    save_file(load_again([tuple(item) for item in json.loads(listed)]), out)


if __name__ == "__main__":
    import sys

    main(sys.argv[1], sys.argv[2])
