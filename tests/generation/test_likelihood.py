"""Continuations are as likely as the model says when each is read alone."""

import pytest
import torch

from luthier.generation import continuation_log_probs
from tiny import VOCABULARY, tiny_llama

PAIRS = [
    ([3, 4, 5], [6, 7]),
    ([3, 4, 5], [8]),
    ([3, 4, 5], [6, 7]),
    ([9], [10, 11, 12]),
    ([3, 4, 5, 6], [7, 9, 9, 9]),
]


def read_alone(model: torch.nn.Module, context: list[int], continuation: list[int]) -> tuple[float, bool]:
    """The slow, obvious truth."""
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([context + continuation])).logits[0].double()
    places = range(len(context) - 1, len(context) + len(continuation) - 1)
    log_probs = logits.log_softmax(-1)
    total = sum(float(log_probs[place, token]) for place, token in zip(places, continuation, strict=True))
    return total, all(int(logits[place].argmax()) == token for place, token in zip(places, continuation, strict=True))


def test_each_pair_is_scored_as_if_it_were_alone():
    model = tiny_llama().eval()
    plain = tiny_llama(attention="sdpa").eval()
    found = dict(continuation_log_probs(model, PAIRS, 256))
    for index, (context, continuation) in enumerate(PAIRS):
        log_prob, is_greedy = read_alone(plain, context, continuation)
        assert found[index].log_prob == pytest.approx(log_prob, rel=1e-5)
        assert (found[index].is_greedy, found[index].tokens) == (is_greedy, len(continuation))


def test_what_the_model_would_write_itself_is_greedy():
    model = tiny_llama().eval()
    with torch.no_grad():
        likeliest = int(tiny_llama(attention="sdpa").eval()(input_ids=torch.tensor([[3, 4, 5]])).logits[0, -1].argmax())
    ((_, found),) = continuation_log_probs(model, [([3, 4, 5], [likeliest])], 256)
    assert found.is_greedy


def test_of_what_is_too_long_the_end_is_read_and_the_rest_counted():
    model, plain = tiny_llama().eval(), tiny_llama(attention="sdpa").eval()
    context = [index % VOCABULARY for index in range(40)]
    ((_, found),) = continuation_log_probs(model, [(context, [7, 8])], 16)
    log_prob, _ = read_alone(plain, context[-15:], [7, 8])
    assert found.left_out == 25
    assert found.log_prob == pytest.approx(log_prob, rel=1e-5)


def test_all_choices_of_all_probabilities_add_up_to_one():
    model = tiny_llama().eval()
    found = continuation_log_probs(model, [([3, 4, 5], [token]) for token in range(VOCABULARY)], 256)
    total = sum(torch.tensor([one.log_prob for _, one in found], dtype=torch.float64).exp())
    assert float(total) == pytest.approx(1, rel=1e-5)
