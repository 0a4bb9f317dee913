import signal

import pytest

from luthier.sandbox import SandboxLimits
from luthier.sandbox.outcomes import judge

LIMITS = SandboxLimits(output_bytes=100)
ENDED_WELL = 0


def kind_of(answer: bytes, status: int = ENDED_WELL, is_late: bool = False) -> str | None:
    return judge(status, is_late, answer, LIMITS, 0.1, "").error_kind


def test_a_value_is_a_value_even_if_it_is_none():
    outcome = judge(ENDED_WELL, False, b'{"value": null}', LIMITS, 0.1, "printed")
    assert outcome.has_value
    assert (outcome.value, outcome.output) == (None, "printed")


@pytest.mark.parametrize(
    ("answer", "status", "is_late", "expected"),
    [
        (b'{"value": 1}', ENDED_WELL, True, "timeout"),
        (b"", signal.SIGXCPU, False, "timeout"),
        (b'{"value": 1}', signal.SIGKILL, False, "killed"),
        (b"", signal.SIGSEGV, False, "killed"),
        (b"", 3 << 8, False, "killed"),
        (b"", ENDED_WELL, False, "killed"),
        (b'{"error": "memory", "details": "x"}', ENDED_WELL, False, "memory"),
        (b'{"error": "exception", "details": "x"}', ENDED_WELL, False, "exception"),
        (b'{"error": "timeout", "details": "x"}', ENDED_WELL, False, "result"),
        (b'{"error": "exception", "details": 1}', ENDED_WELL, False, "result"),
        (b'{"value": 1, "error": null}', ENDED_WELL, False, "result"),
        (b'{"value": NaN}', ENDED_WELL, False, "result"),
        (b'{"value": 1', ENDED_WELL, False, "result"),
        (b"[1]", ENDED_WELL, False, "result"),
        (b"\xff\xfe", ENDED_WELL, False, "result"),
        (b'{"value": "' + b"x" * 200 + b'"}', ENDED_WELL, False, "result"),
    ],
)
def test_the_end_of_a_call_has_one_kind(answer: bytes, status: int, is_late: bool, expected: str):
    assert kind_of(answer, status, is_late) == expected


def test_an_answer_that_nests_too_deeply_is_no_answer():
    deep = SandboxLimits(output_bytes=10**6)
    assert judge(0, False, b'{"value": ' + b"[" * 90_000, deep, 0.1, "").error_kind == "result"


def test_details_can_be_written_to_any_file():
    outcome = judge(ENDED_WELL, False, b'{"error": "exception", "details": "\\ud800"}', LIMITS, 0.1, "")
    assert outcome.details.encode("utf-8") == b"\\ud800"
