"""Memory runs out at the first step, in the middle of a run and in an evaluation: the run ends as if it had not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.optim.optimizer import register_optimizer_step_pre_hook

from finetune import TrainConfig, TrainResult, train
from finetune.oom import MemoryTooSmall, halved, in_batches, is_out_of_memory
from finetune.schema import Example

Make = Callable[..., TrainConfig]


@contextmanager
def memory_for(rows: int, *, from_call: int = 0, training: bool = True) -> Iterator[None]:
    """A machine on which a batch of more rows does not fit, from the given forward pass on."""
    calls = 0

    def look(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        nonlocal calls
        if isinstance(module, torch.nn.Embedding) and module.training == training:
            calls += 1
            if calls > from_call and inputs[0].shape[0] > rows:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    hook = register_module_forward_pre_hook(look)
    try:
        yield
    finally:
        hook.remove()


@pytest.fixture(scope="module")
def whole(tiny_llama: Path, rows: list[Example], tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    """The run of these tests where memory does."""
    out = tmp_path_factory.mktemp("oom") / "whole"
    fixed = {"max_steps": 8, "learning_rate": 1e-2, "general": "none", "metric_rows": 0}
    return train(rows, TrainConfig(model=str(tiny_llama), out=str(out), **fixed))  # type: ignore[arg-type]


@pytest.mark.parametrize(("from_call", "step"), [(0, 1), (4, 4)])
def test_fewer_rows_at_a_time_make_the_same_steps(
    from_call: int, step: int, config: Make, rows: list[Example], whole: TrainResult
) -> None:
    said: list[str] = []
    with memory_for(2, from_call=from_call):  # the first call is that of the longest rows
        result = train(rows, config(), say=said.append)
    assert said == [
        f"memory ran out at step {step} with 4 rows at a time: it goes on with 2, accumulated 2 times, so that a "
        "step still learns from 4 rows"
    ]
    assert said[0] in result.notes
    assert result.losses == pytest.approx(whole.losses, abs=1e-5)
    assert result.card.metrics_after == pytest.approx(whole.card.metrics_after, rel=1e-5)


def test_the_longest_rows_are_tried_before_the_first_step_and_leave_no_trace(
    config: Make, rows: list[Example], whole: TrainResult
) -> None:
    long = Example(
        messages=({"role": "user", "content": "Why? " * 20}, {"role": "assistant", "content": "So."})
    )
    widths: list[int] = []

    def look(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if isinstance(module, torch.nn.Embedding) and module.training:
            widths.append(inputs[0].shape[1])

    hook = register_module_forward_pre_hook(look)
    try:
        train([*rows, long], config(max_steps=2))
        again = train(rows, config(out=config().out + "2"))
    finally:
        hook.remove()
    assert widths[0] == max(widths) > 80
    assert again.losses == whole.losses


def test_an_evaluation_takes_fewer_rows_too(config: Make, rows: list[Example], whole: TrainResult) -> None:
    said: list[str] = []
    with memory_for(1, training=False):
        result = train(rows, config(metric_rows=2, general=None, max_steps=2), say=said.append)
    assert "memory ran out in the evaluation: it goes on with 2 rows at a time" in said
    assert "memory ran out in the evaluation: it goes on with 1 row at a time" in said
    assert result.card.metrics_before == pytest.approx(whole.card.metrics_before, rel=1e-5)
    assert result.card.forgetting["rows"] == 60


def test_where_one_row_is_too_much_a_line_says_what_to_change(config: Make, rows: list[Example]) -> None:
    with memory_for(0), pytest.raises(MemoryTooSmall, match="even with one row.*--max-length") as caught:
        train(rows, config())
    assert "\n" not in str(caught.value)
    assert not Path(config().out).exists()


def test_memory_for_the_optimizer_is_not_sought_in_the_batch(config: Make, rows: list[Example]) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    hook = register_optimizer_step_pre_hook(full)
    try:
        with pytest.raises(MemoryTooSmall, match="for the optimizer's states.*--method lora"):
            train(rows, config(method="full"))
    finally:
        hook.remove()


def test_an_odd_batch_is_divided_so_that_a_step_learns_from_as_many_rows(
    config: Make, rows: list[Example]
) -> None:
    said: list[str] = []
    with memory_for(3):
        train(rows, config(batch_size=5, max_steps=2), say=said.append)
    assert "it goes on with 1, accumulated 5 times" in said[0]


def test_the_error_is_known_by_all_its_names() -> None:
    assert is_out_of_memory(torch.OutOfMemoryError("any"))
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"))
    assert not is_out_of_memory(RuntimeError("shape mismatch"))
    with pytest.raises(RuntimeError, match="shape mismatch"):
        in_batches([1], 1, lambda batch: (_ for _ in ()).throw(RuntimeError("shape mismatch")), print)  # type: ignore
    with pytest.raises(MemoryTooSmall, match="in loading even with one row at a time; give less"):
        halved(1, "loading", "less")
