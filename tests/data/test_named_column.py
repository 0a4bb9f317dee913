"""A column beside the conversation is found by the rows' own lines."""

import json

import pytest

from luthier.data import column_of, read_examples
from luthier.errors import DataError
from luthier.recipe import DataSettings


@pytest.fixture
def examples(tmp_path):
    file = tmp_path / "rows.jsonl"
    rows = [{"prompt": f"q{n}", "completion": "a", "from": f"d{n}"} for n in range(4)]
    del rows[2]["from"]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read_examples(file, DataSettings(train=str(file))).examples


def test_values_come_in_the_order_of_the_examples(examples):
    assert column_of(examples[::-1], "from", "evaluation.document_column") == ["d3", None, "d1", "d0"]


def test_a_column_that_no_row_has_is_refused(examples):
    with pytest.raises(DataError, match=r"no row of .* has a column 'source'"):
        column_of(examples, "source", "evaluation.group_by")
