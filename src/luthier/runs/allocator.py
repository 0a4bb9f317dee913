"""The C library's heap, set up for training: what one step frees, the next step uses again."""

from __future__ import annotations

import ctypes

from luthier.training.memory import LARGEST_HEAP_BLOCK_BYTES, MOST_KEPT_BYTES

# mallopt's parameters, from glibc's malloc.h.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3


def keep_freed_memory() -> bool:
    """Keep up to a gigabyte of freed memory for the next step. False where the C library has no such setting.

    Left alone, glibc gives a step's activations back to the system at its end, and the next step pays for every page
    anew: about a tenth of the time of a small model's step. The largest blocks (weights) still go back at once. The
    memory plan counts on both sizes.
    """
    try:
        set_option = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False
    is_set = [
        set_option(MMAP_THRESHOLD, LARGEST_HEAP_BLOCK_BYTES),
        set_option(TRIM_THRESHOLD, MOST_KEPT_BYTES),
    ]
    return all(is_set)
