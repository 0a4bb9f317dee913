"""Whole ways: the official client, our server, the engine of this process, a real small model."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from luthier.models import STARTER, open_model_folder
from runs.serving.conftest import ASK, TUNED, text_of
from server.conftest import BASE, RunningServer


def test_a_stream_and_a_whole_answer_say_the_same(running: RunningServer):
    chunks = running.client.chat.completions.create(model=BASE, messages=ASK, max_tokens=12, temperature=0, stream=True)
    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert streamed == text_of(running) != ""


def test_usage_counts_what_was_read_written_and_remembered(running: RunningServer):
    asked: dict[str, Any] = {"model": BASE, "messages": [{"role": "user", "content": "word " * 60}], "max_tokens": 4}
    first, second = (running.client.chat.completions.create(**asked).usage for _ in range(2))
    assert first and second and second.prompt_tokens_details
    assert first.completion_tokens == 4 and first.prompt_tokens > 60
    assert 0 < (second.prompt_tokens_details.cached_tokens or 0) < second.prompt_tokens


def test_a_seed_repeats_an_answer_and_choices_differ(running: RunningServer):
    def answers(seed: int) -> list[str | None]:
        found = running.client.chat.completions.create(
            model=BASE, messages=ASK, n=3, seed=seed, temperature=1.5, max_tokens=12
        )
        return [choice.message.content for choice in found.choices]

    assert answers(1) == answers(1)
    assert answers(1) != answers(2)
    assert len(set(answers(1))) == 3


def test_a_stop_string_ends_the_text_and_is_no_part_of_it(running: RunningServer):
    whole = text_of(running, max_tokens=24)
    stop = whole[5:9]
    answer = running.client.chat.completions.create(
        model=BASE, messages=ASK, max_tokens=24, temperature=0, stop=[stop], logprobs=True
    )
    (choice,) = answer.choices
    assert choice.message.content == whole[: whole.find(stop)] and choice.finish_reason == "stop"
    assert choice.logprobs and choice.logprobs.content is not None
    assert "".join(token.token for token in choice.logprobs.content).startswith(choice.message.content)


def test_log_probabilities_spell_the_text_and_are_sorted(running: RunningServer):
    answer = running.client.chat.completions.create(
        model=BASE, messages=ASK, max_tokens=8, temperature=0, logprobs=True, top_logprobs=4
    )
    (choice,) = answer.choices
    assert choice.logprobs and choice.logprobs.content
    spelt = b"".join(bytes(token.bytes or []) for token in choice.logprobs.content)
    assert spelt.decode() == choice.message.content
    for token in choice.logprobs.content:
        likely = [entry.logprob for entry in token.top_logprobs]
        assert len(likely) == 4 and likely == sorted(likely, reverse=True)
        assert token.logprob == likely[0]  # greedy


def test_a_prompt_that_is_too_long_is_told_so(running: RunningServer):
    with pytest.raises(openai.BadRequestError) as caught:
        running.client.chat.completions.create(model=BASE, messages=[{"role": "user", "content": "word " * 9000}])
    assert caught.value.code == "context_length_exceeded"


def test_a_bias_forbids_a_token_and_one_that_does_not_exist_hurts_nobody(running: RunningServer):
    first = running.client.chat.completions.create(
        model=BASE, messages=ASK, max_tokens=1, temperature=0, logprobs=True, top_logprobs=2
    ).choices[0]
    with pytest.raises(openai.BadRequestError):
        text_of(running, logit_bias={"999999": 1})
    biased = {str(token): -100 for token in range(300)}
    assert text_of(running, logit_bias=biased) and first.logprobs


def test_a_tuned_model_answers_as_itself_beside_its_base(running: RunningServer):
    before = text_of(running)
    tuned = text_of(running, model=TUNED)
    with ThreadPoolExecutor(4) as pool:
        mixed = list(pool.map(lambda id: text_of(running, model=id), [BASE, TUNED] * 4))

    assert tuned != before
    assert mixed == [before, tuned] * 4


def test_a_tuned_model_of_another_project_is_unknown(running: RunningServer):
    foreign = running.new_client(running.new_project().id)
    with pytest.raises(openai.NotFoundError):
        foreign.chat.completions.create(model=TUNED, messages=ASK)


def test_a_text_is_judged_token_by_token(running: RunningServer):
    """What lm-eval's `local-completions` asks for: the log-probabilities of a given text."""
    whole = running.client.completions.create(
        model=BASE, prompt="The cat sat on the mat.", max_tokens=1, temperature=0, logprobs=1, echo=True
    ).choices[0]
    only = running.client.completions.create(
        model=BASE, prompt="The cat sat on the mat.", max_tokens=0, temperature=0, logprobs=1, echo=True
    ).choices[0]

    assert whole.logprobs and only.logprobs
    assert whole.logprobs.token_logprobs and only.logprobs.token_logprobs and only.logprobs.tokens
    assert "".join(only.logprobs.tokens) == only.text == "The cat sat on the mat."
    assert only.logprobs.token_logprobs[0] is None
    assert whole.logprobs.token_logprobs[1:-1] == only.logprobs.token_logprobs[1:]
    assert all(value is not None and value < 0 for value in only.logprobs.token_logprobs[1:])


