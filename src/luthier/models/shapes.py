"""Rounding shapes up, so that few different ones occur.

Every new shape of a matrix product makes the CPU's library build and keep another kernel; with token counts that
differ at each step, memory would grow through a whole run. Padding costs at most a few percent and changes no value.
"""

TOKENS = 32
SEGMENT = 8


def round_up(count: int, unit: int) -> int:
    """The smallest multiple of ``unit`` that is not below ``count``."""
    return -(-count // unit) * unit
