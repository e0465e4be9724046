"""Single runs of the alignment benchmark: the base, the SFT adapter, the preferences, and each objective from there."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from alignment_answers import Sampled, kl, load, sample, summary, win_rate
from alignment_world import Asked, manners, save_model, turns, world

from finetune import TrainConfig, train
from finetune.metrics_log import read_metrics
from finetune.schema import Example

DRAWN = 8  # answers to a training prompt that preferences are made of
COUNT = 16  # answers to a held-out prompt that a model is judged by
# With adapters of the attention (q_proj, v_proj) KTO and GRPO, of the same settings, reach 6 and 9 points less on dev:
# they change what is said in places that no preference speaks of.
TARGETS = "gate_proj,up_proj,down_proj"
ONLINE = ("grpo", "ppo")
ALLOW = ("duplicates", "conflicts", "leakage", "truncated", "contradictions")
Given = Mapping[str, Any]


def of(split: str) -> list[Asked]:
    return [one for one in world() if one.split == split]


def settings(model: Path, out: Path, **changed: Any) -> TrainConfig:
    given = {
        "model": str(model), "out": str(out), "max_length": 96, "general": "none", "metric_rows": 0, "patience": 0,
        "eval_steps": 10**6, "save_steps": 10**6, "batch_size": 32, "allow": ALLOW, "overwrite": True,
    }  # fmt: skip
    return TrainConfig(**{**given, **changed})


def make_start(place: Path) -> dict[str, Any]:
    """The base (all weights, every fact in every manner) and on it the SFT adapter (training facts alone)."""
    raw, base, sft = place / "random", place / "base", place / "sft"
    began = time.perf_counter()
    if not base.is_dir():
        save_model(raw, world())
        every = [(one, text) for one in world() for text in manners(one)]
        train(examples(every), settings(raw, base, method="full", epochs=16, learning_rate=2e-3))
    taught = [(one, text) for one in of("train") for text in manners(one)]
    result = train(examples(taught), settings(base, sft, epochs=2, learning_rate=5e-4, lora_targets=TARGETS))
    return {"seconds": time.perf_counter() - began, "trainable": result.card.trainable_params}


def examples(rows: Sequence[tuple[Asked, str]]) -> list[Example]:
    return [Example(messages=turns(one.question, text), line=at) for at, (one, text) in enumerate(rows, 1)]


def make_preferences(place: Path, seed: int) -> dict[str, Any]:
    """The SFT adapter's own answers, judged by the rule."""
    drawn = sample(load(place / "base", place / "sft"), of("train"), DRAWN, seed)
    held = sample(load(place / "base", place / "sft"), of("test"), DRAWN, seed + 1000)
    found = {
        "pairs": pairs(of("train"), drawn, DRAWN),
        "best_pairs": pairs(of("train"), drawn, DRAWN, best_alone=True),
        "held_pairs": pairs(of("test"), held, DRAWN),
        "thumbs": thumbs(of("train"), drawn, DRAWN),
    }
    (place / f"preferences{seed}.json").write_text(json.dumps(found), "utf-8")
    return {name: len(rows) for name, rows in found.items()}


def pairs(asked: Sequence[Asked], drawn: Sampled, count: int, *, best_alone: bool = False) -> list[list[str]]:
    """[question, better, worse], each pair of texts once; `best_alone`: only the best of a prompt are better."""
    found = {}
    for at, one in enumerate(asked):
        said = {text: one.points(text) for text in drawn.texts[at * count : (at + 1) * count] if text.strip()}
        least = max(said.values()) if best_alone else 0
        for better, points in said.items():
            for worse, fewer in said.items():
                if points > fewer and points >= least:
                    found[one.question, better, worse] = None
    return [list(pair) for pair in found]


