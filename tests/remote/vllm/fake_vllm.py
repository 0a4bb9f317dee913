"""A server that answers as vLLM 0.1x does, from recorded shapes: models, adapters, chats, completions, errors."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def chunk(delta: dict[str, Any], finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish, **more}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice]}


USAGE = {"prompt_tokens": 5, "total_tokens": 7, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}}
HELLO: list[Any] = [
    chunk({"role": "assistant", "content": ""}),
    chunk({"content": "Hel"}),
    chunk({"content": "lo"}),
    chunk({"content": ""}, "stop"),
    {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [], "usage": USAGE},
]


@dataclass
class FakeVllm:
    """``events``: what a stream sends; ``pause_seconds`` between two. ``refusal``: every answer."""

    url: str = ""
    root: str = "/models/tiny"
    events: list[Any] = field(default_factory=lambda: list(HELLO))
    whole: dict[str, Any] = field(default_factory=dict)
    refusal: tuple[int, dict[str, Any]] | None = None
    pause_seconds: float = 0.0
    adapters: dict[str, str] = field(default_factory=dict)
    loads: int = 0
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    broken_off: int = 0

    def models(self) -> dict[str, Any]:
        base = {"id": "tiny", "object": "model", "root": self.root, "parent": None}
        tuned = [{"id": name, "root": path, "parent": "tiny"} for name, path in self.adapters.items()]
        return {"object": "list", "data": [base, *tuned]}


def _handler(fake: FakeVllm) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(200, fake.models() if self.path == "/v1/models" else {})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            fake.asked.append((self.path, body))
            if fake.refusal is not None:
                status, told = fake.refusal
                self._send(status, told)
            elif self.path == "/v1/load_lora_adapter":
                fake.loads += 1
                fake.adapters[body["lora_name"]] = body["lora_path"]
                self._send(200, {})
            elif self.path == "/v1/unload_lora_adapter":
                fake.adapters.pop(body["lora_name"], None)
                self._send(200, {})
            elif body["model"] not in ("tiny", *fake.adapters):
                message = f"The model `{body['model']}` does not exist."
                self._send(404, {"error": {"message": message, "type": "NotFoundError", "code": 404}})
            elif body.get("stream"):
                self._stream()
            else:
                self._send(200, fake.whole)

        def _stream(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            try:
                for event in fake.events:
                    self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
                    self.wfile.flush()
                    time.sleep(fake.pause_seconds)
                self.wfile.write(b"data: [DONE]\n\n")
            except OSError:
                fake.broken_off += 1

        def _send(self, status: int, body: dict[str, Any]) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            return None

    return Handler


@contextlib.contextmanager
def fake_vllm() -> Iterator[FakeVllm]:
    fake = FakeVllm()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(fake))
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
