"""README.md of a run folder: a model card in Hugging Face's form, so that the folder can be uploaded as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

from luthier.evaluation.report.facts import as_yaml, list_facts, list_findings
from luthier.evaluation.report.schema import Report, Score
from luthier.evaluation.report.sentences import say_comparison, say_prediction, say_saving
from luthier.evaluation.report.tables import request_rows
from luthier.evaluation.report.wording import (
    MISSING,
    capitalized,
    count,
    duration,
    energy,
    metric_title,
    points,
    spread,
)

# Identifiers that Hugging Face's card metadata knows; anything else goes in as "other" with its own name.
_KNOWN_LICENCES = frozenset(
    {"apache-2.0", "mit", "bsd-3-clause", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "gpl-3.0", "openrail"}
    | {"llama2", "llama3", "llama3.1", "llama3.2", "llama3.3", "llama4", "gemma", "unlicense"}
)
_FULL_PARTS = (("tokenizer", "AutoTokenizer"), ("model", "AutoModelForCausalLM"))


def render_card(report: Report) -> str:
    """The whole README."""
    parts = [
        f"---\n{as_yaml(_front_matter(report))}---",
        f"# {_title(report)}",
        f"**Verdict: {report.verdict.decision}.** {_plain(report.verdict.sentence)}",
        _list(report.verdict.reasons),
        "## Scores",
        _scores(report),
        _list(_said_comparisons(report)),
        "## Training data",
        _table(("count", "value"), ((fact.label, fact.value) for fact in _data_facts(report))),
        _list(f"{finding.severity}: {finding.message}" for finding in list_findings(report.preflight)),
        "## Training",
        _table(("setting", "value"), _settings(report)),
        " ".join(filter(None, (say_prediction(report.ledger), say_saving(report.ledger)))),
        _plain(f"{capitalized(report.overfitting.verdict)}. {report.overfitting.sentence}"),
        *_advice(report),
        *_cost(report),
        "## How to load",
        _how_to_load(report),
        *_licence(report),
        "## Limits",
        _list(_limits(report)),
        f"Made with luthier {report.run.luthier_version}. Figures: `report.json`. Plots and items: `report.html`.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def base_name(base_model: str) -> str:
    """A base model as others may know it: folders of this machine are reduced to their last part."""
    is_folder = base_model.startswith((".", "/", "~")) or "\\" in base_model or base_model.count("/") > 1
    return PurePath(base_model.replace("\\", "/")).name if is_folder else base_model


def _title(report: Report) -> str:
    return _plain(f"{base_name(report.run.base_model)}, tuned ({report.run.id})")


def _front_matter(report: Report) -> dict[str, Any]:
    is_lora = report.run.method != "full"
    front: dict[str, Any] = {
        "base_model": base_name(report.run.base_model),
        "base_model_relation": "adapter" if is_lora else "finetune",
        "library_name": "peft" if is_lora else "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["luthier", report.run.method, str(_setting(report, "objective", "kind") or "sft")],
        "metrics": list(dict.fromkeys(name for arm in report.arms for name in arm.metrics)),
    }
    if report.run.languages:
        front["language"] = list(report.run.languages)
    if report.licence and report.licence.base:
        identifier = report.licence.base.lower()
        if identifier in _KNOWN_LICENCES:
            front["license"] = identifier
        else:
            front |= {"license": "other", "license_name": report.licence.base}
    return front


def _scores(report: Report) -> str:
    names = list(dict.fromkeys([report.primary_metric, *(name for arm in report.arms for name in arm.metrics)]))
    heads = ("arm", *(metric_title(name) for name in names), "tokens per request", "time per request")
    rows = [
        (
            arm.title,
            *(_score(arm.metrics.get(name)) for name in names),
            MISSING if arm.tokens_per_request is None else count(arm.tokens_per_request),
            duration(arm.seconds_per_request),
        )
        for arm in report.arms
    ]
    if baseline := report.baseline:
        score = f"{points(baseline.mean)} ({spread(baseline.low, baseline.high, baseline.n)})"
        cells = [score if name == baseline.metric else MISSING for name in names]
        rows.append((baseline.name, *cells, MISSING, MISSING))
    sentence = f"\n\n{_plain(report.baseline.sentence)}" if report.baseline else ""
    decides = capitalized(metric_title(report.primary_metric))
    intro = f"Points of 100 with 95 % intervals, on golden items that were never trained on. {decides} decides."
    return f"{intro}\n\n{_table(heads, rows)}{sentence}"


def _score(score: Score | None) -> str:
    return f"{points(score.mean)} ({spread(score.low, score.high, score.n)})" if score else MISSING


def _said_comparisons(report: Report) -> list[str]:
    spoken = (say_comparison(comparison, report) for comparison in report.comparisons)
    return [f"{said.claim}. {capitalized(said.figures)}." for said in spoken]


def _data_facts(report: Report) -> list[Any]:
    return [fact for fact in (*list_facts(report.preflight), *list_facts(report.contract)) if fact.is_figure]


def _settings(report: Report) -> list[tuple[str, str]]:
    """Hyperparameters only: paths of the machine it ran on do not belong in a card."""
    kept = {name: report.run.recipe.get(name) for name in ("method", "objective", "training")}
    settings = {name: value for name, value in kept.items() if isinstance(value, Mapping)}
    rows = [(fact.label, fact.value) for fact in list_facts(settings)]
    rows += [(f"{fact.label} (decided)", fact.value) for fact in list_facts(report.run.resolved)]
    rows.append(("optimizer steps", count(report.ledger.steps)))
    rows.append(("trained tokens", count(report.ledger.trained_tokens)))
    precision = report.environment.get("precision")
    return [*rows, ("precision", str(precision))] if precision else rows


def _how_to_load(report: Report) -> str:
    base = json.dumps(base_name(report.run.base_model), ensure_ascii=False)
    if report.run.method == "full":
        head = "from transformers import AutoModelForCausalLM, AutoTokenizer"
        load = [
            'tokenizer = AutoTokenizer.from_pretrained("model")',
            'model = AutoModelForCausalLM.from_pretrained("model")',
        ]
    else:
        head = "from peft import PeftModel\nfrom transformers import AutoModelForCausalLM, AutoTokenizer"
        load = [
            f"base = {base}  # its folder or its name",
            "tokenizer = AutoTokenizer.from_pretrained(base)",
            'model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), "adapter")',
        ]
    system = _setting(report, "data", "system_prompt")
    turns = [{"role": "system", "content": system}] if isinstance(system, str) else []
    turns.append({"role": "user", "content": "..."})
    code = [
        head,
        "",
        *load,
        f"messages = {json.dumps(turns)}",
        'form = {"add_generation_prompt": True, "return_tensors": "pt", "return_dict": True}',
        "prompt = tokenizer.apply_chat_template(messages, **form)",
        "answer = model.generate(**prompt, max_new_tokens=256, do_sample=False)",
        'print(tokenizer.decode(answer[0, prompt["input_ids"].shape[1]:], skip_special_tokens=True))',
    ]
    hint = "\n\nThe system prompt is part of what was trained and measured: keep it." if len(turns) > 1 else ""
    return "In this folder:\n\n```python\n" + "\n".join(code) + "\n```" + hint


def _advice(report: Report) -> tuple[str, ...]:
    if report.advice is None:
        return ()
    return ("## Advice", _plain(report.advice.sentence), _list(reason.sentence for reason in report.advice.reasons))


def _cost(report: Report) -> tuple[str, ...]:
    """What 1,000 requests cost, where a ledger was left."""
    rows = [(row.title, row.money, row.tokens, row.seconds) for row in request_rows(report)]
    if not rows:
        return ()
    heads = ("1,000 requests of", "money", "prompt + answer tokens", "time")
    prices = report.ledger.prices
    example = " These are example prices." if prices and prices.are_examples else ""
    energy_used = f"Training took {energy(report.ledger.energy)}. " if report.ledger.energy is not None else ""
    return ("## Cost", f"{energy_used}Money and time as on the machine of the run.{example}", _table(heads, rows))


def _licence(report: Report) -> tuple[str, ...]:
    """Parts, uses, duties and the NOTICE, as licence.json has them."""
    licence = report.licence
    if licence is None or not licence.components:
        return ()
    parts = (f"{part.role}: {part.name}, {part.licence} ({part.source})" for part in licence.components)
    duties = (f"{duty.sentence} ({duty.rule}, {duty.source})" for duty in licence.duties)
    unknown = [f"Not known: {sentence}" for sentence in licence.unknown]
    return (
        "## Licence",
        _list(parts),
        _list((*(use.sentence for use in licence.allowed), *unknown)),
        "Duties:" if licence.duties else "",
        _list(duties),
        f"NOTICE:\n\n{_quoted(licence.notice)}" if licence.notice else "",
        "What the texts say in short, not legal advice.",
    )


def _quoted(text: str) -> str:
    """Line by line, so that a NOTICE keeps its shape."""
    return "\n".join(f"> {_plain(line)}".rstrip() + "  " for line in text.strip().split("\n"))


def _limits(report: Report) -> Iterable[str]:
    items = max((score.n for arm in report.arms for score in arm.metrics.values()), default=0)
    yield f"Judged on {count(items)} items of one task, with greedy decoding; other tasks and wordings may differ."
    yield "Intervals cover the choice of golden items, not the luck of one training seed."
    yield "It inherits the base model's gaps and biases; its safety was not measured."
    if report.forgetting:
        yield f"Forgetting: {report.forgetting.sentence}"
    else:
        yield "What it forgot of the base model's other abilities was not measured."
    if report.licence is None or not (report.licence.base or report.licence.components):
        yield "The base model states no licence; find out before you share this model."
    elif report.licence.sentence and not report.licence.components:
        yield f"Licence: {report.licence.sentence}"


def _setting(report: Report, room: str, name: str) -> Any:
    settings = report.run.recipe.get(room)
    return settings.get(name) if isinstance(settings, Mapping) else None


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [[_plain(cell) for cell in row] for row in rows]
    if not lines:
        return ""
    titles = [_plain(head) for head in heads]
    return "\n".join(f"| {' | '.join(line)} |" for line in (titles, ["---"] * len(titles), *lines))


def _list(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {_plain(sentence)}" for sentence in sentences)


def _plain(text: str) -> str:
    """Text that Markdown shows as it stands, on one line."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(text.split())).replace("\\<", "&lt;").replace("\\>", "&gt;")
