"""Base models: their folders, loading, attention and head. Importing this room loads torch."""

from luthier.models.attention import AttentionPlan, LayerRules, attend_densely, bias_from, is_within_reach, open_doorway
from luthier.models.backbone import backbone_of
from luthier.models.balance import balance_reason
from luthier.models.distributions import distribution_chunks, hidden_before_trained, next_token_log_probs
from luthier.models.fold_probe import folding_of, in_own_attention
from luthier.models.folder import STARTER, ModelFolder, open_model_folder
from luthier.models.folding import Folding
from luthier.models.fusing import fused_of
from luthier.models.head import Head, head_chunk_rows
from luthier.models.kernel_rules import GateRule, NormRule, rule_of
from luthier.models.load import choose_device, load_model
from luthier.models.precision import Precision, choose_precision
from luthier.models.recompute import is_recomputed, recompute_layers
from luthier.models.right_tokens import RightTokens
from luthier.models.tree_forward import tree_log_probs

__all__ = [
    "STARTER",
    "AttentionPlan",
    "Folding",
    "GateRule",
    "Head",
    "LayerRules",
    "ModelFolder",
    "NormRule",
    "Precision",
    "RightTokens",
    "attend_densely",
    "backbone_of",
    "balance_reason",
    "bias_from",
    "choose_device",
    "choose_precision",
    "distribution_chunks",
    "folding_of",
    "fused_of",
    "head_chunk_rows",
    "hidden_before_trained",
    "in_own_attention",
    "is_recomputed",
    "is_within_reach",
    "load_model",
    "next_token_log_probs",
    "open_doorway",
    "open_model_folder",
    "recompute_layers",
    "rule_of",
    "tree_log_probs",
]
