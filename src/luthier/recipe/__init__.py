"""The recipe: every setting of luthier, written once, with its type, default, bounds and one sentence."""

from luthier.recipe.candidates import Candidate, expand, in_words, over_override, short, side_by_side
from luthier.recipe.data import Columns, DataSettings
from luthier.recipe.evaluation import ArmName, EvaluationSettings, MetricName
from luthier.recipe.load import dump_recipe, load_recipe
from luthier.recipe.method import Bottleneck, Full, Lora, Method, trained_tokens
from luthier.recipe.model import ModelSettings
from luthier.recipe.objective import Sft
from luthier.recipe.overrides import apply_overrides
from luthier.recipe.recipe import Recipe
from luthier.recipe.run import RunSettings
from luthier.recipe.schema import json_schema, settings_page, settings_table
from luthier.recipe.starter import DetectedData, starter_recipe
from luthier.recipe.sweep import SweepSettings
from luthier.recipe.training import TrainingSettings

__all__ = [
    "ArmName",
    "Bottleneck",
    "Candidate",
    "Columns",
    "DataSettings",
    "DetectedData",
    "EvaluationSettings",
    "Full",
    "Lora",
    "Method",
    "MetricName",
    "ModelSettings",
    "Recipe",
    "RunSettings",
    "Sft",
    "SweepSettings",
    "TrainingSettings",
    "apply_overrides",
    "dump_recipe",
    "expand",
    "in_words",
    "json_schema",
    "load_recipe",
    "over_override",
    "settings_page",
    "settings_table",
    "short",
    "side_by_side",
    "starter_recipe",
    "trained_tokens",
]
