"""Random numbers that depend on a request's seed and on the token's number alone: no state, one call for a batch."""

import numpy as np

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def mixed_seed(seed: int) -> np.uint64:
    """Any integer as a well-mixed 64-bit one."""
    return _mixed(np.array([seed % 2**64], dtype=np.uint64))[0]


def uniform(seed_B: np.ndarray, number_B: np.ndarray) -> np.ndarray:
    """Numbers in (0, 1), float64: SplitMix64 (Steele, Lea & Flood 2014) at place ``number_B`` of each seed's stream."""
    with np.errstate(over="ignore"):
        mixed_B = _mixed(seed_B + (number_B.astype(np.uint64) + np.uint64(1)) * _GOLDEN)
    return ((mixed_B >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53


def _mixed(words: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        words = (words ^ (words >> np.uint64(30))) * _FIRST
        words = (words ^ (words >> np.uint64(27))) * _SECOND
    return words ^ (words >> np.uint64(31))
