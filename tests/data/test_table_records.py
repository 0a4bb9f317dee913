"""CSV, TSV and Parquet become numbered records."""

from __future__ import annotations

import pyarrow
import pyarrow.parquet
import pytest

from luthier.data.table_records import read_delimited, read_parquet
from luthier.errors import DataError


def values(records):
    return [record.value for record in records]


def test_quoted_cells_may_hold_commas_newlines_and_quotes(write_file):
    path = write_file("rows.csv", 'text,label\n"a, ""b""\nc",x\nd,y\n')

    records = list(read_delimited(path))

    assert values(records) == [{"text": 'a, "b"\nc', "label": "x"}, {"text": "d", "label": "y"}]
    assert [record.line for record in records] == [2, 4]


def test_a_semicolon_file_as_european_spreadsheets_write_it_is_understood(write_file):
    path = write_file("rows.csv", "\ufefftext;label\nhello, you;x\n")

    assert values(read_delimited(path)) == [{"text": "hello, you", "label": "x"}]


def test_tabs_split_a_tsv_file(write_file):
    path = write_file("rows.tsv", "text\tlabel\na, b\tx\n")

    assert values(read_delimited(path, "\t")) == [{"text": "a, b", "label": "x"}]


def test_a_row_with_a_cell_too_many_is_refused_alone(write_file):
    records = list(read_delimited(write_file("rows.csv", "text,label\na,b,c\nd,e\n")))

    assert records[0].line == 2
    assert records[0].refused is not None
    assert "3 cells" in records[0].refused.found
    assert records[1].value == {"text": "d", "label": "e"}


def test_a_quote_that_never_closes_is_refused(write_file):
    records = list(read_delimited(write_file("rows.csv", 'text,label\n"a,b\nc,d\n')))

    assert "broken CSV" in str(records[0].refused)


def test_cells_above_the_usual_limit_are_read(write_file):
    records = list(read_delimited(write_file("rows.csv", "text,label\n" + "a" * 200_000 + ",x\n")))

    assert len(records[0].value["text"]) == 200_000


@pytest.mark.parametrize("header", ["a,a", "\n", ","])
def test_a_header_that_names_no_columns_or_one_twice_is_refused(write_file, header):
    with pytest.raises(DataError, match="line 1"):
        list(read_delimited(write_file("rows.csv", f"{header}\n1,2\n")))


def test_latin_1_is_refused_with_the_place_and_a_command(write_file):
    path = write_file("rows.csv", "text,label\ncafé,x\n".encode("latin-1"))

    with pytest.raises(DataError) as caught:
        list(read_delimited(path))

    assert "line 2, byte 0xe9 at column 4" in caught.value.found
    assert "iconv -f WINDOWS-1252 -t UTF-8 rows.csv > rows-utf8.csv" in caught.value.fix


def test_parquet_rows_become_dicts(tmp_path):
    path = tmp_path / "rows.parquet"
    turns = [[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]]
    pyarrow.parquet.write_table(pyarrow.table({"messages": turns, "id": [7]}), path)

    assert values(read_parquet(path)) == [{"messages": turns[0], "id": 7}]


def test_damaged_parquet_is_refused(write_file):
    with pytest.raises(DataError, match="damaged Parquet"):
        list(read_parquet(write_file("rows.parquet", b"PAR1 and nothing more")))
