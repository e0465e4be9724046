"""What autograd keeps of one layer for the backward pass, and what lives while one layer runs back; pure.

Counted in 16-bit numbers per token ("units") from the modules of transformers as they run today: each term names the
tensor that it stands for.
"""

from __future__ import annotations

from collections.abc import Sequence

from .families import Family, family_of
from .setups import ModelSpec, TrainSetup
from .shape import linears, widths
from .trainable import LORA_LIKE, WHOLE, base_method, quantised, targets

# Families that spell GELU out in Python: autograd keeps four tensors where one kernel keeps its input, and their power
# runs in fp32 under autocast.
_SPELLED_GELU = frozenset({"gpt2", "gptj", "phi"})
_SPELLED_UNITS, _SPELLED_AUTOCAST_UNITS = 4.0, 7.0
_EAGER_SAVED = 6.0  # bytes per score: the softmax in fp32 and its 16-bit copy
SOFTCAPPED = frozenset({"gemma2"})  # keeps a 16-bit tanh of its scores, and of its logits
_NORMS_IN_FP32 = frozenset({"gemma", "gemma2", "gemma3", "gemma3_text"})  # scale before they leave fp32
_EAGER_WORK = 8.0  # while one layer runs: raw scores, masked scores, softmax in fp32


def saved_units(model: ModelSpec, setup: TrainSetup) -> float:
    """Units per token that one layer keeps when activations are not recomputed."""
    method = base_method(setup)
    whole = method in ("full", "last_layers")
    trains_norms = whole or method in ("ln_tuning", "llama_adapter_v2")
    units = _norms(model, setup, trains_norms) + _attention(model, setup, whole) + _mlp(model, setup)
    if whole:
        units += _inputs_of_trained(model, setup)
    elif method in LORA_LIKE or method == "ia3":
        units += _adapter_inputs(model, setup, method)
    if quantised(setup) and (setup.kbit_saves_inputs or setup.weight_dtype == "int8"):
        units += 2 * model.hidden + _width(model)  # bitsandbytes' int8 product keeps its input to this day
    if stream_in_fp32(setup):
        units += (3 if model.gated_mlp else 2) * _width(model)  # gate, its activation, up
    return units + _extra(model, setup, method)


def stream_in_fp32(setup: TrainSetup) -> bool:
    """Whether fp32 embeddings and norms make all that passes between layers fp32.

    bitsandbytes gives its products the type of their input; autocast does not reach into them.
    """
    return quantised(setup) and setup.kbit_upcast and setup.weight_dtype not in ("int8", "gptq")


def work_units(model: ModelSpec, setup: TrainSetup) -> float:
    """Units per token that come and go while one layer runs back, beside what it saved.

    The gradient that enters, and those around the MLP's product: the product's own (its place is free where the product
    was saved), its activation's and up's. An fp32 adapter under autocast casts the product to fp32 on the way.
    """
    width, method = _width(model), base_method(setup)
    if method in ("full", "last_layers"):
        return 2 * model.hidden + (2 if model.gated_mlp else 1) * width
    if "down" not in targets(model, setup):
        return model.hidden + (3 if model.gated_mlp else 2) * width
    if setup.adapter_dtype == "fp32":
        return 5 * model.hidden + 3 * width
    return model.hidden + 2 * width


def score_bytes(model: ModelSpec, setup: TrainSetup) -> tuple[float, float]:
    """Bytes of attention scores per row that one layer keeps, and those that come and go; none with SDPA or flash."""
    if setup.attention != "eager":
        return 0.0, 0.0
    pairs = model.heads * float(setup.seq_len) ** 2
    saved = _EAGER_SAVED + (2.0 if model.family in SOFTCAPPED else 0.0)
    return saved * pairs, _EAGER_WORK * pairs


def _family(model: ModelSpec) -> Family:
    return family_of(model.family, model.kind, linear_bias=model.linear_bias)


def _width(model: ModelSpec) -> float:
    """Numbers per token between the projections of the MLP: of all experts that a token passes."""
    if not model.experts:
        return float(model.intermediate)
    routed = (model.experts_per_token or 1) * (model.expert_intermediate or model.intermediate)
    return float(routed + model.shared_intermediate)


def _autocast(setup: TrainSetup) -> bool:
    """Whether the forward pass runs under autocast: fp32 weights do, and fp32 adapters on a 16-bit base."""
    if setup.weight_dtype == "fp32":
        return True
    return base_method(setup) not in WHOLE and setup.adapter_dtype == "fp32" and setup.autocast


