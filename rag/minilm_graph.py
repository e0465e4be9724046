"""MiniLM (a BERT of six layers) as an ONNX graph, from its weights, in fp32 or with the products in int8.

The graph has no mask: every text of a batch has the same length, so nothing is padded. It begins after the embedding
tables, which are looked up outside, and gives the tokens' states and their mean.

Int8, by measurement (benchmarks/embedding_speed.py):
- Each token's row is scaled by its own largest value, so that a text's vector does not depend on the texts that share
  its batch. One scale for a whole batch, which is what ONNX Runtime's quantiser makes, is no better and changes
  the vector of a text with its company.
- Weights have 7 bits, a scale for each column. Processors with AVX2 and no VNNI add two products in 16 bits and clip;
  2 x 255 x 63 stays below 32,767. So every processor adds up the same integers. What differs between machines is the
  last bit of fp32 sums, which now and then moves an input to the next integer: far below what a ranking feels.
- LayerNorm, GELU, softmax and the attention's own products stay in fp32.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rag.onnx_file import MICROSOFT, Graph

HIDDEN, LAYERS, HEADS, INNER = 384, 6, 12, 1536
RECIPE = "int8 rows, 7-bit columns, 1"  # change it with anything that changes vectors: indexes record it
_EPSILON = 1e-12
_LARGEST_WEIGHT, _LARGEST_INPUT, _ZERO = 63, 127, 128
_CONFIG = {
    "model_type": "bert",
    "hidden_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": INNER,
    "hidden_act": "gelu",
    "layer_norm_eps": _EPSILON,
    "position_embedding_type": "absolute",
}
_ROWS = ("n", "tokens", HIDDEN)


def minilm_graph(weights: Mapping[str, Any], *, int8: bool) -> bytes:
    """The model for ONNX Runtime: "embedded" (n, tokens, 384) -> "states" of that shape and "mean" (n, 384)."""
    graph = Graph(
        inputs={"embedded": ("float32", _ROWS)},
        outputs={"states": ("float32", _ROWS), "mean": ("float32", ("n", HIDDEN))},
    )
    graph.constant("rows", np.array([-1, HIDDEN]))
    graph.add("Shape", ["embedded"], "shape")
    linear = _Int8(graph, weights) if int8 else _Fp32(graph, weights)
    states = graph.add("Reshape", ["embedded", "rows"], "embedded.rows")
    states = _norm(graph, weights, states, "embeddings.LayerNorm")
    for layer in range(LAYERS):
        states = _layer(graph, weights, linear, states, f"encoder.layer.{layer}")
    graph.add("Reshape", [states, "shape"], "states")
    graph.add("ReduceMean", ["states"], "mean", axes=[1], keepdims=0)  # as the model was trained
    return graph.serialise()


def fits_config(folder: Path) -> bool:
    """Whether a model folder's config.json is that of a MiniLM that this graph computes."""
    path = folder / "config.json"
    config = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return all(config.get(name, usual) == usual for name, usual in _CONFIG.items()) and bool(config)


def check_shapes(weights: Mapping[str, Any], source: Path) -> None:
    """ValueError for a folder whose weights are no MiniLM's; how many words and places it knows is its own matter."""
    if not fits_config(source):
        raise ValueError(
            f"{source} is no MiniLM of {LAYERS} layers, which is all that runs here without torch; train on 'minilm', "
            f"or on a model of its shape."
        )
    for name, shape in _shapes().items():
        found = weights[name].shape if name in weights else None
        if found is None or found[-len(shape) :] != shape:
            raise ValueError(
                f"{source} is damaged: {name} is {found or 'missing'}, not {shape}; copy the whole folder."
            )


