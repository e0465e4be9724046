"""How near an answer comes to the one that was wanted, pure: exact match, token F1, ROUGE-L; Chinese and
Japanese by character."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

# Kana, Han (with extension A and the compatibility block): written without spaces, so a character is a token.
UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
WORD = re.compile(r"[^\W_]+")
ARTICLES = {"a", "an", "the"}  # left out by SQuAD's scorer (arXiv 1606.05250)


def tokens(text: str) -> list[str]:
    """Words in lower case without punctuation; characters where a script has no spaces."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return WORD.findall(UNSPACED.sub(r" \g<0> ", plain))


def exact_match(wanted: str, given: str) -> float:
    """1 when the answers are the same but for case, punctuation, spaces and articles."""
    first, second = _without_articles(wanted), _without_articles(given)
    if not first and not second:  # signs alone, such as "+"
        return float(wanted.strip() == given.strip())
    return float(first == second)


def token_f1(wanted: str, given: str) -> float:
    """Harmonic mean of the shares of tokens that both have, as SQuAD's scorer counts it."""
    first, second = _without_articles(wanted), _without_articles(given)
    if not first or not second:
        return exact_match(wanted, given)
    return _f1((Counter(first) & Counter(second)).total(), len(first), len(second))


def rouge_l(wanted: str, given: str) -> float:
    """F1 over the longest common subsequence (Lin 2004); the order of the words counts."""
    first, second = tokens(wanted), tokens(given)
    if not first or not second:
        return exact_match(wanted, given)
    return _f1(_common_subsequence(first, second), len(first), len(second))


def _without_articles(text: str) -> list[str]:
    return [token for token in tokens(text) if token not in ARTICLES]


def _f1(common: int, first: int, second: int) -> float:
    return 2 * common / (first + second)


def _common_subsequence(first: Sequence[str], second: Sequence[str]) -> int:
    """Its length, one row of the table at a time."""
    row = [0] * (len(second) + 1)
    for token in first:
        diagonal = 0
        for at, other in enumerate(second, start=1):
            above = row[at]
            row[at] = diagonal + 1 if token == other else max(above, row[at - 1])
            diagonal = above
    return row[-1]


SCORES = {"exact_match": exact_match, "token_f1": token_f1, "rouge_l": rouge_l}