def _norms(model: ModelSpec, setup: TrainSetup, trained: bool) -> float:
    """RMSNorm keeps its input in fp32 (2h), LayerNorm as it comes (fp32 under autocast); trained, its value too."""
    q, kv = widths(model)
    per = model.norms_per_layer * model.hidden + (q + kv if model.qk_norm else 0)
    if _family(model).norm_numbers == 2:  # LayerNorm
        return per * (2.0 if _autocast(setup) else 1.0)
    wide = setup.weight_dtype == "fp32" or model.family in _NORMS_IN_FP32
    return 2.0 * per + (per * (2.0 if wide else 1.0) if trained else 0.0)


def _attention(model: ModelSpec, setup: TrainSetup, trained: bool) -> float:
    """Queries, keys and values as they enter attention, and its output; fused projections keep all three beside.

    Eager attention repeats keys and values for every query head and copies its output, which a trained o reads.
    """
    q, kv = widths(model)
    fused = q + kv if _family(model).fused_qkv else 0
    return fused + ((4 if trained else 3) * q if setup.attention == "eager" else 2 * q + 2 * kv)


def _mlp(model: ModelSpec, setup: TrainSetup) -> float:
    """Gate, its activation and up; without a gate the input of the activation."""
    if model.gated_mlp:
        return 3 * _width(model)
    spelled = _SPELLED_AUTOCAST_UNITS if _autocast(setup) else _SPELLED_UNITS
    return (spelled if model.family in _SPELLED_GELU else 1.0) * _width(model)


def _inputs_of_trained(model: ModelSpec, setup: TrainSetup) -> float:
    """Inputs of linears whose weights are trained: two norms' outputs and the MLP's product.

    Under autocast each linear that reads an fp32 tensor keeps its own 16-bit copy.
    """
    if setup.weight_dtype == "fp32":
        return (3 + (2 if model.gated_mlp else 1)) * model.hidden + _width(model)
    return 2 * model.hidden + _width(model)


def _adapter_inputs(model: ModelSpec, setup: TrainSetup, method: str) -> float:
    """What LoRA's A matrices read. An fp32 adapter casts for each target; dropout copies for each, with a mask."""
    shapes, roles = linears(model), [role for role in targets(model, setup) if role != "head"]
    if method == "ia3":  # the scaled outputs of k and v, the input of down
        return (
            shapes["k"][1] + shapes["v"][1] + _width(model) * (2.0 if setup.adapter_dtype == "fp32" else 1.0)
        )
    if method == "lora_fa":
        return float(setup.lora_rank * len(roles))
    mask = 0.5 if setup.lora_dropout > 0 else 0.0
    modules = _read_by(model, roles)
    if setup.lora_dropout == 0 and setup.adapter_dtype != "fp32":
        shared = {
            name: width for name, width in modules.values() if name != "o"
        }  # o reads what attention keeps
        return float(sum(shared.values())) + setup.lora_rank * len(modules)
    fp32 = setup.adapter_dtype == "fp32" and not _autocast(setup)
    own = sum(width for _, width in modules.values()) * ((2.0 if fp32 else 1.0) + mask)
    return own + setup.lora_rank * len(modules)


def _read_by(model: ModelSpec, roles: Sequence[str]) -> dict[str, tuple[str, float]]:
    """Module -> the tensor that it reads and its width; a fused projection is one module."""
    family, shapes = _family(model), linears(model)
    fused = dict.fromkeys("qkv", "qkv") if family.fused_qkv else {}
    fused |= dict.fromkeys(("gate", "up"), "gate_up") if family.fused_gate_up else {}
    inputs = {"q": "n1", "k": "n1", "v": "n1", "o": "o", "gate": "n2", "up": "n2", "down": "product"}
    return {
        fused.get(role, role): (inputs[role], _width(model) if role == "down" else float(shapes[role][0]))
        for role in roles
    }


def _extra(model: ModelSpec, setup: TrainSetup, method: str) -> float:
    """What single methods keep beside: DoRA both parts of each output, Houlsby its input and bottleneck, and so on."""
    shapes, h = linears(model), model.hidden
    roles = [role for role in targets(model, setup) if role in shapes]
    if method in (
        "prefix",
        "ptuning_v2",
    ):  # a mask in 16 bits, and with it keys and values of every query head
        q, kv = widths(model)
        return setup.seq_len + 2.0 * (q - kv)
    if method == "dora":
        return 2.0 * sum(shapes[role][1] for role in roles)
    if method == "houlsby":
        return 2.0 * (h + 2 * setup.bottleneck)
    if method == "llama_adapter":
        return 2.0 * h
    if method == "llama_adapter_v2":
        return float(sum(d_out for _, d_out in shapes.values()))
    return 0.0
