"""Find texts that are nearly the same: character 5-grams, MinHash signatures, banded LSH, then the exact Jaccard.

LSH (Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, chapter 3) only proposes pairs; a pair counts when the
exact Jaccard similarity of the two sets of 5-grams reaches the threshold. The bands are chosen so that a pair at the
threshold is missed less than once in ten thousand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

GRAM_CHARACTERS = 5
PERMUTATIONS = 128
MISS_PROBABILITY = 1e-4
# In a bucket above this size a text is paired with its neighbours in the order of the next band only, not with all
# others; hundreds of variants of one text stay linked through each other without a million comparisons.
FULL_BUCKET_TEXTS = 512
_NEIGHBOURS_IN_LARGE_BUCKET = 32
_TEXTS_PER_BLOCK = 4096
_PAIRS_PER_BLOCK = 2_000_000

_ODD = 0x9E3779B97F4A7C15
_ODD_INVERSE = pow(_ODD, -1, 2**64)

Pairs = NDArray[np.int64]


def hash_windows(text: str, width: int) -> NDArray[np.uint64]:
    """One 64-bit hash for each run of ``width`` characters; a shorter text is one run."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64) + np.uint64(1)
    if len(codes) < width:
        codes = np.pad(codes, (0, width - len(codes)))
    # A polynomial hash modulo 2**64: the difference of two prefix sums, shifted to where the run begins.
    powers = np.cumprod(np.full(len(codes), _ODD, np.uint64))
    unshift = np.cumprod(np.full(len(codes), _ODD_INVERSE, np.uint64))
    prefix = np.concatenate([np.zeros(1, np.uint64), np.cumsum(codes * powers)])
    return _mix((prefix[width:] - prefix[:-width]) * unshift[: len(codes) - width + 1])


def near_pairs(texts: Sequence[str], similarity: float) -> Iterator[tuple[int, int]]:
    """Pairs of indices (smaller first) of texts whose Jaccard similarity is at least ``similarity``.

    Give distinct texts: equal ones would be found too, but each pair of them.
    """
    grams = [np.unique(hash_windows(text, GRAM_CHARACTERS)) for text in texts]
    if len(grams) < 2:
        return
    sizes = np.array([len(gram) for gram in grams])
    signatures = minhash_signatures(grams)
    sets: dict[int, frozenset[int]] = {}
    for first, second in _candidates(signatures, sizes, similarity):
        if exact_jaccard(_gram_set(first, grams, sets), _gram_set(second, grams, sets)) >= similarity:
            yield first, second


def exact_jaccard(one: frozenset[int], other: frozenset[int]) -> float:
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)


