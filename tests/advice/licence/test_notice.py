"""The NOTICE text names everything in the model and repeats what licences ask for, word for word."""

from luthier.advice.licence.notice import notice_text


def test_parts_and_lines_are_in_it():
    text = notice_text("base", [("base", "gemma-3", "Gemma Terms"), ("data", "rows", "CC BY 4.0")], ["A line."])
    assert "- base: gemma-3, Gemma Terms\n- data: rows, CC BY 4.0\n\nA line.\n" in text
    assert "weights were changed" in text
