"""The stage in which arms answer: ways are chosen on validation rows, things looked up, remote models asked."""

import json
from pathlib import Path

import pytest

from luthier.errors import DataError, Interrupted
from luthier.events import ItemsAnswered, Noticed, StepFinished, Warned
from luthier.runs import RunFolder, finetune
from scripted_server import completion, refusal, scripted_server

SHORT = ("training.epochs=1", "data.validation_fraction=0.3", "evaluation.few_shot_examples=auto")


@pytest.fixture
def server():
    with scripted_server() as script:
        yield script


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "desk.md").write_text("# Cards\n\nA lost card is blocked.\n\n# Bills\n\nA late bill costs more.")
    return folder


def notes(folder: RunFolder, arm: str) -> dict:
    return json.loads((folder.path / "evaluation" / f"{arm}.notes.json").read_text())


def remote(server, **changes) -> str:
    arm = {"name": "far", "base_url": server.base_url, "model": "m", **changes}
    return f"evaluation.remote_arms=[{json.dumps(arm)}]"


def answered(events) -> list[str]:
    return [event.arm for event in events if isinstance(event, ItemsAnswered) and "validation" not in event.arm]


def test_ways_of_asking_are_chosen_on_validation_rows_and_their_cost_is_written_down(new_run):
    folder = new_run(*SHORT)
    events = list(finetune(folder))
    chosen = json.loads((folder.path / "evaluation" / "chosen.json").read_text())
    assert set(chosen) == {"task prompt", "examples", "passages"}
    assert [trial["name"] for trial in chosen["examples"]["trials"]] == ["2 fixed", "4 fixed", "8 fixed"]
    validation = len((folder.data / "validation.jsonl").read_text().splitlines())
    assert all(trial["rows"] == validation for trial in chosen["examples"]["trials"])
    assert chosen["examples"]["requests"] == 3 * validation
    assert any(isinstance(e, Noticed) and e.message.startswith("examples chosen on validation rows") for e in events)
    assert [choice["about"] for choice in notes(folder, "rag")["chosen_on_validation"]] == ["task prompt", "passages"]
    assert notes(folder, "base")["chosen_on_validation"] == []


def test_with_few_validation_rows_nothing_is_chosen_and_that_is_told(new_run):
    folder = new_run("training.epochs=1", "evaluation.arms=[prompt, tuned]", "data.validation_fraction=0.05")
    events = list(finetune(folder))
    assert not (folder.path / "evaluation" / "chosen.json").exists()
    assert any(isinstance(event, Noticed) and "task prompt: nothing was chosen" in event.message for event in events)


def test_without_documents_rag_looks_up_training_rows(new_run):
    folder = new_run("training.epochs=1", "evaluation.arms=[rag, tuned]")
    list(finetune(folder))
    found = notes(folder, "rag")
    assert found["solver"] == "3 nearest training rows"
    assert found["retrieval"]["looked_up_in"] == "training rows" and found["retrieval"]["k"] == 3
    assert found["cost"]["lookup_seconds"] > 0 and found["cost"]["money"] is None


def test_documents_are_looked_up_by_rag_and_by_the_tuned_model(new_run, documents):
    folder = new_run("training.epochs=1", f"evaluation.documents={documents}")
    events = list(finetune(folder))
    arms = [arm["name"] for arm in json.loads((folder.path / "report.json").read_text())["arms"]]
    assert arms == ["base", "prompt", "few-shot", "rag", "tuned", "tuned-rag"]
    assert notes(folder, "tuned-rag")["retrieval"]["looked_up_in"] == "documents"
    row = json.loads(folder.answers("tuned-rag").read_text().splitlines()[0])
    assert row["passages"][0]["document"] == "desk.md"
    assert any(isinstance(event, Noticed) and "1 documents, 2 passages" in event.message for event in events)


def test_a_column_that_names_the_document_judges_the_looking_up(new_run, documents, tmp_path):
    rows = tmp_path / "rows.jsonl"
    named = [json.loads(line) | {"source": "desk"} for line in rows.read_text().splitlines()]
    rows.write_text("".join(json.dumps(row) + "\n" for row in named))
    arms = "evaluation.arms=[rag, tuned]"
    folder = new_run(
        "training.epochs=1", f"evaluation.documents={documents}", arms, "evaluation.document_column=source"
    )
    list(finetune(folder))
    found = notes(folder, "rag")["retrieval"]
    assert found["judged_by"] == "document" and 0 < found["recall_at_k"] <= 1


def test_a_missing_folder_of_documents_stops_before_training(new_run, tmp_path):
    folder = new_run(f"evaluation.documents={tmp_path / 'nowhere'}")
    with pytest.raises(DataError, match="there is no such folder"):
        list(finetune(folder))
    assert not folder.checkpoints.exists()


