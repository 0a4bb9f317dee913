"""Plain completions on the wire, as the official client and lm-eval's `local-completions` see them."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from luthier.answering import Delta, TokenChance
from server.conftest import BASE, RunningServer
from server.scripted_inference import ScriptedInference


def test_choices_are_numbered_prompt_by_prompt(running: RunningServer, told: ScriptedInference):
    answer = running.client.completions.create(model=BASE, prompt=["a", "b"], n=2, max_tokens=3)

    assert answer.id.startswith("cmpl-")
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    assert answer.usage and answer.usage.prompt_tokens == 14
    assert sorted(asked.text or "" for asked in told.asked) == ["a", "b"]


@pytest.mark.parametrize(
    ("prompt", "reached"), [([1, 2], [(1, 2)]), ([[1, 2], [3]], [(1, 2), (3,)]), ("x", [None]), ("", [None])]
)
def test_a_prompt_may_be_text_or_tokens(running: RunningServer, told: ScriptedInference, prompt: Any, reached: Any):
    running.client.completions.create(model=BASE, prompt=prompt)
    assert [asked.tokens for asked in told.asked] == reached
    assert told.asked[0].sampling.max_tokens == 16


def test_an_echo_has_the_prompts_own_log_probabilities_first(running: RunningServer, told: ScriptedInference):
    prompt = (TokenChance("Hi", None, b"Hi"), TokenChance(" you", -1.0, b" you", (TokenChance(" all", -0.5, b" all"),)))
    told.pieces = (
        Delta(prompt_text="Hi you", prompt_chances=prompt),
        Delta(text="!", chances=(TokenChance("!", -0.2, b"!", (TokenChance("!", -0.2, b"!"),)),)),
    )
    answer = running.client.completions.create(model=BASE, prompt="Hi you", echo=True, logprobs=1, max_tokens=1)

    (choice,) = answer.choices
    assert choice.text == "Hi you!" and choice.logprobs
    assert choice.logprobs.tokens == ["Hi", " you", "!"]
    assert choice.logprobs.token_logprobs == [None, -1.0, -0.2]
    assert choice.logprobs.top_logprobs == [None, {" all": -0.5, " you": -1.0}, {"!": -0.2}]
    assert choice.logprobs.text_offset == [0, 2, 6]
    assert told.asked[0].echo


def test_offsets_count_from_the_prompt_without_an_echo_too(running: RunningServer, told: ScriptedInference):
    told.pieces = (Delta(text="!", chances=(TokenChance("!", -0.2, b"!"),)),)
    answer = running.client.completions.create(model=BASE, prompt="Hi you", logprobs=0)
    assert answer.choices[0].logprobs and answer.choices[0].logprobs.text_offset == [6]


def test_tokens_that_are_no_characters_are_spelt_by_their_bytes(running: RunningServer, told: ScriptedInference):
    halves = (TokenChance("\ufffd", -1.0, b"\xc3"), TokenChance("\ufffd", -1.0, b"\xa9"))
    told.pieces = (Delta(text="é", chances=halves),)
    answer = running.client.completions.create(model=BASE, prompt="x", logprobs=1)
    assert answer.choices[0].logprobs and answer.choices[0].logprobs.tokens == ["bytes:\\xc3", "bytes:\\xa9"]


def test_a_stream_brings_pieces_in_the_shape_of_the_whole(running: RunningServer):
    texts = ["", ""]
    for chunk in running.client.completions.create(model=BASE, prompt=["a", "b"], stream=True):
        assert chunk.object == "text_completion"
        texts[chunk.choices[0].index] += chunk.choices[0].text
    assert texts == ["Hello world"] * 2


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"logprobs": 6}, "logprobs"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"best_of": 3}, "best_of"),
        ({"suffix": "end"}, "suffix"),
        ({"prompt": []}, "prompt"),
    ],
)
def test_what_cannot_be_is_a_400_that_names_the_field(running: RunningServer, asked: Any, param: str):
    with pytest.raises(openai.BadRequestError) as caught:
        running.client.completions.create(**({"model": BASE, "prompt": "x"} | asked))
    assert caught.value.param == param
