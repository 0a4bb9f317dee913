"""A regression set is read strictly, and a wrong line is named."""

from pathlib import Path

import pytest

from luthier.errors import DataError
from luthier.evaluation.forgetting import passes, read_regression_set

GOOD = """{"input": "2 + 2?", "exact": ["4", "four"]}

{"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}], "contains": "hello", \
"ignore_case": true}
{"name": "date", "input": "When?", "regex": "\\\\d{4}-\\\\d{2}"}
"""


def test_every_form_is_read(tmp_path: Path):
    (tmp_path / "set.jsonl").write_text(GOOD)
    number, greeting, date = read_regression_set(tmp_path / "set.jsonl")
    assert passes(number.check, "four.") and not passes(number.check, "5")
    assert [turn.role for turn in greeting.prompt.messages] == ["system", "user"]
    assert passes(greeting.check, "Hello there")
    assert date.name == "date" and passes(date.check, "on 2024-05-01")


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("{", "is not JSON"),
        ("[1]", "is not a JSON object"),
        ('{"input": "a"}', "not exactly one question and one check"),
        ('{"input": "a", "exact": "b", "regex": "c"}', "not exactly one question and one check"),
        ('{"input": "a", "regex": "("}', "regex that cannot be read"),
        ('{"input": "a", "exact": ""}', "without a text"),
        ('{"input": "a", "exact": "b", "ignorecase": true}', "unknown key 'ignorecase'"),
        ('{"messages": [{"role": "poet", "content": "a"}], "exact": "b"}', "turns without a role and a text"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, named: str):
    file = tmp_path / "set.jsonl"
    file.write_text('{"input": "a", "exact": "b"}\n' + line + "\n")
    with pytest.raises(DataError, match="line 2") as caught:
        read_regression_set(file)
    assert named in caught.value.found


@pytest.mark.parametrize("text", [None, "\n"])
def test_a_missing_or_empty_file_is_told(tmp_path: Path, text: str | None):
    file = tmp_path / "set.jsonl"
    if text is not None:
        file.write_text(text)
    with pytest.raises(DataError):
        read_regression_set(file)
