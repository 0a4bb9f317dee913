"""Batches through the official client."""

from __future__ import annotations

import gzip
import json
import time

import openai
import pytest
from openai.types import Batch

from luthier.errors import PromptTooLong
from luthier.store import files
from replying import BASE, Replies, echo, strictly, until, working

CHAT = "/v1/chat/completions"
OVER = ("completed", "failed", "expired", "cancelled")


def line(custom_id: str, text: str, url: str = CHAT, **body) -> dict:
    messages = [{"role": "user", "content": text}]
    return {"custom_id": custom_id, "method": "POST", "url": url, "body": {"model": BASE, "messages": messages, **body}}


def upload(client: openai.OpenAI, lines: list, purpose: str = "batch") -> str:
    content = "".join(entry if isinstance(entry, str) else json.dumps(entry) + "\n" for entry in lines)
    return client.files.create(file=("lines.jsonl", content.encode()), purpose=purpose).id


def finished(client: openai.OpenAI, lines: list, endpoint: str = CHAT, **more) -> Batch:
    batch = client.batches.create(
        input_file_id=upload(client, lines), endpoint=endpoint, completion_window="24h", **more
    )
    return until(lambda: client.batches.retrieve(batch.id), lambda found: found.status in OVER)


def content(client: openai.OpenAI, file_id: str | None) -> list[dict]:
    assert file_id is not None
    return [json.loads(text) for text in client.files.content(file_id).text.splitlines()]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    def reply(request):
        if "too long" in echo(request):
            raise PromptTooLong("9000 tokens", expected="at most 8192", fix="shorten it")
        if "slow" in echo(request):
            time.sleep(0.05)
        return echo(request).upper()

    with working(tmp_path_factory.mktemp("batches"), Replies(reply)) as running:
        yield running


def test_every_line_is_answered_once_and_told_by_its_custom_id(server):
    lines = [line(f"row-{number}", f"text {number}") for number in range(30)]

    batch = finished(server.client, lines, metadata={"job": "nightly"})

    assert batch.status == "completed" and batch.error_file_id is None and batch.errors is None
    assert batch.request_counts and batch.request_counts.model_dump() == {"total": 30, "completed": 30, "failed": 0}
    assert batch.model == BASE and batch.metadata == {"job": "nightly"}
    assert batch.usage and batch.usage.input_tokens == 150 and batch.usage.total_tokens == 210
    assert batch.in_progress_at and batch.finalizing_at and batch.completed_at
    output = content(server.client, batch.output_file_id)
    answers = {row["custom_id"]: row["response"]["body"]["choices"][0]["message"]["content"] for row in output}
    assert answers == {f"row-{number}": f"TEXT {number}" for number in range(30)}
    assert len(output) == 30 and len({row["id"] for row in output}) == 30
    assert all(row["error"] is None and row["id"].startswith("batch_req_") for row in output)
    assert all(row["response"]["status_code"] == 200 and row["response"]["request_id"] for row in output)


def test_a_batch_on_the_wire_is_what_the_client_calls_a_batch(server):
    batch = finished(server.client, [line("a", "x")])

    raw = server.client.batches.with_raw_response.retrieve(batch.id)

    strictly(Batch, json.loads(raw.text))


def test_refused_lines_stand_in_the_error_file_and_count_as_failed(server):
    lines = [
        line("good", "x"),
        line("bad", "x", temperature=9),
        line("long", "too long"),
        line("none", "x", model="nobody"),
    ]

    batch = finished(server.client, lines)

    assert batch.status == "completed"
    assert batch.request_counts and batch.request_counts.completed == 1 and batch.request_counts.failed == 3
    errors = {row["custom_id"]: row["response"] for row in content(server.client, batch.error_file_id)}
    statuses = {name: response["status_code"] for name, response in errors.items()}
    assert statuses == {"bad": 400, "long": 400, "none": 404}
    assert errors["bad"]["body"]["error"]["param"] == "temperature"
    assert errors["none"]["body"]["error"]["code"] == "model_not_found"


@pytest.mark.parametrize(
    ("bad", "code", "at"),
    [
        ([line("a", "x"), line("a", "y")], "duplicate_custom_id", 2),
        ([line("a", "x"), "{broken\n"], "invalid_json_line", 2),
        (["[1]\n"], "invalid_json_line", 1),
        ([{**line("a", "x"), "method": "GET"}], "invalid_method", 1),
        ([line("a", "x", url="/v1/embeddings")], "mismatched_endpoint", 1),
        ([{"custom_id": "a", "method": "POST", "url": CHAT}], "missing_required_parameter", 1),
        ([line("a", "x", stream=True)], "invalid_body", 1),
        (["\n"], "empty_file", None),
    ],
)
def test_a_wrong_line_fails_the_whole_batch_and_is_named(server, bad, code, at):
    batch = finished(server.client, bad)

    assert batch.status == "failed" and batch.failed_at and batch.output_file_id is None
    assert batch.errors and batch.errors.data
    assert (batch.errors.data[0].code, batch.errors.data[0].line) == (code, at)
    strictly(Batch, batch.model_dump())


