"""Plain completions: the request, what it asks of a model prompt by prompt, and the body of the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from luthier.answering import AnswerRequest, AskedModel, TokenChance, Usage
from luthier.server.errors import invalid
from luthier.server.inference.answers import Answered, Choice
from luthier.server.wire.chat import StreamOptions
from luthier.server.wire.chat_answers import shown_logprob, usage_body
from luthier.server.wire.model import Shape, Wire
from luthier.server.wire.sampling import Choices, ModelId, Penalty, Seed, Stop, Temperature, TopP, sampling_of

MOST_PROMPTS = 2048
DEFAULT_TOKENS = 16
TokenIds = list[Annotated[int, Field(ge=0, lt=2**31)]]


class CompletionRequest(Wire):
    model: ModelId
    prompt: str | TokenIds | list[str] | list[TokenIds]
    max_tokens: Annotated[int, Field(ge=0)] | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    n: Choices | None = None
    best_of: Annotated[int, Field(ge=1, le=20)] | None = None
    stop: Stop | None = None
    seed: Seed | None = None
    logprobs: Annotated[int, Field(ge=0, le=5)] | None = None
    logit_bias: dict[str, float] | None = None
    echo: bool | None = None
    suffix: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None

    @property
    def prompts(self) -> list[str | list[int]]:
        prompt: Any = self.prompt
        return [prompt] if isinstance(prompt, str) or (prompt and isinstance(prompt[0], int)) else list(prompt)

    @property
    def includes_usage(self) -> bool:
        return self.stream_options is not None and bool(self.stream_options.include_usage)


def answer_requests(
    body: CompletionRequest, model: AskedModel, client: str, deadline_seconds: float
) -> list[AnswerRequest]:
    """One per prompt. Raises 400 for fields that do not go together."""
    _check(body)
    max_tokens = DEFAULT_TOKENS if body.max_tokens is None else body.max_tokens
    sampling = sampling_of(body, max_tokens, body.logprobs)
    return [
        AnswerRequest(
            model=model,
            text=prompt if isinstance(prompt, str) else None,
            tokens=None if isinstance(prompt, str) else tuple(prompt),
            sampling=sampling,
            choices=body.n or 1,
            client=client,
            deadline_seconds=deadline_seconds,
            echo=bool(body.echo),
        )
        for prompt in body.prompts
    ]


def completion_body(head: Shape, choices: Sequence[Shape], usage: Usage | None) -> Shape:
    total = {} if usage is None else {"usage": usage_body(usage)}
    return {**head, "choices": list(choices), **total}


def choice_body(body: CompletionRequest, place: int, index: int, answered: Answered, choice: Choice) -> Shape:
    """Choice ``index`` of prompt ``place``; the prompt comes first where it is to be repeated."""
    prompt = body.prompts[place]
    before = answered.prompt_text or "" if body.echo else ""
    chances = [*(answered.prompt_chances if body.echo else ()), *choice.chances]
    start = 0 if body.echo or not isinstance(prompt, str) else len(prompt)
    return {
        "text": before + choice.text,
        "index": place * (body.n or 1) + index,
        "logprobs": None if body.logprobs is None else logprobs_body(chances, body.logprobs, start),
        "finish_reason": choice.finish,
    }


def logprobs_body(chances: Sequence[TokenChance], likeliest: int, start: int) -> Shape:
    """The old layout: four lists of one length. The first token of a text has no probability.

    ``top_logprobs`` holds the chosen token too, so that whoever compares it with the likeliest finds it.
    """
    offsets, place = [], start
    for chance in chances:
        offsets.append(place)
        place += len(chance.text)
    return {
        "tokens": [spelt(chance) for chance in chances],
        "token_logprobs": [None if chance.logprob is None else shown_logprob(chance) for chance in chances],
        "top_logprobs": [_top(chance) for chance in chances] if likeliest else None,
        "text_offset": offsets,
    }


def spelt(chance: TokenChance) -> str:
    """Tokens that are no whole characters by their bytes, or many would look alike."""
    if chance.bytes is not None and "\ufffd" in chance.text:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in chance.bytes)
    return chance.text


def _top(chance: TokenChance) -> dict[str, float] | None:
    if chance.logprob is None:
        return None
    found = {spelt(other): shown_logprob(other) for other in sorted(chance.top, key=shown_logprob)}
    return dict(sorted(({spelt(chance): shown_logprob(chance)} | found).items(), key=lambda pair: -pair[1]))


def _check(body: CompletionRequest) -> None:
    if not body.prompts or any(not prompt for prompt in body.prompts if not isinstance(prompt, str)):
        raise invalid("Invalid value for 'prompt': expected at least one text or list of tokens.", "prompt")
    if len(body.prompts) > MOST_PROMPTS:
        raise invalid(f"Invalid value for 'prompt': expected at most {MOST_PROMPTS} prompts.", "prompt")
    if body.suffix:
        raise invalid("'suffix' is not supported: the served models write only at the end.", "suffix")
    if body.best_of is not None and body.best_of < (body.n or 1):
        raise invalid("'best_of' must be at least 'n'.", "best_of")
    if body.best_of is not None and body.best_of > (body.n or 1):
        raise invalid("'best_of' above 'n' is not supported: ask for n answers with logprobs and choose.", "best_of")
    if body.max_tokens == 0 and not body.echo:
        raise invalid("Invalid value for 'max_tokens': 0 is only allowed with 'echo'.", "max_tokens")
    if body.stream_options is not None and not body.stream:
        raise invalid("'stream_options' is only allowed when 'stream' is true.", "stream_options")
