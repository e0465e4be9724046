"""Says in plain text what a training run will do, and what it brought."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from finetune import AdapterCard, TrainConfig, TrainResult
    from finetune.planning import RunPlan

LEAST_GIB = 0.005  # below this two decimals would say 0


def render_result(result: TrainResult) -> str:
    """What was trained, on how much, whether it helped, what it cost, and where it lies."""
    card = result.card
    share = card.trainable_params / card.total_params
    several = f" · {card.processes} processes" if card.processes > 1 else ""
    lines = [
        f"{card.method} · {card.objective} · {card.rows} rows · {result.steps} steps · {result.seconds:.0f} s{several}",
        f"trainable {card.trainable_params:,} of {card.total_params:,} parameters ({share:.2%})",
        *_memory(card.memory),
        *_scores(card),
        *_forgetting(card),
        *result.notes,
    ]
    if result.steps:
        lines.append(f"loss of each step: {result.path}/metrics.jsonl, picture: {result.path}/loss.svg")
    if card.set_aside:
        lines.append(f"Set aside in {result.path}: {card.set_aside}")
    else:
        lines.append(f"Saved to {result.path}")
    return "\n".join(lines)


def render_plan(plan: RunPlan) -> str:
    """What `advisor train` would find in the data, and do with the same flags."""
    from finetune.data_text import render_text

    config, scored = plan.config, plan.scored_every
    lines = [
        render_text(plan.report),
        "",
        f"{config.method} · {config.objective} · {plan.rows} rows to learn · {plan.held_out} held out",
        f"{plan.steps} steps ({plan.epoch_steps} an epoch) of {_of_step(config)}{_each(plan)}, "
        f"the first {plan.warmup_steps} with a rising learning rate",
        f"held-out rows scored every {scored} steps" if scored else "held-out rows scored before and after",
    ]
    if plan.general:
        lines.append(f"{plan.general} general rows scored before and after")
    if plan.memory is not None:
        lines += _memory({"predicted_gib": plan.memory.gib, "low_gib": plan.memory.low_gib,
                          "high_gib": plan.memory.high_gib})  # fmt: skip
    found = {finding.message for finding in plan.report.findings}
    lines += [note for note in plan.notes if note not in found]
    return "\n".join([*lines, plan.stops or "Nothing was trained (--dry-run)."])


def _of_step(config: TrainConfig) -> str:
    from finetune.objectives import SAMPLING
    from finetune.ppo.settings import policy_settings

    if config.objective not in SAMPLING:
        return f"{config.batch_size} × {config.accumulation} rows"
    found = policy_settings(config)
    return f"{found.prompts} prompts × {found.samples} answer{'s' * (found.samples > 1)}"


def _each(plan: RunPlan) -> str:
    return f" in each of {plan.processes} processes" if plan.processes > 1 else ""


def _memory(memory: Mapping[str, Any]) -> list[str]:
    parts = []
    if "predicted_gib" in memory:
        low, high = _gib(memory["low_gib"]), _gib(memory["high_gib"])
        parts.append(f"predicted peak {_gib(memory['predicted_gib'])} GiB ({low} to {high})")
    if memory.get("measured_gib") is not None:
        parts.append(f"measured {_gib(memory['measured_gib'])} GiB ({memory['measured']})")
    return [f"memory: {', '.join(parts)}"] if parts else []


def _gib(size: float) -> str:
    return f"{size:.2f}" if size >= LEAST_GIB else f"{size:.1g}"


def _scores(card: AdapterCard) -> list[str]:
    names = dict.fromkeys([*card.metrics_after, *card.gains])
    return [_score(name, card) for name in names]


def _score(name: str, card: AdapterCard) -> str:
    said, gain = name.replace("_", " "), card.gains.get(name, {})
    before = card.metrics_before.get(name, gain.get("before"))
    after = card.metrics_after.get(name, gain.get("after", 0.0))
    if before is None or (
        before == after and not gain
    ):  # a fact about the data, such as the majority's accuracy
        return f"{said}: {after:g}" if float(after).is_integer() else f"{said}: {after:.3f}"
    return f"{said}: {before:.3f} before, {after:.3f} after{_interval(name, gain)}"


def _interval(name: str, gain: Mapping[str, float]) -> str:
    if "low" not in gain:
        return ""
    from finetune.gains import is_gain

    verdict = "" if is_gain(name, gain) else _no_gain(gain)
    return (
        f" ({gain['difference']:+.3f}; 95 % interval {gain['low']:+.3f} to {gain['high']:+.3f} "
        f"over {gain['rows']:.0f} rows{verdict})"
    )


def _no_gain(gain: Mapping[str, float]) -> str:
    return "; no significant gain" if gain["low"] <= 0 <= gain["high"] else "; significantly worse"


def _forgetting(card: AdapterCard) -> list[str]:
    found = card.forgetting
    if card.objective == "classify":
        return ["forgetting: not defined for a classifier, which writes no text"]
    if card.objective == "span_qa":
        return ["forgetting: not defined for a reader, which writes no text"]
    if not found:
        return []
    line = (
        f"forgetting: loss on {found['rows']} general rows {found['loss_before']:.3f} before, "
        f"{found['loss_after']:.3f} after ({found['rise']:+.3f} nats per token"
    )
    if "rise_low" in found:
        line += f"; 95 % interval {found['rise_low']:+.3f} to {found['rise_high']:+.3f}"
    if "accuracy_after" in found:
        line += f"; right {found['accuracy_before']:.0%} before, {found['accuracy_after']:.0%} after"
    return [f"{line})"]
