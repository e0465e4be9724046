"""A question about memory answered whole: estimate, verdict on the card, what would help, the room that is left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .catalog import cards, find_card
from .limits import Verdict, largest_batch, longest_context, longest_sequence, most_concurrent, verdict
from .memory import estimate_memory
from .remedies import Remedy, remedies
from .schema import Gpu
from .setup_words import is_a_size
from .setups import Card, MemoryEstimate, ModelSpec, ServeSetup, TrainSetup
from .usable_memory import usable_gib, usable_span_gib


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryAnswer:
    """`card` None = none was named or found; then there is no verdict. Tokens and rows are what fits surely."""

    model: ModelSpec
    setup: TrainSetup | ServeSetup
    memory: MemoryEstimate
    card: Gpu | None
    fits: Verdict | None
    remedies: tuple[Remedy, ...]
    room_tokens: int | None  # longest rows or requests at the same number of them
    room_rows: int | None  # most rows or requests of the same length
    sufficient: tuple[Card, ...]  # the smallest catalogued cards on which it fits surely
    simulation: Any = None  # advisor.simulate.Simulation, whose module imports torch


def answer(
    model: ModelSpec, setup: TrainSetup | ServeSetup, card: Gpu | None, *, simulation: Any = None
) -> MemoryAnswer:
    """Estimates, judges and looks for remedies. Raises ValueError for a setup that makes no sense."""
    name = card.name if card else None
    memory = estimate_memory(model, setup, name)
    fits = verdict(memory, card.vram_gib) if card else None
    tokens, rows = _room(model, setup, card) if card else (None, None)
    return MemoryAnswer(
        model=model,
        setup=setup,
        memory=memory,
        card=card,
        fits=fits,
        remedies=remedies(model, setup, card.vram_gib, gpu=name) if card and fits != "yes" else (),
        room_tokens=tokens,
        room_rows=rows,
        sufficient=sufficient_cards(memory.high_gib),
        simulation=simulation,
    )


def _room(model: ModelSpec, setup: TrainSetup | ServeSetup, card: Gpu) -> tuple[int | None, int | None]:
    size, name = card.vram_gib, card.name
    if isinstance(setup, ServeSetup):
        return longest_context(model, setup, size, gpu=name), most_concurrent(model, setup, size, gpu=name)
    return longest_sequence(model, setup, size, gpu=name), largest_batch(model, setup, size, gpu=name)


def sufficient_cards(needed_gib: float) -> tuple[Card, ...]:
    """Of the catalogued NVIDIA cards with enough memory, all of the smallest size; empty where none is large enough."""
    enough = [card for card in cards() if card.vendor == "NVIDIA" and usable_gib(card) >= needed_gib]
    return tuple(card for card in enough if card.vram_gib == enough[0].vram_gib)


def over_window(model: ModelSpec, setup: TrainSetup | ServeSetup) -> int | None:
    """The model's window where the setup's rows are longer than it."""
    tokens = setup.context_tokens if isinstance(setup, ServeSetup) else setup.seq_len
    window = model.context_tokens
    return window if window is not None and tokens > window else None


def lacks_bf16(found: MemoryAnswer) -> bool:
    """Whether bf16 is asked of a catalogued card that has none; fp16 takes as much."""
    card = find_card(found.card.name) if found.card else None
    return card is not None and not card.bf16 and found.setup.weight_dtype == "bf16"


def within_what_is_kept(found: MemoryAnswer) -> tuple[float, float] | None:
    """What programs get of a size that was only given as printed, where the estimate comes near enough to matter."""
    card = found.card
    if card is None or found.fits != "yes" or not is_a_size(card):
        return None
    least, most = usable_span_gib(card.vram_gib)
    return (least, most) if found.memory.high_gib > least else None


def as_dict(found: MemoryAnswer) -> dict[str, Any]:
    """What `advisor estimate --json` prints; all sizes in GiB (2^30 bytes)."""
    card = found.card
    return {
        "model": found.model.name,
        "kind": "serving" if isinstance(found.setup, ServeSetup) else "training",
        "setup": _plain(asdict(found.setup)),
        "memory": asdict(found.memory),
        "card": None if card is None else {"name": card.name, "vram_gib": card.vram_gib},
        "fits": found.fits,
        "room": None if card is None else {"tokens": found.room_tokens, "rows": found.room_rows},
        "remedies": [
            {"text": str(r.text), "changed": r.changed, "fits": r.fits, "memory": asdict(r.memory)}
            for r in found.remedies
        ],
        "sufficient_cards": [
            {"name": enough.name, "vram_gib": enough.vram_gib} for enough in found.sufficient
        ],
        "simulation": None if found.simulation is None else asdict(found.simulation),
    }


def _plain(setup: Mapping[str, Any]) -> dict[str, Any]:
    """Models by their names."""
    return {key: value["name"] if isinstance(value, dict) else value for key, value in setup.items()}
