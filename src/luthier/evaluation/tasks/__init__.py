"""Tasks: items, a way of asking and graders; golden sets; files from and for other harnesses (docs/golden-sets.md)."""

from luthier.evaluation.tasks.golden_sets import (
    Added,
    GoldenSet,
    Manifest,
    add,
    check_chain,
    freeze,
    is_golden_set,
    open_golden_set,
)
from luthier.evaluation.tasks.grading import grading_of, opened_tools
from luthier.evaluation.tasks.inspect_log import inspect_log
from luthier.evaluation.tasks.items import TaskItem
from luthier.evaluation.tasks.lm_eval_files import LmEvalFiles, lm_eval_files
from luthier.evaluation.tasks.lm_eval_yaml import is_lm_eval_task, read_lm_eval_task
from luthier.evaluation.tasks.multiple_choice import ScoreChoices
from luthier.evaluation.tasks.read_task import read_task
from luthier.evaluation.tasks.remote_model import asked_remote
from luthier.evaluation.tasks.results import ItemResult, ModelResult, TaskResult, rows_of
from luthier.evaluation.tasks.running import AskedModel, run_task
from luthier.evaluation.tasks.task import ChoiceQuestion, Question, Scored, Task, cut_at

__all__ = [
    "Added",
    "AskedModel",
    "ChoiceQuestion",
    "GoldenSet",
    "ItemResult",
    "LmEvalFiles",
    "Manifest",
    "ModelResult",
    "Question",
    "ScoreChoices",
    "Scored",
    "Task",
    "TaskItem",
    "TaskResult",
    "add",
    "asked_remote",
    "check_chain",
    "cut_at",
    "freeze",
    "grading_of",
    "inspect_log",
    "is_golden_set",
    "is_lm_eval_task",
    "lm_eval_files",
    "open_golden_set",
    "opened_tools",
    "read_lm_eval_task",
    "read_task",
    "rows_of",
    "run_task",
]
