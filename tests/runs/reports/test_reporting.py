"""The pages of a run are drawn again from its folder, whatever the folder has come to hold, and however old it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from finished import LEFT, write_run
from luthier.errors import StorageError
from luthier.evaluation.report import Report, validate_report
from luthier.runs import RunFolder, rebuild_report
from luthier.runs.reports.parts import with_advice

SCORES = {"base": [0.0, 1.0, 0.0], "tuned": [1.0, 1.0, 0.0]}
ADVICE = {
    "answer": "tune",
    "sentence": "Tune: </script><b>bold</b>.",
    "basis": "measured",
    "arm": "tuned",
    "reasons": [{"sentence": "It is better.", "evidence": {}}],
    "path": [{"question": "Is 1 < 2?", "found": "</script>", "went": "go on"}],
    "would_change": [],
}


def rebuilt(folder: Path) -> Report:
    files = rebuild_report(RunFolder(folder))
    return validate_report(json.loads(files.json.read_text(encoding="utf-8")))


def test_an_old_folder_without_any_part_still_opens(tmp_path):
    report = rebuilt(write_run(tmp_path / "old", SCORES))
    assert (report.forgetting, report.advice) == (None, None)
    assert report.licence and report.licence.base == "mit"
    assert "question 0" in (tmp_path / "old" / "report.html").read_text(encoding="utf-8")


def test_what_stages_left_becomes_part_of_the_report(tmp_path):
    report = rebuilt(write_run(tmp_path / "run", SCORES, LEFT))
    assert report.forgetting and report.forgetting.facts == {"size": "small"}
    assert report.forgetting.memorisation is None and report.overfitting.gaps is None
    assert report.licence and (report.licence.base, report.licence.notice) == ("mit", "Made from starter.")


def test_costs_come_into_the_ledger_and_to_the_arms(tmp_path):
    report = rebuilt(write_run(tmp_path / "run", SCORES, LEFT))
    assert (report.ledger.energy, report.ledger.money) == (0.5, 0.25)
    assert report.ledger.predicted.operations == 10**12
    assert {arm.name: arm.cost for arm in report.arms} == {"base": 0.004, "tuned": 0.002}


def test_what_the_run_measured_itself_is_not_overwritten(tmp_path):
    report = rebuilt(write_run(tmp_path / "run", SCORES, LEFT))
    assert (report.ledger.predicted.minutes, report.ledger.actual.minutes) == (1.5, 2.5)


def test_the_verdict_stays_as_it_was_judged_and_a_second_time_changes_nothing(tmp_path):
    folder = write_run(tmp_path / "run", SCORES, LEFT)
    first = rebuilt(folder)
    assert first.verdict.sentence == "Cannot tell."
    assert rebuilt(folder) == first


def test_advice_that_was_asked_for_since_is_drawn_and_stays_text(tmp_path):
    folder = write_run(tmp_path / "run", SCORES, {"advice.json": ADVICE})
    assert rebuilt(folder).advice is not None
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert "How the advice was reached" in html
    assert html.count("</script>") == html.count("<script") == 2


def test_the_report_can_be_advised_on_before_it_is_written(tmp_path):
    folder = RunFolder(write_run(tmp_path / "run", SCORES, LEFT))
    report = validate_report(json.loads((folder.path / "report.json").read_text(encoding="utf-8")))
    advised, drawing = with_advice(folder, report, decide=True)
    assert advised.advice and advised.advice.path
    assert drawing.startswith("<svg")


def test_an_arm_tells_what_it_looked_up_and_how_it_was_chosen(tmp_path):
    folder = write_run(tmp_path / "run", SCORES)
    retrieval = {"k": 3, "recall_at_k": 0.5, "n": 3}
    choice = {"about": "passages", "chosen": "3", "trials": []}
    notes = {"notes": [], "solver": "3 passages", "retrieval": retrieval, "chosen_on_validation": [choice]}
    (folder / "evaluation" / "base.notes.json").write_text(json.dumps(notes))
    arm = rebuilt(folder).arms[0]
    assert (arm.solver, arm.retrieval and arm.retrieval.k) == ("3 passages", 3)
    assert arm.chosen_on_validation[0].chosen == "3"


@pytest.mark.parametrize("content", ["[1", "[]", '{"verdict": 3}'])
def test_a_damaged_part_is_named(tmp_path, content):
    folder = write_run(tmp_path / "run", SCORES)
    (folder / "forgetting.json").write_text(content)
    with pytest.raises(StorageError, match=r"forgetting\.json cannot be read"):
        rebuild_report(RunFolder(folder))


def test_a_run_without_a_verdict_is_sent_to_resume(tmp_path):
    folder = write_run(tmp_path / "run", SCORES)
    (folder / "report.json").unlink()
    with pytest.raises(StorageError) as told:
        rebuild_report(RunFolder(folder))
    assert told.value.fix == f"luthier resume {folder}"
