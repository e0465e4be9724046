"""What a rule looks at and what it answers: Case and Verdict, and the short names of strategies and methods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .catalog import evidence
from .schema import DataProfile, Hardware, Needs

P, L, R, F, C, H = "prompt_only", "long_context", "rag", "finetune", "continued_pretraining", "hybrid"
LORA, QLORA, FULL = "lora", "qlora", "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything a rule may look at. `learned` says which needs the data told rather than the user."""

    hardware: Hardware | None
    data: DataProfile | None
    needs: Needs
    learned: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a rule found: points by strategy or method, and the strategies that it rules out."""

    text: str
    weights: Mapping[str, float]
    evidence: str  # key of facts/evidence.toml
    need: str | None = None  # the question that was answered
    vetoes: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        return evidence(self.evidence).cited
