"""What a rule looks at and what it answers: Case and Verdict, and the short names of strategies and methods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from .catalog import evidence, threshold
from .phrase import Phrase, say
from .schema import DataProfile, Hardware, ModelSpec, Needs

if TYPE_CHECKING:
    from .cost import Prices

P, L, R, F, C, H = "prompt_only", "long_context", "rag", "finetune", "continued_pretraining", "hybrid"
LORA, QLORA, FULL, DPO, KTO = "lora", "qlora", "full", "dpo", "kto"
FEATURES, OUTPUT_LAYER = "features", "output_layer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything a rule may look at. `learned` says which needs the data told; `model` is the one that was named."""

    hardware: Hardware | None
    data: DataProfile | None
    needs: Needs
    learned: Mapping[str, str] = field(default_factory=dict)
    model: ModelSpec | None = None
    prices: Prices | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a rule found: points by strategy or method, and the strategies that it rules out."""

    text: Phrase
    weights: Mapping[str, float]
    evidence: str  # key of facts/evidence.toml
    need: str | None = None  # the question that was answered
    fact: Phrase | None = None  # the measurement, where no question was answered
    vetoes: tuple[str, ...] = ()


@cache
def figure(key: str, name: str = "value") -> float:
    """The figure of a row of facts/evidence.toml that a rule compares with."""
    return threshold(key, name)


@cache
def cited(key: str) -> str:
    """Source, date and figure of a row of facts/evidence.toml."""
    return evidence(key).cited


def corpus_fits_prompt(needs: Needs) -> bool:
    """Whether the documents are known to be small enough to stand in a prompt as a whole."""
    tokens = needs.corpus_tokens
    return tokens is not None and 0 < tokens <= figure("long_context")


def must_be_fast(needs: Needs) -> bool:
    """Answers are wanted within the second in which a user's flow of thought stays uninterrupted."""
    return bool(needs.latency_sensitive) or (
        needs.latency_ms is not None and needs.latency_ms <= figure("response_time")
    )


def is_busy(needs: Needs) -> bool:
    """So many questions a day that the tokens of each one count."""
    return (needs.queries_per_day or 0) >= figure("latency_tuning")


def stays_inside(needs: Needs) -> bool:
    """Whether the data may not leave the own machines, so that no model elsewhere can stand in."""
    return needs.privacy in ("on_prem", "air_gapped")


def answer_fact(case: Case, need: str) -> Phrase:
    """The answer that a verdict starts from, e.g. 'needs_citations: yes'; what the data told says how."""
    value = getattr(case.needs, need)
    how = case.learned.get(need)
    if how:
        return say("{need}: {value} ({how})", need=need, value=_spoken(value), how=how)
    return say("{need}: {value}", need=need, value=_spoken(value))


def _spoken(value: object) -> str:
    if isinstance(value, bool):
        return say("yes") if value else say("no")
    if isinstance(value, (int, float)):
        return say("{number:,g}", number=value) if abs(value) < 1e6 else say("{number:,.0f}", number=value)
    return str(value)
