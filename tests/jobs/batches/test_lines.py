"""Lines of a batch's input file."""

from __future__ import annotations

import json

from luthier.jobs.batches import lines as batch_lines
from luthier.jobs.batches.lines import BatchLine, LineProblem, check_lines, read_line

CHAT = "/v1/chat/completions"


def line(**changed) -> bytes:
    return json.dumps({"custom_id": "a", "method": "POST", "url": CHAT, "body": {"model": "m"}, **changed}).encode()


def checked(*lines: bytes) -> batch_lines.Checked:
    return list(check_lines([b"\n".join(lines)], CHAT))[-1]


def test_a_right_line_is_read():
    assert read_line(3, line(), CHAT) == BatchLine(3, "a", {"model": "m"})


def test_every_mistake_has_its_code_and_place():
    found = [
        read_line(1, text, CHAT)
        for text in (
            b"\xff", b"{" * 100_000, line(custom_id=1), line(custom_id=""), line(method="PUT"), line(body=[]),
            b'{"custom_id": NaN}',
        )
    ]  # fmt: skip

    assert [problem.code for problem in found if isinstance(problem, LineProblem)] == [
        "invalid_json_line", "invalid_json_line", "invalid_custom_id", "invalid_custom_id", "invalid_method",
        "invalid_body", "invalid_json_line",
    ]  # fmt: skip


def test_the_model_is_told_where_all_lines_agree():
    assert checked(line(), line(custom_id="b")).model == "m"
    assert checked(line(), line(custom_id="b", body={"model": "n"})).model is None


def test_ids_that_no_text_can_hold_are_told_apart():
    assert checked(line(custom_id="\ud800"), line(custom_id="\ud801")).problems == ()


def test_too_many_lines_are_one_problem(monkeypatch):
    monkeypatch.setattr(batch_lines, "MOST_LINES", 2)

    (problem,) = checked(line(), line(custom_id="b"), line(custom_id="c")).problems

    assert problem.code == "too_many_requests"


def test_a_file_of_mistakes_does_not_fill_the_store():
    assert len(checked(*[b"x"] * 1000).problems) == batch_lines.MOST_PROBLEMS
