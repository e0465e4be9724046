"""What a round of improvement begins with: the rows that feedback amounts to, the adapter in place, and what an earlier
call left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.feedback import read_feedback
from apps.feedback_sides import Sides, choose
from apps.improve_round import REPORT, Place, Round, begin, finished, unfinished
from apps.improve_wish import Wish

if TYPE_CHECKING:
    from finetune.version_log import Change

Say = Callable[[str], None]
Report = dict[str, Any]


def prepare(wish: Wish) -> tuple[Sides, Round]:
    """What a new round would be about. Raises ValueError or OSError in one line for what is missing."""
    start, model = standing(wish)
    rows = read_feedback(wish.store)
    if not rows:
        raise ValueError(
            f"There is no feedback in '{wish.store}' yet; press thumbs in 'advisor chat', or read some with 'advisor "
            "feedback import FILE'. Nothing was changed."
        )
    sides = choose(rows, wish.kind, mask=wish.mask, context=wish.context, prompt_tokens=_prompt_tokens(model))
    taken = {key for _, about in finished(wish.adapter) for key in about.keys}
    about = Round(
        kind=sides.kind,
        adapter=str(wish.adapter),
        model=model,
        start=start,
        settings=wish.settings,
        keys=sides.keys,
        new=len(set(sides.keys) - taken),
        feedback={
            **asdict(sides.report),
            "notes": list(sides.report.notes),  # as it will be read back: JSON knows no tuples
            "learned": len(sides.learned.rows),
            "held_out": len(sides.held_out),
            "questions": sides.questions,
        },
    )
    return sides, about


def standing(wish: Wish) -> tuple[str, str]:
    """The hash of the weights in place, empty where there are none, and the base. Raises ValueError in one line."""
    from finetune import read_card
    from finetune.adapters import is_whole
    from finetune.versions import recover
    from finetune.weights import weights_hash

    if not recover(wish.adapter):
        if wish.model is None:
            raise ValueError(
                f"No adapter at '{wish.adapter}'; name one with --adapter, or a base with --model to begin from."
            )
        return "", wish.model
    card = read_card(wish.adapter)
    if is_whole(card) or card.objective in ("classify", "reward"):
        kind = "a whole model" if is_whole(card) else f"trained for '{card.objective}'"
        raise ValueError(
            f"'{wish.adapter}' is {kind}; feedback improves adapters that write text. Give a new folder as --adapter, "
            "and the base as --model."
        )
    return weights_hash(wish.adapter), wish.model or card.base_model


def _prompt_tokens(model: str) -> int | None:
    """The room of a prompt at work, so that a row's sources are those that the generator saw."""
    from apps.prompt_room import DEFAULT_ANSWER_TOKENS
    from finetune.weights import context_tokens, resolve_model

    context = context_tokens(resolve_model(model))
    return None if context is None else context - min(DEFAULT_ANSWER_TOKENS, context // 4)


def taken_up(wish: Wish, say: Say) -> tuple[Place, Round] | Report:
    """The round to go on with, or a new one; where nothing is new, the report that says so."""
    interrupted = None if wish.restart else unfinished(wish.adapter)
    if interrupted is not None:
        place, about = interrupted
        if change_of(wish.adapter, place) is not None:
            return interrupted
        if place.begun:
            _refuse_others(wish, place, about)
            say(f"going on with {place.name}, with the {len(about.keys)} rows that it took")
            return interrupted
    sides, about = prepare(wish)
    if (last := _nothing_new(wish, about)) is not None:
        why = f"no new feedback since {last}: the same rows would be learned again"
        return {"promoted": False, "why": why, "adapter": str(wish.adapter), "round": last}
    return begin(wish.adapter, sides, about, wish.store)


def _refuse_others(wish: Wish, place: Place, about: Round) -> None:
    """Raises ValueError where an interrupted round has something otherwise than this call."""
    start, model = standing(wish)
    found = [] if model == about.model else [f"the model was {about.model}, now {model}"]
    found += [] if start == about.start else ["another adapter is in place now"]
    for name, value in wish.settings.items():
        if about.settings.get(name) != value:
            found.append(f"{name} was {about.settings.get(name)!r}, now {value!r}")
    if found:
        raise ValueError(
            f"{place.name} of '{wish.adapter}' was interrupted and differs: {'; '.join(found)}. Run it as it was "
            "begun, or start anew with --restart."
        )


def _nothing_new(wish: Wish, about: Round) -> str | None:
    """The round that took the same rows, where it promoted its candidate or would come to the same end."""
    done = finished(wish.adapter)
    if wish.restart or not done:
        return None
    place, last = done[-1]
    same = (last.settings, last.start, last.model) == (dict(about.settings), about.start, about.model)
    promoted = bool((place.read(REPORT) or {}).get("promoted"))
    return place.name if set(last.keys) == set(about.keys) and (promoted or same) else None


def change_of(adapter: Path, place: Place) -> Change | None:
    """The promotion of a round's candidate, where it took place before the round was written down as ended."""
    from finetune.version_log import read_log
    from finetune.versions import home_of

    changes = read_log(home_of(adapter)).changes
    return next((one for one in changes if one.source == place.name), None)
