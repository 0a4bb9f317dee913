"""Ctrl-C, with real signals."""

import os
import signal

import pytest

from luthier.cli.interruption import stop_when_asked


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_only_asks(number: signal.Signals, capfd: pytest.CaptureFixture[str]):
    with stop_when_asked() as wants_stop:
        assert not wants_stop()
        os.kill(os.getpid(), number)
        assert wants_stop()
    assert "stopping after this step; press Ctrl-C again to stop at once" in capfd.readouterr().err


def test_the_second_signal_stops_at_once():
    with pytest.raises(KeyboardInterrupt), stop_when_asked():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)


def test_handlers_are_put_back():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with stop_when_asked():
        assert signal.getsignal(signal.SIGINT) is not before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
