"""How many bytes of tensors are alive: counted at every operation, so it stays right whatever the engine does."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveBytes(TorchDispatchMode):
    """While active, adds every new storage when an operation makes it and takes it off when its last user is gone.

    Storages made before do not count, nor do views and in-place results of them. Forward, backward, custom functions
    and recomputation are all seen, because counting sits below autograd. What one kernel allocates and frees inside
    itself is not, but for its largest case: on a CPU, pointwise operations on mixed number formats first convert the
    narrower operand as a whole. The peak agrees with `torch.profiler`'s memory events, without its cost.
    """

    def __init__(self, block_bytes: Callable[[int], float] = float) -> None:
        super().__init__()
        self.now = 0.0
        self.peaks: dict[str, float] = {}
        self._block_bytes = block_bytes
        self.stage = ""
        self._alive: dict[int, Callable[[], Any]] = {}

    def enter(self, stage: str) -> None:
        """From here on peaks are kept under ``stage``."""
        self.stage = stage
        self._note_peak()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        given = {t.untyped_storage()._cdata for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)}
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                self._count(tensor.untyped_storage(), given)
                self._note_peak(self._block_bytes(_converted_bytes(func, args, tensor)))
        return result

    def _count(self, storage: torch.UntypedStorage, given: set[int]) -> None:
        key = storage._cdata
        if key in given or key in self._alive:
            return
        size = self._block_bytes(storage.nbytes())
        self.now += size
        self._alive[key] = weakref.finalize(storage, self._forget, key, size)
        self._note_peak()

    def _forget(self, key: int, size: float) -> None:
        self.now -= size
        self._alive.pop(key, None)

    def _note_peak(self, passing: float = 0.0) -> None:
        self.peaks[self.stage] = max(self.peaks.get(self.stage, 0.0), self.now + passing)


def _converted_bytes(func: Any, args: Any, result: torch.Tensor) -> int:
    """Copies of operands in the result's number format, alive while the kernel runs."""
    if result.device.type != "cpu" or torch.Tag.pointwise not in func.tags:
        return 0
    operands = [a for a in args if isinstance(a, torch.Tensor) and a.dtype != result.dtype and a.is_floating_point()]
    return sum(operand.numel() for operand in operands) * result.element_size()
