"""A keeper process as seen from here: it is started, given one call at a time, and ended."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from luthier.errors import SandboxError
from luthier.sandbox.contained.call import LENGTH
from luthier.sandbox.contained.keeper import ORDER, VERDICT
from luthier.sandbox.limits import Kind, Outcome, SandboxLimits
from luthier.sandbox.outcomes import judge
from luthier.sandbox.packages import Packages

START = "import sys; sys.path.insert(0, sys.argv[1]); from contained.keeper import main; main()"
# -s -S -P: nothing is imported from the user's folders or from all that is installed.
FLAGS = ("-s", "-S", "-P", "-B", "-X", "utf8", "-c", START)
# All that user code finds in its environment. One thread each: the pool is what uses the cores.
ENVIRONMENT = {
    "HOME": "/tmp",
    "TMPDIR": "/tmp",
    "LANG": "C.UTF-8",
    "PYTHONHASHSEED": "0",
    **{f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")},
}
# A Python that was built as a shared library may not start without it.
KEPT_VARIABLES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
START_SECONDS = 60.0
# The keeper enforces the wall limit. Only if it cannot, the caller ends both.
GRACE_SECONDS = 5.0
FAREWELL_SECONDS = 1.0
PIECE_BYTES = 1 << 16


class WorkerLost(Exception):
    """The keeper is gone or does not answer; the message says what it said last."""


class Worker:
    """One keeper. Not for several threads at once; the pool sees to that."""

    def __init__(self, kind: Kind, limits: SandboxLimits, packages: Packages, preload: Sequence[str]):
        self._limits = limits
        self._control, theirs = socket.socketpair()
        restraints = (kind, max(1, round(limits.cpu_seconds)), limits.memory_bytes, limits.processes, limits.file_bytes)
        settings = {
            "control": theirs.fileno(),
            "restraints": restraints,
            "packages": [str(path) for path in packages.entries],
            "imports": sorted(packages.imports),
            "preload": list(preload),
        }
        self._process = subprocess.Popen(
            [sys.executable, *FLAGS, str(Path(__file__).parent), json.dumps(settings)],
            env=ENVIRONMENT | {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
            cwd="/",
        )
        theirs.close()
        self.is_lost = False

    def wait_until_ready(self) -> None:
        """WorkerLost with the reason where this kind of wall cannot be built here."""
        self._control.settimeout(START_SECONDS)
        try:
            said = self._control.recv(4096)
        except OSError as error:
            said = f"no sign of life in {START_SECONDS:g} seconds ({error})".encode()
        if said != b"ready":
            self.close()
            raise WorkerLost(said.decode("utf-8", "replace") or "the process ended while it was set up")
        self._control.settimeout(None)

    def call(self, source: str, function: str, arguments: Sequence[Any]) -> Outcome:
        """What ``function`` of ``source`` returns. Whatever goes wrong in there is an Outcome too."""
        request = json.dumps([source, function, list(arguments)]).encode()
        exchange = Exchange(LENGTH.pack(len(request)) + request, self._limits.output_bytes)
        began = time.perf_counter()
        try:
            exchange.give_away_ends(self._control, self._limits.wall_seconds)
            verdict = exchange.run_until_verdict(self._control, self._limits.wall_seconds + GRACE_SECONDS)
        except OSError:
            verdict = b""
        except BaseException:
            # Ctrl-C: a call that nobody waits for must not be taken for the next one.
            self.close()
            raise
        finally:
            exchange.close()
        seconds = time.perf_counter() - began
        if len(verdict) != VERDICT.size:
            self.close()
            details = "the sandbox process itself ended or stopped answering; it has been replaced"
            return Outcome(None, "killed", details, seconds, exchange.output_text())
        status, is_late = VERDICT.unpack(verdict)
        return judge(status, is_late, exchange.answer, self._limits, seconds, exchange.output_text())

    def close(self) -> None:
        """Ends the keeper and, with it, whatever runs behind its wall."""
        self.is_lost = True
        # Hung up on, a keeper ends its call and itself.
        self._control.close()
        try:
            self._process.wait(FAREWELL_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


class Exchange:
    """Sends a request and gathers answer and output, each up to its limit; the rest is read and thrown away."""

    def __init__(self, request: bytes, most_bytes: int):
        self._unsent = memoryview(request)
        self._most_bytes = most_bytes
        self._channel, self._their_channel = socket.socketpair()
        self._output, self._their_output = os.pipe()
        self._channel.setblocking(False)
        os.set_blocking(self._output, False)
        # One byte past the limit tells that there was more.
        self.answer, self._printed = bytearray(), bytearray()

    def give_away_ends(self, control: socket.socket, wall_seconds: float) -> None:
        ends = [self._their_channel.fileno(), self._their_output]
        socket.send_fds(control, [ORDER.pack(wall_seconds)], ends)
        self._close_theirs()

    def run_until_verdict(self, control: socket.socket, seconds: float) -> bytes:
        """What the keeper says of the call in the end; empty if it says nothing in time."""
        deadline = time.monotonic() + seconds
        poll = select.poll()
        channel = self._channel.fileno()
        poll.register(control, select.POLLIN)
        poll.register(channel, select.POLLIN | select.POLLOUT)
        poll.register(self._output, select.POLLIN)
        while (left := deadline - time.monotonic()) > 0:
            for ready, event in poll.poll(left * 1000 + 1):
                if ready == control.fileno():
                    self._read_all()
                    return control.recv(VERDICT.size)
                if ready == channel and event & select.POLLOUT and not self._send_more():
                    poll.modify(channel, select.POLLIN)
                if event & ~select.POLLOUT and not self._read(ready):
                    poll.unregister(ready)
        return b""

    def output_text(self) -> str:
        text = bytes(self._printed[: self._most_bytes]).decode("utf-8", "replace")
        return text + ("\n… (cut)" if len(self._printed) > self._most_bytes else "")

    def close(self) -> None:
        self._close_theirs()
        self._channel.close()
        os.close(self._output)

    def _close_theirs(self) -> None:
        self._their_channel.close()
        if self._their_output >= 0:
            os.close(self._their_output)
            self._their_output = -1

    def _send_more(self) -> bool:
        """False when there is nothing left to send, or nobody to send it to."""
        try:
            self._unsent = self._unsent[self._channel.send(self._unsent) :]
        except BlockingIOError:
            return True
        except OSError:
            return False
        return len(self._unsent) > 0

    def _read(self, ready: int) -> bool:
        """False at the end of the stream."""
        into = self._printed if ready == self._output else self.answer
        try:
            piece = os.read(ready, PIECE_BYTES)
        except BlockingIOError:
            return True
        except OSError:
            return False
        into += piece[: max(0, self._most_bytes + 1 - len(into))]
        return bool(piece)

    def _read_all(self) -> None:
        """What was still on its way. Bounded: in the weak kind, someone left behind may go on writing."""
        for ready in (self._channel.fileno(), self._output):
            for _ in range(2 + self._most_bytes // PIECE_BYTES):
                if not select.select([ready], [], [], 0)[0] or not self._read(ready):
                    break


def start(kind: Kind, limits: SandboxLimits, packages: Packages, preload: Sequence[str]) -> Worker:
    """A worker that is ready; SandboxError where it does not start."""
    worker = Worker(kind, limits, packages, preload)
    try:
        worker.wait_until_ready()
    except WorkerLost as lost:
        raise SandboxError(
            found=f"a sandbox process did not start: {lost}",
            expected=f"a process behind a wall of the kind {kind!r}, as before",
            fix="look for a lack of memory or processes on this machine, then try again",
        ) from lost
    return worker
