// Through the whole contract with a Node client: `node tour.mjs PACKAGE MODEL_WITH_A_SLASH PROJECT`.
import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";

const [, , name, tuned, project] = process.argv;
const { default: OpenAI, toFile } = await import(name);
const client = new OpenAI({ adminAPIKey: process.env.OPENAI_API_KEY, maxRetries: 0 });
const BASE = "gpt-4o-mini-2024-07-18";
const messages = [{ role: "user", content: "Hello" }];
const row = JSON.stringify({ messages: [...messages, { role: "assistant", content: "Hi" }] }) + "\n";
const SCHEMA = { type: "object", properties: { text: { type: "string" } }, required: ["text"] };

async function refused(promise, kind, told = {}) {
  const error = await promise.then(() => assert.fail("it was answered"), (error) => error);
  assert.ok(error instanceof kind, `${error}`);
  assert.match(error.requestID, /^req_/);
  for (const [field, value] of Object.entries(told)) assert.equal(error[field], value);
}

async function until(ask, isOver) {
  for (let tries = 0; tries < 500; tries++) {
    const found = await ask();
    if (isOver(found)) return found;
    await setTimeout(20);
  }
  assert.fail("it never ended");
}

async function all(page) {
  const found = [];
  for await (const item of page) found.push(item);
  return found;
}

// Keys, models
await refused(new OpenAI({ apiKey: "sk-wrong", maxRetries: 0 }).models.list(), OpenAI.AuthenticationError, {
  code: "invalid_api_key",
});
assert.ok((await all(client.models.list())).some((model) => model.id === BASE));
assert.equal((await client.models.retrieve(tuned)).id, tuned);
await refused(client.models.retrieve("nothing"), OpenAI.NotFoundError, { code: "model_not_found" });

// Files, uploads
const file = await client.files.create({ file: await toFile(Buffer.from(row.repeat(12)), "a.jsonl"), purpose: "fine-tune" });
const second = await client.files.create({
  file: await toFile(Buffer.from(row.repeat(12)), "b.jsonl"),
  purpose: "fine-tune",
  expires_after: { anchor: "created_at", seconds: 3600 },
});
assert.equal(second.expires_at, second.created_at + 3600);
assert.equal(await (await client.files.content(file.id)).text(), row.repeat(12));
assert.deepEqual((await all(client.files.list({ purpose: "fine-tune", limit: 1 }))).map((each) => each.id), [second.id, file.id]);
assert.equal((await client.files.delete(second.id)).deleted, true);
await refused(client.files.retrieve(second.id), OpenAI.NotFoundError);
const upload = await client.uploads.create({ bytes: 6, filename: "c.jsonl", mime_type: "text/jsonl", purpose: "fine-tune" });
const parts = [];
for (const text of ["abc", "def"]) {
  parts.push((await client.uploads.parts.create(upload.id, { data: await toFile(Buffer.from(text), "part") })).id);
}
const whole = await client.uploads.complete(upload.id, { part_ids: parts });
assert.equal(await (await client.files.content(whole.file.id)).text(), "abcdef");

// Jobs
const asked = { model: BASE, training_file: file.id, suffix: "tour", seed: 3, metadata: { team: "a" } };
const method = { type: "supervised", supervised: { hyperparameters: { n_epochs: 1 } } };
const job = await client.fineTuning.jobs.create({ ...asked, method });
assert.equal(job.object, "fine_tuning.job");
assert.equal((await client.fineTuning.jobs.retrieve(job.id)).hyperparameters.n_epochs, 1);
assert.deepEqual((await all(client.fineTuning.jobs.list({ limit: 1, metadata: { team: "a" } }))).map((each) => each.id), [job.id]);
assert.equal((await all(client.fineTuning.jobs.listEvents(job.id, { limit: 1 }))).at(-1).message, `Created fine-tuning job: ${job.id}`);
assert.deepEqual(await all(client.fineTuning.jobs.checkpoints.list(job.id)), []);
assert.equal((await client.fineTuning.jobs.cancel(job.id)).status, "cancelled");
await refused(client.fineTuning.jobs.resume(job.id), OpenAI.BadRequestError);
await refused(client.fineTuning.jobs.create({ ...asked, seed: -1 }), OpenAI.BadRequestError, { param: "seed" });

