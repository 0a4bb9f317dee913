"""`luthier report` writes the pages again and says where they are."""

from __future__ import annotations

import json

from finished import LEFT, write_run

SCORES = {"base": [0.0, 1.0], "tuned": [1.0, 1.0]}


def test_the_newest_run_is_drawn_again(call, tmp_path):
    run = write_run(tmp_path / "runs" / "a", SCORES, LEFT)
    outcome = call("report", tmp_path / "runs")
    assert outcome.code == 0
    assert outcome.out.splitlines()[0] == f"report: {run / 'report.html'}"
    assert '<section id="forgetting">' in (run / "report.html").read_text(encoding="utf-8")


def test_json_holds_the_paths(call, tmp_path):
    run = write_run(tmp_path / "a", SCORES)
    assert json.loads(call("report", run, "--json").out)["card"] == str(run / "README.md")


def test_open_shows_the_page(call, tmp_path, monkeypatch):
    run, shown = write_run(tmp_path / "a", SCORES), []
    monkeypatch.setattr("click.launch", lambda url: shown.append(url) or 0)
    assert call("report", run, "--open").code == 0
    assert shown == [(run / "report.html").as_uri()]


def test_where_no_browser_opens_the_file_is_named(call, tmp_path, monkeypatch):
    monkeypatch.setattr("click.launch", lambda url: 1)
    assert "open the file yourself" in call("report", write_run(tmp_path / "a", SCORES), "--open").err


def test_a_folder_that_is_no_run_is_told(call, tmp_path):
    outcome = call("report", tmp_path)
    assert outcome.code == 6
    assert "not a run folder" in outcome.err
