// Upload training rows and start a fine-tuning job: the program as it was written for OpenAI.
import fs from "node:fs";
import OpenAI from "openai";

const client = new OpenAI();
const file = await client.files.create({ file: fs.createReadStream("train.jsonl"), purpose: "fine-tune" });
const job = await client.fineTuning.jobs.create({ training_file: file.id, model: "gpt-4o-mini-2024-07-18" });
console.log(job.id);
