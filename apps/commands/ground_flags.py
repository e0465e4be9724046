"""Flags of grounded rows, shared by `advisor train` and `advisor ground`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apps.grounding import GroundConfig

NEED_GROUND = ("distractors", "gold_share", "without_gold", "not_found", "shared_documents", "out_rows")


def add_ground_flags(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--distractors", type=int, metavar="N", help="passages beside the one that answers (default 3)"
    )
    group.add_argument(
        "--gold-share",
        type=float,
        metavar="SHARE",
        help="of the rows, that hold the passage that answers (default 0.8)",
    )
    group.add_argument(
        "--without-gold",
        choices=("answer", "refuse"),
        help="what the other rows say: the answer all the same (default), or that the documents hold none",
    )
    group.add_argument(
        "--not-found",
        choices=("leave_out", "closed_book"),
        help="an example whose answer no passage holds: leave it out (default), or keep it without passages",
    )
    group.add_argument(
        "--shared-documents",
        action="store_true",
        default=None,
        help="let a document answer rows to learn from and held-out ones",
    )


def ground_config(args: argparse.Namespace, seed: int | None) -> GroundConfig:
    """The settings that the flags ask for."""
    from apps.grounding import GroundConfig

    names = ("distractors", "gold_share", "without_gold", "not_found", "shared_documents")
    given: dict[str, Any] = {name: value for name in names if (value := getattr(args, name)) is not None}
    return GroundConfig(**given, seed=seed)


def refuse_alone(args: argparse.Namespace) -> None:
    """Raises ValueError for flags of grounding where no index is named."""
    alone = next((name for name in NEED_GROUND if getattr(args, name, None) is not None), None)
    if alone is not None:
        raise ValueError(f"--{alone.replace('_', '-')} needs --ground INDEX: the passages to learn from.")
