"""Routes that keep records: files, jobs, models, batches, evals, webhooks."""
