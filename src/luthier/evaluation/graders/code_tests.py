"""Tests of code that a model wrote, run in the sandbox: by asserts inside it, or by results compared outside."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from luthier.evaluation.json_answers import is_same_json
from luthier.sandbox import Outcome, SandboxPool

# Runs inside the sandbox, where the answer's code lives beside it and may lie: its `results` are compared outside.
_HARNESS = """
def _load(candidate, setup):
    space = {"__name__": "answer"}
    for source in (setup, candidate):
        exec(compile(source, "answer.py", "exec"), space)
    return space

def run_tests(candidate, setup, statements):
    space, passed = _load(candidate, setup), []
    for is_test, source in statements:
        try:
            exec(compile(source, "tests.py", "exec"), space)
        except BaseException as error:
            if not is_test:
                return {"passed": [], "details": repr(error)[:500]}
            passed.append(False)
        else:
            if is_test:
                passed.append(True)
    return {"passed": passed, "details": ""}

def run_cases(candidate, setup, cases):
    space, results = _load(candidate, setup), []
    for name, arguments in cases:
        try:
            results.append({"result": space[name](*arguments)})
        except BaseException as error:
            results.append({"error": repr(error)[:500]})
    return results
"""
_FENCE = re.compile(r"```[ \t]*(\w*)[^\n]*\n(.*?)(?:```|\Z)", re.DOTALL)


class BadTests(Exception):
    """The tests themselves cannot be run; the answer is not to blame."""


@dataclass(frozen=True)
class Tested:
    passed: int
    tests: int
    outcome: Outcome

    @property
    def share(self) -> float:
        return self.passed / self.tests


def code_in(answer: str) -> str:
    """The first fenced block of Python, or of no language that is named; else the whole answer."""
    for language, code in _FENCE.findall(answer):
        if language.lower() in ("", "python", "py", "python3"):
            return code
    return answer


def run_asserts(pool: SandboxPool, answer: str, setup: str, tests: str) -> Tested:
    """Every top-level assert, and every call on a line of its own, is a test. Raises BadTests."""
    try:
        statements = ast.parse(tests).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadTests(f"the tests are no Python: {error}") from None
    listed = [[isinstance(part, ast.Assert | ast.Expr), ast.unparse(part)] for part in statements]
    total = sum(bool(is_test) for is_test, _ in listed)
    if total == 0:
        raise BadTests("the tests hold no assert and no call")
    outcome = pool.call(_HARNESS, "run_tests", [code_in(answer), setup, listed])
    match outcome.value:
        case {"passed": list(passed)} if len(passed) == total:
            return Tested(sum(flag is True for flag in passed), total, outcome)
    return Tested(0, total, outcome)


def run_cases(pool: SandboxPool, answer: str, setup: str, cases: Any) -> Tested:
    """Each case is {"call": name, "arguments": [...], "expected": JSON}. Raises BadTests."""
    checked = _checked(cases)
    calls = [[name, arguments] for name, arguments, _ in checked]
    outcome = pool.call(_HARNESS, "run_cases", [code_in(answer), setup, calls])
    results = outcome.value if isinstance(outcome.value, list) and len(outcome.value) == len(checked) else []
    passed = sum(
        isinstance(result, dict) and "result" in result and is_same_json(result["result"], expected)
        for result, (_, _, expected) in zip(results, checked, strict=False)
    )
    return Tested(passed, len(checked), outcome)


def _checked(cases: Any) -> Sequence[tuple[str, list[Any], Any]]:
    found = []
    for case in cases if isinstance(cases, list) else [None]:
        match case:
            case {"call": str(name), "arguments": list(arguments), "expected": expected}:
                found.append((name, arguments, expected))
            case _:
                raise BadTests('cases is no list of {"call", "arguments", "expected"}')
    if not found:
        raise BadTests("there are no cases")
    return found
