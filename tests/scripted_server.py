"""A real server on this machine that answers OpenAI-compatible requests as it is told, and remembers them."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = tuple[int, dict[str, str], str]


def completion(text: str, finish_reason: str = "stop", **usage: Any) -> Reply:
    counts = {"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}} | usage
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish_reason}
    return 200, {}, json.dumps({"choices": [choice], "usage": counts})


def refusal(status: int, message: str = "no", code: str | None = None, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, named, json.dumps({"error": {"message": message, "code": code}})


@dataclass
class ScriptedServer:
    """``replies`` come one after another, the last for ever: a reply, a function of the request, or seconds to wait."""

    base_url: str = ""
    replies: list[Any] = field(default_factory=lambda: [completion("hello")])
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reply_to(self, path: str, headers: dict[str, str], body: bytes) -> Reply:
        with self.lock:
            self.requests.append({"path": path, **json.loads(body)})
            self.headers.append(headers)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            request = self.requests[-1]
            reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if callable(reply):
            reply = reply(request)
        if isinstance(reply, float):
            time.sleep(reply)
            reply = completion("late")
        with self.lock:
            self.at_once -= 1
        return reply


@contextmanager
def scripted_server() -> Iterator[ScriptedServer]:
    script = ScriptedServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status, headers, text = script.reply_to(self.path, dict(self.headers), body)
            try:
                self.send_response(status)
                for name, value in {"content-length": str(len(text.encode())), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text.encode())
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            return

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    script.base_url = f"http://127.0.0.1:{listening.server_port}/v1"
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield script
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()
