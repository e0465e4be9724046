"""The flags of `advisor train` that belong to learning to search."""

from __future__ import annotations

import argparse


def add_embed_flags(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--temperature", type=float, help="what cosines are divided by (default: 0.05)")
    group.add_argument(
        "--negatives", type=int, help="of each row, how many of those given count (default: 1)"
    )
    group.add_argument("--question-tokens", type=int, help="a longer question is cut (default: 64)")
    group.add_argument(
        "--both-directions", action="store_true", default=None, help="a passage also has to find its question"
    )
