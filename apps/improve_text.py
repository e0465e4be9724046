"""A round of improvement in plain text: which rows, what they brought, and what became of the candidate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apps.feedback_sides import Sides
    from apps.improve_round import Round
    from finetune.planning import RunPlan

NAMES = {"dpo": "pairs", "kto": "thumbs"}
_COUNTS = ("duplicates", "contradictions", "unusable")


def render_report(report: Mapping[str, Any]) -> str:
    """What `improve` returned, for a person; --json has all of it."""
    if "compared" not in report:
        return f"Not promoted: {report['why']}."
    lines = [
        f"{report['round']} of {report['adapter']}: {_rows(report['kind'], report['feedback'], report['new'])}",
        *_left_out(report["feedback"]),
        *_compared(report["compared"], report["max_forgetting"]),
    ]
    return "\n".join([*lines, *_outcome(report)])


def render_plan(sides: Sides, about: Round, plan: RunPlan) -> str:
    """What a round would do, from --dry-run."""
    start = f"goes on from {about.adapter}" if about.start else f"begins from {about.model}"
    lines = [
        f"{_rows(about.kind, about.feedback, about.new)}",
        *_left_out(about.feedback),
        f"{about.kind} {start}: {plan.steps} steps of {plan.config.batch_size} × {plan.config.accumulation} rows, "
        f"up to {plan.config.max_length} tokens",
        f"then compared on {len(sides.held_out)} held-out {NAMES[about.kind]} of {sides.questions} questions",
    ]
    return "\n".join([*lines, plan.stops or "Nothing was trained (--dry-run)."])


def _rows(kind: str, feedback: Mapping[str, Any], new: int) -> str:
    return (
        f"{kind} on {feedback['learned']} {NAMES[kind]}, {feedback['held_out']} more held out "
        f"({feedback['questions']} questions); {new} of them new"
    )


def _left_out(feedback: Mapping[str, Any]) -> list[str]:
    found = [f"{feedback[count]} {count}" for count in _COUNTS if feedback[count]]
    lines = [
        f"feedback: {feedback['read']} rows, {feedback['taken']} taken" + "".join(f", {one}" for one in found)
    ]
    for count in _COUNTS:
        reasons = feedback["reasons"].get(count, {})
        lines += [f"  {number} {count}: {reason}" for reason, number in reasons.items()]
    if feedback["masked"]:
        lines.append("masked: " + ", ".join(f"{kind} {n}" for kind, n in sorted(feedback["masked"].items())))
    return lines


def _compared(compared: Mapping[str, Any], allowed: float) -> list[str]:
    moved, ranking = compared["moved"], compared["ranking"]
    unit = "nats" if compared["kind"] == "dpo" else "nats per token"
    lines = [
        f"held-out feedback: {moved['value']:.0%} moved to the preferred answer, by {compared['shift']:+.3f} {unit} in "
        f"the mean{_interval(moved)}",
        f"  the better answer is the likelier one: {ranking['before']:.0%} before, {ranking['after']:.0%} after; "
        f"it became {'likelier' if compared['preferred'] > 0 else 'less likely'} by {abs(compared['preferred']):.3f} "
        "nats per token",
    ]
    for name, gain in compared["task"].items():
        lines.append(
            f"task, {name.replace('_', ' ')}: {gain['before']:.3f} before, {gain['after']:.3f} after over "
            f"{gain['rows']:.0f} rows{_verdict(gain)}"
        )
    if found := compared["forgetting"]:
        lines.append(
            f"forgetting: loss on {found['rows']} general rows {found['rise']:+.3f} nats per token above the base's "
            f"({found['rise_of_current']:+.3f} before; allowed {allowed:g})"
        )
    return lines


def _interval(found: Mapping[str, float]) -> str:
    if "low" not in found:
        return ""
    return (
        f" (95 % interval {found['low']:.0%} to {found['high']:.0%} over {found['questions']:.0f} questions; chance "
        "is 50 %)"
    )


def _verdict(gain: Mapping[str, float]) -> str:
    if gain.get("high", 0.0) < 0:
        return ", significantly worse"
    return ", significantly better" if gain.get("low", 0.0) > 0 else ""


def _outcome(report: Mapping[str, Any]) -> list[str]:
    if not report["promoted"]:
        kept = f"The candidate is kept in {report['candidate']}; {report['adapter']} is as it was."
        return [f"Not promoted: {report['why']}.", kept]
    lines = [f"Promoted: version {report['version']} is in {report['adapter']}."]
    if report["replaced"] is not None:
        undo = f"advisor adapters rollback {report['adapter']}"
        lines.append(f"Version {report['replaced']} is kept; '{undo}' brings it back.")
    return lines
