"""What a terminal, a log and a program are shown."""

import io
import json

import pytest

from luthier.cli.display import JsonLines, Progress
from luthier.events import (
    CheckpointSaved,
    ItemsAnswered,
    Noticed,
    StageStarted,
    StepFinished,
    Validated,
    VerdictReached,
    Warned,
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def step(number: int, steps: int = 40) -> StepFinished:
    return StepFinished(number, steps, 1.0, 2.0, 1e-3, 0.5, 10, 100, 50, 1.0)


def test_a_log_has_a_line_for_every_tenth_of_the_steps():
    out = io.StringIO()
    display = Progress(out, io.StringIO())
    for number in range(1, 41):
        display.show(step(number))
    numbers = [int(line.split()[1].partition("/")[0]) for line in out.getvalue().splitlines()]
    assert numbers == [4, 8, 12, 16, 20, 24, 28, 32, 36, 40]


def test_a_log_has_no_control_characters():
    out = io.StringIO()
    display = Progress(out, out)
    for event in (
        StageStarted("train", "\x1b[31mred"),
        Noticed("a\rb"),
        Warned("c\x07"),
        step(40),
        VerdictReached("", "v\x1b"),
    ):
        display.show(event)
    assert not set(out.getvalue()) & {"\x1b", "\r", "\x07"}


def test_a_terminal_has_one_bar_that_is_redrawn_in_place(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = Terminal()
    display = Progress(out, io.StringIO(), Clock(), columns=80)
    for number in (1, 2, 3):
        display.show(step(number))
    assert out.getvalue().count("\r\x1b[K[") == 3
    assert "\n" not in out.getvalue()


def test_a_bar_is_wiped_before_a_line_and_the_line_stays():
    out = Terminal()
    display = Progress(out, io.StringIO(), Clock(), columns=80)
    display.show(step(1))
    display.show(Validated(1, 3.0, 5))
    assert out.getvalue().endswith("\r\x1b[K  step 1: validation loss 3.0000\n")


def test_a_terminal_is_not_redrawn_more_often_than_one_can_see():
    out = Terminal()
    display = Progress(out, io.StringIO(), clock=lambda: 5.0, columns=80)
    for number in range(1, 40):
        display.show(step(number))
    assert out.getvalue().count("\r") == 1


def test_the_cursor_is_left_on_a_line_of_its_own():
    out = Terminal()
    display = Progress(out, io.StringIO(), Clock(), columns=80)
    display.show(step(1))
    display.close()
    display.close()
    assert out.getvalue().endswith("\n") and out.getvalue().count("\n") == 1


def test_warnings_go_to_the_other_stream_in_yellow(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    out, warnings = io.StringIO(), Terminal()
    Progress(out, warnings).show(Warned("few rows"))
    assert out.getvalue() == ""
    assert warnings.getvalue() == "\x1b[33mwarning:\x1b[0m few rows\n"


def test_an_arm_that_tells_its_end_twice_is_shown_once():
    out = io.StringIO()
    display = Progress(out, io.StringIO())
    for done in (30, 60, 60):
        display.show(ItemsAnswered("base", done, 60, 1.0))
    assert [line.split()[2] for line in out.getvalue().splitlines()] == ["30/60", "60/60"]


def test_a_save_is_no_news():
    out = io.StringIO()
    Progress(out, out).show(CheckpointSaved(3, "step-000003"))
    assert out.getvalue() == ""


def test_json_is_one_event_per_line_and_nothing_else():
    out = io.StringIO()
    display = JsonLines(out)
    display.show(Noticed("grüße\nzwei"))
    display.show(Warned("w"))
    display.close()
    events = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [event["event"] for event in events] == ["Noticed", "Warned"]
    assert events[0]["message"] == "grüße\nzwei"
