"""What may be written to a terminal."""

import io

import pytest

from luthier.cli.terminal import allows_color, painted, safe


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colour_only_on_a_terminal_that_wants_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert allows_color(Terminal())
    assert not allows_color(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not allows_color(Terminal())


def test_text_without_colour_is_left_as_it_is():
    assert painted("x", color=False, fg="red") == "x"


def test_control_characters_are_made_visible_and_line_breaks_stay():
    assert safe("a\x1b[31m\tb\nc\x9b") == "a\ufffd[31m\tb\nc\ufffd"