def test_an_arm_that_cannot_run_says_why_and_the_run_goes_on(new_run):
    folder = new_run("training.epochs=1", "evaluation.arms=[base, tuned, tuned-rag]")
    events = list(finetune(folder))
    assert any(isinstance(e, Warned) and "tuned-rag does not run: no documents" in e.message for e in events)
    report = json.loads((folder.path / "report.json").read_text())
    assert [arm["name"] for arm in report["arms"]] == ["base", "tuned"]
    assert any("tuned-rag did not run: no documents" in reason for reason in report["verdict"]["reasons"])
    assert not any(isinstance(event, Warned | ItemsAnswered) for event in finetune(folder))


def test_a_prompt_of_ones_own_is_an_arm_beside_the_one_that_was_found(new_run):
    folder = new_run(*SHORT, "evaluation.task_prompt=First word.", "evaluation.arms=[prompt, found-prompt, tuned]")
    list(finetune(folder))
    asked = json.loads((folder.path / "evaluation" / "chosen.json").read_text())["task prompt"]["trials"]
    assert asked[0]["name"] == "yours"
    has_answers = folder.answers("found-prompt").is_file()
    assert has_answers != (folder.path / "evaluation" / "found-prompt.obstacle.json").is_file()


def test_a_remote_model_is_one_more_arm_with_its_price(new_run, server):
    server.replies = [lambda request: completion(request["messages"][-1]["content"].split()[0])]
    price = {"input": 1.0, "output": 2.0, "currency": "EUR"}
    folder = new_run("training.epochs=1", "evaluation.arms=[prompt, tuned]", remote(server, price=price))
    list(finetune(folder))
    report = json.loads((folder.path / "report.json").read_text())
    assert [arm["name"] for arm in report["arms"]] == ["prompt", "far", "tuned"]
    assert report["arms"][1]["metrics"]["exact_match"]["mean"] == 1.0
    cost = notes(folder, "far")["cost"]
    assert cost["money"] == pytest.approx((7 * 1 + 3 * 2) / 1e6) and cost["currency"] == "EUR"
    local = [json.loads(line)["prompt_tokens"] for line in folder.answers("prompt").read_text().splitlines()]
    assert len(server.requests) == len(local)
    request = server.requests[0]
    assert (request["temperature"], request["max_tokens"], request["messages"][0]["role"]) == (0.0, 4, "system")


def test_a_remote_model_that_fails_costs_only_its_arm_and_is_asked_again_by_resume(new_run, server):
    server.replies = [refusal(401, "wrong key")]
    folder = new_run("training.epochs=1", "evaluation.arms=[prompt, tuned]", remote(server))
    events = list(finetune(folder))
    assert any(isinstance(event, Warned) and "401, wrong key" in event.message for event in events)
    report = json.loads((folder.path / "report.json").read_text())
    assert any("far did not run" in reason for reason in report["verdict"]["reasons"])
    server.replies = [completion("card")]
    again = list(finetune(folder))
    assert set(answered(again)) == {"far"} and not any(isinstance(event, StepFinished) for event in again)
    report = json.loads((folder.path / "report.json").read_text())
    assert [arm["name"] for arm in report["arms"]] == ["prompt", "far", "tuned"]
    assert not any("did not run" in reason for reason in report["verdict"]["reasons"])


def test_a_run_stopped_between_arms_skips_what_was_chosen_and_answered(new_run):
    folder, seen = new_run(*SHORT), []
    with pytest.raises(Interrupted):
        for event in finetune(folder, lambda: "few-shot" in answered(seen)):
            seen.append(event)
    before = (folder.path / "evaluation" / "chosen.json").stat().st_mtime_ns
    again = list(finetune(folder))
    assert (folder.path / "evaluation" / "chosen.json").stat().st_mtime_ns == before
    assert set(answered(again)) == {"rag", "tuned"}


def test_the_key_is_written_nowhere(new_run, server, monkeypatch):
    monkeypatch.setenv("LUTHIER_ARM_KEY", "sk-very-secret")
    server.replies = [refusal(401, "Incorrect key sk-very-secret")]
    arms = "evaluation.arms=[base, tuned]"
    folder = new_run("training.epochs=1", arms, remote(server, api_key_env="LUTHIER_ARM_KEY"))
    list(finetune(folder))
    assert server.headers[0]["authorization"] == "Bearer sk-very-secret"
    texts = [file.read_bytes() for file in folder.path.rglob("*") if file.is_file()]
    assert not any(b"very-secret" in text for text in texts)
