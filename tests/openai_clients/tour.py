"""Through the whole contract with Python's last 1.x client: `python tour.py MODEL_WITH_A_SLASH PROJECT`."""

import asyncio
import json
import sys
import time

import openai
import pydantic

assert openai.__version__ == "1.109.1", openai.__version__
TUNED, PROJECT = sys.argv[1:]
BASE = "gpt-4o-mini-2024-07-18"
MESSAGES = [{"role": "user", "content": "Hello"}]
ROWS = (json.dumps({"messages": [*MESSAGES, {"role": "assistant", "content": "Hi"}]}) + "\n").encode() * 12
GRADER = {
    "type": "string_check",
    "name": "same",
    "input": "{{sample.output_text}}",
    "reference": "{{item.a}}",
    "operation": "eq",
}
client = openai.OpenAI(max_retries=0)


def refused(kind, ask, **told):
    try:
        ask()
    except kind as error:
        assert error.request_id.startswith("req_")
        assert {name: getattr(error, name) for name in told} == told, error
    else:
        raise AssertionError("it was answered")


def until(ask, is_over):
    for _ in range(500):
        if is_over(found := ask()):
            return found
        time.sleep(0.02)
    raise AssertionError("it never ended")


def keys_models_and_files():
    wrong = openai.OpenAI(api_key="sk-wrong", max_retries=0)
    refused(openai.AuthenticationError, wrong.models.list, code="invalid_api_key")
    assert BASE in [model.id for model in client.models.list()]
    assert client.models.retrieve(TUNED).id == TUNED
    refused(openai.NotFoundError, lambda: client.models.retrieve("nothing"), code="model_not_found")
    file = client.files.create(file=("a.jsonl", ROWS), purpose="fine-tune")
    other = client.files.create(file=("b.jsonl", ROWS), purpose="fine-tune")
    assert client.files.wait_for_processing(file.id).status == "processed"
    assert client.files.content(file.id).read() == ROWS
    assert [found.id for found in client.files.list(purpose="fine-tune", limit=1)] == [other.id, file.id]
    assert client.files.delete(other.id).deleted
    upload = client.uploads.upload_file_chunked(
        file=ROWS, filename="c.jsonl", bytes=len(ROWS), mime_type="text/jsonl", purpose="fine-tune", part_size=300
    )
    assert upload.file is not None and client.files.content(upload.file.id).read() == ROWS
    return file.id


def jobs(file):
    jobs = client.fine_tuning.jobs
    job = jobs.create(model=BASE, training_file=file, hyperparameters={"n_epochs": 1}, suffix="tour")
    assert jobs.retrieve(job.id).hyperparameters.n_epochs == 1 and job.error is None
    assert [found.id for found in jobs.list(limit=1)] == [job.id]
    assert list(jobs.list_events(job.id, limit=1))[-1].message == f"Created fine-tuning job: {job.id}"
    assert list(jobs.checkpoints.list(job.id)) == []
    assert jobs.cancel(job.id).status == "cancelled"
    refused(openai.BadRequestError, lambda: jobs.cancel(job.id))
    refused(openai.BadRequestError, lambda: jobs.create(model=BASE, training_file="none"), param="training_file")
    permissions = client.fine_tuning.checkpoints.permissions
    (given,) = permissions.create(TUNED, project_ids=[PROJECT])
    assert [found.id for found in permissions.retrieve(TUNED).data] == [given.id]
    assert permissions.delete(given.id, fine_tuned_model_checkpoint=TUNED).deleted
    graders = client.fine_tuning.alpha.graders
    assert graders.validate(grader=GRADER).grader.name == "same"
    assert graders.run(grader=GRADER, item={"a": "x"}, model_sample="x").reward == 1


def answers():
    class Said(pydantic.BaseModel):
        text: str

    chat = client.chat.completions
    answer = chat.create(model=BASE, messages=MESSAGES, n=2, store=True)
    assert [choice.message.content for choice in answer.choices] == ["Hello", "Hello"]
    chunks = list(chat.create(model=BASE, messages=MESSAGES, stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1]) == "Hello"
    assert chunks[-1].usage.total_tokens == 7
    said = [{"role": "user", "content": '{"text":"Hello"}'}]
    parsed = chat.parse(model=BASE, messages=said, response_format=Said)
    assert parsed.choices[0].message.parsed == Said(text="Hello")
    with chat.stream(model=BASE, messages=said, response_format=Said) as stream:
        assert stream.get_final_completion().choices[0].message.parsed == Said(text="Hello")
    refused(openai.NotFoundError, lambda: chat.create(model="none", messages=MESSAGES), code="model_not_found")
    assert answer.id in [found.id for found in chat.list()]
    assert chat.messages.list(answer.id).data[0].content == "Hello"
    assert chat.delete(answer.id).deleted
    assert client.responses.create(model=BASE, input="Hello").output_text == "Hello"
    kinds = [event.type for event in client.responses.create(model=BASE, input="Hello", stream=True)]
    assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
    assert client.completions.create(model=BASE, prompt="Hello").choices[0].text == "Hello"
    assert client.embeddings.create(model=BASE, input=["four"]).data[0].embedding == [1.0, 4.0]


def batches_and_evals():
    url = "/v1/chat/completions"
    line = {"custom_id": "a", "method": "POST", "url": url, "body": {"model": BASE, "messages": MESSAGES}}
    lines = client.files.create(file=("lines.jsonl", json.dumps(line).encode()), purpose="batch")
    begun = client.batches.create(input_file_id=lines.id, endpoint=url, completion_window="24h")
    batch = until(lambda: client.batches.retrieve(begun.id), lambda found: found.status == "completed")
    output = json.loads(client.files.content(batch.output_file_id).text)
    assert output["response"]["body"]["choices"][0]["message"]["content"] == "Hello"
    made = client.evals.create(
        name="tour", data_source_config={"type": "custom", "item_schema": {"type": "object"}}, testing_criteria=[GRADER]
    )
    source = {"type": "file_content", "content": [{"item": {"a": "x"}, "sample": {"output_text": "x"}}]}
    run = client.evals.runs.create(made.id, data_source={"type": "jsonl", "source": source})
    over = until(lambda: client.evals.runs.retrieve(run.id, eval_id=made.id), lambda found: found.status == "completed")
    assert over.result_counts.passed == 1
    (item,) = client.evals.runs.output_items.list(run.id, eval_id=made.id)
    assert item.status == "pass"
    # This client cancels a run at the run's own address.
    refused(openai.BadRequestError, lambda: client.evals.runs.cancel(run.id, eval_id=made.id))
    assert client.evals.delete(made.id).deleted


async def the_same_awaited():
    async with openai.AsyncOpenAI(max_retries=0) as awaited:
        stream = await awaited.chat.completions.create(model=BASE, messages=MESSAGES, stream=True)
        assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream]) == "Hello"
        assert [file.purpose async for file in awaited.files.list(limit=1)]


jobs(keys_models_and_files())
answers()
batches_and_evals()
asyncio.run(the_same_awaited())
print("all answered")
