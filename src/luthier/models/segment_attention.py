"""Attention over a token tree by segments: each run of new tokens looks at its own path and nothing else.

A segment is what one branch adds to the tree: queries ``start..end`` and, as keys, the path to them. Segments of
similar size are padded to one shape and attended in one call; the plan is built once per micro-batch, so a layer
costs a few gathers and one kernel per shape, with no Python per segment. It runs wherever torch runs; where the
compiled kernel can serve, `tree_attention.py` takes that.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from luthier.models.attention import LayerRules, attend_densely, bias_from, is_within_reach
from luthier.models.shapes import SEGMENT, round_up
from luthier.tokens.batch import TreeBatch
from luthier.tokens.tree import TokenTree

# Padding a group may cost this share of extra query-key pairs; a kernel call costs about as much as FIXED_PAIRS pairs.
PADDING_TOLERANCE = 1.3
FIXED_PAIRS = 4096


@dataclass(frozen=True)
class Segment:
    """Queries ``start..end-1`` are consecutive nodes; ``keys`` is their whole path, ancestors first."""

    start: int
    end: int
    keys: np.ndarray

    @property
    def queries(self) -> int:
        return self.end - self.start

    @property
    def pairs(self) -> int:
        return self.queries * len(self.keys)


@dataclass(frozen=True)
class SegmentGroup:
    """G segments padded to Q queries and L keys. Indices point into the T tokens of the batch."""

    query_GQ: torch.Tensor
    key_GL: torch.Tensor
    is_visible_GQL: torch.Tensor
    distance_GQL: torch.Tensor
    position_GQ: torch.Tensor
    biases: dict[tuple[int | None, int | None], torch.Tensor] = field(default_factory=dict)

    def bias(self, window: int | None, chunk: int | None = None) -> torch.Tensor:
        """The additive mask for layers of this reach; made once and shared by all of them."""
        reach = window, chunk
        if reach not in self.biases:
            is_near = is_within_reach(self.distance_GQL, self.position_GQ[:, :, None], window, chunk)
            self.biases[reach] = bias_from(self.is_visible_GQL & is_near)
        return self.biases[reach]


@dataclass(frozen=True)
class SegmentPlan:
    """Groups, and for every token its place among the groups' padded outputs, laid end to end."""

    groups: tuple[SegmentGroup, ...]
    place_T: torch.Tensor

    def attend(
        self, layer: int, query_BHSD: torch.Tensor, key_BKSD: torch.Tensor, value_BKSD: torch.Tensor, rules: LayerRules
    ) -> torch.Tensor:
        """One row (B = 1) that holds the whole tree."""
        query_SHD, key_SKD, value_SKD = (x[0].transpose(0, 1) for x in (query_BHSD, key_BKSD, value_BKSD))
        outputs = []
        for group in self.groups:
            output_GHQD = attend_densely(
                _gather(query_SHD, group.query_GQ),
                _gather(key_SKD, group.key_GL),
                _gather(value_SKD, group.key_GL),
                group.bias(*rules.reach),
                rules,
            )
            outputs.append(output_GHQD.transpose(1, 2).flatten(0, 1))
        output_SHD = torch.cat(outputs).index_select(0, self.place_T)
        return output_SHD.transpose(0, 1)[None]


def plan_segments(batch: TreeBatch, size: int) -> SegmentPlan:
    """Segments of the tree in groups of like shape. Tokens from T up to ``size`` are padding, their output is free."""
    device = batch.ids_T.device
    groups = [_pad(group, batch.tree, device) for group in group_segments(segments_of(batch.tree))]
    places = np.zeros(size, dtype=np.int64)
    base = 0
    for group, members in groups:
        width = group.query_GQ.shape[1]
        for row, segment in enumerate(members):
            places[segment.start : segment.end] = base + row * width + np.arange(segment.queries)
        base += len(members) * width
    return SegmentPlan(tuple(group for group, _ in groups), torch.from_numpy(places).to(device))


def segments_of(tree: TokenTree) -> list[Segment]:
    """What each branch adds to the tree, in depth-first order."""
    segments = []
    written = 0
    for path in sorted(tree.paths, key=lambda path: int(path[-1])):
        end = int(path[-1]) + 1
        if end > written:
            segments.append(Segment(written, end, path))
            written = end
    return segments


def group_segments(segments: Sequence[Segment]) -> list[list[Segment]]:
    """Sort by size and start a new group where padding would cost more than another kernel call."""
    ordered = sorted(segments, key=lambda s: (len(s.keys), s.queries), reverse=True)
    groups: list[list[Segment]] = []
    width = height = real = 0
    for segment in ordered:
        new_width, new_height = max(width, len(segment.keys)), max(height, segment.queries)
        padded = (len(groups[-1]) + 1) * new_width * new_height if groups else 0
        if groups and padded <= PADDING_TOLERANCE * (real + segment.pairs) + FIXED_PAIRS:
            groups[-1].append(segment)
            width, height, real = new_width, new_height, real + segment.pairs
        else:
            groups.append([segment])
            width, height, real = len(segment.keys), segment.queries, segment.pairs
    return groups


def _pad(members: list[Segment], tree: TokenTree, device: torch.device) -> tuple[SegmentGroup, list[Segment]]:
    """Padding queries repeat the segment's last one, padding keys its last key; both are cut or masked away."""
    height = round_up(max(s.queries for s in members), SEGMENT)
    width = round_up(max(len(s.keys) for s in members), SEGMENT)
    query_GQ = np.stack([np.minimum(np.arange(s.start, s.start + height), s.end - 1) for s in members])
    key_GL = np.stack([np.pad(s.keys, (0, width - len(s.keys)), mode="edge") for s in members])
    is_real_GL = np.arange(width)[None] < np.array([len(s.keys) for s in members])[:, None]
    distance_GQL = tree.depth[query_GQ][:, :, None] - tree.depth[key_GL][:, None, :]
    is_visible_GQL = (distance_GQL >= 0) & is_real_GL[:, None, :]
    query, key, is_visible, distance, position = (
        torch.from_numpy(x).to(device) for x in (query_GQ, key_GL, is_visible_GQL, distance_GQL, tree.depth[query_GQ])
    )
    return SegmentGroup(query, key, is_visible, distance, position), members


def _gather(tokens_SHD: torch.Tensor, index_GL: torch.Tensor) -> torch.Tensor:
    """Rows of ``tokens_SHD`` at ``index_GL`` as ``[G, H, L, D]``."""
    picked = tokens_SHD.index_select(0, index_GL.flatten())
    return picked.unflatten(0, index_GL.shape).transpose(1, 2)
