"""Chat completions that a client asked to keep."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from server.conftest import BASE, RunningServer

ASK: list[Any] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Name a fruit."}]


def kept(client: openai.OpenAI, **asked: Any) -> str:
    return client.chat.completions.create(model=BASE, messages=ASK, store=True, **asked).id


def test_only_what_was_asked_to_be_kept_can_be_read_again(running: RunningServer):
    client = running.client
    id, other = kept(client), client.chat.completions.create(model=BASE, messages=ASK).id

    assert client.chat.completions.retrieve(id).choices[0].message.content == "Hello world"
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.retrieve(other)


def test_a_stream_is_kept_as_the_whole_answer(running: RunningServer):
    chunks = list(running.client.chat.completions.create(model=BASE, messages=ASK, store=True, stream=True))
    assert running.client.chat.completions.retrieve(chunks[0].id).choices[0].message.content == "Hello world"


def test_the_list_is_oldest_first_and_filtered_by_model_and_metadata(running: RunningServer):
    client = running.client
    ids = [kept(client, metadata={"run": str(place)}) for place in range(3)]

    assert [item.id for item in client.chat.completions.list(limit=2)] == ids
    assert [item.id for item in client.chat.completions.list(order="desc")] == ids[::-1]
    assert [item.id for item in client.chat.completions.list(metadata={"run": "1"})] == [ids[1]]
    assert list(client.chat.completions.list(model="another")) == []


def test_the_messages_of_the_request_have_ids(running: RunningServer):
    id = kept(running.client)
    messages = list(running.client.chat.completions.messages.list(id, limit=1))
    assert [(message.id, message.role, message.content) for message in messages] == [
        (f"{id}-0", "system", "Be brief."),
        (f"{id}-1", "user", "Name a fruit."),
    ]


def test_metadata_is_replaced_and_the_completion_deleted(running: RunningServer):
    client = running.client
    id = kept(client, metadata={"a": "1"})

    assert client.chat.completions.update(id, metadata={"b": "2"}).metadata == {"b": "2"}
    assert list(client.chat.completions.list(metadata={"a": "1"})) == []
    assert client.chat.completions.delete(id).deleted
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.retrieve(id)


def test_another_project_sees_nothing_of_it(running: RunningServer):
    id = kept(running.client)
    foreign = running.new_client(running.new_project().id)

    assert list(foreign.chat.completions.list()) == []
    for attempt in (foreign.chat.completions.retrieve, foreign.chat.completions.delete):
        with pytest.raises(openai.NotFoundError):
            attempt(id)