def minhash_signatures(grams: Sequence[NDArray[np.uint64]]) -> NDArray[np.uint32]:
    """One row per text: for each permutation the least hash among its grams."""
    draw = np.random.default_rng(0)
    multipliers = draw.integers(1, 2**63, PERMUTATIONS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    increments = draw.integers(0, 2**63, PERMUTATIONS, dtype=np.uint64)
    signatures = np.empty((len(grams), PERMUTATIONS), np.uint32)
    for start in range(0, len(grams), _TEXTS_PER_BLOCK):
        block = grams[start : start + _TEXTS_PER_BLOCK]
        flat = np.concatenate(block)
        begins = np.cumsum([0, *(len(gram) for gram in block[:-1])])
        for column in range(PERMUTATIONS):
            permuted = ((flat * multipliers[column] + increments[column]) >> np.uint64(32)).astype(np.uint32)
            signatures[start : start + len(block), column] = np.minimum.reduceat(permuted, begins)
    return signatures


def choose_bands(similarity: float) -> tuple[int, int]:
    """Rows per band (as many as the allowed misses permit) and the number of bands."""
    for rows in range(16, 1, -1):
        bands = PERMUTATIONS // rows
        if (1 - similarity**rows) ** bands <= MISS_PROBABILITY:
            return rows, bands
    return 1, PERMUTATIONS


def _candidates(signatures: NDArray[np.uint32], sizes: NDArray[np.int64], similarity: float) -> list[tuple[int, int]]:
    """Distinct pairs that share a band and whose sizes and signatures allow the similarity."""
    rows, bands = choose_bands(similarity)
    count = len(signatures)
    kept: list[NDArray[np.int64]] = []
    for band in range(bands):
        following = np.roll(signatures, -(band + 1) * rows, axis=1)[:, :8]
        keys = _band_keys(signatures[:, band * rows : (band + 1) * rows])
        for pairs in _bucket_pairs(keys, following):
            possible = pairs[_may_reach(pairs, signatures, sizes, similarity)]
            kept.append(possible[:, 0] * count + possible[:, 1])
    codes = np.unique(np.concatenate(kept)) if kept else np.empty(0, np.int64)
    return list(zip((codes // count).tolist(), (codes % count).tolist(), strict=True))


def _band_keys(columns: NDArray[np.uint32]) -> NDArray[np.uint64]:
    keys = np.zeros(len(columns), np.uint64)
    for column in columns.T:
        keys = _mix(keys + column.astype(np.uint64) + np.uint64(_ODD))
    return keys


def _bucket_pairs(keys: NDArray[np.uint64], following: NDArray[np.uint32]) -> Iterator[Pairs]:
    """Pairs of texts with equal keys, in blocks. Inside a bucket a text meets those 1, 2, 3... places behind it."""
    order = np.argsort(keys, kind="stable")
    begins = np.flatnonzero(np.diff(keys[order], prepend=keys[order[0]] + np.uint64(1)))
    lengths = np.diff(np.append(begins, len(order)))
    is_large = lengths > FULL_BUCKET_TEXTS
    for begin, length in zip(begins[is_large], lengths[is_large], strict=True):
        members = order[begin : begin + length]
        order[begin : begin + length] = members[np.lexsort(following[members].T)]
    # How many members of its own bucket stand behind each place.
    behind = np.repeat(begins + lengths, lengths) - np.arange(len(order)) - 1
    behind = np.where(np.repeat(is_large, lengths), np.minimum(behind, _NEIGHBOURS_IN_LARGE_BUCKET), behind)
    places = np.flatnonzero(behind)
    ends = np.cumsum(behind[places])
    start = 0
    while start < len(places):
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + _PAIRS_PER_BLOCK)))
        block = places[start:stop]
        left = np.repeat(block, behind[block])
        firsts = np.repeat(ends[start:stop] - behind[block] - before, behind[block])
        right = left + np.arange(len(left)) - firsts + 1
        yield np.sort(np.stack([order[left], order[right]], axis=1), axis=1)
        start = stop


def _may_reach(
    pairs: Pairs, signatures: NDArray[np.uint32], sizes: NDArray[np.int64], similarity: float
) -> NDArray[np.bool_]:
    """Cheap tests that no pair at the threshold fails: sizes, and the signatures' estimate less five deviations."""
    one, other = sizes[pairs[:, 0]], sizes[pairs[:, 1]]
    possible = np.minimum(one, other) >= similarity * np.maximum(one, other) - 1e-9
    margin = 5 * (similarity * (1 - similarity) / PERMUTATIONS) ** 0.5
    rows = np.flatnonzero(possible)
    for start in range(0, len(rows), _TEXTS_PER_BLOCK * 16):
        part = rows[start : start + _TEXTS_PER_BLOCK * 16]
        agree = (signatures[pairs[part, 0]] == signatures[pairs[part, 1]]).mean(axis=1)
        possible[part] = agree >= similarity - margin
    return possible


def _gram_set(index: int, grams: Sequence[NDArray[np.uint64]], sets: dict[int, frozenset[int]]) -> frozenset[int]:
    if index not in sets:
        sets[index] = frozenset(grams[index].tolist())
    return sets[index]


def _mix(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finish: every input bit reaches every output bit."""
    hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return hashes ^ (hashes >> np.uint64(31))
