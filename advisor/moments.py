"""What is alive on one card at each moment of a training step where memory can peak; pure.

A step peaks at the loss (everything saved, and the logits), when the backward pass enters the last layer, when it
leaves the first one (all gradients are there), or in the optimizer's step.
"""

from __future__ import annotations

from dataclasses import dataclass

from .activations import SOFTCAPPED, saved_units, score_bytes, stream_in_fp32, work_units
from .setups import ModelSpec, TrainSetup
from .shape import Counts, count_parameters
from .states import WEIGHT_BYTES, Widths, exchange_bytes, frozen_share, trained_widths
from .trainable import QUANTISED, WHOLE, Trained, base_method, quantised, trained

# Bytes per logit at the peak of the loss, by its dtype. Stock: log-softmax in fp32, its gradient and that of the fp32
# logits; the 16-bit logits went with the model's output, which Trainer drops before the backward pass (a loop that
# holds it needs 2 more). In 16 bits: logits, their shifted copy, log-softmax and gradient. Logits in pieces: logits and
# log-softmax. A fused kernel (Triton) writes the gradient over the logits: 8 to 10 bytes are reported.
_LOGIT_BYTES = {
    ("stock", "fp32"): 12.0,
    ("stock", "16bit"): 8.0,
    ("fused", "fp32"): 9.0,
    ("fused", "16bit"): 4.0,
    ("chunked_logits", "fp32"): 6.0,
    ("chunked_logits", "16bit"): 4.0,
}
_FORWARD_SHARE = 10 / 12  # of a stock loss before its backward pass: 16-bit and fp32 logits, log-softmax
_DORA_COPIES = 5
_ADAFACTOR_BYTES = 16.0  # the update of one tensor at a time, the largest one here: four fp32 copies
_COUNTED = (
    "batch_size",
    "accumulation",
    "seq_len",
    "lora_rank",
    "gpus",
    "virtual_tokens",
    "bottleneck",
    "tuned_layers",
)
_PIECE_BYTES = (
    14.0  # of one piece of logits as large as the hidden states, the size that Liger's kernel takes
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pass:
    """Bytes of one forward and backward pass: of all layers, of one layer while it runs back, behind the layers."""

    saved: float
    layer: float
    tail: float
    logits: float


def training_parts(model: ModelSpec, setup: TrainSetup) -> tuple[dict[str, float], str]:
    """Bytes by part at the highest moment, and that moment's name. Raises ValueError for what cannot be."""
    _check(setup)
    counts, what = count_parameters(model), trained(model, setup)
    adapter = trained_widths(setup, 4.0 if setup.adapter_dtype == "fp32" else 2.0)
    own = trained_widths(setup, _own_width(setup))
    gradients = what.added * adapter.gradient + (what.own + what.copied) * own.gradient
    held = {
        "weights": _weights(model, setup, counts, what, own),
        "adapters": what.added * adapter.weight + what.copied * own.weight,
        "optimizer": what.added * adapter.optimizer
        + (what.own + what.copied) * own.optimizer
        + _embedding_states(setup, counts, what, own),
    }
    step = what.added * adapter.step + (what.own + what.copied) * own.step
    if setup.optimizer == "adafactor" and what.own:
        step += _ADAFACTOR_BYTES * max(counts.embedding, model.hidden * model.intermediate)
    moments = _moments(model, setup, counts, what, gradients, step)
    peak = max(moments, key=lambda moment: sum(moments[moment].values()))
    return {**held, **moments[peak]}, peak


def _moments(
    model: ModelSpec, setup: TrainSetup, counts: Counts, what: Trained, gradients: float, step: float
) -> dict[str, dict[str, float]]:
    run = _pass(model, setup, counts, what)
    head = _head_gradient(setup, counts, what, gradients)
    lasting = exchange_bytes(setup, counts.total, what.total, _layer_bytes(model, setup, counts))
    work = lasting + _running(model, setup, counts)
    saved_copies, cached_copies = _copies(setup, counts)
    kept = head if setup.optimizer_in_backward else gradients
    waiting = kept if setup.accumulation > 1 else 0.0  # gradients of the batches before
    # Where both are tied, the head's gradient waits for the embedding's, and their sum is made beside them.
    tied = model.kind == "decoder" and what.own >= counts.total and not counts.head
    embedding = 2 * counts.embedding * gradients / what.total if tied else 0.0
    return {
        "forward": _alive(
            run.saved + run.tail, run.logits * _FORWARD_SHARE, waiting, lasting + cached_copies
        ),
        "loss": _alive(run.saved + run.tail, run.logits, waiting, lasting + saved_copies),
        "enter": _alive(run.saved + run.layer, 0.0, max(head, waiting), work),
        "leave": _alive(run.layer, 0.0, kept, work),
        "embed": _alive(0.0, 0.0, kept, lasting + embedding),
        "step": _alive(0.0, 0.0, kept, lasting + step),
    }


def _alive(activations: float, logits: float, gradients: float, workspace: float) -> dict[str, float]:
    return {"activations": activations, "logits": logits, "gradients": gradients, "workspace": workspace}


def _pass(model: ModelSpec, setup: TrainSetup, counts: Counts, what: Trained) -> _Pass:
    rows, tokens = _rows_and_tokens(setup)
    saved_scores, work_scores = score_bytes(model, setup)
    kept = 2.0 * tokens * saved_units(model, setup) + rows * saved_scores
    working = 2.0 * tokens * work_units(model, setup) + rows * work_scores
    wide = setup.weight_dtype == "fp32" or stream_in_fp32(setup)
    residual = (4.0 if wide else 2.0) * tokens * model.hidden
    saved = what.layers * (residual if setup.gradient_checkpointing else kept)
    if setup.offload_activations:  # two layers are on their way to or from host memory
        saved = min(saved, 2.0 * saved / max(1, what.layers))
    layer = (kept if setup.gradient_checkpointing or not what.layers else 0.0) + working
    return _Pass(
        saved=saved,
        layer=layer if what.layers else working,
        tail=2.0 * tokens * model.hidden * (4 if base_method(setup) in WHOLE else 2),
        logits=_logit_bytes(model, setup, tokens),
    )


def _rows_and_tokens(setup: TrainSetup) -> tuple[float, float]:
    """Rows on the card and their tokens: pairs count twice, soft prompts and sampled answers lengthen a row."""
    length = setup.seq_len
    if setup.method in ("prompt", "ptuning"):
        length += setup.virtual_tokens
    if setup.method == "ppo":
        length += setup.answer_tokens
    rows = float(setup.batch_size) * (2 if setup.method in ("reward", "dpo") else 1)
    return rows, rows * length


def _logit_bytes(model: ModelSpec, setup: TrainSetup, tokens: float) -> float:
    if model.kind == "encoder" or setup.method in ("reward", "features"):
        return 0.0
    if setup.loss_kernel == "chunked":
        return _PIECE_BYTES * tokens * model.hidden
    softcap = 2.0 if model.family in SOFTCAPPED else 0.0
    return (_LOGIT_BYTES[setup.loss_kernel, setup.loss_dtype] + softcap) * tokens * model.vocab


def _head_gradient(setup: TrainSetup, counts: Counts, what: Trained, gradients: float) -> float:
    """The first gradients of the backward pass are those of the head."""
    if base_method(setup) not in ("full", "last_layers", "output_layer") or not what.total:
        return 0.0
    return gradients * min(1.0, (counts.head or counts.embedding) / what.total)


def _embedding_states(setup: TrainSetup, counts: Counts, what: Trained, own: Widths) -> float:
    """transformers' Trainer has bitsandbytes keep the 8-bit optimizer's moments of embeddings in fp32."""
    if setup.optimizer != "adamw_8bit" or what.own < counts.total:
        return 0.0
    return counts.embedding * (8.0 - own.optimizer) * frozen_share(setup)


def _own_width(setup: TrainSetup) -> float:
    """Bytes per weight of the model itself where it is trained."""
    return 2.0 if setup.weight_dtype in QUANTISED else WEIGHT_BYTES[setup.weight_dtype]


def _weights(model: ModelSpec, setup: TrainSetup, counts: Counts, what: Trained, own: Widths) -> float:
    """The model and the frozen copies that a method needs beside it."""
    frozen = max(0.0, _model_bytes(setup, counts) - what.own * _own_width(setup))
    copies = _frozen_models(setup) * _model_bytes(setup, counts)
    return (frozen + copies) * frozen_share(setup) + what.own * own.weight


def _frozen_models(setup: TrainSetup) -> int:
    """References and reward models. Under an adapter the base itself is the reference, so no copy is needed."""
    if setup.method not in ("dpo", "kto", "ppo"):
        return 0
    whole = setup.trained_with == "full"
    reference = whole if setup.reference_model is None else setup.reference_model
    return int(reference) + (1 if setup.method == "ppo" else 0)


def _model_bytes(setup: TrainSetup, counts: Counts) -> float:
    dtype = _base_dtype(setup)
    if dtype not in QUANTISED:
        return counts.total * WEIGHT_BYTES[dtype]
    # peft's prepare_model_for_kbit_training turns what is not quantised (embeddings, head, norms) into fp32, except for
    # GPTQ. The experts of a mixture are no modules in transformers 5, so bitsandbytes leaves them in 16 bits.
    packed = counts.linear - (0 if dtype == "gptq" else counts.experts)
    other = 4.0 if setup.kbit_upcast and dtype != "gptq" else 2.0
    return packed * WEIGHT_BYTES[dtype] + (counts.total - packed) * other


def _base_dtype(setup: TrainSetup) -> str:
    """The dtype that the base is stored in; 'qlora' with a 16-bit dtype means NF4."""
    return "nf4" if quantised(setup) and setup.weight_dtype not in QUANTISED else setup.weight_dtype


def _layer_bytes(model: ModelSpec, setup: TrainSetup, counts: Counts) -> float:
    return counts.linear / model.layers * WEIGHT_BYTES[_base_dtype(setup)]


def _running(model: ModelSpec, setup: TrainSetup, counts: Counts) -> float:
    """Copies of weights made while one layer runs: a dequantised linear, or all of them for GPTQ's backward pass.

    DoRA makes the norm of weight plus update from both in full: each, their scaled sum and what it is made from.
    """
    dtype, matrix = _base_dtype(setup), float(model.hidden * model.intermediate)
    if dtype == "gptq":
        return 2.0 * counts.linear / model.layers * (1 if setup.gradient_checkpointing else model.layers)
    if dtype in QUANTISED:
        return 2.0 * matrix
    if base_method(setup) == "dora":
        return _DORA_COPIES * (4.0 if setup.adapter_dtype == "fp32" else 2.0) * matrix
    return 0.0


def _copies(setup: TrainSetup, counts: Counts) -> tuple[float, float]:
    """16-bit copies of weights that wait for the backward pass, and those alive when the forward pass ends.

    Autocast casts fp32 weights: those that are trained stay cached until the forward pass ends, and each that a layer
    has used waits for its backward pass, unless the layer is computed anew. GPTQ's dequantised linears wait likewise.
    """
    whole = base_method(setup) == "full"
    head, every = 2.0 * (counts.head or counts.embedding), 2.0 * counts.linear
    if setup.weight_dtype == "fp32" and not (whole and setup.sharding not in ("none", "ddp")):
        saved = head + (0.0 if setup.gradient_checkpointing else every)
        return saved, head + every if whole else saved
    if _base_dtype(setup) == "gptq" and not setup.gradient_checkpointing:
        return every, every
    return 0.0, 0.0


def _check(setup: TrainSetup) -> None:
    for name in _COUNTED:
        if getattr(setup, name) < 1:
            raise ValueError(f"{name} is {getattr(setup, name)}; give 1 or more.")
    if setup.weight_dtype in QUANTISED and base_method(setup) in WHOLE:
        raise ValueError(
            f"{base_method(setup)} cannot train {setup.weight_dtype} weights; choose bf16 or fp32, or qlora."
        )
    if base_method(setup) == "qlora" and setup.weight_dtype == "fp32":
        raise ValueError(
            "qlora quantises its base; choose weight_dtype nf4, nf4-dq, int8 or gptq, or method lora."
        )
