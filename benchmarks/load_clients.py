"""Clients that stream chat completions, many at once, in a process of their own so that their work is not the server's.

    python -m benchmarks.load_clients < plan.json > report.json

Each client asks, reads to the end and asks again. They speak HTTP/1.1 over plain sockets and look at no more than they
must: 200 clients of a full library would take longer to read than the server takes to write. A 429 is obeyed: the
client waits as long as it is told, and asks the same again.
"""

import asyncio
import json
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Any

CONTENT = re.compile(rb'"content":\s?"(?!")')
USAGE = re.compile(rb'"completion_tokens":\s?(\d+)')
RETRY_AFTER = re.compile(rb"\r\nretry-after: ?([0-9.]+)", re.IGNORECASE)
LENGTH = re.compile(rb"\r\ncontent-length: ?(\d+)", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding: ?chunked", re.IGNORECASE)
LAST_CHUNK = b"\r\n0\r\n\r\n"


@dataclass(frozen=True)
class Plan:
    """Either ``requests`` in all or as many as fit into ``seconds``. Bodies are asked in turn.

    ``tokens``: how long each answer must be, 0 for any length. Clients begin spread over ``spread_seconds``.
    """

    host: str
    port: int
    clients: int
    bodies: list[dict[str, Any]]
    tokens: int = 0
    requests: int = 0
    seconds: float = 0.0
    spread_seconds: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    keeps_texts: bool = False


@dataclass
class Report:
    """``first_seconds``: from the request to the first letter of its answer; ``whole_seconds``: to its end.

    ``wrong`` has what was neither an answer nor an honest 429; ``cpu_seconds`` is the clients' own work.
    """

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    answers: int = 0
    tokens: int = 0
    told_busy: int = 0
    first_seconds: list[float] = field(default_factory=list)
    whole_seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    texts: list[tuple[int, str]] = field(default_factory=list)


class Wire(asyncio.Protocol):
    """One connection; ``answer`` sends a request and returns when its answer is whole."""

    def __init__(self) -> None:
        self.transport: Any = None
        self._done: asyncio.Future[bytes] | None = None
        self._parts: list[bytes] = []
        self._head = b""
        self._missing: int | None = None
        self.first_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    async def answer(self, request: bytes) -> bytes:
        self._done = asyncio.get_running_loop().create_future()
        self._parts, self._head, self._missing, self.first_at = [], b"", None, 0.0
        self.transport.write(request)
        return await self._done

    def data_received(self, data: bytes) -> None:
        self._parts.append(data)
        if not self._head:
            whole = b"".join(self._parts)
            head, end, rest = whole.partition(b"\r\n\r\n")
            if not end:
                return
            self._head, self._parts = head, [rest]
            length = LENGTH.search(head)
            self._missing = int(length[1]) if length else None
            data = rest
        if not self.first_at and CONTENT.search(data):
            self.first_at = time.perf_counter()
        if self._missing is not None:
            if sum(map(len, self._parts)) >= self._missing:
                self._finish()
        elif (data if len(data) >= len(LAST_CHUNK) else b"".join(self._parts[-3:])).endswith(LAST_CHUNK):
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_exception(ConnectionError(f"closed before the end: {exc}"))

    @property
    def head(self) -> bytes:
        return self._head

    def _finish(self) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_result(b"".join(self._parts))


async def run(plan: Plan) -> Report:
    report = Report()
    requests = [_request(plan, body) for body in plan.bodies]
    turns = iter(range(plan.requests)) if plan.requests else count()
    began, cpu_began = time.perf_counter(), time.process_time()
    until = began + plan.seconds if plan.seconds else float("inf")

    async def client(number: int) -> None:
        await asyncio.sleep(plan.spread_seconds * number / plan.clients)
        await _ask_again_and_again(plan, requests, turns, until, report)

    async with asyncio.TaskGroup() as clients:
        for number in range(plan.clients):
            clients.create_task(client(number))
    report.seconds = time.perf_counter() - began
    report.cpu_seconds = time.process_time() - cpu_began
    return report


async def _ask_again_and_again(
    plan: Plan, requests: list[bytes], turns: Iterator[int], until: float, report: Report
) -> None:
    wire = await _connected(plan)
    try:
        for turn in turns:
            while time.perf_counter() < until:
                if wire.transport.is_closing():
                    wire = await _connected(plan)
                began = time.perf_counter()
                try:
                    body = await wire.answer(requests[turn % len(requests)])
                except ConnectionError as error:
                    report.wrong.append(str(error))
                    break
                busy = RETRY_AFTER.search(wire.head) if b" 429 " in wire.head[:20] else None
                if busy is None:
                    _note(plan, report, turn, wire, body, time.perf_counter(), began)
                    break
                report.told_busy += 1
                await asyncio.sleep(float(busy[1]))
            else:
                return
    finally:
        wire.transport.close()


def _note(plan: Plan, report: Report, turn: int, wire: Wire, body: bytes, now: float, began: float) -> None:
    usage = USAGE.findall(body)
    is_whole = b" 200 " in wire.head[:20] and usage and b'"error"' not in body
    if not is_whole or (plan.tokens and int(usage[-1]) != plan.tokens):
        report.wrong.append(f"{wire.head[:60].decode(errors='replace')} … {body[-300:].decode(errors='replace')}")
        return
    report.answers += 1
    report.tokens += int(usage[-1])
    report.first_seconds.append((wire.first_at or now) - began)
    report.whole_seconds.append(now - began)
    if plan.keeps_texts:
        report.texts.append((turn, text_of(body)))


def text_of(body: bytes) -> str:
    """The answer in a chunked stream of events."""
    pieces, lines, at = [], b"", 0
    while (end := body.find(b"\r\n", at)) >= 0 and (size := int(body[at:end], 16)):
        lines += body[end + 2 : end + 2 + size]
        at = end + 2 + size + 2
    for line in lines.split(b"\n"):
        if line.startswith(b"data: {"):
            for choice in json.loads(line[6:]).get("choices") or []:
                pieces.append(choice["delta"].get("content") or "")
    return "".join(pieces)


async def _connected(plan: Plan) -> Wire:
    _, wire = await asyncio.get_running_loop().create_connection(Wire, plan.host, plan.port)
    return wire


def _request(plan: Plan, body: dict[str, Any]) -> bytes:
    content = json.dumps(body).encode()
    headers = {"host": f"{plan.host}:{plan.port}", "content-type": "application/json"} | plan.headers
    lines = ["POST /v1/chat/completions HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"content-length: {len(content)}", "", ""]).encode() + content


if __name__ == "__main__":
    json.dump(asdict(asyncio.run(run(Plan(**json.load(sys.stdin))))), sys.stdout)