def _shapes() -> dict[str, tuple[int, ...]]:
    tables = ("word", "position", "token_type")
    found: dict[str, tuple[int, ...]] = {
        f"embeddings.{table}_embeddings.weight": (HIDDEN,) for table in tables
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        norms += [f"{name}.attention.output.LayerNorm", f"{name}.output.LayerNorm"]
        square = [*(f"self.{part}" for part in ("query", "key", "value")), "output.dense"]
        sizes = {f"{name}.attention.{part}": (HIDDEN, HIDDEN) for part in square}
        sizes |= {
            f"{name}.intermediate.dense": (INNER, HIDDEN),
            f"{name}.output.dense": (HIDDEN, INNER),
        }
        found |= {f"{linear}.weight": size for linear, size in sizes.items()}
        found |= {f"{linear}.bias": size[:1] for linear, size in sizes.items()}
    return found | {f"{norm}.{part}": (HIDDEN,) for norm in norms for part in ("weight", "bias")}


def _layer(graph: Graph, weights: Mapping[str, Any], linear: _Fp32 | _Int8, states: str, name: str) -> str:
    attention = f"{name}.attention"
    parts = [linear(states, f"{attention}.self.{part}") for part in ("query", "key", "value")]
    parts = [graph.add("Reshape", [part, "shape"], f"{part}.shaped") for part in parts]
    found = graph.add("MultiHeadAttention", parts, f"{name}.heads", MICROSOFT, num_heads=HEADS)
    found = graph.add("Reshape", [found, "rows"], f"{found}.rows")
    found = linear(found, f"{attention}.output.dense")
    found = graph.add("Add", [found, states], f"{attention}.sum")
    states = _norm(graph, weights, found, f"{attention}.output.LayerNorm")
    found = linear(states, f"{name}.intermediate.dense")
    found = graph.add("Gelu", [found], f"{name}.gelu", MICROSOFT)
    found = linear(found, f"{name}.output.dense")
    found = graph.add("Add", [found, states], f"{name}.sum")
    return _norm(graph, weights, found, f"{name}.output.LayerNorm")


def _norm(graph: Graph, weights: Mapping[str, Any], states: str, name: str) -> str:
    # SkipLayerNormalization and BiasGelu fuse more, but are scalar code and slower than these with an Add.
    scale, bias = (graph.constant(f"{name}.{part}", weights[f"{name}.{part}"]) for part in ("weight", "bias"))
    return graph.add("LayerNormalization", [states, scale, bias], name, epsilon=_EPSILON)


class _Fp32:
    """Adds linear layers as they were trained."""

    def __init__(self, graph: Graph, weights: Mapping[str, Any]) -> None:
        self._graph, self._weights = graph, weights

    def __call__(self, rows: str, name: str) -> str:
        weight = self._graph.constant(f"{name}.weight", self._weights[f"{name}.weight"].T)
        bias = self._graph.constant(f"{name}.bias", self._weights[f"{name}.bias"])
        product = self._graph.add("MatMul", [rows, weight], f"{name}.product")
        return self._graph.add("Add", [product, bias], name)


class _Int8:
    """Adds linear layers whose products are of integers; an input of several layers is quantised once."""

    def __init__(self, graph: Graph, weights: Mapping[str, Any]) -> None:
        self._graph, self._weights = graph, weights
        self._quantised: dict[str, tuple[str, str]] = {}
        graph.constant("one", np.float32(1))
        graph.constant("zero", np.uint8(_ZERO))
        graph.constant("largest", np.float32(1 / _LARGEST_INPUT))
        graph.constant("least", np.float32(1e-9))  # a scale of a row of zeros must not be zero
        graph.constant("flat", np.array([-1]))

    def __call__(self, rows: str, name: str) -> str:
        values, scale = quantise_columns(self._weights[f"{name}.weight"].T)
        weight = self._graph.constant(f"{name}.weight", values)
        columns = self._graph.constant(f"{name}.scale", scale)
        bias = self._graph.constant(f"{name}.bias", self._weights[f"{name}.bias"])
        integers, row_scale = self._rows(rows)
        inputs = [integers, weight, "one", columns, "zero"]
        product = self._graph.add("MatMulIntegerToFloat", inputs, f"{name}.product", MICROSOFT)
        product = self._graph.add("Mul", [product, row_scale], f"{name}.scaled")
        return self._graph.add("Add", [product, bias], name)

    def _rows(self, rows: str) -> tuple[str, str]:
        """Names of the integers of `rows` and of each row's scale."""
        if rows not in self._quantised:
            add, name = self._graph.add, f"{rows}.int8"
            peak = add(
                "ReduceMax", [add("Abs", [rows], f"{name}.size")], f"{name}.peak", axes=[-1], keepdims=1
            )
            peak = add("Mul", [peak, "largest"], f"{name}.step")
            scale = add("Max", [peak, "least"], f"{name}.scale")
            steps = add("Reshape", [scale, "flat"], f"{name}.steps")
            zeros = add("Expand", ["zero", add("Shape", [steps], f"{name}.count")], f"{name}.zeros")
            integers = add("QuantizeLinear", [rows, steps, zeros], name, axis=0)
            self._quantised[rows] = integers, scale
        return self._quantised[rows]


def quantise_columns(weight: Any) -> tuple[Any, Any]:
    """Integers of -63 to 63 and a scale for each column: `integers * scale` is near `weight`."""
    scale = np.abs(weight).max(axis=0) / np.float32(_LARGEST_WEIGHT)
    return np.rint(weight / scale).astype(np.int8), scale.astype(np.float32)