def test_a_packed_file_is_never_unpacked(server):
    bomb = gzip.compress(b"\0" * (64 << 20))
    for name in ("lines.jsonl", "lines.jsonl.gz"):
        file = server.client.files.create(file=(name, bomb), purpose="batch")
        assert server.client.files.content(file.id).read() == bomb
        batch = server.client.batches.create(input_file_id=file.id, endpoint=CHAT, completion_window="24h")

        failed = until(lambda id=batch.id: server.client.batches.retrieve(id), lambda found: found.status in OVER)

        assert failed.status == "failed" and failed.errors.data[0].code == "invalid_json_line"
    with pytest.raises(openai.BadRequestError):
        server.client.files.create(file=("rows.jsonl.gz", bomb), purpose="fine-tune")


@pytest.mark.parametrize(
    ("endpoint", "body", "kind"),
    [
        ("/v1/responses", {"input": "hello"}, "response"),
        ("/v1/completions", {"prompt": "hello"}, "text_completion"),
        ("/v1/embeddings", {"input": "hello"}, "list"),
    ],
)
def test_other_endpoints_are_answered_as_their_routes_answer(server, endpoint, body, kind):
    row = {"custom_id": "a", "method": "POST", "url": endpoint, "body": {"model": BASE, **body}}

    batch = finished(server.client, [row], endpoint)

    (answered,) = content(server.client, batch.output_file_id)
    assert answered["response"]["body"]["object"] == kind


def test_a_cancelled_batch_keeps_what_was_answered(server):
    file_id = upload(server.client, [line(f"row-{number}", "slow") for number in range(400)])
    batch = server.client.batches.create(input_file_id=file_id, endpoint=CHAT, completion_window="24h")
    until(
        lambda: server.client.batches.retrieve(batch.id),
        lambda found: found.request_counts.completed > 0 and found.status == "in_progress",
    )

    asked = server.client.batches.cancel(batch.id)

    assert asked.status == "cancelling" and asked.cancelling_at
    over = until(lambda: server.client.batches.retrieve(batch.id), lambda found: found.status in OVER)
    assert over.status == "cancelled" and over.cancelled_at
    assert 0 < over.request_counts.completed < 400
    assert len(content(server.client, over.output_file_id)) == over.request_counts.completed
    with pytest.raises(openai.BadRequestError, match="cancelled"):
        server.client.batches.cancel(batch.id)


def test_output_files_are_the_projects_own_and_expire_when_asked(server):
    batch = finished(server.client, [line("a", "x")], output_expires_after={"anchor": "created_at", "seconds": 3600})

    file = server.client.files.retrieve(batch.output_file_id)

    assert file.purpose == "batch_output" and file.expires_at == file.created_at + 3600
    assert file.filename == f"{batch.id}_output.jsonl"
    other = server.new_client(server.new_project().id)
    with pytest.raises(openai.NotFoundError):
        other.batches.retrieve(batch.id)
    with pytest.raises(openai.NotFoundError):
        other.batches.cancel(batch.id)
    assert not list(other.batches.list())


def test_deleted_output_is_gone_and_outcomes_do_not_pile_up(server):
    batch = finished(server.client, [line("a", "x")])

    server.client.files.delete(batch.output_file_id)

    with pytest.raises(openai.NotFoundError):
        server.client.files.content(batch.output_file_id)
    with server.store.database.reading() as connection:
        from luthier.store import batches

        assert batches.done_lines(connection, batch.id) == set()
        assert files.find(connection, server.project_id, batch.output_file_id) is None


def test_what_no_batch_can_be_made_of_is_refused_at_once(server):
    client = server.client
    wrong_purpose = upload(client, [line("a", "x")], purpose="user_data")

    for file_id in ("file-none", wrong_purpose):
        with pytest.raises(openai.BadRequestError) as refused:
            client.batches.create(input_file_id=file_id, endpoint=CHAT, completion_window="24h")
        assert refused.value.param == "input_file_id"
    with pytest.raises(openai.BadRequestError) as refused:
        client.batches.create(input_file_id=wrong_purpose, endpoint="/v1/images", completion_window="24h")
    assert refused.value.param == "endpoint"


def test_pages_of_batches_are_newest_first(server):
    client = server.new_client(server.new_project("pages").id)
    file_id = upload(client, [line("a", "x")])
    made = [client.batches.create(input_file_id=file_id, endpoint=CHAT, completion_window="24h").id for _ in range(5)]

    assert [batch.id for batch in client.batches.list(limit=2)] == made[::-1]
