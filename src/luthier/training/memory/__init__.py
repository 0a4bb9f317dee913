"""Memory: a plan before the run, measured on small micro-batches, and what the process held in the end."""

from luthier.training.memory.fit import fit_into_memory
from luthier.training.memory.machine import (
    LARGEST_HEAP_BLOCK_BYTES,
    MOST_KEPT_BYTES,
    MemoryLimit,
    forget_peak,
    held_bytes,
    memory_limit,
    peak_held_bytes,
)
from luthier.training.memory.plan import MemoryChoice, MemoryPlan, gigabytes

__all__ = [
    "LARGEST_HEAP_BLOCK_BYTES",
    "MOST_KEPT_BYTES",
    "MemoryChoice",
    "MemoryLimit",
    "MemoryPlan",
    "fit_into_memory",
    "forget_peak",
    "gigabytes",
    "held_bytes",
    "memory_limit",
    "peak_held_bytes",
]
