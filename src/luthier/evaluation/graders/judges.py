"""Where judges and embeddings come from: an OpenAI-compatible server, or a model that answers in this process."""

from __future__ import annotations

import httpx

from luthier.evaluation.answers import Generate, Prompt
from luthier.evaluation.graders.grades import TokenUsage
from luthier.evaluation.graders.tools import Judge, JudgeAnswer, JudgeFailed, JudgeQuestion
from luthier.remote import Endpoint, Manner, Question, RemoteError, ask_one


def remote_judge(endpoint: Endpoint, client: httpx.Client, uses_own_name: bool = False) -> Judge:
    """Asks at ``endpoint`` for the model a grader names; with ``uses_own_name`` always for the endpoint's."""

    def judge(question: JudgeQuestion) -> JudgeAnswer:
        sampling = question.sampling
        shape = {"name": "grade", "strict": True, "schema": dict(question.schema)}
        manner = Manner(
            max_tokens=sampling.max_tokens,
            temperature=sampling.temperature,
            seed=sampling.seed,
            response_format={"type": "json_schema", "json_schema": shape},
            top_p=sampling.top_p,
            reasoning_effort=sampling.reasoning_effort,
        )
        asked = endpoint if uses_own_name else _named(endpoint, question.model)
        try:
            answer = ask_one(client, asked, Question(question.messages), manner)
        except RemoteError as error:
            raise JudgeFailed(error.found) from error
        usage = TokenUsage(answer.prompt_tokens, answer.completion_tokens, answer.cached_tokens)
        is_refusal = bool(answer.refusal) or answer.finish_reason == "content_filter"
        return JudgeAnswer(answer.text, usage, is_refusal, asked.model)

    return judge


def local_judge(generate: Generate, model: str) -> Judge:
    """A model in this process; it decodes as ``generate`` does, so a grader's sampling_params have no say."""

    def judge(question: JudgeQuestion) -> JudgeAnswer:
        ((_, answer),) = generate([Prompt(question.messages)])
        return JudgeAnswer(answer.text, TokenUsage(answer.prompt_tokens, answer.completion_tokens), model=model)

    return judge


def _named(endpoint: Endpoint, model: str) -> Endpoint:
    return endpoint if endpoint.model == model else Endpoint(**{**vars(endpoint), "model": model})
