"""Measures a candidate beside the adapter in place: on held-out feedback, on the task's questions, and on what the
base knew."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from apps.feedback_sides import HeldRow

if TYPE_CHECKING:
    from finetune import Example
    from finetune.gains import RowScores
    from finetune.standing import Likelihood

Say = Callable[[str], None]
Turns = list[dict[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What both are measured on. `general` is a file of general rows, "none", or None for the shipped ones."""

    held_out: Sequence[HeldRow]
    task: Sequence[Example] = ()
    general: str | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    found: list[Likelihood]
    task: dict[str, dict[int, float]]  # score -> row -> its value
    general: RowScores


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """Held-out rows as texts to score: for pairs the better and then the worse answer, for thumbs the answer."""

    questions: list[str]
    texts: list[Turns]
    liked: list[bool] = field(default_factory=list)  # of thumbs


def compare(
    model: str,
    current: str | None,
    candidate: str,
    asked: Asked,
    say: Say,
    progress: Callable[[str, int, int], None],
) -> dict[str, Any]:
    """What `verdict` looks at. One model is in memory at a time. Raises ValueError or OSError in one line."""
    order = _order(asked.held_out)
    folders = [None, *([current] if current else []), candidate]
    found = []
    for at, folder in enumerate(folders):
        progress("compare", at, len(folders))
        # The base behind an adapter is asked only what it knows in general.
        whole = folder is not None or current is None
        found.append(_measure(model, folder, order.texts if whole else [], asked, say, whole=whole))
    progress("compare", len(folders), len(folders))
    base, before, after = found[0], found[-2], found[-1]
    return {
        **_preferences(order, before.found, after.found, asked.seed),
        "task": _gains(before, after, asked.seed),
        "forgetting": _forgotten(base.general, before.general, after.general, asked.seed),
    }


def _order(rows: Sequence[HeldRow]) -> _Order:
    questions, texts, liked = [], [], []
    for one in rows:
        questions.append(one.question)
        prompt, row = list(one.row["prompt"]), one.row
        if "chosen" in row:
            texts += [prompt + list(row["chosen"]), prompt + list(row["rejected"])]
        else:
            texts.append(prompt + list(row["completion"]))
            liked.append(bool(row["label"]))
    return _Order(questions=questions, texts=texts, liked=liked)


def _measure(
    model: str, adapter: str | None, texts: Sequence[Turns], asked: Asked, say: Say, *, whole: bool
) -> _Measured:
    from finetune import load_generator
    from finetune.defaults import defaults
    from finetune.general_set import general_rows
    from finetune.oom import free_memory
    from finetune.standing import answerable, general_scores, likelihoods, task_scores

    config = _config(model, adapter, asked.general)
    generator = load_generator(model, adapter, max_new_tokens=int(defaults()["run"]["metric_tokens"]))
    rows = {at: row for at, row in enumerate(asked.task) if whole and answerable(generator, row)}
    scores = task_scores(generator, list(rows.values()), say) if rows else {}
    measured = _Measured(
        found=likelihoods(generator, texts, say) if texts else [],
        task={name: dict(zip(rows, values, strict=True)) for name, values in scores.items()},
        general=general_scores(generator, general_rows(config), config, say),
    )
    del generator
    free_memory()
    return measured


def _config(model: str, adapter: str | None, general: str | None) -> Any:
    from dataclasses import replace

    from finetune import TrainConfig, read_card
    from finetune.adapter_weights import config_of

    made = config_of(read_card(adapter)) if adapter else TrainConfig(model=model, out="")
    return replace(made, general=general, replay=0.0, max_forgetting=None)


def _preferences(
    order: _Order, before: Sequence[Likelihood], after: Sequence[Likelihood], seed: int
) -> dict[str, Any]:
    """`moved`: the share that went towards the preferred answer, the adapter in place being the reference, as in the
    loss of DPO and KTO. `ranking`: how often the better one is the likelier one, before and after. `preferred`: by
    how much the better ones themselves became likelier, nats per token; a margin grows also where both fall."""
    from finetune.preference_gain import pair_difference, pair_share, thumb_difference, thumb_share

    if order.liked:
        # Per token: answers to different questions are as long as they happen to be.
        was, now = [one.mean for one in before], [one.mean for one in after]
        shifts = [new - old for old, new in zip(was, now, strict=True)]
        return {
            "kind": "kto",
            "moved": thumb_share(order.questions, order.liked, shifts, seed),
            "ranking": thumb_difference(order.questions, order.liked, was, now, seed),
            "shift": _mean(shifts, order.liked) - _mean(shifts, [not up for up in order.liked]),
            "preferred": _mean(shifts, order.liked),
        }
    was, now = _margins(before), _margins(after)
    shifts = [new - old for old, new in zip(was, now, strict=True)]
    return {
        "kind": "dpo",
        "moved": pair_share(order.questions, shifts, seed),
        "ranking": pair_difference(order.questions, was, now, seed),
        "shift": sum(shifts) / len(shifts),  # nats
        "preferred": _per_token(after[::2]) - _per_token(before[::2]),
    }


def _margins(found: Sequence[Likelihood]) -> list[float]:
    return [better.total - worse.total for better, worse in zip(found[::2], found[1::2], strict=True)]


def _per_token(found: Sequence[Likelihood]) -> float:
    return sum(one.mean for one in found) / len(found)


def _mean(values: Sequence[float], which: Sequence[bool]) -> float:
    taken = [value for value, wanted in zip(values, which, strict=True) if wanted]
    return sum(taken) / len(taken)


def _gains(before: _Measured, after: _Measured, seed: int) -> dict[str, Mapping[str, float]]:
    """Of the rows that both can answer; a method with virtual tokens may have room for fewer."""
    from finetune.gains import RowScores, compare

    first, second = RowScores(), RowScores()
    for name in sorted(before.task.keys() & after.task.keys()):
        was, now = before.task[name], after.task[name]
        both = [at for at in was if at in now]
        first.means[name], second.means[name] = [was[at] for at in both], [now[at] for at in both]
    return {**compare(first, second, seed)}


def _forgotten(base: RowScores, current: RowScores, candidate: RowScores, seed: int) -> dict[str, Any]:
    """By how much the loss on general rows lies above the base's (nats per token), for both."""
    from finetune.gains import compare

    gain = compare(base, candidate, seed).get("loss")
    if gain is None:
        return {}
    present = compare(base, current, seed)["loss"] if current.losses else gain
    return {
        "rows": len(candidate.losses),
        "loss_of_base": gain["before"],
        "rise": gain["difference"],
        "rise_of_current": present["difference"],
        **{f"rise_{end}": gain[end] for end in ("low", "high") if end in gain},
    }
