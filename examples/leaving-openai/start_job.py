"""Upload training rows and start a fine-tuning job: the program as it was written for OpenAI."""

from openai import OpenAI

client = OpenAI()
file = client.files.create(file=open("train.jsonl", "rb"), purpose="fine-tune")
job = client.fine_tuning.jobs.create(training_file=file.id, model="gpt-4o-mini-2024-07-18")
print(job.id)
