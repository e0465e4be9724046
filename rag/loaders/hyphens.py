"""Words that a line break cut: the rest of the document tells whether the hyphen is theirs (pure)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from rag.loaders.blocks import Block

BREAK = "\x02"  # stands where a line ended in a hyphen
_CUT = re.compile(rf"(\w+){BREAK}(\w+)")


def without_hyphens(blocks: Sequence[Block]) -> list[Block]:
    """Replace every BREAK by nothing ("ef" + "fects") or by a hyphen ("year" + "end")."""
    text = "\n".join(block.text for block in blocks)
    if BREAK not in text:
        return list(blocks)
    whole = set(re.findall(r"\w+", text.lower()))
    compound = set(re.findall(r"\w+-\w+", text.lower()))
    cuts = [(left.lower(), right.lower()) for left, right in _CUT.findall(text)]
    # A typesetter that hyphenates does so often, and some of its words also stand uncut elsewhere.
    hyphenates = sum(a + b in whole for a, b in cuts) > sum(f"{a}-{b}" in compound for a, b in cuts)

    def mend(cut: re.Match[str]) -> str:
        left, right = cut.groups()
        if (left + right).lower() in whole:
            return left + right
        lower = right.islower() and left.isalpha() and right.isalpha()
        keep = f"{left}-{right}".lower() in compound or not lower or not hyphenates
        return f"{left}-{right}" if keep else left + right

    return [replace(block, text=_CUT.sub(mend, block.text).replace(BREAK, "-")) for block in blocks]
