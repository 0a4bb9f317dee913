"""Graders: OpenAI's grader JSON, run here, and built-ins of our own. `parse_grader`, then `grade` each answer.

Templates are filled and formulas computed by parsers of our own; code of others runs in `luthier.sandbox` alone.
"""

from luthier.evaluation.graders.agreement import Agreement, agreement, cohens_kappa, repeat_agreement
from luthier.evaluation.graders.failures import GraderError
from luthier.evaluation.graders.forms import Multi
from luthier.evaluation.graders.formula import Formula, FormulaError, parse_formula
from luthier.evaluation.graders.grades import Grade, GradeErrors, TokenUsage
from luthier.evaluation.graders.grading import grade
from luthier.evaluation.graders.items import item_of
from luthier.evaluation.graders.judges import local_judge, remote_judge
from luthier.evaluation.graders.metrics import Graded, GraderMetric, grade_answers
from luthier.evaluation.graders.parsing import (
    GRADER_TYPES,
    OPENAI_TYPES,
    Grader,
    check_tools,
    parse_grader,
    stored_grader,
)
from luthier.evaluation.graders.samples import Sample
from luthier.evaluation.graders.similarity import similarity
from luthier.evaluation.graders.templates import Template, UnknownVariable, parse_template
from luthier.evaluation.graders.tools import GraderTools, Judge, JudgeAnswer, JudgeFailed, JudgeQuestion

__all__ = [
    "GRADER_TYPES",
    "OPENAI_TYPES",
    "Agreement",
    "Formula",
    "FormulaError",
    "Grade",
    "GradeErrors",
    "Graded",
    "Grader",
    "GraderError",
    "GraderMetric",
    "GraderTools",
    "Judge",
    "JudgeAnswer",
    "JudgeFailed",
    "JudgeQuestion",
    "Multi",
    "Sample",
    "Template",
    "TokenUsage",
    "UnknownVariable",
    "agreement",
    "check_tools",
    "cohens_kappa",
    "grade",
    "grade_answers",
    "item_of",
    "local_judge",
    "parse_formula",
    "parse_grader",
    "parse_template",
    "remote_judge",
    "repeat_agreement",
    "similarity",
    "stored_grader",
]
