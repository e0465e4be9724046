"""What a reading of a news text holds: facts, sentiment with its reasons, companies and risks, each with its place."""

from __future__ import annotations

from dataclasses import dataclass

# What a label is called in Chinese; finance_zh's own labels are 积极, 中性 and 消极.
CHINESE_LABELS = {"positive": "利好", "neutral": "中性", "negative": "利空", "mixed": "多空交织"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A place in the text: `quote == text[start:end]`, in characters."""

    quote: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(Quote):
    """A figure, date, company or event in a fact."""

    kind: str  # amount, change, date, company, event:NAME, guidance


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact(Quote):
    """A sentence or clause that says something checkable; `salience` orders facts and is no probability."""

    kinds: tuple[str, ...]
    parts: tuple[Part, ...]
    salience: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason(Quote):
    """A sentence without which the confidence in the label falls by `weight`; `words` in it do most of that."""

    weight: float
    words: tuple[Quote, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentiment:
    """`confidence` is the share that the weights give the label, None where a model said it; `unsure`: do not rely."""

    label: str  # positive, neutral, negative; mixed in English where companies differ
    label_zh: str
    confidence: float | None
    unsure: bool = False
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """A company by the name it has first, everywhere it is named, and what the clauses that name it say."""

    name: str
    mentions: tuple[Quote, ...]
    label: str
    label_zh: str
    confidence: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk(Quote):
    kind: str  # stated, legal, financial, guidance, operations, possible
    cue: str  # the words that made it one


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsReading:
    """The text read once. `dropped` counts what a model claimed and the text does not hold."""

    language: str
    facts: tuple[Fact, ...]
    sentiment: Sentiment
    companies: tuple[Company, ...]
    risks: tuple[Risk, ...]
    notes: tuple[str, ...] = ()
    written_by: str = "news-sentiment"
    dropped: int = 0


def quote_at(text: str, start: int, end: int) -> Quote:
    return Quote(quote=text[start:end], start=start, end=end)
