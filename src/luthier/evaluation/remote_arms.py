"""A remote model as one more arm: the same prompts, answered over the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from luthier.evaluation.answers import Answer, Generate, Prompt
from luthier.recipe import RemoteArm, RemoteModel
from luthier.remote import Endpoint, Manner, Question, RemoteAnswer, ask_all, embed_remote, open_client
from luthier.retrieval import Embed


@dataclass(frozen=True)
class Decoded:
    """How all arms answer: greedily, up to so many tokens."""

    max_new_tokens: int
    seed: int


def remote_generate(arm: RemoteArm, decoded: Decoded) -> Generate:
    """What asks ``arm`` as the local arms are asked. Raises RemoteError while it answers."""
    endpoint = Endpoint(
        arm.base_url,
        arm.model,
        arm.api_key_env,
        arm.timeout_seconds,
        arm.max_parallel,
        max_tokens_field=arm.max_tokens_field,
    )
    manner = Manner(decoded.max_new_tokens, arm.temperature, decoded.seed)

    def generate(prompts: Sequence[Prompt]) -> Iterator[tuple[int, Answer]]:
        questions = [Question(prompt.messages, prompt.tools) for prompt in prompts]
        for index, answer in ask_all(endpoint, questions, manner):
            yield index, _answer(answer)

    return generate


def remote_embed(model: RemoteModel) -> Embed:
    """Vectors from a server's /embeddings."""
    endpoint = Endpoint(model.base_url, model.model, model.api_key_env, model.timeout_seconds, model.max_parallel)

    def embed(texts: Sequence[str]) -> list[list[float]]:
        with open_client(endpoint) as client:
            return embed_remote(endpoint, texts, client)

    return embed


def remote_notes(arm: RemoteArm) -> tuple[str, ...]:
    """Where a remote arm cannot be held to what the others are held to."""
    notes = [f"asked at {arm.base_url}; its tokens are counted by its own tokenizer"]
    if arm.temperature is None:
        notes.append("decoded as its server does by default, not greedily like the other arms")
    elif arm.temperature > 0:
        notes.append(f"drawn at temperature {arm.temperature:g}, not greedily like the other arms")
    return tuple(notes)


def _answer(answer: RemoteAnswer) -> Answer:
    return Answer(
        text=answer.text,
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=answer.completion_tokens,
        seconds=answer.seconds,
        finish_reason="length" if answer.finish_reason == "length" else "stop",
        cached_tokens=answer.cached_tokens,
    )
