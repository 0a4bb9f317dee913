"""What one round is asked to do and what it answers; both cross to a process of their own as JSON files."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from benchmarks.workloads import Row, Tuning

Side = Literal["luthier", "trl", "transformers"]


@dataclass(frozen=True)
class Job:
    """``rows``: a file with the rows of each tuning. ``rows_at_once`` (a divisor of the rows per step) and
    ``is_padding_free`` are the peer's to choose.
    """

    side: Side
    tunings: tuple[Tuning, ...]
    model: str
    rows: str
    precision: Literal["bfloat16", "float32"]
    threads: int
    rows_at_once: int = 8
    is_padding_free: bool = False
    micro_batch_tokens: int | Literal["auto"] = "auto"

    @property
    def is_full(self) -> bool:
        return self.tunings[0].rank is None


@dataclass(frozen=True)
class Outcome:
    """``losses``: per step, tuning after tuning, nats per trained token. ``seconds``: from the model being ready to
    the last step's end; ``cpu_seconds``: of all threads in that time, which tells a disturbed round.

    ``peak_bytes``: the most this process held, imports and loading included; ``rise_bytes``: what training added to
    what was held when it began. ``operations`` and ``ceiling`` (operations per second) are known for luthier alone.
    """

    seconds: float
    cpu_seconds: float
    losses: tuple[float, ...]
    peak_bytes: int
    rise_bytes: int
    computed_tokens: int
    operations: float = 0.0
    ceiling: float = 0.0


def write_job(job: Job, file: Path) -> None:
    file.write_text(json.dumps(asdict(job)), encoding="utf-8")


def read_job(file: Path) -> Job:
    told = json.loads(file.read_text(encoding="utf-8"))
    return Job(**{**told, "tunings": tuple(Tuning(**tuning) for tuning in told["tunings"])})


def write_outcome(outcome: Outcome, file: Path) -> None:
    file.write_text(json.dumps(asdict(outcome)), encoding="utf-8")


def read_outcome(file: Path) -> Outcome:
    told = json.loads(file.read_text(encoding="utf-8"))
    return Outcome(**{**told, "losses": tuple(told["losses"])})


def write_rows(rows: Sequence[Sequence[Row]], file: Path) -> None:
    """The rows of each tuning."""
    told = [[[row.ids, row.trained_from] for row in of_tuning] for of_tuning in rows]
    file.write_text(json.dumps(told), encoding="utf-8")


def read_rows(file: Path) -> list[list[Row]]:
    told = json.loads(file.read_text(encoding="utf-8"))
    return [[Row(tuple(ids), trained_from) for ids, trained_from in of_tuning] for of_tuning in told]
