"""What each training method trains: new parameters, the model's own ones, and where gradients have to flow; pure."""

from __future__ import annotations

from dataclasses import dataclass

from .setups import ModelSpec, TrainSetup
from .shape import count_parameters, linears, lora_parameters, target_roles, widths

QUANTISED = frozenset({"int8", "nf4", "nf4-dq", "gptq"})
LORA_LIKE = frozenset({"lora", "rslora", "dora", "qlora", "adalora", "lora_fa", "vera", "oft"})
PREFERENCE = frozenset({"reward", "dpo", "kto", "ppo"})
WHOLE = frozenset(
    {"full", "last_layers", "output_layer", "bitfit", "ln_tuning"}
)  # train weights of the model itself
_ADALORA_START = 1.5  # peft starts at init_r = 12 for target_r = 8 and prunes from there
_OFT_BLOCK = 32  # peft's oft_block_size: a skew-symmetric block of 32 has 32 * 31 / 2 parameters
_ADAPTER_PROMPT = 10  # peft's AdaptionPromptConfig: adapter_len of the LLaMA-Adapter paper


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """Parameters by where they live: `added` beside the model, `copied` from it (modules_to_save), `own` in place.

    `layers` is the number of layers through which gradients flow back, counted from the last one.
    """

    added: float = 0.0
    copied: float = 0.0
    own: float = 0.0
    layers: int = 0

    @property
    def total(self) -> float:
        return self.added + self.copied + self.own


def _own(model: ModelSpec, setup: TrainSetup, method: str) -> float:
    """Weights of the model itself that change; PPO in full trains a value model of the same size beside the policy."""
    if method == "full":
        return count_parameters(model).total * (2.0 if setup.method == "ppo" else 1.0)
    if method == "ln_tuning":
        return _norms(model)
    return float(_biases(model)) if method == "bitfit" else 0.0


def base_method(setup: TrainSetup) -> str:
    """How the weights themselves change: preference training and PPO do it by LoRA, QLoRA or in full."""
    return setup.trained_with if setup.method in PREFERENCE else setup.method


def quantised(setup: TrainSetup) -> bool:
    return base_method(setup) == "qlora" or setup.weight_dtype in QUANTISED


def trained(model: ModelSpec, setup: TrainSetup) -> Trained:
    """Counts what the optimizer updates. Raises ValueError for a LoRA target that no model has."""
    method = base_method(setup)
    counts = count_parameters(model)
    if method == "features":
        return Trained(added=2.0 * model.hidden)
    if method == "output_layer":
        return Trained(own=counts.head or counts.embedding)
    if method == "last_layers":
        layers = min(setup.tuned_layers, model.layers)
        own = counts.linear / model.layers * layers + counts.head
        return Trained(own=own, layers=layers)
    own = _own(model, setup, method)
    return Trained(
        added=0.0 if method in WHOLE else _added(model, setup, method),
        copied=_copied(model, setup),
        own=own,
        layers=model.layers,
    )


def targets(model: ModelSpec, setup: TrainSetup) -> tuple[str, ...]:
    """Roles of the linear modules that a LoRA-like method or IA3 touches; none for the others."""
    method = base_method(setup)
    if method in LORA_LIKE:
        return target_roles(model, setup.lora_targets)
    return ("k", "v", "down") if method == "ia3" else ()  # peft's mapping for IA3 in llama-like models


def _added(model: ModelSpec, setup: TrainSetup, method: str) -> float:
    """New parameters of one adapter; formulas are those of the papers as peft builds them."""
    shapes, roles = linears(model), targets(model, setup)
    widths_out = model.layers * sum(shapes[role][1] for role in roles if role in shapes)
    widths_in = model.layers * sum(shapes[role][0] for role in roles if role in shapes)
    hidden, virtual = model.hidden, setup.virtual_tokens
    if method in LORA_LIKE:
        lora = lora_parameters(model, setup.lora_rank, roles)
        return {
            "dora": lora + widths_out,  # one magnitude per output
            "adalora": _ADALORA_START * lora,
            "lora_fa": setup.lora_rank * widths_out,  # A stays as drawn
            "vera": widths_out + setup.lora_rank * len(roles) * model.layers,
            "oft": widths_in * (_OFT_BLOCK - 1) / 2,
        }.get(method, float(lora))
    if method == "ia3":
        return widths_out - model.layers * (
            shapes["down"][1] - shapes["down"][0]
        )  # at down the input is scaled
    _, kv = widths(model)
    return {
        "prompt": virtual * hidden,
        "prefix": 2 * model.layers * kv * virtual,
        "ptuning_v2": 2 * model.layers * kv * virtual,
        "ptuning": virtual * hidden + 3 * hidden * hidden,  # an MLP of three layers makes the embeddings
        "llama_adapter": model.layers * (_ADAPTER_PROMPT * hidden + 1),
        "llama_adapter_v2": 2 * model.layers * sum(d_out for _, d_out in shapes.values()) + _norms(model),
        "houlsby": 2 * model.layers * (2 * hidden * setup.bottleneck + hidden + setup.bottleneck),
    }[method]


def _copied(model: ModelSpec, setup: TrainSetup) -> float:
    names = {name.strip() for name in setup.trained_modules.split(",") if name.strip()}
    if unknown := names - {"embed", "head"}:
        raise ValueError(
            f"Unknown module {sorted(unknown)[0]!r} in trained_modules; choose of ['embed', 'head']."
        )
    return float(len(names) * model.vocab * model.hidden)


def _biases(model: ModelSpec) -> float:
    """All bias vectors; families without any cannot be trained by BitFit."""
    shapes = linears(model)
    if model.linear_bias or model.kind == "encoder":
        return model.layers * (
            sum(d_out for _, d_out in shapes.values()) + model.norms_per_layer * model.hidden
        )
    if model.attention_bias:
        return model.layers * sum(shapes[role][1] for role in ("q", "k", "v"))
    raise ValueError(
        f"{model.name} has no bias vectors, so BitFit has nothing to train; choose lora, ln_tuning or a model with "
        "biases such as Qwen2.5, GPT-2 or BERT."
    )


def _norms(model: ModelSpec) -> float:
    return float((model.layers * model.norms_per_layer + 1) * model.hidden)
