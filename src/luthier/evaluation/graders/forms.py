"""OpenAI's graders as they are written in JSON, checked: one model per type. Fields that are not known are ignored."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, model_validator

from luthier.evaluation.graders.formula import Formula
from luthier.evaluation.graders.similarity import SimilarityName
from luthier.evaluation.graders.templates import Template, parse_template


def _template(value: Any) -> Template:
    if not isinstance(value, str):
        raise ValueError(f"a text with places to fill, not {json.dumps(value)[:60]}")
    return parse_template(value)


Filled = Annotated[Template, PlainValidator(_template)]
Share = Annotated[float, Field(ge=0)]
ANSWER, REFERENCE = parse_template("{{sample.output_text}}"), parse_template("{{item.reference}}")


class Form(BaseModel):
    """What all graders have. ``name`` is required by OpenAI's types and left out by its guide: the type stands in."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, allow_inf_nan=False)

    name: str = ""
    pass_threshold: float | None = None


def _plain_operation(value: Any) -> Any:
    """The guide's text says `neq`, the types say `ne`."""
    return "ne" if value == "neq" else value


class StringCheck(Form):
    """1 or 0: equal, not equal, contained, contained whatever the case."""

    type: Literal["string_check"]
    input: Filled
    reference: Filled
    operation: Annotated[Literal["eq", "ne", "like", "ilike"], BeforeValidator(_plain_operation)]


class TextSimilarity(Form):
    """0 to 1, by one of the metrics of `similarity`; `cosine` compares embeddings."""

    type: Literal["text_similarity"]
    input: Filled
    reference: Filled
    evaluation_metric: SimilarityName | Literal["cosine"]


class PythonGrader(Form):
    """The number that ``grade(sample, item)`` of ``source`` returns."""

    type: Literal["python"]
    source: str
    image_tag: str | None = None


def _as_parts(content: Any) -> tuple[str, ...]:
    """Texts out of a text, a part, or a list of either."""
    texts = []
    for part in content if isinstance(content, list) else [content]:
        match part:
            case str():
                texts.append(part)
            case {"type": "input_text" | "output_text" | "text", "text": str(text)}:
                texts.append(text)
            case {"type": str(kind)}:
                raise ValueError(f"a part of type {kind!r}, where judges read text alone")
            case _:
                raise ValueError("neither text nor a list of text parts")
    return tuple(texts)


class JudgeTurn(BaseModel):
    """A message to the judge; its parts are put together."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    role: Literal["user", "assistant", "system", "developer"]
    content: Annotated[tuple[Filled, ...], BeforeValidator(_as_parts)]


class SamplingParams(BaseModel):
    """How the judge answers; None leaves it to the server. `max_completions_tokens` is OpenAI's own spelling."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, allow_inf_nan=False)

    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    seed: int | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = Field(
        default=None, validation_alias=AliasChoices("max_completions_tokens", "max_completion_tokens", "max_tokens")
    )
    reasoning_effort: str | None = None


class ModelForm(Form):
    """A grader that asks a model. ``repeats`` is ours: how often it is asked, with a seed of its own each time."""

    model: str = Field(min_length=1)
    input: tuple[JudgeTurn, ...] = Field(min_length=1)
    sampling_params: SamplingParams | None = None
    repeats: Annotated[int, Field(ge=1, le=99)] = 1

    @property
    def sampling(self) -> SamplingParams:
        return self.sampling_params or SamplingParams()


class ScoreModel(ModelForm):
    """The number that a model gives, cut to ``range``; the mean of several."""

    type: Literal["score_model"]
    range: tuple[float, float] = (0.0, 1.0)

    @model_validator(mode="after")
    def _range_rises(self) -> ScoreModel:
        if not self.range[0] < self.range[1]:
            raise ValueError(f"range is {list(self.range)}, where the second number must be the larger one")
        return self


class LabelModel(ModelForm):
    """1 where the label that a model chooses passes; of several, the most frequent; listed forwards and backwards."""

    type: Literal["label_model"]
    labels: tuple[str, ...] = Field(min_length=1)
    passing_labels: tuple[str, ...]

    @model_validator(mode="after")
    def _passing_labels_are_labels(self) -> LabelModel:
        if strange := set(self.passing_labels) - set(self.labels):
            raise ValueError(f"passing_labels has {sorted(strange)}, which labels does not have")
        if len(set(self.labels)) < len(self.labels):
            raise ValueError("labels names a label twice")
        return self


@dataclass(frozen=True)
class Multi:
    """A formula over the rewards of other graders, which are no multi graders themselves."""

    name: str
    graders: tuple[tuple[str, Any], ...]
    formula: Formula
    pass_threshold: float | None = None
    type: Literal["multi"] = "multi"
