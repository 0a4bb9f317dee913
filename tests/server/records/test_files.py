"""Files through the official client: what goes in comes out, and what cannot be is refused in plain words."""

from __future__ import annotations

import base64
import socket
import time
from urllib.parse import urlsplit

import httpx
import openai
import pytest

from luthier.store import StoredFile, files, new_id

ROWS = b'{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}\n' * 10


def kept(server) -> list[str]:
    """What lies in the blob store, half-written things included."""
    return server.store.blobs.keys("files") + server.store.blobs.keys("incoming")


def test_a_file_comes_back_byte_for_byte(server):
    content = bytes(range(256)) * 5000

    file = server.client.files.create(file=("blob.bin", content), purpose="user_data")

    assert file.id.startswith("file-") and file.bytes == len(content) and file.status == "processed"
    assert file.object == "file" and file.purpose == "user_data" and file.filename == "blob.bin"
    assert abs(file.created_at - time.time()) < 10 and file.expires_at is None
    assert server.client.files.content(file.id).read() == content
    assert server.client.files.retrieve(file.id) == file
    assert server.client.files.wait_for_processing(file.id).status == "processed"


def test_files_are_listed_newest_first_and_page_by_page(server):
    made = [server.client.files.create(file=(f"{n}.jsonl", ROWS), purpose="fine-tune").id for n in range(5)]
    server.client.files.create(file=("x.txt", b"x"), purpose="user_data")

    page = server.client.files.list(purpose="fine-tune", limit=2)

    assert [file.id for file in page.data] == made[:2:-1] and page.has_more
    assert [file.id for file in server.client.files.list(purpose="fine-tune", limit=2)] == made[::-1]
    assert [file.id for file in server.client.files.list(purpose="fine-tune", order="asc")] == made


def test_a_deleted_file_is_gone_everywhere(server):
    id = server.client.files.create(file=("a.jsonl", ROWS), purpose="fine-tune").id

    gone = server.client.files.delete(id)

    assert gone.model_dump() == {"id": id, "object": "file", "deleted": True}
    for again in (server.client.files.retrieve, server.client.files.content, server.client.files.delete):
        with pytest.raises(openai.NotFoundError) as refused:
            again(id)
        assert refused.value.type == "invalid_request_error"
    assert id not in [file.id for file in server.client.files.list()]


@pytest.mark.parametrize(
    ("name", "content", "purpose", "param"),
    [
        ("rows.csv", ROWS, "fine-tune", "file"),
        ("rows.jsonl.gz", ROWS, "fine-tune", "file"),
        ("rows.jsonl", b"", "fine-tune", "file"),
        ("rows.jsonl", ROWS, "fine-tune-results", "purpose"),
        ("rows.jsonl", ROWS, "nonsense", "purpose"),
    ],
)
def test_a_file_that_cannot_be_is_refused_by_name(server, name, content, purpose, param):
    before = kept(server)

    with pytest.raises(openai.BadRequestError) as refused:
        server.client.files.create(file=(name, content), purpose=purpose)

    assert refused.value.param == param
    assert kept(server) == before


@pytest.mark.parametrize("purpose", ["fine-tune", "batch", "evals", "user_data", "vision", "assistants"])
def test_every_purpose_of_the_platform_is_taken(server, purpose):
    file = server.client.files.create(file=("a.jsonl", ROWS), purpose=purpose)

    assert [found.id for found in server.client.files.list(purpose=purpose)] == [file.id]


def test_a_batch_file_has_a_limit_of_its_own(start):
    server = start("limits.batch_file_megabytes=1")
    content = b"x" * (2 << 20)

    with pytest.raises(openai.APIStatusError) as refused:
        server.client.files.create(file=("a.jsonl", content), purpose="batch")

    assert refused.value.status_code == 413 and kept(server) == []
    assert server.client.files.create(file=("a.jsonl", content), purpose="fine-tune").bytes == len(content)


