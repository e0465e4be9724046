"""The records that the advisor reads and returns; shapes of models, setups and estimates stand in setups.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .setups import Card, CostEstimate, MemoryEstimate, ModelSpec, ServeSetup, TimeEstimate, TrainSetup

__all__ = [
    "Card",
    "CostEstimate",
    "DataProfile",
    "Evidence",
    "ExampleProfile",
    "Gpu",
    "Hardware",
    "MemoryEstimate",
    "ModelSpec",
    "Needs",
    "Option",
    "Reason",
    "Recommendation",
    "ServeSetup",
    "TimeEstimate",
    "TrainSetup",
]

Strategy = Literal["prompt_only", "long_context", "rag", "finetune", "continued_pretraining", "hybrid"]
Gap = Literal["knowledge", "behaviour", "both", "none"]
Constraint = Literal["gpu_memory", "sequence_length", "batch_size", "training_speed", "training_cost"]
Task = Literal[
    "qa",
    "classification",
    "extraction",
    "summarization",
    "report_generation",
    "nl_to_query",
    "code_completion",
    "structured_output",
    "translation",
    "dialogue",
    "style",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    name: str
    vram_gib: float
    free_gib: float | None = None
    compute_capability: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """What a machine offers. `gpus` is empty where there is none; `note` says in words how this was learned."""

    gpus: tuple[Gpu, ...] = ()
    ram_gib: float | None = None
    cpu_cores: int | None = None
    disk_free_gib: float | None = None
    note: str = ""

    @property
    def vram_gib(self) -> float:
        """Memory of the largest card, in GiB; 0 without a card."""
        return max((gpu.vram_gib for gpu in self.gpus), default=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleProfile:
    """What a file of labelled examples is like; lengths are estimated tokens of the whole row."""

    rows: int
    kind: Literal["qa", "labels", "messages", "text", "unknown"]
    p50_tokens: int
    p95_tokens: int
    max_tokens: int
    p99_tokens: int | None = None
    labels: dict[str, int] = field(default_factory=dict)
    duplicates: int = 0
    conflicts: int = 0  # questions that stand there with different answers
    leaked: int | None = (
        None  # rows of a held-out split that also stand in train; None = the rows name no split
    )
    layout: str = ""  # alpaca, sharegpt, messages, prompt_completion, qa, labels, preference, thumbs, text
    answers_checked: int = 0  # rows behind `answers_in_documents`
    languages: dict[str, float] = field(default_factory=dict)
    answers_in_documents: float | None = None  # share of answers found verbatim in the documents
    quotes: bool = False  # rows name the passage that supports them, so answers are expected to be cited
    path: str | None = None  # as the user typed it


@dataclass(frozen=True, slots=True, kw_only=True)
class DataProfile:
    """What the documents (and examples) are like. Token counts are estimates; `sampled` says whether all was read."""

    files: int
    size_bytes: int
    formats: dict[str, int]  # suffix -> files
    tokens: int
    languages: dict[str, float]  # "en", "zh" -> share of tokens
    sampled: bool = False
    unreadable: tuple[str, ...] = ()  # "name: reason"
    unsupported: dict[str, int] = field(default_factory=dict)  # suffix -> files no loader reads
    median_age_days: float | None = None
    update_days: float | None = None  # the documents seem to change every so many days
    update_source: str = ""  # how that was read: the git history, or modification times
    near_duplicates: int = 0  # documents that say nearly what another one says
    scanned: tuple[str, ...] = ()  # PDF files without a text layer
    personal_data: dict[str, int] = field(default_factory=dict)  # kind -> matches; the values are never kept
    examples: ExampleProfile | None = None
    path: str | None = None  # as the user typed it; None where only examples were profiled


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Answers to the questionnaire. None is 'not answered' and never the same as no."""

    task: Task | None = None
    gap: Gap | None = None
    style_or_format_task: bool | None = None
    domain_language: bool | None = None
    instructions_fit_prompt: bool | None = None
    large_behaviour_shift: bool | None = None
    preserve_base: bool | None = None
    corpus_tokens: int | None = None
    corpus_growing: bool | None = None
    update_days: float | None = None  # documents change every so many days
    labelled_examples: int | None = None
    preference_pairs: int | None = None
    unlabelled_tokens: int | None = None
    needs_citations: bool | None = None
    per_document_access: bool | None = None
    latency_sensitive: bool | None = None
    latency_ms: float | None = None  # the longest wait for a whole answer
    queries_per_day: float | None = None
    cost_sensitive: bool | None = None
    privacy: Literal["any", "internal", "on_prem", "air_gapped"] | None = None
    prompting_tried: bool | None = None
    prompting_sufficient: bool | None = None
    rag_tried: bool | None = None
    rag_sufficient: bool | None = None
    long_tail_knowledge: bool | None = None  # facts that are asked for seldom and stand in few documents
    retrieval_noisy: bool | None = None  # what is found is often beside the point
    tenants: int | None = None  # customers or departments, each with a behaviour of its own
    stage: Literal["prototype", "production"] | None = None
    only_one_method: bool | None = None  # no room for both retrieval and training
    vram_gib: float | None = None  # of one card, where the machine itself is not looked at
    gpus: int | None = None
    model: str | None = None  # a catalogued model's name
    model_params_b: float | None = None
    constraint: Constraint | None = None  # what limits the training run
    language: Literal["en", "zh", "both"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One claim that a rule rests on. `value` is the threshold where the claim has one."""

    key: str
    claim: str
    figure: str
    source: str
    date: str
    value: float | None = None
    about: tuple[str, ...] = ()  # the strategies and methods that it speaks on

    @property
    def cited(self) -> str:
        return f"{self.source}, {self.date} ({self.figure})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One argument: its text, how much it weighs for (+) or against (-), and the source that it rests on."""

    rule: str
    text: str
    weight: float
    source: str
    fact: str = ""  # the answer or measurement that it starts from, "needs_citations: yes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One way to adapt. `fits` is None where the machine is unknown; `rejected` says why it cannot work, or is None."""

    strategy: Strategy
    method: str  # none, lora, qlora, full, features, output_layer, dpo, kto
    model: str
    score: float
    fits: bool | None
    train_memory: MemoryEstimate | None
    serve_memory: MemoryEstimate | None
    time: TimeEstimate | None = None  # to build: train, embed, or both
    cost: CostEstimate | None = None
    reasons: tuple[Reason, ...] = ()
    against: tuple[Reason, ...] = ()
    evidence: tuple[Evidence, ...] = ()  # measured outcomes that speak about this strategy
    rejected: str | None = None
    device: Literal["gpu", "cpu"] | None = (
        None  # where it would run; None where it fits nowhere or nothing is known
    )

    @property
    def memory(self) -> MemoryEstimate | None:
        """What decides whether the option fits: training where there is any, else answering."""
        return self.train_memory or self.serve_memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """What leaves the advisor, as `plan.json` too. `options` are ranked, rejected ones last."""

    options: tuple[Option, ...]
    confidence: Literal["high", "medium", "low"]
    confidence_because: str = ""
    near_ties: tuple[str, ...] = ()  # each an option nearly as good, and what separates it from the best one
    first_step: str | None
    would_change: tuple[str, ...]
    next_command: str
    commands: tuple[str, ...]  # the whole way, `next_command` first
    hardware: Hardware | None
    data: DataProfile | None
    needs: Needs  # as answered, with what the data told filled in
    learned: dict[str, str] = field(default_factory=dict)  # key of needs -> how the data told it
    unanswered: tuple[str, ...] = ()  # keys of needs that would move the answer most, most telling first

    @property
    def best(self) -> Option:
        return self.options[0]
