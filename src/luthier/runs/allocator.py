"""The C library's heap, set up for training: what one step frees, the next step uses again."""

from __future__ import annotations

import ctypes

# mallopt's parameters, from glibc's malloc.h.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
# Left alone, glibc gives a step's activations back to the system at its end, and the next step pays for every page
# anew: about a tenth of the time of a small model's step. Larger blocks than this (weights) still go back at once.
LARGEST_KEPT_BLOCK_BYTES = 128 * 1024**2
MOST_KEPT_BYTES = 1024**3


def keep_freed_memory() -> bool:
    """Keep up to a gigabyte of freed memory for the next step. False where the C library has no such setting."""
    try:
        set_option = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False
    is_set = [
        set_option(MMAP_THRESHOLD, LARGEST_KEPT_BLOCK_BYTES),
        set_option(TRIM_THRESHOLD, MOST_KEPT_BYTES),
    ]
    return all(is_set)
