"""Trains weights that the model already has: the output layer, the last layers with it, or the biases alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn

from finetune.methods import frozen
from finetune.methods.architecture import layers
from finetune.schema import TrainConfig

loading = frozen.loading


def attach(model: Any, config: TrainConfig, *, task: str, head: str | None) -> Any:
    insert(model, config)
    chosen = {"output_layer": _output_layer, "last_layers": _last_layers, "bitfit": _biases}[config.method]
    weights = list(chosen(model, config, head))
    if not weights:
        raise ValueError(f"This {model.config.model_type} model has no weights that {config.method} trains.")
    frozen.train_only(model, weights)
    return model


def insert(model: Any, config: TrainConfig) -> None:
    """Gives a model whose output layer is its embedding table an output layer of its own, equal to it: training
    that alone must not change what the model reads."""
    if config.method != "output_layer" or not hasattr(model, "get_output_embeddings"):
        return
    output, embeddings = model.get_output_embeddings(), model.get_input_embeddings()
    if output is None or output.weight is not embeddings.weight:
        return
    output.weight = nn.Parameter(embeddings.weight.detach().clone())
    model.config.tie_word_embeddings = False
    model.all_tied_weights_keys = {}  # transformers keeps these two apart


def _output_layer(model: Any, config: TrainConfig, head: str | None) -> Iterator[nn.Parameter]:
    output = model.get_submodule(head) if head else model.get_output_embeddings()
    yield from output.parameters()


def _last_layers(model: Any, config: TrainConfig, head: str | None) -> Iterator[nn.Parameter]:
    """The top layers, what stands above them (the final norm), and an output layer that is not the embeddings."""
    found = layers(model)
    if config.last_layers > len(found):
        raise ValueError(f"last_layers is {config.last_layers}, but the model has {len(found)} layers.")
    below = {id(weight) for layer in found[: -config.last_layers] for weight in layer.parameters()}
    top = {id(weight) for layer in found[-config.last_layers :] for weight in layer.parameters()}
    inputs = {id(weight) for weight in _embedding_weights(model)}
    reached = False
    for weight in model.parameters():
        reached = reached or id(weight) in top
        if reached and id(weight) not in below | inputs:
            yield weight


def _embedding_weights(model: Any) -> Iterator[nn.Parameter]:
    for part in model.modules():
        if isinstance(part, nn.Embedding):
            yield from part.parameters()


def _biases(model: Any, config: TrainConfig, head: str | None) -> Iterator[nn.Parameter]:
    """BitFit (arXiv 2106.10199): every bias, of linear layers and norms, and the new head whole."""
    biases = [weight for name, weight in model.named_parameters() if name.endswith(".bias")]
    mine = set() if head is None else {id(weight) for weight in model.get_submodule(head).parameters()}
    if all(id(weight) in mine for weight in biases):
        raise ValueError(f"This {model.config.model_type} model has no biases; take lora or houlsby.")
    for name, weight in model.named_parameters():
        if name.endswith(".bias") or id(weight) in mine:
            yield weight
