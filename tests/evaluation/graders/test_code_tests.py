import pytest

from luthier.evaluation.graders import GraderTools, Sample, grade, parse_grader
from luthier.evaluation.graders.code_tests import code_in
from luthier.sandbox import SandboxLimits, SandboxPool

TESTS = "assert add(1, 2) == 3\nassert add(0, 0) == 0\nassert add(-1, 1) == 0"
CASES = [{"call": "add", "arguments": [a, b], "expected": a + b} for a, b in ((1, 2), (0, 0), (-1, 1))]
RIGHT = "Here it is:\n```python\ndef add(a, b):\n    return a + b\n```\nDone."
HALF = "def add(a, b):\n    return abs(a) + b"


@pytest.fixture(scope="module")
def tools():
    with SandboxPool(SandboxLimits(wall_seconds=1), workers=1) as sandbox:
        yield GraderTools(sandbox)


def reward(document, item, text, tools):
    return grade(parse_grader({"type": "code_tests", **document}), item, Sample(text), tools).reward


@pytest.mark.parametrize("document", [{}, {"cases": "{{item.cases}}"}])
def test_all_tests_must_pass_unless_a_share_is_wanted(document, tools):
    item = {"tests": TESTS, "cases": CASES}
    assert reward(document, item, RIGHT, tools) == 1
    assert reward(document, item, HALF, tools) == 0
    assert reward({**document, "partial": True}, item, HALF, tools) == pytest.approx(2 / 3)


@pytest.mark.parametrize("code", ["def add(a, b): while", "raise SystemExit", "import os; os._exit(0)", "x = 1", ""])
@pytest.mark.parametrize("document", [{}, {"cases": "{{item.cases}}"}])
def test_code_that_does_not_do_it_gets_nothing(code, document, tools):
    assert reward(document, {"tests": TESTS, "cases": CASES}, code, tools) == 0


def test_code_cannot_vouch_for_itself_where_results_are_compared_outside(tools):
    forged = (
        "import sys\ndef add(a, b):\n    class Yes:\n        def __eq__(self, other): return True\n    return Yes()"
    )
    assert reward({}, {"tests": TESTS}, forged, tools) == 1, "asserts beside the code can be fooled; docs/graders.md"
    assert reward({"cases": "{{item.cases}}"}, {"cases": CASES}, forged, tools) == 0


def test_tests_in_the_style_of_human_eval_run(tools):
    tests = "def check(candidate):\n    assert candidate(1, 2) == 3\n\ncheck(add)"
    assert reward({}, {"tests": tests}, RIGHT, tools) == 1
    assert reward({}, {"tests": tests}, "def add(a, b): return 0", tools) == 0


def test_a_loop_without_end_costs_this_answer_alone(tools):
    assert reward({}, {"tests": TESTS}, "def add(a, b):\n    while True: pass", tools) == 0
    assert reward({}, {"tests": TESTS}, RIGHT, tools) == 1


@pytest.mark.parametrize("item", [{"tests": "assert ("}, {"tests": "x = 1"}, {"tests": ""}])
def test_tests_that_cannot_be_run_are_the_items_fault(item, tools):
    found = grade(parse_grader({"type": "code_tests"}), item, Sample(RIGHT), tools)
    assert found.errors.names == ("other_error",)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("```\nx\n```", "x\n"),
        ("```bash\nls\n```\n```py\ny\n```", "y\n"),
        ("z = 1", "z = 1"),
        ("```python\nopen", "open"),
    ],
)
def test_the_first_block_of_python_is_the_code(answer, code):
    assert code_in(answer) == code
