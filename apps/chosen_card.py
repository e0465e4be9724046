"""Which card a command judges by: --vram, --gpu, or the largest of this machine."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from advisor import Gpu


def add_card_flags(parser: argparse.ArgumentParser) -> None:
    one = parser.add_mutually_exclusive_group()
    one.add_argument(
        "--vram", type=float, metavar="GIB", help="a card of this size (default: this machine's)"
    )
    one.add_argument("--gpu", metavar="NAME", help="a catalogued card, such as 'RTX 4090' or A100-80GB")


def chosen_card(args: argparse.Namespace) -> Gpu | None:
    """The card, None where none is named and this machine has none; a catalogued one with what programs can use of it.

    Raises ValueError for an unknown one.
    """
    from advisor import detect_hardware, hardware_with_vram

    if args.vram is not None:
        return hardware_with_vram(args.vram).gpus[0]
    if args.gpu is not None:
        return _catalogued(args.gpu)
    return max(detect_hardware().gpus, key=lambda gpu: gpu.vram_gib, default=None)


def _catalogued(name: str) -> Gpu:
    from advisor import Gpu
    from advisor.catalog import cards, find_card
    from advisor.usable_memory import usable_gib

    names = {card.name: card for card in cards() if card.vendor != "CPU"}
    holding = [known for known in names if _bare(name) and _bare(name) in _bare(known)]
    ending = [
        known for known in holding if _bare(known).endswith(_bare(name))
    ]  # '3060' is the RTX 3060, not its Ti
    only = next((found[0] for found in (ending, holding) if len(found) == 1), None)
    card = find_card(name) or (names[only] if only else None)
    if card is not None and card.vendor == "CPU":
        raise ValueError(f"{name!r} is no card; what a CPU works with is the RAM: give its size with --vram.")
    if card is None:
        near = ", ".join(holding[:5] or _nearest(name, list(names)))
        raise ValueError(
            f"Unknown card {name!r}; nearest in the catalogue: {near}. Or give its size with --vram."
        )
    return Gpu(name=card.name, vram_gib=usable_gib(card), compute_capability=card.compute_capability)


def _nearest(name: str, names: list[str]) -> list[str]:
    import difflib

    spelled = {_bare(known): known for known in names}
    return [spelled[near] for near in difflib.get_close_matches(_bare(name), spelled, 3, cutoff=0)]


def _bare(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
