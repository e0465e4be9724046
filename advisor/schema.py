"""The records that the advisor reads and returns; no behaviour beyond validation and reading a config."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

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
    labels: dict[str, int] = field(default_factory=dict)
    duplicates: int = 0
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
    update_days: float | None = None  # documents change every so many days
    labelled_examples: int | None = None
    unlabelled_tokens: int | None = None
    needs_citations: bool | None = None
    per_document_access: bool | None = None
    latency_sensitive: bool | None = None
    queries_per_day: float | None = None
    privacy: Literal["any", "internal", "on_prem", "air_gapped"] | None = None
    prompting_tried: bool | None = None
    prompting_sufficient: bool | None = None
    rag_tried: bool | None = None
    rag_sufficient: bool | None = None
    model: str | None = None  # a catalogued model's name
    model_params_b: float | None = None
    constraint: Constraint | None = None  # what limits the training run
    language: Literal["en", "zh", "both"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A decoder's or encoder's shape, as a Hugging Face config.json states it. `params_b` is in billions."""

    name: str
    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    vocab: int
    head_dim: int | None = None
    tied_embeddings: bool = False
    params_b: float | None = None
    context_tokens: int | None = None
    gated_mlp: bool = True  # gate, up and down projections; False = two plain projections
    kind: Literal["decoder", "encoder"] = "decoder"
    languages: tuple[str, ...] = ()
    licence: str = ""

    @classmethod
    def from_config(cls, config: str | Path | dict[str, Any]) -> ModelSpec:
        """Reads a config.json (its path, its folder, or its content). Raises ValueError naming a missing field."""
        if not isinstance(config, dict):
            path = Path(config)
            path = path / "config.json" if path.is_dir() else path
            try:
                config = json.loads(path.read_text("utf-8"))
            except json.JSONDecodeError as error:
                raise ValueError(f"{path} is no JSON ({error}); give a Hugging Face config.json.") from None
            if not isinstance(config, dict):
                raise ValueError(f"{path} holds no JSON object; give a Hugging Face config.json.")
        return _spec(config)


# Families whose feed-forward block is two plain projections; the others of today gate it with a third.
_PLAIN_MLP = {
    "bert",
    "roberta",
    "xlm-roberta",
    "distilbert",
    "gpt2",
    "gpt_neox",
    "opt",
    "phi",
    "bloom",
    "falcon",
}
_ENCODERS = {"bert", "roberta", "xlm-roberta", "distilbert", "electra", "deberta-v2", "modernbert"}


def _spec(config: dict[str, Any]) -> ModelSpec:
    def number(*keys: str) -> int:
        for key in keys:
            if isinstance(config.get(key), int):
                return int(config[key])
        raise ValueError(f"config.json lacks {keys[0]!r}; give a Hugging Face config of a transformer model.")

    heads = number("num_attention_heads", "n_head")
    hidden = number("hidden_size", "n_embd")
    return ModelSpec(
        name=str(config.get("_name_or_path") or config.get("model_type") or "config.json"),
        layers=number("num_hidden_layers", "n_layer"),
        hidden=hidden,
        intermediate=int(config.get("intermediate_size") or config.get("n_inner") or 4 * hidden),
        heads=heads,
        kv_heads=int(config.get("num_key_value_heads") or heads),
        vocab=number("vocab_size"),
        head_dim=config.get("head_dim"),
        tied_embeddings=bool(config.get("tie_word_embeddings", False)),
        context_tokens=config.get("max_position_embeddings"),
        gated_mlp=config.get("model_type") not in _PLAIN_MLP,
        kind="encoder" if config.get("model_type") in _ENCODERS else "decoder",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSetup:
    """One training configuration of which the memory is asked."""

    method: Literal["full", "lora", "qlora"] = "lora"
    weight_dtype: Literal["fp32", "bf16", "fp16", "int8", "nf4", "nf4-dq", "gptq"] = "bf16"
    optimizer: Literal["adamw", "adamw_fused", "adamw_8bit", "sgd"] = "adamw"
    batch_size: int = 1
    seq_len: int = 1024  # tokens
    lora_rank: int = 16
    lora_targets: str = "all-linear"
    gradient_checkpointing: bool = True
    attention: Literal["eager", "sdpa", "flash"] = "sdpa"
    loss_kernel: Literal["stock", "fused", "chunked"] = "stock"
    adapter_dtype: Literal["fp32", "bf16"] = "fp32"
    kbit_upcast: bool = True  # peft's prepare_model_for_kbit_training keeps what is not quantised in fp32


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeSetup:
    """One serving configuration: the model, its adapters, the embedder, and the cache for the retrieved context."""

    weight_dtype: Literal["fp32", "bf16", "fp16", "int8", "nf4", "nf4-dq", "gptq"] = "bf16"
    context_tokens: int = 4096
    concurrent: int = 1
    kv_dtype: Literal["bf16", "fp16", "int8"] = "bf16"
    adapters: int = 0
    adapter_rank: int = 16
    embedder_params_m: float = 0.0  # millions


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryEstimate:
    """GiB (2^30 bytes). `allocated` = tensors, `reserved` = with allocator gaps, `device` = with the CUDA context."""

    allocated_gib: float
    reserved_gib: float
    device_gib: float
    low_gib: float
    high_gib: float
    # weights, adapters, gradients, optimizer, activations, logits, workspace, context; serving: kv_cache, embedder
    parts: dict[str, float]
    peak: Literal["step", "backward", "serving"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One argument: its text, how much it weighs for (+) or against (-), and the source that it rests on."""

    rule: str
    text: str
    weight: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One way to adapt. `fits` is None where the machine is unknown; `rejected` says why it cannot work, or is None."""

    strategy: Strategy
    method: str  # none, lora, qlora, full
    model: str
    score: float
    fits: bool | None
    train_memory: MemoryEstimate | None
    serve_memory: MemoryEstimate | None
    reasons: tuple[Reason, ...] = ()
    against: tuple[Reason, ...] = ()
    rejected: str | None = None
    device: Literal["gpu", "cpu"] | None = (
        None  # where it would run; None where it fits nowhere or nothing is known
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """What leaves the advisor, as `plan.json` too. `options` are ranked, rejected ones last."""

    options: tuple[Option, ...]
    confidence: Literal["high", "medium", "low"]
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
