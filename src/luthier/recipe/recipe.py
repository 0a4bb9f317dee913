"""The recipe: everything that a run is asked to do, in one frozen object."""

from __future__ import annotations

from pydantic import Field

from luthier.recipe.data import DataSettings
from luthier.recipe.evaluation import EvaluationSettings
from luthier.recipe.method import Lora, Method
from luthier.recipe.model import ModelSettings
from luthier.recipe.objective import Sft
from luthier.recipe.probe import ProbeSettings
from luthier.recipe.run import RunSettings
from luthier.recipe.setting import Setting
from luthier.recipe.sweep import SweepSettings
from luthier.recipe.training import TrainingSettings


class Recipe(Setting):
    """What a luthier run is asked to do: a base model, rows, and how to learn and to judge."""

    model: ModelSettings = Field(default=ModelSettings(), description="The base model.")
    data: DataSettings = Field(description="The rows to learn from and to be judged on.")
    method: Method = Field(default=Lora(), description="Which weights learn.")
    objective: Sft = Field(default=Sft(), description="What they learn.")
    training: TrainingSettings = Field(default=TrainingSettings(), description="How the training goes.")
    evaluation: EvaluationSettings = Field(default=EvaluationSettings(), description="How the result is judged.")
    sweep: SweepSettings = Field(default=SweepSettings(), description="What `luthier sweep` tries side by side.")
    probe: ProbeSettings = Field(
        default=ProbeSettings(), description="What `luthier probe` trains for a learning curve."
    )
    run: RunSettings = Field(default=RunSettings(), description="Where the run is kept.")
