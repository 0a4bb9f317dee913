"""Bytes that no record names go; bytes that a record names, young ones and other databases' ones stay."""

from __future__ import annotations

import os
import time
from pathlib import Path

from luthier.jobs.workers.strays import sweep_strays
from luthier.store import DEFAULT_PROJECT, JOBS, Store, TunedModel, Upload, UploadPart, files, models, uploads
from some_jobs import ask, chat_rows, put_file


def test_only_what_no_record_names_is_removed(store: Store, tmp_path: Path):
    blobs, file = store.blobs, put_file(store, chat_rows(12))
    job, over = ask(store, training_file=file), ask(store, training_file=file)
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "weights.txt").write_text("w")
    for folder in ("models/j/final", "models/lost/final", f"runs/{job.id}/step-1", f"runs/{over.id}/step-1"):
        blobs.put_folder(folder, tmp_path / "adapter")
    for key in ("files/file-lost", "uploads/upload_1/part_1", "uploads/upload_1/part_lost"):
        blobs.put(key, [b"x"])
    now = int(time.time())
    upload = Upload("upload_1", DEFAULT_PROJECT, "a.jsonl", "fine-tune", "text/plain", 1, now, now + 60)
    with store.database.writing() as connection:
        uploads.create(connection, upload)
        uploads.add_part(
            connection, UploadPart("part_1", DEFAULT_PROJECT, upload.id, 1, "uploads/upload_1/part_1", now)
        )
        models.create(
            connection, TunedModel("ft:x", DEFAULT_PROJECT, "tiny", job.id, "adapter", "models/j/final", "acme", now)
        )
        JOBS.change(connection, DEFAULT_PROJECT, over.id, status="succeeded")
    assert sweep_strays(store) == 0
    assert sweep_strays(store, older_than_seconds=-60) == 6
    assert blobs.keys("files") == [files.blob_key(file)]
    assert blobs.keys("uploads") == ["uploads/upload_1/part_1"]
    assert {key.rpartition("/")[0] for key in blobs.keys("models") + blobs.keys("runs")} == {
        "models/j/final",
        f"runs/{job.id}/step-1",
    }


def test_what_is_older_than_the_database_is_left_alone(store: Store):
    store.blobs.put("files/file-of-another", [b"x"])
    assert store.blobs.folder is not None
    os.utime(store.blobs.folder / "files" / "file-of-another", (1, 1))
    assert sweep_strays(store, older_than_seconds=-60) == 0
    assert store.blobs.exists("files/file-of-another")
