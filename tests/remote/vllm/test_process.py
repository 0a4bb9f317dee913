"""A vLLM that is started for us: played by a small program with the same door."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from luthier.errors import ModelError
from luthier.remote.vllm import VllmInference, start_vllm

PROGRAM = """
import http.server, os, sys
assert os.environ["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] == "True"
print("starting", flush=True)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_it_is_waited_for_and_stopped_again(tmp_path: Path):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    started = start_vllm([sys.executable, "-c", PROGRAM, str(port)], url, tmp_path / "vllm.log", 20)
    try:
        assert VllmInference(url, Path, started).is_ready()
    finally:
        started.stop()
    assert not started.is_running
    assert "starting" in (tmp_path / "vllm.log").read_text()


def test_one_that_dies_is_told_with_its_last_words(tmp_path: Path):
    command = [sys.executable, "-c", "import sys; sys.exit('no GPU found')"]
    with pytest.raises(ModelError, match="no GPU found"):
        start_vllm(command, "http://127.0.0.1:9", tmp_path / "vllm.log", 20)


def test_a_program_that_is_not_there_is_said_to_be_so(tmp_path: Path):
    with pytest.raises(ModelError, match="cannot be started"):
        start_vllm(["no-such-vllm"], "http://127.0.0.1:9", tmp_path / "vllm.log")
