"""A folder becomes documents, and what was left out is counted."""

import pytest

from luthier.errors import DataError
from luthier.retrieval import read_documents


def test_markdown_text_and_json_rows_are_read(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "guide.md").write_text("# Guide\n\nTurn it on.", encoding="utf-8")
    (tmp_path / "plain.txt").write_text("\ufeffJust text.", encoding="utf-8")
    (tmp_path / "rows.jsonl").write_text('{"id": 7, "text": "seven"}\n\n{"content": "no name"}\n', encoding="utf-8")
    found = read_documents(tmp_path)
    assert [(document.name, document.is_markdown) for document in found.documents] == [
        ("deep/guide.md", True),
        ("plain.txt", False),
        ("7", False),
        ("rows.jsonl#3", False),
    ]
    assert found.documents[1].text == "Just text." and found.notes == ()


def test_one_file_will_do(tmp_path):
    file = tmp_path / "all.jsonl"
    file.write_text('{"title": "A", "text": "a"}\n{"title": "A", "text": "b"}\n', encoding="utf-8")
    assert [document.name for document in read_documents(file).documents] == ["A", "A (2)"]


def test_what_is_left_out_is_counted(tmp_path):
    (tmp_path / "a.md").write_text("Text.", encoding="utf-8")
    (tmp_path / "b.pdf").write_bytes(b"%PDF")
    (tmp_path / "c.pdf").write_bytes(b"%PDF")
    (tmp_path / "d.txt").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "e.txt").write_text(" \n", encoding="utf-8")
    (tmp_path / "f.jsonl").write_text('{"text": 1.5}\n[1]\n{"text"\n', encoding="utf-8")
    (tmp_path / ".hidden.md").write_text("Not for us.", encoding="utf-8")
    found = read_documents(tmp_path)
    assert [document.name for document in found.documents] == ["a.md"]
    assert found.notes == (
        "1 JSON row that cannot be read",
        "2 JSON rows without text in any of text, content, body, passage, context",
        "1 empty file",
        "1 file not read, as it is not UTF-8",
        "2 files of another kind (.pdf) not read",
    )


def test_a_folder_without_documents_is_refused(tmp_path):
    with pytest.raises(DataError, match="no document in it"):
        read_documents(tmp_path)
    with pytest.raises(DataError, match="there is no such folder"):
        read_documents(tmp_path / "nowhere")
