"""Wait for a fine-tuning job and ask its model: the program as it was written for OpenAI."""

import sys
import time

from openai import OpenAI

client = OpenAI()
job = client.fine_tuning.jobs.retrieve(sys.argv[1])
while job.status not in ("succeeded", "failed", "cancelled"):
    time.sleep(1)
    job = client.fine_tuning.jobs.retrieve(job.id)
if job.status != "succeeded":
    sys.exit(f"{job.status}: {job.error}")
answer = client.chat.completions.create(
    model=job.fine_tuned_model,
    messages=[
        {"role": "system", "content": "Name the team that takes this ticket."},
        {"role": "user", "content": "I was charged twice this month."},
    ],
)
print(answer.choices[0].message.content)
