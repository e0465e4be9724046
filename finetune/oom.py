"""What to do when memory runs out: knows the error by all its names, frees what is left, halves what was tried."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch

from finetune import processes
from finetune.told import Say

Row = TypeVar("Row")
Found = TypeVar("Found")

# A processor's allocator raises a plain RuntimeError with these words.
WORDS = ("can't allocate memory", "not enough memory", "out of memory")


class MemoryTooSmall(ValueError):
    """Not even one row fits; the message says what to change."""


def is_out_of_memory(error: BaseException) -> bool:
    worded = isinstance(error, RuntimeError) and any(words in str(error) for words in WORDS)
    return worded or isinstance(error, (torch.OutOfMemoryError, MemoryError))


def free_memory() -> None:
    """Returns what no tensor needs any more. Call it after the except block: a traceback keeps tensors alive."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def in_batches(
    rows: Sequence[Row],
    size: int,
    work: Callable[[Sequence[Row]], Sequence[Found]],
    say: Say,
    *,
    stage: str = "the evaluation",
    shrunk: Callable[[int], None] = lambda size: None,
) -> list[Found]:
    """`work` on batches of at most `size` rows, halved where memory runs out; `shrunk` hears the new size. Raises
    MemoryTooSmall."""
    found: list[Found] = []
    while len(found) < len(rows):
        batch = rows[len(found) : len(found) + size]
        done = _tried(work, batch)
        if done is not None:
            found += done
            continue
        size = halved(min(size, len(batch)), stage, "a smaller --max-length or a smaller model")
        shrunk(size)
        say(f"memory ran out in {stage}: it goes on with {size} row{'s' * (size > 1)} at a time")
    return found


def _tried(work: Callable[[Sequence[Row]], Sequence[Found]], batch: Sequence[Row]) -> Sequence[Found] | None:
    """None when memory ran out, and all that was held is free again."""
    try:
        return work(batch)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    free_memory()
    return None


def halved(size: int, stage: str, remedy: str) -> int:
    """Half of `size`. Raises MemoryTooSmall where it is 1 already."""
    if size <= 1:
        raise MemoryTooSmall(f"Memory ran out in {stage} even with one row at a time; give {remedy}.")
    return size // 2


def shield_evaluation(trainer: Any, say: Say) -> None:
    """From now on the trainer's evaluate and predict halve their batch where memory runs out, and start over.

    Of several processes one can do so only where it does not wait for the others in between.
    """
    for name in ("evaluate", "predict"):
        setattr(trainer, name, _shielded(trainer, getattr(trainer, name), say))


def _shielded(trainer: Any, plain: Callable[..., Any], say: Say) -> Callable[..., Any]:
    def patient(*args: Any, **kwargs: Any) -> Any:
        while True:
            done = _tried(lambda _: [plain(*args, **kwargs)], [None])
            if done is not None:
                return done[0]
            if processes.count() > 1 and not getattr(trainer, "scores_apart", False):
                raise MemoryTooSmall(
                    f"Memory ran out in the evaluation in one of {processes.count()} processes; start again with "
                    f"--batch-size {max(1, trainer.args.per_device_eval_batch_size // 2)} and twice the --accumulation."
                )
            size = halved(
                trainer.args.per_device_eval_batch_size,
                "the evaluation",
                "a smaller --max-length, a smaller model, or --method qlora",
            )
            trainer.args.per_device_eval_batch_size = size
            say(f"memory ran out in the evaluation: it goes on with {size} row{'s' * (size > 1)} at a time")

    return patient