def test_a_file_expires_when_asked_and_batch_files_after_thirty_days(server):
    asked = server.client.files.create(
        file=("a.jsonl", ROWS), purpose="fine-tune", expires_after={"anchor": "created_at", "seconds": 7200}
    )
    batch = server.client.files.create(file=("b.jsonl", ROWS), purpose="batch")

    assert asked.expires_at == asked.created_at + 7200
    assert batch.expires_at == batch.created_at + 30 * 86400
    with pytest.raises(openai.BadRequestError) as refused:
        server.client.files.create(
            file=("a.jsonl", ROWS), purpose="fine-tune", expires_after={"anchor": "created_at", "seconds": 60}
        )
    assert refused.value.param == "expires_after.seconds"


def test_a_file_name_is_never_a_path(server):
    for given, kept in (("../../etc/passwd.jsonl", "passwd.jsonl"), ("C:\\rows\\a.jsonl", "a.jsonl")):
        assert server.client.files.create(file=(given, ROWS), purpose="fine-tune").filename == kept


def test_the_parts_of_a_form_may_come_in_any_order(server):
    parts = [("file", ("a.jsonl", ROWS)), ("purpose", (None, "fine-tune"))]
    headers = {"authorization": f"Bearer {server.client.api_key}"}

    answer = httpx.post(f"{server.url}/v1/files", files=parts, headers=headers)

    assert answer.status_code == 200 and answer.json()["bytes"] == len(ROWS)


@pytest.mark.parametrize(
    "body",
    [b"", b"--x\r\n", b"--x\r\ncontent-disposition: form-data; name=file; filename=a\r\n\r\nabc", b"nonsense"],
)
def test_a_broken_form_is_a_400(server, body):
    headers = {"authorization": f"Bearer {server.client.api_key}", "content-type": "multipart/form-data; boundary=x"}

    before = kept(server)

    answer = httpx.post(f"{server.url}/v1/files", content=body, headers=headers)

    assert answer.status_code == 400 and answer.json()["error"]["type"] == "invalid_request_error"
    assert kept(server) == before


def test_a_result_file_is_served_as_base64_unless_plain_text_is_asked_for(server):
    csv = b"step,train_loss\n1,0.5\n"
    id = new_id("file-")
    written = server.store.blobs.put(files.blob_key(id), [csv])
    with server.store.database.writing() as connection:
        files.create(
            connection,
            StoredFile(
                id=id,
                project_id=server.project_id,
                filename="step_metrics.csv",
                purpose="fine-tune-results",
                bytes=len(csv),
                sha256=written.sha256,
                blob=written.key,
                created_at=int(time.time()),
            ),
        )

    assert base64.b64decode(server.client.files.content(id).read()) == csv
    assert server.client.files.content(id, extra_query={"encoding": "plain"}).read() == csv
    assert server.client.files.content(id, extra_headers={"accept": "text/csv"}).read() == csv


def test_a_file_beyond_the_limit_is_refused_while_it_comes_in(start):
    server = start("limits.file_megabytes=1")
    sent = 0

    def endless():
        nonlocal sent
        yield b"--x\r\ncontent-disposition: form-data; name=file; filename=a.jsonl\r\n\r\n"
        while sent < 10 << 30:
            sent += 1 << 16
            yield b"x" * (1 << 16)

    headers = {"authorization": f"Bearer {server.client.api_key}", "content-type": "multipart/form-data; boundary=x"}
    answer = httpx.post(f"{server.url}/v1/files", content=endless(), headers=headers, timeout=30)

    assert answer.status_code == 413 and answer.json()["error"]["code"] == "request_too_large"
    assert sent < 10 << 30
    assert kept(server) == []


def test_a_file_that_is_announced_as_too_large_is_refused_before_it_comes(server):
    address = urlsplit(server.url)
    head = (
        f"POST /v1/files HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {server.client.api_key}\r\n"
        f"content-type: multipart/form-data; boundary=x\r\ncontent-length: {10 << 30}\r\n\r\n"
    )

    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(head.encode())
        answer = b""
        while b"request_too_large" not in answer and (more := connection.recv(4096)):
            answer += more

    assert answer.startswith(b"HTTP/1.1 413 ") and b"request_too_large" in answer
