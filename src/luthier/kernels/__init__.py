"""Kernels: the few operations whose memory traffic decides how fast a CPU trains, compiled where a compiler is.

Every function here gives the same numbers through torch's own operations where the compiled ones cannot serve.
"""

from luthier.kernels.attention import (
    ScoreRules,
    TreeRanges,
    attend_tree,
    can_attend,
    spare_unread,
    tree_attention,
    tree_attention_gradients,
    tree_ranges,
)
from luthier.kernels.block_attention import BLOCK_TOKENS, BlockPlaces, Blocks, attend_blocks, can_attend_blocks
from luthier.kernels.build import Kernels, open_kernels
from luthier.kernels.call import is_native
from luthier.kernels.decoder_layer import (
    decoder_backward,
    decoder_forward,
    fits_compiled_terms,
    offers_decoder_layers,
)
from luthier.kernels.frozen import (
    TokenRange,
    flat,
    frozen_gradients,
    frozen_linear,
    frozen_product,
    thin_gradients,
)
from luthier.kernels.gated import gated
from luthier.kernels.into import (
    GATES,
    Activation,
    add_served_at,
    gate_gradients_into,
    gate_into,
    norm_gradient_into,
    norm_into,
    norm_weight_gradient,
    rotate_into,
    turn_heads_gradient_into,
    turn_heads_into,
)
from luthier.kernels.linear import LinearParts, PackedWeight
from luthier.kernels.norm import rms_norm
from luthier.kernels.rotary import can_rotate, rotate
from luthier.kernels.served import ServedMatrices, ServedTerm, add_served
from luthier.kernels.thin import ThinMatrices, add_low_rank, low_rank_gradients
from luthier.kernels.vocabulary import LogitRules, target_log_probs
from luthier.kernels.wide import NarrowTerm, can_multiply, multiply_across, multiply_along, offers_products

__all__ = [
    "BLOCK_TOKENS",
    "GATES",
    "Activation",
    "BlockPlaces",
    "Blocks",
    "Kernels",
    "LinearParts",
    "LogitRules",
    "NarrowTerm",
    "PackedWeight",
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
    "decoder_backward",
    "decoder_forward",
    "fits_compiled_terms",
    "flat",
    "frozen_gradients",
    "frozen_linear",
    "frozen_product",
    "gate_gradients_into",
    "gate_into",
    "gated",
    "is_native",
    "low_rank_gradients",
    "multiply_across",
    "multiply_along",
    "norm_gradient_into",
    "norm_into",
    "norm_weight_gradient",
    "offers_decoder_layers",
    "offers_products",
    "open_kernels",
    "rms_norm",
    "rotate",
    "rotate_into",
    "spare_unread",
    "target_log_probs",
    "thin_gradients",
    "tree_attention",
    "tree_attention_gradients",
    "tree_ranges",
    "turn_heads_gradient_into",
    "turn_heads_into",
]
