"""Questions to a real server, and what it counted."""

import json
import time

import pytest

from luthier.examples import Message
from luthier.remote import Endpoint, Manner, Question, RemoteError, ask_all, ask_remote, embed_remote, open_client
from scripted_server import completion, refusal

HELLO = (Message("system", "Be kind."), Message("user", "Hello?"))


def test_a_question_is_sent_in_openais_format(server, endpoint):
    tool = {"type": "function", "function": {"name": "look_up"}}
    ask_remote(endpoint(), HELLO, 5, 0.0, 3, {"type": "json_object"}, [tool])
    assert server.requests == [
        {
            "path": "/v1/chat/completions",
            "model": "m-1",
            "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello?"}],
            "max_tokens": 5,
            "temperature": 0.0,
            "seed": 3,
            "response_format": {"type": "json_object"},
            "tools": [tool],
        }
    ]
    assert server.headers[0]["authorization"] == "Bearer sk-secret-7d1f"


def test_an_answer_comes_with_its_counts(server, endpoint):
    server.replies = [completion("Hi.", "length")]
    answer = ask_remote(endpoint(), HELLO)
    assert (answer.text, answer.finish_reason, answer.attempts) == ("Hi.", "length", 1)
    assert (answer.prompt_tokens, answer.completion_tokens, answer.cached_tokens) == (7, 3, 4)
    assert 0 < answer.seconds < 2


def test_what_is_none_is_left_to_the_server(server, endpoint):
    ask_remote(endpoint(max_tokens_field="max_completion_tokens"), HELLO, max_tokens=9, temperature=None)
    assert set(server.requests[0]) == {"path", "model", "messages", "max_completion_tokens"}


def test_tool_calls_come_back(server, endpoint):
    call = {"id": "1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
    choice = {"message": {"content": None, "tool_calls": [call]}, "finish_reason": "tool_calls"}
    server.replies = [(200, {}, json.dumps({"choices": [choice]}))]
    answer = ask_remote(endpoint(), HELLO)
    assert (answer.text, answer.tool_calls, answer.prompt_tokens) == ("", (call,), 0)


@pytest.mark.parametrize(
    "document", [{}, {"choices": []}, {"choices": [{"message": None}]}, {"choices": [{"message": {"content": 7}}]}]
)
def test_an_answer_in_another_format_is_refused(server, endpoint, document):
    server.replies = [(200, {}, json.dumps(document))]
    with pytest.raises(RemoteError, match=r"answered without choices\[0\]"):
        ask_remote(endpoint(), HELLO)


def test_many_questions_are_asked_side_by_side_and_keep_their_numbers(server, endpoint):
    def echo(request):
        time.sleep(0.02)
        return completion(request["messages"][0]["content"].upper())

    server.replies = [echo]
    questions = [Question((Message("user", f"q{number}"),)) for number in range(12)]
    answers = dict(ask_all(endpoint(max_parallel=4), questions, Manner(max_tokens=3)))
    assert [answers[number].text for number in range(12)] == [f"Q{number}" for number in range(12)]
    assert 1 < server.most_at_once <= 4


def test_the_first_failure_ends_the_asking(server, endpoint):
    server.replies = [completion("one"), refusal(401, "bad key")]
    questions = [Question(HELLO)] * 50
    with pytest.raises(RemoteError, match="bad key"):
        list(ask_all(endpoint(max_parallel=2), questions, Manner()))
    assert len(server.requests) < 6


def test_whoever_stops_reading_stops_the_asking(server, endpoint):
    answers = ask_all(endpoint(max_parallel=2), [Question(HELLO)] * 50, Manner())
    next(answers)
    answers.close()
    assert len(server.requests) < 8


def test_vectors_come_in_the_order_of_the_texts(server, endpoint):
    def embed(request):
        rows = [{"index": i, "embedding": [float(len(text)), 1.0]} for i, text in enumerate(request["input"])]
        return 200, {}, json.dumps({"data": rows[::-1]})

    server.replies = [embed]
    vectors = embed_remote(endpoint(), ["a", "bbb", "cc"], texts_at_once=2)
    assert vectors == [[1.0, 1.0], [3.0, 1.0], [2.0, 1.0]]
    assert [request["path"] for request in server.requests] == ["/v1/embeddings"] * 2


def test_a_shared_client_keeps_its_connection(server, endpoint):
    with open_client(endpoint()) as client:
        for _ in range(3):
            ask_remote(endpoint(), HELLO, client=client)
        assert not client.is_closed
    assert len(server.requests) == 3


def test_no_server_is_told_with_its_address(endpoint):
    nowhere = Endpoint("http://127.0.0.1:9/v1", "m", attempts=1)
    with pytest.raises(RemoteError, match=r"127\.0\.0\.1:9/v1 cannot be reached"):
        ask_remote(nowhere, HELLO)