def thumbs(asked: Sequence[Asked], drawn: Sampled, count: int) -> list[list[Any]]:
    """[question, answer, liked]: at least two of the three good manners and a right fact are liked."""
    found = {}
    for at, text in enumerate(drawn.texts):
        one = asked[at // count]
        if text.strip():
            found[one.question, text] = one.points(text) >= 3
    return [[question, text, liked] for (question, text), liked in found.items()]


def read_preferences(place: Path, seed: int, name: str) -> list[Example]:
    rows = json.loads((place / f"preferences{seed}.json").read_text("utf-8"))[name]
    if name == "thumbs":
        return [
            Example(messages=turns(question, text), thumb=liked, line=at)
            for at, (question, text, liked) in enumerate(rows, 1)
        ]
    return [
        Example(messages=turns(question), chosen=_said(better), rejected=_said(worse), line=at)
        for at, (question, better, worse) in enumerate(rows, 1)
    ]


def _said(text: str) -> tuple[dict[str, str], ...]:
    return ({"role": "assistant", "content": text},)


def make_reward(place: Path, seed: int) -> dict[str, Any]:
    """The reward model on the base; scored on pairs of held-out facts."""
    from finetune.reward_model import load_reward_model

    out, began = place / f"reward{seed}", time.perf_counter()
    rows = read_preferences(place, seed, "pairs")
    result = train(
        rows, settings(place / "base", out, objective="reward", epochs=4, learning_rate=1e-3, seed=seed)
    )
    seconds = time.perf_counter() - began
    held = read_preferences(place, seed, "held_pairs")
    model = load_reward_model(out)
    better, worse = (
        model.score([[*row.messages, *getattr(row, side)] for row in held]) for side in ("chosen", "rejected")
    )
    right = [one > other for one, other in zip(better, worse, strict=True)]
    return {
        "accuracy": sum(right) / len(right),
        "held": len(right),
        "seconds": seconds,
        "steps": result.steps,
    }


def tune(place: Path, given: Given) -> dict[str, Any]:
    """One objective from the SFT adapter on training prompts, then judged on `given["split"]`."""
    objective, seed, base, sft = given["objective"], given["seed"], place / "base", place / "sft"
    out = place / f"{objective}-{given['split']}-{seed}"
    shutil.rmtree(out, ignore_errors=True)
    changed = {"objective": objective, "adapter": str(sft), "seed": seed, **given["settings"]}
    if objective in ONLINE:
        rows = [Example(messages=turns(one.question), line=at) for at, one in enumerate(of("train"), 1)]
        changed["reward"] = str(place / f"reward{seed}")
    else:
        rows = read_preferences(place, seed, "best_pairs" if objective == "dpo" else "thumbs")
    began = time.perf_counter()
    result = train(rows, settings(base, out, **changed))
    seconds = time.perf_counter() - began
    found = {"seconds": seconds, "steps": result.steps, **judged(place, out, given["split"], seed)}
    return found | ({"curve": curve(out)} if objective in ONLINE else {})


def judged(place: Path, adapter: Path, split: str, seed: int) -> dict[str, Any]:
    """Win rate over the SFT adapter, points, and KL from it."""
    start, tuned = load(place / "base", place / "sft"), load(place / "base", adapter)
    before = sample(start, of(split), COUNT, seed)
    after = sample(tuned, of(split), COUNT, seed + 1)
    nats, error = kl(tuned, start, after)
    return {
        **win_rate(after.points, before.points), "kl": nats, "kl_error": error, **summary(after.points),
        "before": summary(before.points), "said": after.texts[:: COUNT * 6][:4],
    }  # fmt: skip


def curve(out: Path) -> list[dict[str, float]]:
    """What a run of sampled answers told of its steps."""
    names = ("step", "reward", "kl", "kl_coefficient", "clip_share", "value_loss", "entropy", "answer_tokens")
    lines = (line for line in read_metrics(out / "metrics.jsonl") if "reward" in line and "kl" in line)
    return [{name: round(line[name], 5) for name in names if name in line} for line in lines]
