"""ONNX Runtime itself reads what was written; the arithmetic is compared with numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rag.onnx_file import MICROSOFT, Graph

runtime = pytest.importorskip("onnxruntime")


def run(graph: Graph, **inputs: Any) -> list[Any]:
    session = runtime.InferenceSession(graph.serialise(), providers=["CPUExecutionProvider"])
    found: list[Any] = session.run(None, inputs)
    return found


def test_a_written_graph_computes_what_it_says() -> None:
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((3, 300)).astype(np.float32)
    graph = Graph(inputs={"x": ("float32", ("n", 3))}, outputs={"y": ("float32", ("n", 300))})
    graph.add("MatMul", ["x", graph.constant("w", weight)], "product")
    graph.add("Add", ["product", graph.constant("half", np.float32(0.5))], "y")
    x = rng.standard_normal((5, 3)).astype(np.float32)
    assert run(graph, x=x)[0] == pytest.approx(x @ weight + 0.5, abs=1e-5)


def test_attributes_of_every_kind_arrive() -> None:
    graph = Graph(
        inputs={"x": ("float32", (2, 3, "k"))},
        outputs={"last": ("float32", (2, "k")), "soft": ("float32", ("a", "b", "c"))},
    )
    moved = graph.add("Transpose", ["x"], "moved", perm=[0, 2, 1])  # several numbers
    graph.add("ReduceMax", [moved], "last", axes=[-1], keepdims=0)  # a negative one, a single one
    shifted = graph.add("LeakyRelu", ["x"], "shifted", alpha=0.25)  # a fraction
    graph.add("Identity", [shifted], "soft")
    x = np.arange(-12, 12, dtype=np.float32).reshape(2, 3, 4)
    last, leaky = run(graph, x=x)
    assert last == pytest.approx(x.max(axis=1))
    assert leaky == pytest.approx(np.where(x < 0, 0.25 * x, x))


def test_operators_of_the_runtime_itself_are_found() -> None:
    graph = Graph(inputs={"x": ("float32", ("n",))}, outputs={"y": ("float32", ("n",))})
    graph.add("Gelu", ["x"], "y", MICROSOFT)
    assert run(graph, x=np.zeros(2, np.float32))[0] == pytest.approx(0)


def test_weights_that_are_no_contiguous_array_keep_their_values() -> None:
    columns = np.arange(6, dtype=np.int64).reshape(2, 3).T
    graph = Graph(inputs={"x": ("int64", (3, 2))}, outputs={"y": ("int64", (3, 2))})
    graph.add("Add", ["x", graph.constant("c", columns)], "y")
    assert (run(graph, x=np.zeros((3, 2), np.int64))[0] == columns).all()
