"""Advice: prompt, retrieve or tune, judged from evidence; what the licences allow, and what it costs. No torch."""

from luthier.advice.asking import QUESTIONS, Question, answer_to, evidence_from, said
from luthier.advice.decide import decide_approach
from luthier.advice.drawing import draw_advice, draw_path
from luthier.advice.evidence import (
    DataChecks,
    Evidence,
    Hardware,
    MeasuredArm,
    MeasuredDifference,
    ProbeForecast,
    Targets,
    kind_of,
)
from luthier.advice.findings import Advice, Answer, Reason, Step
from luthier.advice.path_drawing import draw_path_svg

__all__ = [
    "QUESTIONS",
    "Advice",
    "Answer",
    "DataChecks",
    "Evidence",
    "Hardware",
    "MeasuredArm",
    "MeasuredDifference",
    "ProbeForecast",
    "Question",
    "Reason",
    "Step",
    "Targets",
    "answer_to",
    "decide_approach",
    "draw_advice",
    "draw_path",
    "draw_path_svg",
    "evidence_from",
    "kind_of",
    "said",
]
