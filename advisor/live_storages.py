"""Counts the bytes of all storages alive while tensor code runs, and their peak in each named moment."""

from __future__ import annotations

import weakref
from collections import Counter
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveStorages(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees each operator that makes a tensor and each storage that dies; `moment` says where the step stands.

    Storages are counted by weak references: views share one, and it leaves the sum when its last owner drops it.
    `stop_at` (a count of operators) keeps what is alive at that operator in `seen`.
    """

    def __init__(self, stop_at: int | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.moment, self.module = "load", ""
        self.live_bytes, self.operators = 0, 0
        self.peaks: dict[str, int] = {}
        self.peak_at: dict[str, int] = {}
        self.seen: Counter[tuple[str, int]] = Counter()
        self._stop_at = stop_at
        self._alive: dict[int, tuple[weakref.ref[Any], int, str]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func.namespace == "prim":  # asks a fake tensor for its device; makes nothing
            return result
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor):
                self._count(leaf, func)
        self._note()
        return result

    def restart(self, moment: str) -> None:
        """Forgets the peaks so far; what is alive stays counted."""
        self.peaks, self.peak_at = {}, {}
        self.enter(moment)

    def enter(self, moment: str) -> None:
        self.moment, self.module = moment, ""
        self._note()

    def _count(self, tensor: torch.Tensor, func: Any) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._alive:
            return
        size = storage.nbytes()
        # The module and the moment are where it was made; the shape is that of the tensor that the operator returned.
        text = f"{self.moment} {self.module} {func.__name__} {tuple(tensor.shape)} {str(tensor.dtype)[6:]}"
        self._alive[key] = (weakref.ref(storage, lambda _: self._drop(key)), size, text)
        self.live_bytes += size

    def _drop(self, key: int) -> None:
        self.live_bytes -= self._alive.pop(key)[1]

    def _note(self) -> None:
        self.operators += 1
        if self.live_bytes > self.peaks.get(self.moment, -1):
            self.peaks[self.moment], self.peak_at[self.moment] = self.live_bytes, self.operators
        if self.operators == self._stop_at:
            self.seen = Counter((text, size) for _, size, text in self._alive.values())
