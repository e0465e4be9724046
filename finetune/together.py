"""What the processes of one run do together: begin, agree, share work out, fail as one. A single process does it
all alone, and loads nothing for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import Any, TypeVar

from finetune import processes
from finetune.processes import Elsewhere

Found = TypeVar("Found")
Row = TypeVar("Row")

# One process may load, hash or save a large model while the others wait; a process that died is seen at once by the
# launcher, so that a long wait hides nothing.
PATIENCE = timedelta(hours=2)
FAILED = "advisor/failed"  # the key under which a process that fails alone leaves its number
_RUNS = count(1)  # of this process: each run has a key of its own


@contextmanager
def joined() -> Iterator[None]:
    """While open, the processes of the run can reach one another. One that fails alone leaves word, so that the
    others, whose connection breaks, end without a traceback of their own."""
    if processes.count() == 1:
        yield
        return
    _connect()
    run = next(_RUNS)
    try:
        yield
    except Elsewhere:
        raise
    except Exception as error:
        if not getattr(error, "agreed", False):
            _leave_word(error, run)
        raise


def on_processors() -> bool:
    """Whether the processes of the run have no card to compute on: accelerate wants to be told."""
    if processes.count() == 1:
        return False
    import torch

    return not (torch.cuda.is_available() or torch.xpu.is_available())


def _connect() -> None:
    from accelerate import PartialState  # type: ignore[import-untyped,unused-ignore]

    # With this accelerate would spread the model over the processes once more: see sharded.py.
    os.environ.pop("ACCELERATE_USE_FSDP", None)
    PartialState(cpu=on_processors(), timeout=PATIENCE)  # the Trainer takes up what is connected


def _leave_word(error: Exception, run: int) -> None:
    """Raises Elsewhere where another process had failed before."""
    from torch.distributed.distributed_c10d import _get_default_store

    store = _get_default_store()
    first = int(store.compare_set(f"{FAILED}/{run}", "", str(processes.place())))
    if first != processes.place():
        raise Elsewhere(f"process {first} failed") from error
    error.found_here_alone = True  # type: ignore[attr-defined]


def in_each(work: Callable[[], Found]) -> list[Found]:
    """What `work` finds in each process, in their order. Where it fails in one, it fails in all: the first that
    failed raises its error, the others Elsewhere."""
    if processes.count() == 1:
        return [work()]
    found: Any = None
    error: Exception | None = None
    try:
        found = work()
    except Exception as failure:
        error = failure
    told = _gathered((found, None if error is None else f"{error}"))
    failed = [at for at, (_, reason) in enumerate(told) if reason is not None]
    if not failed:
        return [one for one, _ in told]
    if failed[0] != processes.place() or error is None:
        raise Elsewhere(f"process {failed[0]} failed: {told[failed[0]][1]}") from error
    error.agreed = error.found_here_alone = True  # type: ignore[attr-defined]
    raise error


def in_all(work: Callable[[], Found]) -> Found:
    """What `work` finds here, once it went well in every process."""
    if processes.count() == 1:
        return work()
    kept: list[Found] = []
    in_each(lambda: kept.append(work()))  # what was found stays here: it may be a whole model
    return kept[0]


def by_first(work: Callable[[], Found]) -> Found:
    """What `work` finds in the first process, told to all; the others wait for it."""
    return in_each(lambda: work() if processes.is_first() else None)[0]  # type: ignore[return-value]


def shared_out(
    rows: Sequence[Row], work: Callable[[Sequence[Row]], Sequence[Found]], *, apart: bool = True
) -> list[Found]:
    """`work` on the rows, a part of them in each process, and the findings of all in the order of the rows.

    With `apart` false every process works on all of them: the parts of a model that is spread over the processes
    have to be asked by all at once.
    """
    if processes.count() == 1 or not apart:
        return list(work(rows))
    mine = rows[processes.place() :: processes.count()]
    found: list[Any] = [None] * len(rows)
    for at, share in enumerate(in_each(lambda: list(work(mine)) if mine else [])):
        found[at :: processes.count()] = share
    return found


def any_of(here: bool) -> bool:
    """Whether it is so in at least one process."""
    if processes.count() == 1:
        return here
    import torch
    from accelerate import PartialState

    told = torch.tensor([int(here)], device=PartialState().device)  # of steps: lighter than an object
    torch.distributed.all_reduce(told, op=torch.distributed.ReduceOp.MAX)
    return bool(told.item())


def greatest(here: float | None) -> float | None:
    """The largest number that a process has; None where none has one."""
    known = [one for one in (_gathered(here) if processes.count() > 1 else [here]) if one is not None]
    return max(known, default=None)


def meet() -> None:
    """Waits until every process is here."""
    if processes.count() > 1:
        _gathered(None)


def _gathered(here: Any) -> list[Any]:
    import torch.distributed

    found = [None] * processes.count()
    torch.distributed.all_gather_object(found, here)
    return found
