"""Twenty times kill -9 at random moments, going on each time: the weights end as if nothing had happened."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = 20
TESTS = Path(__file__).parents[1]
SOURCE = TESTS.parent / "src"

# Every attempt is a process of its own, forked from one that has loaded torch already, so that twenty cost seconds.
# It is killed some random time after it has told a step of a random place, so kills fall into steps, validations,
# saves and the loading of checkpoints alike.
PROGRAM = """
import dataclasses, json, os, random, signal, sys, time
from pathlib import Path
import torch
from luthier.events import RolledBack, StepFinished
from luthier.training import Cadence, EarlyStopping, Schedule, train
from tiny_training import break_beyond, tiny_training, values

folder, kills, goes_back = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "rollback"

def job(name):
    built = tiny_training(folder / name, epochs=20.0)
    cadence = Cadence(validate_steps=4, checkpoint_steps=5 if goes_back else 1, keep_checkpoints=2)
    built = dataclasses.replace(built, schedule=Schedule("cosine", 5e-3, 40, 4), cadence=cadence)
    if not goes_back:
        return built
    built = dataclasses.replace(built, on_instability="rollback", early_stopping=EarlyStopping(100))
    return break_beyond(built, 0.0865, float("nan"))

def attempt(tell, doomed):
    trained = job("killed")
    for event in train(trained):
        if isinstance(event, StepFinished):
            os.write(tell, bytes([event.step]))
            while doomed and event.step >= 36:  # However fast the machine is, the end comes after the kill.
                signal.pause()
    torch.save(values(trained), folder / "killed.pt")

def fork(doomed):
    hear, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(hear)
        code = 1
        try:
            attempt(tell, doomed)
            code = 0
        finally:
            os._exit(code)
    os.close(tell)
    return child, hear

def killed_at(place, rng):
    child, hear = fork(doomed=True)
    while place and (told := os.read(hear, 1)) and told[0] < place:
        pass
    time.sleep(rng.uniform(0, 0.06))
    os.kill(child, signal.SIGKILL)
    os.close(hear)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code, len(list((folder / "killed").glob(".step-*")))

torch.set_num_threads(1)
rng = random.Random(len(sys.argv[3]))
places = [round(36 * number / kills) for number in range(kills)]
kills = [killed_at(place, rng) for place in places]
child, hear = fork(doomed=False)
while os.read(hear, 1):
    pass
last = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
whole = job("whole")
events = list(train(whole))
killed = torch.load(folder / "killed.pt")
print(json.dumps({
    "codes": [code for code, _ in kills],
    "half_written": sum(count > 0 for _, count in kills),
    "last": last,
    "rollbacks": sum(isinstance(event, RolledBack) for event in events),
    "different": [name for name, value in values(whole).items() if not torch.equal(value, killed[name])],
    "left": sorted(p.name for p in (folder / "killed").iterdir()),
    "expected": sorted(p.name for p in (folder / "whole").iterdir()),
}))
"""


@pytest.mark.parametrize("on_instability", ["stop", "rollback"])
def test_twenty_kills_do_not_change_a_bit(tmp_path, on_instability):
    """The second run is also rolled back on its way, and takes its best state at the end."""
    environment = {**os.environ, "PYTHONPATH": f"{SOURCE}{os.pathsep}{TESTS}", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), str(KILLS), on_instability]
    outcome = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert outcome.returncode == 0, outcome.stderr
    seen = json.loads(outcome.stdout.splitlines()[-1])
    assert seen["codes"] == [-9] * KILLS and seen["last"] == 0
    assert (seen["rollbacks"] > 0) == (on_instability == "rollback")
    assert seen["different"] == []
    assert seen["left"] == seen["expected"]
