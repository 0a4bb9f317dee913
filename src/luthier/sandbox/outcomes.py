"""What is made of a call's end: exit status and answer bytes, neither of which is trusted, become an Outcome."""

import json
import os
import signal
from typing import NoReturn

from luthier.sandbox.limits import ErrorKind, Outcome, SandboxLimits

# Kinds that the process of the call may claim of itself.
CLAIMABLE: dict[str, ErrorKind] = {"exception": "exception", "memory": "memory", "result": "result"}
MOST_DETAILS = 8000


def judge(
    status: int, is_late: bool, answer: bytes | bytearray, limits: SandboxLimits, seconds: float, output: str
) -> Outcome:
    """``status`` is waitpid's; ``answer`` may be cut one byte past the limit."""

    def failed(kind: ErrorKind, details: str) -> Outcome:
        return Outcome(None, kind, details, seconds, output)

    code = os.waitstatus_to_exitcode(status)
    if is_late:
        return failed("timeout", f"stopped after {limits.wall_seconds:g} seconds")
    if code == -signal.SIGXCPU:
        return failed("timeout", f"stopped after {limits.cpu_seconds:g} seconds of processor time")
    if code < 0:
        return failed("killed", f"the process was ended by {_name_of(-code)} before it answered")
    if not answer:
        return failed("killed", f"the process ended by itself (exit code {code}) before it answered")
    if len(answer) > limits.output_bytes:
        return failed("result", f"the answer is longer than {limits.output_bytes} bytes")
    try:
        said = json.loads(answer, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        return failed("result", f"the answer is not JSON: {error}"[:MOST_DETAILS])
    match said:
        case {"value": value, **rest} if not rest:
            return Outcome(value, None, "", seconds, output)
        case {"error": str(kind), "details": str(details)} if kind in CLAIMABLE:
            return failed(CLAIMABLE[kind], _printable(details))
    return failed("result", "the process wrote something of its own where its answer should be")


def _printable(text: str) -> str:
    """Lone surrogates, which a file of text cannot hold, written out."""
    return text[:MOST_DETAILS].encode("utf-8", "backslashreplace").decode()


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
