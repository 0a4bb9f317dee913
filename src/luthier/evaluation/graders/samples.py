"""What is graded: a model's answer, under the names that templates and python graders know."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from luthier.evaluation.graders.templates import Variable

JsonObject = dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """``reads_json`` offers `output_json` whenever the answer is JSON, as `graders/run` does.

    In jobs and evals of the platform it is there only when the answer was asked for with a `response_format`.
    """

    output_text: str
    output_tools: tuple[JsonObject, ...] = ()
    reads_json: bool = True
    finish_reason: str = "stop"

    def as_variables(self) -> JsonObject:
        message: JsonObject = {"role": "assistant", "content": self.output_text}
        if self.output_tools:
            message["tool_calls"] = list(self.output_tools)
        found: JsonObject = {
            "output_text": self.output_text,
            "output_tools": list(self.output_tools),
            "choices": [{"index": 0, "message": message, "finish_reason": self.finish_reason}],
        }
        if self.reads_json:
            with contextlib.suppress(ValueError, RecursionError):
                found["output_json"] = json.loads(self.output_text, parse_constant=_refuse)
        return found


def is_about_missing_json(variable: Variable, sample: Mapping[str, Any]) -> bool:
    return variable.path[:2] == ("sample", "output_json") and "output_json" not in sample


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
