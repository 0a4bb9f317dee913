// Wait for a fine-tuning job and ask its model: the program as it was written for OpenAI.
import { setTimeout } from "node:timers/promises";
import OpenAI from "openai";

const client = new OpenAI();
let job = await client.fineTuning.jobs.retrieve(process.argv[2]);
while (!["succeeded", "failed", "cancelled"].includes(job.status)) {
  await setTimeout(1000);
  job = await client.fineTuning.jobs.retrieve(job.id);
}
if (job.status !== "succeeded") throw new Error(`${job.status}: ${JSON.stringify(job.error)}`);
const answer = await client.chat.completions.create({
  model: job.fine_tuned_model,
  messages: [
    { role: "system", content: "Name the team that takes this ticket." },
    { role: "user", content: "I was charged twice this month." },
  ],
});
console.log(answer.choices[0].message.content);
