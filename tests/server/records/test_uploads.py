"""Uploads in parts through the official client."""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest
import sqlalchemy

from luthier.store.uploads import UPLOADS

CONTENT = bytes(range(256)) * 1000
SIZE = len(CONTENT)


def begin(server, size=SIZE, **more):
    return server.client.uploads.create(
        bytes=size, filename="big.jsonl", mime_type="text/jsonl", purpose="fine-tune", **more
    )


def test_parts_in_any_order_become_one_file(server):
    upload = begin(server)
    pieces = [CONTENT[start : start + 100_000] for start in range(0, len(CONTENT), 100_000)]
    with ThreadPoolExecutor(3) as pool:
        parts = list(pool.map(lambda piece: server.client.uploads.parts.create(upload.id, data=piece), pieces))

    done = server.client.uploads.complete(
        upload.id, part_ids=[part.id for part in parts], md5=hashlib.md5(CONTENT).hexdigest()
    )

    assert upload.status == "pending" and upload.file is None and upload.expires_at == upload.created_at + 3600
    assert parts[0].object == "upload.part" and parts[0].upload_id == upload.id
    assert done.status == "completed" and done.file.bytes == len(CONTENT) and done.file.purpose == "fine-tune"
    assert server.client.files.content(done.file.id).read() == CONTENT
    assert server.store.blobs.keys(f"uploads/{upload.id}") == []


def test_the_clients_own_chunking_works(server):
    done = server.client.uploads.upload_file_chunked(
        file=CONTENT,
        filename="a.jsonl",
        bytes=len(CONTENT),
        mime_type="text/jsonl",
        purpose="fine-tune",
        part_size=90_000,
    )

    assert done.status == "completed" and server.client.files.content(done.file.id).read() == CONTENT


def test_parts_that_do_not_add_up_are_refused_and_the_upload_stays_open(server):
    upload = begin(server)
    part = server.client.uploads.parts.create(upload.id, data=CONTENT[:1000])

    for part_ids, md5 in (([part.id], None), (["part_x"], None), ([part.id, part.id], None)):
        with pytest.raises(openai.BadRequestError):
            server.client.uploads.complete(upload.id, part_ids=part_ids, md5=md5)
    with pytest.raises(openai.BadRequestError):
        server.client.uploads.parts.create(upload.id, data=CONTENT)
    rest = server.client.uploads.parts.create(upload.id, data=CONTENT[1000:])
    with pytest.raises(openai.BadRequestError) as refused:
        server.client.uploads.complete(upload.id, part_ids=[part.id, rest.id], md5="0" * 32)

    assert refused.value.param == "md5"
    assert server.client.uploads.complete(upload.id, part_ids=[part.id, rest.id]).status == "completed"


def test_nothing_can_be_done_with_an_upload_that_is_over(server):
    cancelled = server.client.uploads.cancel(begin(server).id)
    late = begin(server)
    with server.store.database.writing() as connection:
        connection.execute(
            sqlalchemy.update(UPLOADS.table).where(UPLOADS.table.c.id == late.id).values(expires_at=int(time.time()))
        )

    assert cancelled.status == "cancelled" and cancelled.file is None
    for id in (cancelled.id, late.id):
        for act in (
            lambda id: server.client.uploads.parts.create(id, data=b"x"),
            lambda id: server.client.uploads.complete(id, part_ids=["part_x"]),
            server.client.uploads.cancel,
        ):
            with pytest.raises(openai.BadRequestError):
                act(id)


@pytest.mark.parametrize(
    "wrong",
    [{"bytes": 0}, {"bytes": 9 << 30}, {"purpose": "x"}, {"filename": "a.csv"}, {"bytes": "5"}],
)
def test_an_upload_that_cannot_be_is_refused(server, wrong):
    given = {"bytes": 5, "filename": "a.jsonl", "mime_type": "text/jsonl", "purpose": "fine-tune", **wrong}

    with pytest.raises(openai.BadRequestError) as refused:
        server.client.uploads.create(**given)

    assert refused.value.type == "invalid_request_error"


def test_the_name_of_an_upload_is_never_a_path(server):
    upload = server.client.uploads.create(
        bytes=3, filename="../../etc/cron.d/a.jsonl", mime_type="text/jsonl", purpose="fine-tune"
    )
    part = server.client.uploads.parts.create(upload.id, data=b"abc")

    done = server.client.uploads.complete(upload.id, part_ids=[part.id])

    assert upload.filename == "a.jsonl" and done.file is not None and done.file.filename == "a.jsonl"


def test_a_completed_upload_that_is_completed_again_by_a_retry_is_answered_alike(server):
    upload = begin(server, 3)
    part = server.client.uploads.parts.create(upload.id, data=b"abc")
    first = server.client.uploads.complete(upload.id, part_ids=[part.id])

    again = server.client.uploads.complete(
        upload.id, part_ids=[part.id], extra_headers={"x-stainless-retry-count": "1"}
    )

    assert again == first
