"""The flags of `advisor train` that belong to learning from preferences."""

from __future__ import annotations

import argparse


def add_alignment_flags(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--adapter", metavar="FOLDER", help="go on from this adapter (default: from the base)")
    group.add_argument("--beta", type=float, help="of dpo and kto: how dear it is to leave the reference")
    group.add_argument("--preference-loss", metavar="NAME", help="of dpo: sigmoid (default) or ipo")
    group.add_argument(
        "--desirable-weight", type=float, help="of kto: of liked answers (default: balanced by their number)"
    )
    group.add_argument("--undesirable-weight", type=float, help="of kto: of disliked answers")
