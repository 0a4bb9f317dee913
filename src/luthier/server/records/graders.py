"""`/v1/fine_tuning/alpha/graders`: look at a grader, or try it on one answer."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from luthier.errors import SandboxError
from luthier.evaluation.graders import GraderError, Sample, grade, parse_grader, stored_grader
from luthier.jobs.background.asking import Patience
from luthier.jobs.evals.criteria import asking_tools
from luthier.server.door.access import Asking, Call
from luthier.server.errors import Refused, invalid
from luthier.server.inference.inside import Inside
from luthier.server.wire.graders import RunGrader, ValidateGrader


def validate(_call: Asking, asked: ValidateGrader) -> dict[str, Any]:
    """The grader as it would be kept, or 400 with the place of the mistake."""
    try:
        parse_grader(asked.grader)
    except GraderError as error:
        raise _refused(error) from None
    return {"grader": stored_grader(asked.grader)}


async def run(call: Asking, asked: RunGrader) -> dict[str, Any]:
    """On threads apart from those of handlers: a judge is asked from here, and its handler needs one too."""
    loop = asyncio.get_running_loop()
    return await asyncio.to_thread(_run, call, asked, Inside(call.state, lambda: loop))


def _run(call: Call, asked: RunGrader, inside: Inside) -> dict[str, Any]:
    try:
        grader = parse_grader(asked.grader)
        tools = asking_tools(partial(Patience(inside), call.project_id), call.state.sandbox, [grader])
        graded = grade(grader, asked.item or {}, Sample(asked.model_sample), tools)
    except GraderError as error:
        raise _refused(error) from None
    except SandboxError as error:
        raise Refused(400, f"Code cannot be run on this server: {error.found}.", code="no_sandbox") from None
    return graded.as_run_response()


def _refused(error: GraderError) -> Refused:
    return invalid(f"{error.found}. Expected {error.expected}.", error.path, "invalid_grader")
