"""Upload training rows and start a fine-tuning job: the program as it was written for OpenAI."""

from pathlib import Path

from openai import OpenAI

client = OpenAI()
file = client.files.create(file=Path("train.jsonl"), purpose="fine-tune")
job = client.fine_tuning.jobs.create(training_file=file.id, model="gpt-4o-mini-2024-07-18")
print(job.id)
