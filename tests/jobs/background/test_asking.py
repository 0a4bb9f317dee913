"""Patience with a server that is busy."""

from __future__ import annotations

import threading

import pytest

from luthier.jobs.background.asking import Answered, Dropped, Patience


def after(times: int, status: int):
    left = [status] * times

    def ask(_project, _path, _body) -> Answered:
        return Answered(left.pop(), {}, "", 0.001) if left else Answered(200, {})

    return ask


def test_busy_is_waited_out():
    assert Patience(after(20, 429))("p", "/", {}).status == 200


def test_unavailable_is_an_answer_in_the_end():
    assert Patience(after(5, 503))("p", "/", {}).status == 200
    assert Patience(after(10**6, 503), unavailable_seconds=0.02)("p", "/", {}).status == 503


def test_waiting_ends_when_it_is_halted():
    halted = threading.Event()
    halted.set()

    with pytest.raises(Dropped):
        Patience(after(1, 429), halted)("p", "/", {})


def test_an_error_is_told_without_nulls():
    assert Answered(500, {"error": {"message": "m", "type": "server_error", "code": None}}).error == {
        "code": "server_error",
        "message": "m",
    }
    assert Answered(502, {}).error == {"code": "status_502", "message": "status 502"}
