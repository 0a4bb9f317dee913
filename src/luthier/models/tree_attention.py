"""Attention over a token tree: the compiled kernel where it can serve, else torch's operations segment by segment.

Nothing is worked out before a layer asks for it, so the way that is not taken costs nothing.
"""

from dataclasses import dataclass, field
from functools import cached_property

import torch

from luthier.kernels import ScoreRules, TreeRanges, attend_tree, can_attend, tree_ranges
from luthier.models.attention import LayerRules
from luthier.models.segment_attention import SegmentPlan, plan_segments
from luthier.tokens.batch import TreeBatch


@dataclass(frozen=True)
class TreePlan:
    """One row of ``size`` tokens that holds the whole tree, and padding behind it."""

    batch: TreeBatch
    size: int
    lowest: dict[tuple[int | None, int | None], torch.Tensor] = field(default_factory=dict)

    @cached_property
    def ranges(self) -> TreeRanges:
        """What the compiled kernel reads, shared by all layers."""
        return tree_ranges(self.batch.tree.parent, self.batch.tree.depth)

    @cached_property
    def segments(self) -> SegmentPlan:
        """The same through torch's operations."""
        return plan_segments(self.batch, self.size)

    def attend(
        self, layer: int, query_BHSD: torch.Tensor, key_BKSD: torch.Tensor, value_BKSD: torch.Tensor, rules: LayerRules
    ) -> torch.Tensor:
        """Attention output ``[1, H, S, D of values]``; that of padding tokens is finite and free."""
        query_SHD, key_SKD, value_SKD = (x[0].transpose(0, 1) for x in (query_BHSD, key_BKSD, value_BKSD))
        if not can_attend(query_SHD, key_SKD, value_SKD, rules.scaling):
            return self.segments.attend(layer, query_BHSD, key_BKSD, value_BKSD, rules)
        scores = ScoreRules(rules.scaling, rules.softcap, rules.sinks_H)
        output_SHD = attend_tree(query_SHD, key_SKD, value_SKD, self.ranges, self.lowest_of(*rules.reach), scores)
        return output_SHD.transpose(0, 1)[None]

    def lowest_of(self, window: int | None, chunk: int | None) -> torch.Tensor:
        """How far back each token sees; worked out once for all layers of this reach."""
        reach = window, chunk
        if reach not in self.lowest:
            self.lowest[reach] = self.ranges.lowest_depths(window, chunk)
        return self.lowest[reach]


def plan_tree(batch: TreeBatch, size: int | None = None) -> TreePlan:
    """Who sees whom in this tree. Tokens from T up to ``size`` are padding."""
    return TreePlan(batch, size or batch.tree.computed_tokens)
