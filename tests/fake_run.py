"""A run without a model: what `luthier.jobs.workers.child` does as its supervisor sees it, in
milliseconds instead of seconds.

Its weights are a chain of hashes over all steps, so a step left out or done twice shows in them.
"""

import hashlib
import json
import os
import runpy
import signal
import sys
import time
from pathlib import Path

import luthier

# As a file, like the worker starts it: its room would take a second to load.
child = runpy.run_path(str(Path(luthier.__file__).parent / "jobs" / "workers" / "child.py"))
folder = Path(sys.argv[1])
how = json.loads(os.environ.get("FAKE_RUN", "{}"))
stops: list[int] = []


def record(name: str, **fields) -> None:
    with (folder / "events.jsonl").open("a") as stream:
        stream.write(json.dumps({"event": name, "time": time.time(), **fields}) + "\n")


def whole(target: Path, files: dict[str, str]) -> None:
    part = target.with_name(f".{target.name}.part-{os.getpid()}")
    part.mkdir(parents=True)
    for name, text in files.items():
        (part / name).write_text(text)
    if not target.exists():
        part.rename(target)


def weights(state: str) -> dict[str, str]:
    return {"adapter_config.json": "{}", "weights.txt": state}


def run(total: int) -> dict[str, str]:
    saved = sorted((folder / "checkpoints").glob("step-*"))
    step, state = json.loads((saved[-1] / "state.json").read_text()) if saved else (0, "start")
    while step < total:
        if how.get("die_at") == step and not (folder / f"died-{step}").exists():
            if how.get("once", True):
                (folder / f"died-{step}").touch()
            if how.get("result"):
                return how["result"]
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(how.get("step_seconds", 0.02))
        step, state = step + 1, hashlib.sha256(f"{state}{step}".encode()).hexdigest()
        loss = int(state[:6], 16) / 2**24
        record("StepFinished", step=step, steps=total, loss=loss, trained_tokens=8, right_tokens=4, seconds=0.02)
        if step % 10 == 0 or stops:
            whole(folder / "epochs" / f"step-{step:06d}", weights(state))
            record("WeightsSaved", step=step, folder=f"{folder}/epochs/step-{step:06d}", is_epoch=step % 10 == 0)
        if step % 3 == 0 or stops:
            whole(folder / "checkpoints" / f"step-{step:06d}", {"state.json": json.dumps([step, state])})
            record("CheckpointSaved", step=step, folder=f"{folder}/checkpoints/step-{step:06d}")
        if stops and step < total:
            return {"outcome": "stopped"}
    whole(folder / "adapter", weights(state))
    return {"outcome": "succeeded"}


if __name__ == "__main__":
    child["die_with_parent"]()
    signal.signal(signal.SIGTERM, lambda *_: stops.append(1))
    tokens = {"training.micro_batch_tokens": {"value": 1024}, "folding.given_tokens": {"value": 1234}}
    (folder / "facts.json").write_text(json.dumps({"resolved": tokens}))
    child["write_result"](folder, run(how.get("steps", 30)))
