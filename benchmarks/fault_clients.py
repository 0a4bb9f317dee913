"""What programs do to the server while it is killed under them: ask for jobs, and send files."""

from __future__ import annotations

import hashlib
import io
import json
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import openai

SEED = 11
CHUNKS = 16
KEPT_FILES = 4


@dataclass
class Clients:
    """``kept``: the hash of every file that the server has said it keeps; ``cut``: how many it never answered for."""

    url: str
    jobs: int
    seconds_between: float
    kept: dict[str, str] = field(default_factory=dict)
    sent: int = 0
    cut: int = 0
    asked: int = 0
    wrong: list[str] = field(default_factory=list)
    _done: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def put_rows(self) -> str:
        return self._patient().files.create(file=("rows.jsonl", rows()), purpose="fine-tune").id

    def ask(self, file: str, number: int) -> str:
        """With a key of its own: asked again and again until there is an answer, and made once."""
        job = self._patient().fine_tuning.jobs.create(
            model="starter",
            training_file=file,
            seed=SEED,
            hyperparameters={"n_epochs": 4, "batch_size": 4},
            metadata={"number": str(number)},
            extra_headers={"Idempotency-Key": f"job-{number}"},
        )
        return job.id

    def begin(self, file: str) -> None:
        for work in (lambda: self._ask_all(file), self._send_files):
            thread = threading.Thread(target=self._told, args=(work,))
            self._threads.append(thread)
            thread.start()

    @property
    def has_asked_all(self) -> bool:
        return self.asked == self.jobs or bool(self.wrong)

    def end(self) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join(120)

    def _told(self, work: Any) -> None:
        try:
            work()
        except Exception as error:
            self.wrong.append(f"a client gave up: {type(error).__name__}: {error}")

    def _ask_all(self, file: str) -> None:
        for number in range(self.jobs):
            self.ask(file, number)
            self.asked += 1
            # A third at once, the others while servers die.
            if number >= self.jobs // 3:
                time.sleep(self.seconds_between / 2)

    def _send_files(self) -> None:
        chance = random.Random(3)
        client = openai.OpenAI(base_url=self.url, api_key="none", max_retries=0, timeout=20)
        while not self._done.is_set():
            content = chance.randbytes(CHUNKS << 16)
            self.sent += 1
            try:
                if self.sent % 3:
                    made = client.files.create(file=("a.bin", Slow(content)), purpose="user_data").id
                else:
                    made = self._send_in_parts(client, content)
                self.kept[made] = hashlib.sha256(content).hexdigest()
                if len(self.kept) > KEPT_FILES:
                    # Once it is asked for, nobody can know what became of it without an answer.
                    gone = next(iter(self.kept))
                    del self.kept[gone]
                    client.files.delete(gone)
            except (openai.APIConnectionError, openai.InternalServerError):
                self.cut += 1
                self._done.wait(0.5)
            self._done.wait(0.2)

    def _send_in_parts(self, client: openai.OpenAI, content: bytes) -> str:
        upload = client.uploads.create(
            bytes=len(content), filename="b.bin", mime_type="application/octet-stream", purpose="user_data"
        )
        half = len(content) // 2
        parts = [
            client.uploads.parts.create(upload.id, data=Slow(some)).id for some in (content[:half], content[half:])
        ]
        completed = client.uploads.complete(upload.id, part_ids=parts)
        assert completed.file is not None
        return completed.file.id

    def _patient(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=self.url, api_key="none", max_retries=200, timeout=30)


class Slow(io.BytesIO):
    """A sender on a thin line, so that a kill finds it at work."""

    def read(self, size: int | None = -1, /) -> bytes:
        time.sleep(0.03)
        return super().read(size)


def rows() -> bytes:
    words = ["card", "lost", "bill", "late", "app", "slow", "crash", "login", "blue", "red", "phone", "order"]
    chance = random.Random(1)
    made = []
    for _ in range(24):
        picked = chance.sample(words, 5)
        turns = [{"role": "user", "content": " ".join(picked)}, {"role": "assistant", "content": picked[0]}]
        made.append(json.dumps({"messages": turns}))
    return "\n".join(made).encode()
