"""Graders that ask a model: what it is asked, how its JSON is read, and how several answers become one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from luthier.evaluation.graders.built_ins import PreferenceModel
from luthier.evaluation.graders.forms import JudgeTurn, LabelModel, ModelForm, ScoreModel
from luthier.evaluation.graders.grades import GradeErrors, TokenUsage, all_errors, merged_usage
from luthier.evaluation.graders.outcomes import Found
from luthier.evaluation.graders.tools import Judge, JudgeAnswer, JudgeFailed, JudgeQuestion
from luthier.examples import Message

Result = float | str


@dataclass(frozen=True)
class _Reply:
    result: Result | None
    errors: GradeErrors
    usage: Mapping[str, TokenUsage]
    model: str


def judge_score(form: ScoreModel, judge: Judge, variables: Mapping[str, Any]) -> Found:
    """The mean of the numbers given, each cut to the range; one that is no number counts 0, as on the platform."""
    messages = _filled(form.input, variables)
    low, high = form.range
    wanted = f"the score, a number from {low:g} to {high:g}"
    replies = [
        _ask(form, judge, _asked(messages, wanted), {"type": "number"}, repeat) for repeat in range(form.repeats)
    ]
    rewards = [min(high, max(low, float(r.result))) if r.result is not None else 0.0 for r in replies]
    return _together(sum(rewards) / len(rewards), rewards, replies)


def judge_label(form: LabelModel, judge: Judge, variables: Mapping[str, Any]) -> Found:
    """The label chosen most often, the first of those that tie; every second time they are listed from the end."""
    messages = _filled(form.input, variables)
    replies = []
    for repeat in range(form.repeats):
        labels = form.labels if repeat % 2 == 0 else form.labels[::-1]
        wanted = "one of these labels and nothing else: " + ", ".join(json.dumps(x, ensure_ascii=False) for x in labels)
        schema = {"type": "string", "enum": list(labels)}
        replies.append(_ask(form, judge, _asked(messages, wanted), schema, repeat))
    chosen = [reply.result for reply in replies if reply.result is not None]
    most = Counter(chosen).most_common(1)
    rewards = [float(reply.result in form.passing_labels) for reply in replies]
    return _together(float(bool(most) and most[0][0] in form.passing_labels), rewards, replies)


def judge_preference(form: PreferenceModel, judge: Judge, variables: Mapping[str, Any]) -> Found:
    """Each repeat asks twice, the answers swapped; only a judge that keeps its choice decides, else it is a tie."""
    question, answer, other = (part.fill(variables) for part in (form.question, form.answer, form.other))
    schema = {"type": "string", "enum": ["A", "B", "tie"]}
    replies, rewards = [], []
    for repeat in range(form.repeats):
        votes = []
        for first, second, own in ((answer, other, "A"), (other, answer, "B")):
            text = f"Question:\n{question}\n\nAnswer A:\n{first}\n\nAnswer B:\n{second}\n\n{form.criteria}"
            messages = _asked((*_filled(form.input, variables), Message("user", text)), '"A", "B" or "tie"')
            reply = _ask(form, judge, messages, schema, repeat)
            replies.append(reply)
            votes.append({own: 1.0, "tie": 0.5}.get(str(reply.result), 0.0) if reply.result is not None else None)
        rewards.append(0.0 if None in votes else votes[0] if votes[0] == votes[1] else 0.5)
    plain = [0.0 if reward is None else reward for reward in rewards]
    return _together(sum(plain) / len(plain), plain, replies)


def read_result(text: str, kind: type) -> Any:
    """``result`` of the JSON in a judge's answer, also inside a fence or after words; a bare number or label too.

    None where there is none of the type wanted: true is no number, and "7" is none either.
    """
    decoder = json.JSONDecoder()
    starts = [0, *(place for place, letter in enumerate(text) if letter == "{")][:200]
    stripped = text.strip()
    for start in starts:
        try:
            value, _ = decoder.raw_decode(text[start:].lstrip())
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and "result" in value:
            return value["result"] if _is_of(value["result"], kind) else None
    try:
        bare = json.loads(stripped)
    except (ValueError, RecursionError):
        bare = stripped
    return bare if _is_of(bare, kind) else None


def _is_of(value: Any, kind: type) -> bool:
    if kind is float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and abs(value) < float("inf")
    return isinstance(value, str)


def _filled(turns: Sequence[JudgeTurn], variables: Mapping[str, Any]) -> tuple[Message, ...]:
    return tuple(Message(turn.role, "\n".join(part.fill(variables) for part in turn.content)) for turn in turns)


def _asked(messages: Sequence[Message], wanted: str) -> tuple[Message, ...]:
    """With the format in words, for servers that cannot be held to a schema."""
    words = (
        'Answer with one JSON object and nothing else: {"steps": [{"description": "...", "conclusion": "..."}], '
        f'"result": ...}}, where steps holds your reasoning and result is {wanted}.'
    )
    first, *others = messages
    if first.role in ("system", "developer"):
        return (replace(first, content=f"{first.content}\n\n{words}"), *others)
    return (Message("system", words), *messages)


def _ask(
    form: ModelForm, judge: Judge, messages: tuple[Message, ...], result: Mapping[str, Any], repeat: int
) -> _Reply:
    sampling = form.sampling
    if repeat:
        # Or a server that honours seeds would say the same again.
        sampling = sampling.model_copy(update={"seed": (sampling.seed or 0) + repeat})
    try:
        answer = judge(JudgeQuestion(form.model, messages, sampling, _schema(result)))
    except JudgeFailed as error:
        errors = GradeErrors(model_grader_server_error=True, model_grader_server_error_details=str(error))
        return _Reply(None, errors, {}, form.model)
    return _read(answer, form, result)


def _read(answer: JudgeAnswer, form: ModelForm, result: Mapping[str, Any]) -> _Reply:
    model = answer.model or form.model
    usage = {model: answer.usage}
    if answer.is_refusal:
        return _Reply(None, GradeErrors(model_grader_refusal_error=True), usage, model)
    found = read_result(answer.text, float if result["type"] == "number" else str)
    if found is None or found not in result.get("enum", (found,)):
        return _Reply(None, GradeErrors(model_grader_parse_error=True), usage, model)
    return _Reply(found, GradeErrors(), usage, model)


def _together(reward: float, rewards: Sequence[float], replies: Sequence[_Reply]) -> Found:
    errors = all_errors(reply.errors for reply in replies)
    usage = merged_usage(reply.usage for reply in replies)
    repeats = tuple(rewards) if len(rewards) > 1 else ()
    return Found(reward, errors, usage=usage, model=replies[0].model, repeats=repeats)


def _schema(result: Mapping[str, Any]) -> dict[str, Any]:
    """OpenAI's format of a model grader's answer, strict: every field required, no others."""
    step = {"description": {"type": "string"}, "conclusion": {"type": "string"}}
    steps = {"type": "array", "items": _strict(step)}
    return _strict({"steps": steps, "result": dict(result)})


def _strict(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