def test_log_probabilities_of_given_texts_and_tokens_are_the_models_own(running: RunningServer):
    """Several prompts in one request, as texts or as tokens: what lm-eval sums up."""
    folder = open_model_folder(STARTER).path
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    texts = ["The cat sat on the mat.", "A card was lost", "Where is my order? It is late."]
    ids = AutoTokenizer.from_pretrained(folder)(texts)["input_ids"]
    for prompt in (texts, ids):
        answer = running.client.completions.create(
            model=BASE, prompt=prompt, max_tokens=1, temperature=0, logprobs=1, echo=True
        )
        assert [choice.index for choice in answer.choices] == [0, 1, 2]
        for row, choice in zip(ids, answer.choices, strict=True):
            with torch.inference_mode():
                log_probs = model(input_ids=torch.tensor([row]), use_cache=False).logits[0].float().log_softmax(-1)
            own = log_probs[range(len(row) - 1), row[1:]].tolist()
            assert choice.logprobs and choice.logprobs.token_logprobs and choice.logprobs.top_logprobs
            assert choice.logprobs.token_logprobs[1:-1] == pytest.approx(own, abs=0.0001)
            likeliest = [max(top.values()) for top in choice.logprobs.top_logprobs[1:-1]]
            assert likeliest == pytest.approx(log_probs[:-1].max(-1).values.tolist(), abs=0.0001)


def test_the_probability_of_a_written_token_is_that_of_the_same_token_given(running: RunningServer):
    written = running.client.completions.create(
        model=BASE, prompt="Once upon a", max_tokens=4, temperature=0, logprobs=1
    ).choices[0]
    assert written.logprobs and written.logprobs.token_logprobs
    given = running.client.completions.create(
        model=BASE, prompt="Once upon a" + written.text, max_tokens=0, logprobs=1, echo=True
    ).choices[0]
    assert given.logprobs and given.logprobs.token_logprobs
    assert given.logprobs.token_logprobs[-4:] == pytest.approx(written.logprobs.token_logprobs, abs=0.1)


def test_embeddings_have_length_one_and_know_alike_from_unlike(running: RunningServer):
    texts = ["a red apple on the table", "a green apple on the table", "SELECT * FROM users WHERE id = 7;"]
    found = [torch.tensor(item.embedding) for item in running.client.embeddings.create(model=BASE, input=texts).data]
    assert [float(vector.norm()) for vector in found] == pytest.approx([1.0] * 3, abs=1e-5)
    assert found[0] @ found[1] > found[0] @ found[2]
