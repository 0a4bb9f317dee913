"""`luthier licence`: what the licences allow together."""

import json


def test_the_starter_with_own_data_is_judged(call):
    outcome = call("licence", "starter", "--data", "own")
    assert outcome.code == 0
    assert "base: starter, apache-2.0" in outcome.out
    assert "To use it commercially: allowed" in outcome.out
    assert "not legal advice" in outcome.out


def test_json_holds_the_same(call):
    outcome = call("licence", "starter", "--data", "cc-by-nc-4.0", "--teacher", "openai", "--json")
    found = json.loads(outcome.out)
    assert {part["role"] for part in found["components"]} == {"base", "data", "teacher"}
    assert next(item for item in found["allowed"] if item["use"] == "commercial")["state"] == "forbidden"


def test_a_folder_that_is_not_there_is_told(call, tmp_path):
    outcome = call("licence", tmp_path / "none")
    assert outcome.code == 4
    assert "model folder not found" in outcome.err
