"""Small shapes of vLLM that the whole ways do not meet."""

from __future__ import annotations

from luthier.answering import AnswerRequest, AskedModel, Form, Sampling
from luthier.remote.vllm.bodies import chat_body, text_body, text_deltas

BASE = AskedModel("a", "a", "/models/a")


def test_what_was_not_asked_is_left_to_vllm():
    body = chat_body(AnswerRequest(BASE, ({"role": "user", "content": "x"},), form=Form()), "a")
    assert not {"max_tokens", "seed", "stop", "logit_bias", "tools", "logprobs"} & set(body)
    assert body["response_format"] == {"type": "json_object"}


def test_tokens_are_asked_as_tokens():
    body = text_body(AnswerRequest(BASE, tokens=(1, 2), sampling=Sampling(max_tokens=0)), "a")
    assert (body["prompt"], body["max_tokens"], body["stream"]) == ([1, 2], 0, True)


def test_a_choice_without_news_makes_no_piece():
    assert list(text_deltas({"choices": [{"index": 0, "text": "", "finish_reason": None}]})) == []
