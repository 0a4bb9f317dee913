"""Kernels: the few operations whose memory traffic decides how fast a CPU trains, compiled where a compiler is.

Every function here gives the same numbers through torch's own operations where the compiled ones cannot serve.
"""

from luthier.kernels.attention import ScoreRules, TreeRanges, attend_tree, can_attend, tree_ranges
from luthier.kernels.block_attention import BLOCK_TOKENS, BlockPlaces, Blocks, attend_blocks, can_attend_blocks
from luthier.kernels.build import Kernels, open_kernels
from luthier.kernels.call import is_native
from luthier.kernels.forward import add_served_at, gate_into, norm_into, rotate_into
from luthier.kernels.frozen import (
    TokenRange,
    flat,
    frozen_gradients,
    frozen_linear,
    frozen_product,
    thin_gradients,
)
from luthier.kernels.gated import Activation, gated
from luthier.kernels.norm import rms_norm
from luthier.kernels.rotary import can_rotate, rotate
from luthier.kernels.served import ServedMatrices, ServedTerm, add_served
from luthier.kernels.thin import ThinMatrices, add_low_rank, low_rank_gradients
from luthier.kernels.vocabulary import LogitRules, target_log_probs
from luthier.kernels.wide import NarrowTerm, can_multiply, multiply_across, multiply_along, offers_products

__all__ = [
    "BLOCK_TOKENS",
    "Activation",
    "BlockPlaces",
    "Blocks",
    "Kernels",
    "LogitRules",
    "NarrowTerm",
    "ScoreRules",
    "ServedMatrices",
    "ServedTerm",
    "ThinMatrices",
    "TokenRange",
    "TreeRanges",
    "add_low_rank",
    "add_served",
    "add_served_at",
    "attend_blocks",
    "attend_tree",
    "can_attend",
    "can_attend_blocks",
    "can_multiply",
    "can_rotate",
    "flat",
    "frozen_gradients",
    "frozen_linear",
    "frozen_product",
    "gate_into",
    "gated",
    "is_native",
    "low_rank_gradients",
    "multiply_across",
    "multiply_along",
    "norm_into",
    "offers_products",
    "open_kernels",
    "rms_norm",
    "rotate",
    "rotate_into",
    "target_log_probs",
    "thin_gradients",
    "tree_ranges",
]
