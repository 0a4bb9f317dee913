"""The recipe: every setting of luthier, written once, with its type, default, bounds and one sentence."""

from luthier.recipe.advice import AdviceFacts, AdviceSettings
from luthier.recipe.bases import Base, served_bases
from luthier.recipe.candidates import Candidate, expand, in_words, over_override, short, side_by_side
from luthier.recipe.data import Columns, DataSettings
from luthier.recipe.evaluation import TUNED_ARMS, ArmName, EvaluationSettings, MetricName
from luthier.recipe.forgetting import ForgettingSettings
from luthier.recipe.graders import BuiltInGrader, GraderSettings, grader_document, grader_name
from luthier.recipe.load import dump_recipe, load_recipe
from luthier.recipe.method import Bottleneck, Full, Lora, Method, trained_tokens
from luthier.recipe.model import ModelSettings
from luthier.recipe.objective import Sft
from luthier.recipe.overrides import apply_overrides
from luthier.recipe.probe import ProbeSettings
from luthier.recipe.recipe import Recipe
from luthier.recipe.remote import RemoteArm, RemoteModel, TokenPrice
from luthier.recipe.run import RunSettings
from luthier.recipe.schema import json_schema, settings_page, settings_table
from luthier.recipe.server import EngineSettings, ServerSettings, load_server_settings
from luthier.recipe.starter import DetectedData, starter_recipe
from luthier.recipe.sweep import SweepSettings
from luthier.recipe.task import ItemsFormat, TaskDecoding, TaskSettings, load_task_settings
from luthier.recipe.training import TrainingSettings

__all__ = [
    "TUNED_ARMS",
    "AdviceFacts",
    "AdviceSettings",
    "ArmName",
    "Base",
    "Bottleneck",
    "BuiltInGrader",
    "Candidate",
    "Columns",
    "DataSettings",
    "DetectedData",
    "EngineSettings",
    "EvaluationSettings",
    "ForgettingSettings",
    "Full",
    "GraderSettings",
    "ItemsFormat",
    "Lora",
    "Method",
    "MetricName",
    "ModelSettings",
    "ProbeSettings",
    "Recipe",
    "RemoteArm",
    "RemoteModel",
    "RunSettings",
    "ServerSettings",
    "Sft",
    "SweepSettings",
    "TaskDecoding",
    "TaskSettings",
    "TokenPrice",
    "TrainingSettings",
    "apply_overrides",
    "dump_recipe",
    "expand",
    "grader_document",
    "grader_name",
    "in_words",
    "json_schema",
    "load_recipe",
    "load_server_settings",
    "load_task_settings",
    "over_override",
    "served_bases",
    "settings_page",
    "settings_table",
    "short",
    "side_by_side",
    "starter_recipe",
    "trained_tokens",
]
