"""The shape of a model, the setups of which memory and time are asked, and the estimates that come back."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

WeightDtype = Literal["fp32", "bf16", "fp16", "int8", "nf4", "nf4-dq", "gptq"]
Method = Literal[
    "full",
    "last_layers",
    "output_layer",
    "features",
    "lora",
    "rslora",
    "dora",
    "qlora",
    "adalora",
    "lora_fa",
    "vera",
    "oft",
    "ia3",
    "bitfit",
    "ln_tuning",
    "houlsby",
    "prompt",
    "prefix",
    "ptuning",
    "ptuning_v2",
    "llama_adapter",
    "llama_adapter_v2",
    "reward",
    "dpo",
    "kto",
    "ppo",
]
# adamw is what the Trainer of transformers runs on a card today: PyTorch's fused kernel. adamw_foreach is PyTorch's own
# default, which needs room for one more copy of the gradients at the step.
Optimizer = Literal[
    "adamw", "adamw_fused", "adamw_foreach", "adamw_8bit", "paged", "paged_8bit", "adafactor", "sgd"
]
Sharding = Literal["none", "ddp", "zero2", "zero3", "fsdp", "cpu_offload"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A decoder's or encoder's shape, as a Hugging Face config.json states it. `params_b` is in billions.

    Where `params_b` is given and only another reading of `tied_embeddings` or `gated_mlp` agrees with it, that
    reading is taken: tables of measurements seldom say either.
    """

    name: str
    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    vocab: int
    head_dim: int | None = None
    tied_embeddings: bool = False
    experts: int | None = None  # routed experts of each mixture-of-experts layer
    experts_per_token: int | None = None
    params_b: float | None = None
    context_tokens: int | None = None
    gated_mlp: bool = True  # gate, up and down projections; False = two plain projections
    kind: Literal["decoder", "encoder"] = "decoder"
    family: str = ""  # model_type of the config: what a method supports depends on it
    expert_intermediate: int | None = None  # width of one routed expert; None = `intermediate`
    shared_intermediate: int = 0  # summed width of the experts that every token passes
    dense_layers: int = 0  # leading layers without experts
    attention_bias: bool = False  # biases on q, k and v
    linear_bias: bool = False  # biases on every linear, as in BERT and GPT-2
    norms_per_layer: int = 2  # Gemma 2 and 3 have four
    qk_norm: bool = False  # norms on queries and keys, as in Qwen3 and Gemma 3
    positions: int = 0  # learned position embeddings
    window_tokens: int | None = None  # sliding window of local layers
    local_layers: int = 0  # layers that attend only within the window
    kv_latent: int | None = (
        None  # numbers cached per token and layer where keys and values are compressed (MLA)
    )
    q_latent: int = 0  # MLA: rank of the queries' compression; 0 = queries are projected at once
    rope_dim: int = (
        0  # MLA: width of the rotary key that all heads share; part of `kv_latent` and of `head_dim`
    )
    value_dim: int | None = None  # MLA: width of one head's values; None = `head_dim`
    embedding_width: int | None = None  # ALBERT, ELECTRA and OPT-350M embed narrower than `hidden`
    languages: tuple[str, ...] = ()
    licence: str = ""

    @classmethod
    def from_config(cls, config: str | Path | dict[str, Any]) -> ModelSpec:
        """Reads a config.json (its path, its folder, or its content). Raises ValueError naming a missing field."""
        from .model_config import read_config

        return read_config(config)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSetup:
    """One training configuration of which the memory is asked, for one card of `gpus`."""

    method: Method = "lora"
    weight_dtype: WeightDtype = "bf16"
    optimizer: Optimizer = "adamw"
    optimizer_dtype: Literal["auto", "fp32", "bf16"] = (
        "auto"  # moments (and master weights); auto = as the weights
    )
    batch_size: int = 1  # rows on one card
    accumulation: int = 1  # batches per step; from the second on, gradients stay while the next one runs
    seq_len: int = 1024  # tokens
    lora_rank: int = 16
    lora_targets: str = "all-linear"
    lora_dropout: float = 0.0  # with dropout each target keeps its own copy of its input, and a mask
    trained_modules: str = (
        ""  # "embed", "head" or both: trained whole beside an adapter (peft's modules_to_save)
    )
    gradient_checkpointing: bool = True
    attention: Literal["eager", "sdpa", "flash"] = "sdpa"
    # chunked: head and loss piece by piece (Liger, TRL's chunked_nll); chunked_logits: ready logits loss by piece
    loss_kernel: Literal["stock", "fused", "chunked", "chunked_logits"] = "stock"
    adapter_dtype: Literal["fp32", "bf16"] = "fp32"
    loss_dtype: Literal["fp32", "16bit"] = (
        "fp32"  # transformers computes the loss in fp32; some models' own code not
    )
    autocast: bool = (
        True  # the Trainer's bf16=True; without it fp32 adapters keep fp32 copies of their inputs
    )
    kbit_upcast: bool = True  # peft's prepare_model_for_kbit_training keeps what is not quantised in fp32
    kbit_saves_inputs: bool = (
        False  # bitsandbytes before 0.45 kept the input of each 4-bit linear for the backward pass
    )
    optimizer_in_backward: bool = False  # each gradient is used and freed as it comes (torchtune, LOMO)
    offload_activations: bool = False  # what the forward pass saves waits in host memory (TRL, torchtune)
    gpus: int = 1
    sharding: Sharding = "none"
    virtual_tokens: int = 20  # of prompt, prefix and P-Tuning
    bottleneck: int = 64  # width of Houlsby adapters
    tuned_layers: int = 2  # of last_layers
    trained_with: Literal["full", "lora", "qlora"] = "lora"  # how reward, dpo, kto and ppo change the policy
    # dpo, kto, ppo: a second, frozen copy; None = only where the whole model is trained: an adapter can be put off
    reference_model: bool | None = None
    answer_tokens: int = 256  # ppo: tokens sampled per row


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeSetup:
    """One serving configuration: the model, its adapters, what retrieves, and the cache for the retrieved context."""

    weight_dtype: WeightDtype = "bf16"
    context_tokens: int = 4096  # of one request, answer included
    concurrent: int = 1
    kv_dtype: Literal["bf16", "fp16", "int8", "fp8"] = "bf16"
    adapters: int = 0
    adapter_rank: int = 16
    embedder: ModelSpec | str | None = None  # a shape, or a catalogued name
    reranker: ModelSpec | str | None = None
    attention: Literal["eager", "sdpa", "flash"] = "sdpa"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryEstimate:
    """GiB (2^30 bytes). `allocated` = tensors, `reserved` = with allocator gaps, `device` = with the CUDA context."""

    allocated_gib: float
    reserved_gib: float
    device_gib: float
    low_gib: float
    high_gib: float
    # weights, adapters, gradients, optimizer, activations, logits, workspace, context; serving: kv_cache, embedder,
    # reranker
    parts: dict[str, float]
    peak: Literal["step", "backward", "serving"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A catalogued accelerator. Rates are dense, in 10^12 operations a second; 0 = the card has no such unit."""

    name: str
    vram_gib: float
    bandwidth_gb_s: float
    tflops_16bit: float
    tops_int8: float = 0.0
    bf16: bool = True
    fp8: bool = False
    usd_per_hour: float | None = None  # typical rent; None = not commonly rented
    vendor: str = "NVIDIA"
    compute_capability: float | None = None
    source: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeEstimate:
    """Hours of work as an interval, with what they follow from. `card` names what was assumed to do it."""

    hours: float
    low_hours: float
    high_hours: float
    flops: float
    tokens: float
    card: str
    assumptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CostEstimate:
    """US dollars: once to build, and for each 1,000 questions; None where a price is not known."""

    build_usd: float | None
    per_1000_queries_usd: float | None
    prompt_tokens: int  # of one question: instructions, question, examples
    retrieved_tokens: int
    answer_tokens: int
    hosted: Literal["own", "rented", "api"]
    assumptions: tuple[str, ...] = field(default=())
    card_usd_per_day: float | None = None  # rent of one card around the clock; None where none is rented
    queries_per_card_day: float | None = None  # what one such card answers in a day
