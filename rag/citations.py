"""Which place in the sources supports which sentence of an answer; verified, never guessed.

A generator marks sentences with [1] or [1][2], in any form that `rag.marks` reads. What a mark covers:

- a mark at the end of a sentence, before or after its full stop: that sentence;
- a mark within a sentence: what stands before it, from the mark before; the whole sentence where next to nothing does
  ("According to [1], ...");
- earlier sentences of the paragraph without a mark of their own: they ride on the next mark. They are checked against
  its sources too and get a citation where one supports them. So do those whose only marks are footnotes of the document
  that they quote.

Every covered claim is checked against the passage by `rag.support`. A mark without support is removed and its claim
is `unsupported`; a sentence without a mark that nothing supports is `uncited`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from rag.marks import code_spans, find_marks
from rag.meaning import Similarity
from rag.schema import Citation, Hit
from rag.sentences import Span, sentence_spans
from rag.support import MIN_SUPPORT, Tokenize, best_support

__all__ = ["MIN_SUPPORT", "Cited", "cite"]

_LEAST_CLAIM = 3  # words (Chinese: characters) of a stretch without a mark that is asked for a source
# What may stand before a mark and claims nothing.
_INTRODUCES = re.compile(
    r"\W*(?:(?:and|but|also|as|per|see|from|in|by|according to|based on|citing|while"
    r"|根据|依据|据|按|按照|参见|见|如|在)"
    r"(?:\s+(?:the|source|document|passage|来源|资料|文档))*)?\W*",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[\u3400-\u9fff]|[^\W_]+")
_STOPS = re.compile(r"[\s.,;:!?。，；：！？、)）\"”’]*")
_FOOTNOTE_LEAD = 12  # characters before a mark that make it the document's own


@dataclass(frozen=True, slots=True, kw_only=True)
class Cited:
    """An answer whose remaining marks are all supported.

    `unsupported` lists the claims that lost their marks, `uncited` the sentences that no mark vouches for.
    """

    text: str
    citations: tuple[Citation, ...]
    unsupported: tuple[str, ...] = ()
    uncited: tuple[str, ...] = ()


@dataclass(slots=True)
class _Claim:
    """A stretch of the text without its marks; `sources`: the numbers that are named for it and where each stood."""

    start: int
    end: int
    sources: dict[int, int] = field(default_factory=dict)
    own: bool = False  # the marks are footnotes that were quoted from the document

    @property
    def named(self) -> tuple[int, ...]:
        """The sources that vouch for it, and for what stands before it."""
        return () if self.own else tuple(self.sources)


def cite(
    text: str,
    hits: Sequence[Hit],
    tokenize: Tokenize | None = None,
    similarity: Similarity | None = None,
) -> Cited:
    """Checks every mark of `text` against the hit that it names and returns what holds.

    `tokenize` turns text into comparable words, by default as the keyword leg does. `similarity` lets a claim in other
    words be supported by its meaning; without it words alone count.
    """
    words = tokenize or _keyword_tokens()
    bare, claims = _claims(text, hits)
    citations: list[Citation] = []
    unsupported: list[str] = []
    uncited: list[str] = []
    kept: dict[int, list[int]] = {}
    for claim, vouched in zip(claims, _vouching(bare, claims), strict=True):
        said = bare[claim.start : claim.end].lstrip(" \t\n,;，；、").rstrip()
        found = [
            citation
            for number in dict.fromkeys((*claim.sources, *(() if claim.named else vouched)))
            if (citation := _support(said, number, hits, words, similarity)) is not None
        ]
        citations += found
        supporting = {citation.number for citation in found}
        for number, anchor in claim.sources.items():
            if number in supporting:
                kept.setdefault(anchor, []).append(number)
        if claim.named and said and not found:
            unsupported.append(said)
        elif not claim.named and not found and _states(said):
            uncited.append(said)
    return Cited(
        text=_marked(bare, kept).strip(),
        citations=tuple(citations),
        unsupported=tuple(unsupported),
        uncited=tuple(uncited),
    )


def _keyword_tokens() -> Tokenize:
    from rag.words import tokenize  # loads jieba

    return tokenize


def _claims(text: str, hits: Sequence[Hit]) -> tuple[str, list[_Claim]]:
    """The text without marks, and its claims in order, every sentence being in at least one."""
    pieces: list[str] = []
    anchors: dict[int, tuple[int, ...]] = {}
    own: dict[int, bool] = {}
    at = length = 0
    for mark in find_marks(text):
        pieces.append(text[at : mark.start])
        length += mark.start - at
        at = mark.end
        anchors[length] = tuple(dict.fromkeys(anchors.get(length, ()) + mark.numbers))
        own[length] = own.get(length, True) and _is_footnote(text, mark.start, mark.end, hits)
    bare = "".join(pieces) + text[at:]
    claims: list[_Claim] = []
    left = list(anchors)
    for span in _sentences(bare):
        # A mark that opens a line stands before its sentence: what no earlier sentence took is this one's.
        inside = [anchor for anchor in left if anchor <= _reach(bare, span[1])]
        left = left[len(inside) :]
        claims += _parts(bare, span, inside, anchors, own)
    if left and claims and not claims[-1].sources:  # on a line of their own below the last sentence
        claims[-1].sources = dict.fromkeys(anchors[left[0]], claims[-1].end)
    return bare, claims


def _sentences(bare: str) -> list[Span]:
    """Sentences outside of code blocks."""
    code = [span for span in code_spans(bare) if "\n" in bare[slice(*span)]]
    return [span for span in sentence_spans(bare) if not any(a <= span[0] and span[1] <= b for a, b in code)]


def _reach(bare: str, end: int) -> int:
    """A mark on the white space after a sentence belongs to it."""
    while end < len(bare) and bare[end] in " \t":
        end += 1
    return end


def _parts(
    bare: str, span: Span, inside: Sequence[int], anchors: dict[int, tuple[int, ...]], own: dict[int, bool]
) -> list[_Claim]:
    """A sentence cut at its marks; see the opening of this module for what each covers."""
    if not inside:
        return [_Claim(*span)]
    found: list[_Claim] = []
    start = span[0]
    for place, anchor in enumerate(inside):
        following = inside[place + 1] if place + 1 < len(inside) else span[1]
        end = min(anchor, span[1])
        sources = dict.fromkeys(anchors[anchor], anchor)
        if found and not _TOKEN.search(bare, start, end):  # marks on both sides of a full stop
            found[-1].sources |= {n: at for n, at in sources.items() if n not in found[-1].sources}
            found[-1].own &= own[anchor]
            continue
        rest = _STOPS.match(bare, end)
        if (rest and rest.end() >= span[1]) or _INTRODUCES.fullmatch(bare[start:end]):
            end = max(following, end)
        found.append(_Claim(start, end, sources, own[anchor]))
        start = end
    if start < span[1] and _weighs(bare[start : span[1]]):
        found.append(_Claim(start, span[1]))
    return found


def _weighs(text: str) -> bool:
    return len(_TOKEN.findall(text)) >= _LEAST_CLAIM


def _is_footnote(text: str, start: int, end: int, hits: Sequence[Hit]) -> bool:
    """Whether a mark was quoted with the words before it: a footnote of the document, or one that it faked."""
    lead = text[max(start - _FOOTNOTE_LEAD, 0) : end]
    return len(lead) > end - start and any(lead in hit.chunk.text for hit in hits)


def _vouching(bare: str, claims: Sequence[_Claim]) -> list[tuple[int, ...]]:
    """For each claim the numbers of the next mark in its paragraph."""
    found: list[tuple[int, ...]] = []
    following: tuple[int, ...] = ()
    later = len(bare)
    for claim in reversed(claims):
        if "\n\n" in bare[claim.end : later]:
            following = ()
        following = claim.named or following
        later = claim.start
        found.append(following)
    return found[::-1]


def _states(sentence: str) -> bool:
    """Whether a sentence without a mark claims anything: no question, no heading, no opening of a list."""
    return (
        _weighs(sentence) and not sentence.endswith(("?", "？", ":", "：")) and not sentence.startswith("#")
    )


def _marked(bare: str, kept: dict[int, list[int]]) -> str:
    pieces, at = [], 0
    for anchor in sorted(kept):
        pieces.append(bare[at:anchor])
        pieces.append((" " if anchor else "") + "".join(f"[{number}]" for number in kept[anchor]))
        at = anchor
    return "".join([*pieces, bare[at:]])


def _support(
    claim: str, number: int, hits: Sequence[Hit], words: Tokenize, similarity: Similarity | None
) -> Citation | None:
    if not _TOKEN.search(claim) or not 1 <= number <= len(hits):
        return None
    chunk = hits[number - 1].chunk
    found = best_support(claim, chunk, words, similarity)
    if found is None:
        return None
    return Citation(
        number=number,
        claim=claim,
        quote=chunk.text[found.start : found.end],
        source=chunk.source,
        start=chunk.start + found.start,
        end=chunk.start + found.end,
        page=chunk.page,
        heading=chunk.heading,
        support=round(found.degree, 3),
    )
