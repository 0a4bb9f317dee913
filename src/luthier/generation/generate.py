"""Answers to many prompts that are all there from the beginning: an engine of their own, as large as they need.

A new engine for each call begins with nothing remembered, so that the same prompts meet in the same steps and get the
same answers, whatever was asked before.
"""

from collections.abc import Callable, Iterator, Sequence

import torch

from luthier.generation.decoding import Continuation, Decoding
from luthier.generation.engine import Engine, EngineFailed, EngineSettings, Request, Sampling, Stream
from luthier.kernels import BLOCK_TOKENS

# Tokens of prompts that are remembered at once, beside what they share and beside what is written.
PROMPT_TOKENS = 4096


def generate(
    model: torch.nn.Module,
    prompts: Sequence[Sequence[int]],
    decoding: Decoding,
    heed: Callable[[], None] = lambda: None,
) -> Iterator[Continuation]:
    """Yield a continuation per prompt, short prompts first. ``model`` is the engine's until the last one.

    ``heed`` is called at every step or so and may raise, which ends everything.
    """
    if not prompts:
        return
    order = sorted(range(len(prompts)), key=lambda index: (len(prompts[index]), index))
    with Engine(model, settings_for(prompts, decoding)) as engine:
        streams = engine.submit_all([_request(prompts[index], index, decoding) for index in order])
        streams.reverse()  # so that what was read can go
        for index in order:
            yield _continuation(index, streams.pop(), heed)


def settings_for(prompts: Sequence[Sequence[int]], decoding: Decoding) -> EngineSettings:
    """Room for ``batch_items`` rows of the longest prompts, as far as `PROMPT_TOKENS` goes; one row always fits."""
    longest = max(map(len, prompts))
    shared = common_beginning(prompts)
    rows = min(decoding.batch_items, len(prompts))
    own = min(rows * (longest - shared), max(PROMPT_TOKENS, longest - shared))
    return EngineSettings(
        rows=rows,
        context_tokens=longest + decoding.max_new_tokens,
        # What a row shares ends within a block, and so does what it has for itself.
        memory_tokens=shared + own + rows * (decoding.max_new_tokens + 2 * BLOCK_TOKENS),
        waiting=len(prompts),
    )


def common_beginning(prompts: Sequence[Sequence[int]]) -> int:
    """How many tokens all prompts begin with."""
    first, last = min(prompts, key=tuple), max(prompts, key=tuple)
    size = min(len(first), len(last))
    return next((place for place in range(size) if first[place] != last[place]), size)


def _request(prompt: Sequence[int], index: int, decoding: Decoding) -> Request:
    sampling = Sampling(decoding.temperature, seed=decoding.seed * 1_000_003 + index)
    return Request(tuple(prompt), decoding.max_new_tokens, sampling, decoding.end_ids)


def _continuation(index: int, stream: Stream, heed: Callable[[], None]) -> Continuation:
    ids = []
    try:
        for token in stream:
            ids.append(token.id)
            heed()
    except EngineFailed as failed:
        raise failed.__cause__ or failed from None  # whoever asked should see what broke: memory that ran out, say
    assert stream.ended is not None
    return Continuation(index, tuple(ids), stream.ended.reason == "stop", stream.ended.worked_seconds)
