"""Files are refused at their first bad example, with the platform's code and the example's number."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from luthier.jobs import FileRefused, check_file
from luthier.jobs.tuning.validation import shared_rows
from some_jobs import chat_rows

GOOD = chat_rows(12)
USER = {"role": "user", "content": "Hi"}
ANSWER = {"role": "assistant", "content": "Hello"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"a": 1}'}}
PREFERENCE = {
    "input": {"messages": [USER], "tools": [], "parallel_tool_calls": True},
    "preferred_output": [ANSWER],
    "non_preferred_output": [{"role": "assistant", "content": "No"}],
}
REINFORCEMENT = {"messages": [USER], "compliant": "yes"}


def write(tmp_path: Path, rows: list[Any]) -> Path:
    path = tmp_path / "rows.jsonl"
    lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    path.write_bytes(b"\n".join(lines) + b"\n\n")
    return path


def messages(*turns: dict[str, Any]) -> dict[str, Any]:
    return {"messages": list(turns)}


@pytest.mark.parametrize(
    ("row", "code", "told"),
    [
        (b"{not json", "invalid_file_format", "not valid JSON"),
        (b"\xff\xfe", "invalid_file_format", "not UTF-8"),
        (b"[" * 5000 + b"]" * 5000, "invalid_file_format", ""),
        (b'{"messages": NaN}', "invalid_file_format", "not valid JSON"),
        ([1], "invalid_file_format", "a list, not an object"),
        ({}, "invalid_file_format", "'messages' is missing"),
        ({"messages": []}, "invalid_file_format", "at least one message"),
        ({**GOOD[0], "extra": 1}, "invalid_file_format", "unknown key 'extra'"),
        (PREFERENCE, "invalid_file_format", "one of method dpo"),
        (messages(USER), "invalid_training_file", "no assistant message"),
        (messages(USER, "text"), "invalid_training_file", "message 2 of 'messages': it is no object"),
        (messages({"content": "x"}, ANSWER), "invalid_training_file", "message 1 of 'messages': the role is missing"),
        (messages({"role": "bot", "content": "x"}, ANSWER), "invalid_training_file", "unknown role 'bot'"),
        (messages({"role": "user", "content": 5}, ANSWER), "invalid_training_file", "'content' must be"),
        (messages({"role": "user"}, ANSWER), "invalid_training_file", "'content' must be"),
        (messages(USER, {**ANSWER, "weight": 0.5}), "invalid_training_file", "'weight' must be 0 or 1"),
        (messages(USER, {**ANSWER, "weight": True}), "invalid_training_file", "'weight' must be 0 or 1"),
        (messages(USER, {"role": "tool", "content": "x", "tool_call_id": "no"}, ANSWER), "invalid_training_file", "id"),
        (
            messages(USER, {"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "f", "arguments": {}}}]}),
            "invalid_training_file",
            "'function.arguments' must be a string",
        ),
        (
            messages({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}, ANSWER),
            "invalid_training_file",
            "images are not supported",
        ),
    ],
)
def test_a_bad_row_is_told_with_its_number_and_code(tmp_path: Path, row: Any, code: str, told: str):
    path = write(tmp_path, [*GOOD[:3], row, *GOOD[3:]])
    with pytest.raises(FileRefused) as refused:
        check_file(path, "supervised", "training_file")
    assert refused.value.code == code
    assert refused.value.message.startswith("Example 4: ") and told in refused.value.message
    assert refused.value.param == "training_file"


def test_all_that_the_platform_takes_is_taken(tmp_path: Path):
    rows = [
        messages({"role": "developer", "content": "Be brief"}, USER, ANSWER),
        messages({**USER, "name": "Ann"}, {**ANSWER, "weight": 0}, USER, {**ANSWER, "weight": 1}),
        messages({"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, ANSWER),
        {
            **messages(
                USER,
                {"role": "assistant", "content": None, "tool_calls": [CALL]},
                {"role": "tool", "tool_call_id": "call_1", "content": "1"},
                ANSWER,
            ),
            "tools": [{"type": "function", "function": {"name": "look", "parameters": {}}}],
            "parallel_tool_calls": False,
        },
        {
            **messages(
                USER,
                {"role": "assistant", "function_call": {"name": "look", "arguments": "{}"}},
                {"role": "function", "name": "look", "content": "1"},
                ANSWER,
            ),
            "functions": [{"name": "look"}],
        },
    ]
    assert check_file(write(tmp_path, rows + GOOD), "supervised", "training_file").examples == 17


def test_completion_rows_are_a_layout_of_their_own(tmp_path: Path):
    rows = [{"prompt": f"{n} =", "completion": f" {n}"} for n in range(10)]
    assert check_file(write(tmp_path, rows), "supervised", "training_file").layout == "prompt-completion"
    with pytest.raises(FileRefused, match="Some rows are chats"):
        check_file(write(tmp_path, rows + GOOD), "supervised", "training_file")


@pytest.mark.parametrize(("count", "param"), [(9, "training_file"), (0, "validation_file")])
def test_too_few_examples_are_counted(tmp_path: Path, count: int, param: Any):
    with pytest.raises(FileRefused, match=f"has {count} example") as refused:
        check_file(write(tmp_path, GOOD[:count]), "supervised", param)
    assert (refused.value.code, refused.value.param) == ("invalid_n_examples", param)


def test_a_compressed_file_is_refused_unread(tmp_path: Path):
    path = tmp_path / "bomb.jsonl"
    path.write_bytes(b"\x1f\x8b" + b"\0" * 100)
    with pytest.raises(FileRefused, match="compressed"):
        check_file(path, "supervised", "training_file")


def test_preference_rows_of_both_spellings_are_taken_and_halves_refused(tmp_path: Path):
    older = {
        "input": {"messages": [USER]},
        "preferred_completion": [ANSWER],
        "non_preferred_completion": [ANSWER],
    }
    assert check_file(write(tmp_path, [PREFERENCE] * 6 + [older] * 6), "dpo", "training_file").examples == 12
    half = {key: value for key, value in PREFERENCE.items() if key != "non_preferred_output"}
    with pytest.raises(FileRefused, match="'non_preferred_output' is missing"):
        check_file(write(tmp_path, [PREFERENCE] * 9 + [half]), "dpo", "training_file")
    with pytest.raises(FileRefused, match="supervised or reinforcement"):
        check_file(write(tmp_path, GOOD), "dpo", "training_file")


def test_reinforcement_rows_have_free_keys_and_leave_the_answer_to_the_model(tmp_path: Path):
    assert check_file(write(tmp_path, [REINFORCEMENT] * 10), "reinforcement", "training_file").examples == 10
    with pytest.raises(FileRefused, match="must not be an assistant message"):
        check_file(write(tmp_path, [REINFORCEMENT] * 9 + [messages(USER, ANSWER)]), "reinforcement", "training_file")


def test_rows_that_both_files_hold_are_counted(tmp_path: Path):
    training = check_file(write(tmp_path, GOOD), "supervised", "training_file")
    validation = check_file(write(tmp_path, [*GOOD[:2], *chat_rows(14)[12:]]), "supervised", "validation_file")
    assert shared_rows(training, validation) == 2
