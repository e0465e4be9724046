"""Runs training steps on fake tensors, naming the moments: embedding, layers, head and loss, forward and backward."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from .live_storages import LiveStorages
from .setups import TrainSetup
from .simulated_card import CudaRules
from .simulated_loss import choose_loss
from .simulated_method import DTYPES, SELECTIVE
from .simulated_model import build_model, layers_of, materialise


def run_step(
    config: dict[str, Any], setup: TrainSetup, stop_at: int | None = None
) -> tuple[LiveStorages, dict[str, int]]:
    """One step in which the optimizer's states are there already: the tracker, and bytes of the lasting parts."""
    tracker = LiveStorages(stop_at)
    model = build_model(config, setup)
    with FakeTensorMode(), CudaRules(), tracker:
        materialise(model)
        choose_loss(_base(model), setup)
        layers = layers_of(model, config)
        loaded = tracker.live_bytes
        _name_moments(model, layers, tracker)
        if stop_at:
            _name_modules(model, tracker)
        optimizer = _optimizer(model, setup)
        _make_states(optimizer)
        tracker.restart("load")
        _train(model, setup, optimizer, tracker)
        tracker.peaks["load"] = loaded
        return tracker, _parts(model, setup, optimizer)


def _train(model: Any, setup: TrainSetup, optimizer: Any, tracker: LiveStorages) -> None:
    for _ in range(min(setup.accumulation, 2)):  # from the second batch on, gradients are there
        batch = _batch(model, setup)
        tracker.enter("forward:embed")
        with _autocast(setup):
            loss = model(**batch).loss
        tracker.enter("loss")  # a classifier calls no loss function that could be watched
        tracker.enter("backward:head")
        loss.backward()
        del loss, batch
    tracker.enter("step")
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def _batch(model: Any, setup: TrainSetup) -> dict[str, Any]:
    rows = setup.batch_size, setup.seq_len
    ids = torch.zeros(rows, dtype=torch.long)
    if _base(model).get_output_embeddings() is None:  # a classifier: one label a row
        return {"input_ids": ids, "labels": torch.zeros(setup.batch_size, dtype=torch.long)}
    return {"input_ids": ids, "labels": torch.zeros(rows, dtype=torch.long), "use_cache": False}


def _autocast(setup: TrainSetup) -> AbstractContextManager[Any]:
    """fp32 weights train under AMP in bf16; so do fp32 adapters on a 16-bit base, as Trainer runs them."""
    dtype = DTYPES[setup.weight_dtype]
    if not setup.autocast:
        return nullcontext()
    if dtype == torch.float32:
        return torch.autocast("cpu", dtype=torch.bfloat16)
    if setup.method not in SELECTIVE and setup.adapter_dtype == "fp32":
        return torch.autocast("cpu", dtype=dtype)
    return nullcontext()


def _base(model: Any) -> Any:
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def _optimizer(model: Any, setup: TrainSetup) -> Any:
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if setup.optimizer == "adafactor":
        from transformers import Adafactor

        make: Any = Adafactor
        return make(trained, lr=1e-4, scale_parameter=False, relative_step=False)  # as Trainer does
    makers: dict[str, Callable[[Iterable[Any]], Any]] = {
        "adamw": lambda given: torch.optim.AdamW(given, fused=True),  # what Trainer runs on a card
        "adamw_fused": lambda given: torch.optim.AdamW(given, fused=True),
        "adamw_foreach": lambda given: torch.optim.AdamW(given, foreach=True),  # PyTorch's default there
        "sgd": lambda given: torch.optim.SGD(given, lr=1e-3, foreach=True),
    }
    if setup.optimizer not in makers:
        raise ValueError(
            f"Optimizer {setup.optimizer!r} is no torch code and cannot be simulated; "
            f"choose one of {[*makers, 'adafactor']}, or use the estimate."
        )
    return makers[setup.optimizer](trained)


def _make_states(optimizer: Any) -> None:
    """Optimizers make their states in their first step."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.empty_like(parameter)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def _name_moments(model: Any, layers: list[torch.nn.Module], tracker: LiveStorages) -> None:
    """Hooks that tell the tracker where the step stands; recomputing a layer stays in its backward moment."""

    def place(index: int) -> str:
        return "first" if index == 0 else "last" if index == len(layers) - 1 else "middle"

    def entering(moment: str) -> Callable[..., None]:
        return lambda *_: tracker.enter(moment)

    def before(layer: Any, args: Any, kwargs: Any, name: str) -> None:
        if tracker.moment.startswith("forward"):
            given = args[0] if args else kwargs["hidden_states"]
            if name == "first" and given.requires_grad:
                given.register_hook(entering("backward:embed"))
            tracker.enter(f"forward:{name}")

    def after(layer: Any, args: Any, output: Any, name: str) -> None:
        if tracker.moment.startswith("forward"):
            made = output[0] if isinstance(output, tuple) else output
            if made.requires_grad:
                made.register_hook(entering(f"backward:{name}"))
            if layer is layers[-1]:
                tracker.enter("forward:head")

    for index, layer in enumerate(layers):
        name = place(index)
        layer.register_forward_pre_hook(
            lambda layer, args, kwargs, name=name: before(layer, args, kwargs, name), with_kwargs=True
        )
        layer.register_forward_hook(lambda layer, args, output, name=name: after(layer, args, output, name))
    _watch_loss(_base(model), tracker)


def _name_modules(model: torch.nn.Module, tracker: LiveStorages) -> None:
    """Tells the tracker which module runs, in the forward pass and where a layer is computed again."""
    for name, module in model.named_modules():
        path: list[str] = []

        def entering(*_: Any, name: str = name, path: list[str] = path) -> None:
            path.append(tracker.module)
            tracker.module = name

        def leaving(*_: Any, path: list[str] = path) -> None:
            tracker.module = path.pop() if path else ""

        module.register_forward_pre_hook(entering)
        module.register_forward_hook(leaving, always_call=True)  # recomputing stops by an exception


def _watch_loss(base: Any, tracker: LiveStorages) -> None:
    if base.get_output_embeddings() is None:
        return
    original = base.loss_function

    def watched(*args: Any, **kwargs: Any) -> Any:
        tracker.enter("loss")
        return original(*args, **kwargs)

    base.loss_function = watched


def _parts(model: Any, setup: TrainSetup, optimizer: Any) -> dict[str, int]:
    added = setup.method not in SELECTIVE
    own = [
        tensor for tensor in (*model.parameters(), *model.buffers()) if not (added and tensor.requires_grad)
    ]
    adapters = [parameter for parameter in model.parameters() if added and parameter.requires_grad]
    states = [value for state in optimizer.state.values() for value in state.values()]
    return {
        "weights": _bytes(own),
        "adapters": _bytes(adapters),
        "optimizer": _bytes(value for value in states if isinstance(value, torch.Tensor)),
    }


def _bytes(tensors: Iterable[torch.Tensor]) -> int:
    storages = {tensor.untyped_storage()._cdata: tensor.untyped_storage() for tensor in tensors}
    return sum(storage.nbytes() for storage in storages.values())
