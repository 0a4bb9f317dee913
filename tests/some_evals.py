"""An eval of three tickets, a model that answers them, and how both are asked for through the official client."""

from __future__ import annotations

import json
import time

from openai.types import EvalCreateResponse
from openai.types.evals import RunRetrieveResponse

from replying import BASE, echo, until

OVER = ("completed", "failed", "canceled")
TICKETS = {
    "type": "custom",
    "item_schema": {
        "type": "object",
        "properties": {"text": {"type": "string"}, "label": {"type": "string", "pattern": "^[A-Z]"}},
        "required": ["text", "label"],
    },
    "include_sample_schema": True,
}
MATCH = {
    "type": "string_check",
    "name": "Match label",
    "input": "{{ sample.output_text }}",
    "reference": "{{ item.label }}",
    "operation": "eq",
}
ROWS = [
    {"item": {"text": "My screen is dark", "label": "Hardware"}},
    {"item": {"text": "The app crashed", "label": "Software"}},
    {"item": {"text": "Where is the canteen?", "label": "Hardware"}},
]
ASKED = {
    "type": "completions",
    "model": BASE,
    "input_messages": {
        "type": "template",
        "template": [
            {"role": "developer", "content": "Answer with one word."},
            {"role": "user", "content": {"type": "input_text", "text": "{{item.text}}"}},
        ],
    },
    "sampling_params": {"temperature": 0.0, "max_completion_tokens": 64},
}


def reply(request):
    text = echo(request)
    if "dark" in text:
        return "Hardware"
    if "crashed" in text:
        return "Software"
    if "slow" in text:
        time.sleep(0.05)
    if "How polite" in text:
        return json.dumps({"steps": [], "result": 8})
    if "Kind of" in text:
        return json.dumps({"steps": [], "result": "good"})
    return "Neither"


def new_eval(client, *criteria, config=None, **more) -> EvalCreateResponse:
    return client.evals.create(
        name="Tickets", data_source_config=config or TICKETS, testing_criteria=list(criteria) or [MATCH], **more
    )


def given(*rows) -> dict:
    return {"type": "file_content", "content": list(rows)}


def upload(client, content: str, purpose: str = "evals") -> str:
    return client.files.create(file=("rows.jsonl", content.encode()), purpose=purpose).id


def finished(client, eval_id: str, source: dict, **more) -> RunRetrieveResponse:
    run = client.evals.runs.create(eval_id, data_source=source, **more)
    return until(lambda: client.evals.runs.retrieve(run.id, eval_id=eval_id), lambda found: found.status in OVER)
