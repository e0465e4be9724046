"""How much of a card's printed memory programs can use: the driver keeps some, and error correction some more."""

from __future__ import annotations

from functools import cache

from .catalog import cards, read_facts
from .setups import Card


def usable_gib(card: Card) -> float:
    """As facts/usable.toml has it, else by the lowest share that is known of cards without error correction."""
    return _known().get(card.name, card.vram_gib * _lowest_share(ecc=False))


def usable_span_gib(vram_gib: float) -> tuple[float, float]:
    """What is left of a printed size, on cards with error correction and on those without."""
    return vram_gib * _lowest_share(ecc=True), vram_gib * _highest_share()


@cache
def _known() -> dict[str, float]:
    return {row["name"]: float(row["gib"]) for row in read_facts("usable")}


@cache
def _shares() -> dict[str, tuple[float, bool]]:
    """Card -> its share, and whether its error correction takes a part of it."""
    printed = {card.name: card.vram_gib for card in cards()}
    return {
        row["name"]: (row["gib"] / printed[row["name"]], bool(row.get("ecc")))
        for row in read_facts("usable")
        if row["name"] in printed
    }


def _lowest_share(*, ecc: bool) -> float:
    return min(share for share, has_ecc in _shares().values() if has_ecc == ecc)


def _highest_share() -> float:
    return max(share for share, _ in _shares().values())
