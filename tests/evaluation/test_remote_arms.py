"""A remote model answers like a local one: a callable from prompts to numbered answers."""

from luthier.evaluation import Decoded, Prompt, remote_embed, remote_generate, remote_notes
from luthier.examples import Message
from luthier.recipe import RemoteArm, RemoteModel
from scripted_server import completion, scripted_server

PROMPTS = [Prompt((Message("user", f"q{number}"),)) for number in range(3)]


def test_answers_carry_the_servers_counts():
    with scripted_server() as server:
        server.replies = [lambda request: completion(request["messages"][0]["content"] + "!", "length")]
        arm = RemoteArm(name="far", base_url=server.base_url, model="m")
        answers = dict(remote_generate(arm, Decoded(max_new_tokens=9, seed=2))(PROMPTS))
    assert [answers[number].text for number in range(3)] == ["q0!", "q1!", "q2!"]
    assert (answers[0].prompt_tokens, answers[0].cached_tokens, answers[0].finish_reason) == (7, 4, "length")
    assert {(r["temperature"], r["max_tokens"], r["seed"]) for r in server.requests} == {(0.0, 9, 2)}


def test_vectors_come_from_the_server():
    with scripted_server() as server:
        server.replies = [(200, {}, '{"data": [{"index": 0, "embedding": [1, 2]}]}')]
        assert remote_embed(RemoteModel(base_url=server.base_url, model="e"))(["text"]) == [[1.0, 2.0]]


def test_an_arm_that_cannot_be_held_to_the_same_decoding_says_so():
    arm = RemoteArm(name="far", base_url="http://h/v1", model="m")
    assert len(remote_notes(arm)) == 1
    assert "not greedily" in remote_notes(arm.model_copy(update={"temperature": None}))[1]
    assert "temperature 0.7" in remote_notes(arm.model_copy(update={"temperature": 0.7}))[1]
