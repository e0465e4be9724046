"""Which place of a passage supports a claim best, by its words and its meaning, and how well."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import unescape

from rag.agreement import disagreement
from rag.inert import visible
from rag.meaning import Similarity
from rag.quantities import quantities
from rag.schema import Chunk
from rag.sentences import sentence_spans

# Shares of a claim's words and cosines of MiniLM, read off what benchmarks/claim_support.py prints.
MIN_SUPPORT = 0.6  # of the words, or of the mean of words and meaning where the embedder can read both texts
SAME_MEANING = 0.7  # a cosine that supports a claim in other words whose numbers, negations and names agree
_PLAIN_SHARE = 0.9  # of words shared, from which the embedder need not be asked

Tokenize = Callable[[str], list[str]]


@dataclass(frozen=True, slots=True)
class Support:
    """`passage[start:end]` supports the claim to `degree`, 0 to 1."""

    start: int
    end: int
    degree: float


def best_support(
    claim: str, chunk: Chunk, words: Tokenize, similarity: Similarity | None = None
) -> Support | None:
    """The sentence, or two in a row, that support a claim best; None when none of them does.

    A quote whose numbers, negations, directions or names speak against the claim supports it never.
    """
    passage = chunk.text
    around = "\n".join(
        (
            chunk.heading,
            chunk.metadata.get("title", ""),
            chunk.metadata.get("date", ""),
            chunk.source,
            passage,
        )
    )
    spans = sentence_spans(passage)
    pairs = [(a[0], b[1]) for a, b in zip(spans, spans[1:], strict=False)]
    said = as_read(claim)
    quotes = {span: as_read(passage[slice(*span)]) for span in (*spans, *pairs)}
    agreeing = [span for span, quote in quotes.items() if not disagreement(said, quote, as_read(around))]
    found = [Support(*span, _share(said, quotes[span], words)) for span in agreeing]
    best = _best(found)
    if similarity is not None and found and (best is None or best.degree < _PLAIN_SHARE):
        cosines = similarity(said, [quotes[one.start, one.end] for one in found])
        best = (
            _best([_with_meaning(one, cosine) for one, cosine in zip(found, cosines, strict=False)]) or best
        )
    return best if best is not None and best.degree >= MIN_SUPPORT else None


def _with_meaning(lexical: Support, cosine: float) -> Support:
    degree = max((lexical.degree + cosine) / 2, cosine if cosine >= SAME_MEANING else 0.0)
    return Support(lexical.start, lexical.end, min(degree, 1.0))


def as_read(text: str) -> str:
    """Text as it is compared: without what is not drawn, of one width, and free of the prompt's escapes."""
    return unescape(unicodedata.normalize("NFKC", visible(text)))


def _best(found: Sequence[Support]) -> Support | None:
    # The first of equals: sentences come before pairs.
    return max(found, key=lambda one: one.degree, default=None)


def _share(claim: str, quote: str, words: Tokenize) -> float:
    """Share of the claim's words that the quote holds; numbers are judged apart, in `disagreement`."""
    if claim in quote:
        return 1.0
    wanted = set(words(_without_numbers(claim)))
    if not wanted:
        return 1.0 if quantities(claim) else 0.0
    return len(wanted & set(words(quote))) / len(wanted)


def _without_numbers(claim: str) -> str:
    for quantity in reversed(quantities(claim)):
        claim = claim[: quantity.start] + " " + claim[quantity.end :]
    return re.sub(r"\s+", " ", claim)
