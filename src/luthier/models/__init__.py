"""Base models: their folders, loading, attention and head. Importing this room loads torch."""

from luthier.models.attention import AttentionPlan, LayerRules, attend_densely, bias_from, open_doorway
from luthier.models.folder import STARTER, ModelFolder, open_model_folder
from luthier.models.head import Head
from luthier.models.load import choose_device, load_model
from luthier.models.precision import Precision, choose_precision
from luthier.models.tree_forward import tree_log_probs

__all__ = [
    "STARTER",
    "AttentionPlan",
    "Head",
    "LayerRules",
    "ModelFolder",
    "Precision",
    "attend_densely",
    "bias_from",
    "choose_device",
    "choose_precision",
    "load_model",
    "open_doorway",
    "open_model_folder",
    "tree_log_probs",
]