// Permissions: sent with the admin key
const permissions = client.fineTuning.checkpoints.permissions;
const [given] = await all(permissions.create(tuned, { project_ids: [project] }));
assert.equal(given.project_id, project);
assert.deepEqual((await all(permissions.list(tuned))).map((each) => each.id), [given.id]);
assert.equal((await permissions.delete(given.id, { fine_tuned_model_checkpoint: tuned })).deleted, true);

// Graders
const grader = { type: "string_check", name: "same", input: "{{sample.output_text}}", reference: "{{item.a}}", operation: "eq" };
assert.equal((await client.fineTuning.alpha.graders.validate({ grader })).grader.name, "same");
assert.equal((await client.fineTuning.alpha.graders.run({ grader, item: { a: "x" }, model_sample: "x" })).reward, 1);

// Answers
const answer = await client.chat.completions.create({ model: BASE, messages, n: 2, store: true, metadata: { tour: name } });
assert.deepEqual(answer.choices.map((choice) => choice.message.content), ["Hello", "Hello"]);
const stream = await client.chat.completions.create({ model: BASE, messages, stream: true, stream_options: { include_usage: true } });
const chunks = await all(stream);
assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join(""), "Hello");
assert.equal(chunks.at(-1).usage.total_tokens, 7);
assert.equal(await client.chat.completions.stream({ model: BASE, messages }).finalContent(), "Hello");
const response_format = { type: "json_schema", json_schema: { name: "said", strict: true, schema: SCHEMA } };
const said = [{ role: "user", content: '{"text":"Hello"}' }];
assert.equal((await client.chat.completions.parse({ model: BASE, messages: said, response_format })).choices[0].message.content, said[0].content);
await refused(client.chat.completions.create({ model: "none", messages }), OpenAI.NotFoundError, { code: "model_not_found" });
const kept = await all(client.chat.completions.list({ metadata: { tour: name } }));
assert.deepEqual(kept.map((each) => each.id), [answer.id]);
assert.equal((await all(client.chat.completions.messages.list(answer.id)))[0].content, "Hello");
assert.equal((await client.chat.completions.delete(answer.id)).deleted, true);
const response = await client.responses.create({ model: BASE, input: "Hello" });
assert.equal(response.output_text, "Hello");
const kinds = (await all(await client.responses.create({ model: BASE, input: "Hello", stream: true }))).map((event) => event.type);
assert.equal(kinds[0], "response.created");
assert.equal(kinds.at(-1), "response.completed");
assert.equal((await client.completions.create({ model: BASE, prompt: "Hello" })).choices[0].text, "Hello");
// Asked for as base64, and decoded by the client
assert.deepEqual((await client.embeddings.create({ model: BASE, input: ["four"] })).data[0].embedding, [1, 4]);

// Batches, evals
const url = "/v1/chat/completions";
const line = JSON.stringify({ custom_id: "a", method: "POST", url, body: { model: BASE, messages } });
const lines = await client.files.create({ file: await toFile(Buffer.from(line), "lines.jsonl"), purpose: "batch" });
const begun = await client.batches.create({ input_file_id: lines.id, endpoint: url, completion_window: "24h" });
const batch = await until(() => client.batches.retrieve(begun.id), (found) => found.status === "completed");
assert.equal(batch.request_counts.completed, 1);
const output = JSON.parse(await (await client.files.content(batch.output_file_id)).text());
assert.equal(output.response.body.choices[0].message.content, "Hello");
const made = await client.evals.create({
  name: "tour",
  data_source_config: { type: "custom", item_schema: { type: "object" }, include_sample_schema: true },
  testing_criteria: [grader],
});
const source = { type: "file_content", content: [{ item: { a: "x" }, sample: { output_text: "x" } }] };
const run = await client.evals.runs.create(made.id, { data_source: { type: "jsonl", source } });
const over = await until(() => client.evals.runs.retrieve(run.id, { eval_id: made.id }), (found) => found.status === "completed");
assert.equal(over.result_counts.passed, 1);
const [item] = await all(client.evals.runs.outputItems.list(run.id, { eval_id: made.id }));
assert.equal(item.status, "pass");
await refused(client.evals.runs.cancel(run.id, { eval_id: made.id }), OpenAI.BadRequestError);
assert.equal((await client.evals.runs.delete(run.id, { eval_id: made.id })).deleted, true);
assert.equal((await client.evals.delete(made.id)).deleted, true);
console.log("all answered");
