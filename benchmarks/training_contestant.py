"""One training run of this program or of trl's SFTTrainer, watched by the same clock and scored by the same function.

Run in a process of its own by training_speed.py.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from measured import arguments, report, resident_mib

IGNORED = -100
Turns = list[dict[str, str]]


class Scorer:
    """Loss for each supervised token of held-out answers; rows of like length share a batch."""

    def __init__(self, rows: Sequence[Turns], folder: str, max_length: int) -> None:
        from finetune.collate import Collator
        from finetune.template import encode_rows, load_tokenizer

        tokenizer = load_tokenizer(Path(folder))
        ends = frozenset({tokenizer.eos_token_id})
        coded = [row for turns in rows for row in encode_rows(tokenizer, turns, max_length, ends)]
        coded.sort(key=lambda row: len(row.input_ids))
        given = [{"input_ids": row.input_ids, "labels": row.labels} for row in coded]
        collate = Collator(tokenizer.pad_token_id)
        self.batches = [collate(given[at : at + 8]) for at in range(0, len(given), 8)]

    def __call__(self, model: Any) -> float:
        import torch

        device, training = next(model.parameters()).device, model.training
        model.eval()
        total, tokens = 0.0, 0
        with torch.no_grad():
            for batch in self.batches:
                labels = batch["labels"][:, 1:].flatten().to(device)
                sent = {name: batch[name].to(device) for name in ("input_ids", "attention_mask")}
                logits = model(**sent, use_cache=False).logits[:, :-1].float()
                total += float(
                    torch.nn.functional.cross_entropy(
                        logits.flatten(0, 1), labels, ignore_index=IGNORED, reduction="sum"
                    )
                )
                tokens += int((labels != IGNORED).sum())
        model.train(training)
        return total / tokens


def watch(score: Scorer | None, every: float, most: int) -> Any:
    """Has every Trainer of this process report to one watcher, which also counts the tokens of its steps."""
    import torch
    from transformers import Trainer, TrainerCallback
    from transformers import trainer as trainers

    class Watcher(TrainerCallback):  # type: ignore[misc,unused-ignore]
        """Seconds of training with the time of scoring taken out, and the held-out loss at some of its steps."""

        def __init__(self) -> None:
            self.began = self.scoring = 0.0
            self.supervised = self.read = self.computed = self.steps = 0  # tokens learned; read; with padding
            self.curve: list[dict[str, float]] = []
            self.times: list[float] = []
            self.in_step = False

        def seconds(self) -> float:
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            return time.perf_counter() - self.began - self.scoring

        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.began = time.perf_counter()
            self.note(kwargs["model"], 0)

        def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.in_step = True

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.in_step, self.steps = False, state.global_step
            self.times.append(self.seconds())
            share = max(1, round(state.max_steps * every))
            if state.global_step % share == 0 or state.global_step == state.max_steps:
                self.note(kwargs["model"], state.global_step)
            control.should_training_stop = control.should_training_stop or state.global_step >= most

        def note(self, model: Any, step: int) -> None:
            found = {"step": step, "seconds": self.seconds(), "supervised": self.supervised}
            if score is not None:
                start = time.perf_counter()
                found["loss"] = score(model)
                self.scoring += time.perf_counter() - start
            self.curve.append(found)

    watcher = Watcher()
    trainers.DEFAULT_CALLBACKS.append(watcher)
    plain = Trainer.training_step

    def counted(self: Any, model: Any, inputs: dict[str, Any], *more: Any, **named: Any) -> Any:
        if watcher.in_step:  # not what is tried before the first step
            watcher.supervised += int((inputs["labels"][:, 1:] != IGNORED).sum())
            watcher.read += int((inputs["input_ids"] != self.processing_class.pad_token_id).sum())
            watcher.computed += inputs["input_ids"].numel()
        return plain(self, model, inputs, *more, **named)

    Trainer.training_step = counted
    return watcher


def train_ours(given: dict[str, Any]) -> dict[str, Any]:
    """`finetune.train` with its defaults but for what `given` names; its own scores are left out."""
    from apps.predicted_memory import predicted_memory
    from finetune import TrainConfig, train
    from finetune.schema import Example

    rows = [Example(messages=tuple(turns), line=line) for line, turns in enumerate(given["rows"], 1)]
    # A split of its own makes all other rows training rows; it is scored by the same function as trl's.
    held = [Example(messages=tuple(turns), split="test") for turns in given["held_out"][:2]]
    config = TrainConfig(
        model=given["folder"], out=given["out"], method=given["method"], learning_rate=given["rate"], epochs=1,
        max_length=given["max_length"], general="none", metric_rows=0, eval_steps=10**9, patience=0,
        save_steps=10**9, overwrite=True, allow=("truncated", "duplicates", "contradictions", "no_eos", "leaks"),
        **given["settings"],
    )  # fmt: skip
    done = train([*rows, *held], config, predict=predicted_memory if given["card"] else None)
    return {"memory": done.card.memory, "notes": list(done.notes)}


def train_trl(given: dict[str, Any]) -> dict[str, Any]:
    """trl's SFTTrainer with its defaults but for the rate, the schedule and what `given` names."""
    from datasets import Dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    rows = [{"prompt": turns[:-1], "completion": turns[-1:]} for turns in given["rows"]]
    loading: dict[str, Any] = {}
    if given["method"] == "qlora":
        from transformers import BitsAndBytesConfig

        loading["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype="bfloat16",
        )  # fmt: skip
    if given["card"]:
        loading["dtype"] = "bfloat16"
    else:
        given["settings"]["use_cpu"] = True  # its bf16, on by default, wants to be told
    lora = LoraConfig(
        r=16, lora_alpha=32, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    trainer = SFTTrainer(
        model=given["folder"],
        args=SFTConfig(
            output_dir=given["out"], num_train_epochs=1, learning_rate=given["rate"], lr_scheduler_type="cosine",
            warmup_steps=0.05, max_length=given["max_length"], save_strategy="no", report_to="none",
            disable_tqdm=True, seed=42, model_init_kwargs=loading or None, **given["settings"],
        ),
        train_dataset=Dataset.from_list(rows),
        peft_config=None if given["method"] == "full" else lora,
    )  # fmt: skip
    trainer.train()
    return {}


def run(given: dict[str, Any]) -> dict[str, Any]:
    import torch

    from finetune.notices import without_library_warnings

    score = Scorer(given["held_out"], given["folder"], given["max_length"]) if given["scored"] else None
    watcher = watch(score, given["every"], given["most_steps"])
    started = time.perf_counter()
    with without_library_warnings():
        found = (train_ours if given["who"] == "ours" else train_trl)(given)
    row = {
        "curve": watcher.curve, "steps": watcher.steps, "supervised": watcher.supervised,
        "padding": 100 * (1 - watcher.read / watcher.computed), "rows": len(given["rows"]),
        "seconds": watcher.curve[-1]["seconds"], "times": watcher.times,
        "call_s": time.perf_counter() - started - watcher.scoring, "mib": resident_mib(), **found,
    }  # fmt: skip
    if torch.cuda.is_available():
        row["allocated_gib"] = torch.cuda.max_memory_allocated() / 2**30
        row["reserved_gib"] = torch.cuda.max_memory_reserved() / 2**30
    return row


if __name__ == "__main__":
    report(run(json.loads(Path(arguments()["file"]).read_text("utf-8"))))
