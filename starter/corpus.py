"""The pretraining text: read from gzip files, turned into one long stream of token ids, cached on disk.

The text is not part of this repository (107 MB); README.md in this folder lists its sources, licences and checksums.
"""

import gzip
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

DOCUMENT_END = "<|endoftext|>"

# How often each file is read in one pass. Plain modern prose and simple stories are closest to what users
# will tune for, and they are small beside the books.
REPEATS = {
    "stories.txt.gz": 3,
    "plain_english.txt.gz": 2,
    "books_simple.1.txt.gz": 1,
    "books_simple.2.txt.gz": 1,
    "books.1.txt.gz": 1,
    "books.2.txt.gz": 1,
}
VALIDATION_FILE = "valid.txt.gz"


def documents(path: Path) -> Iterator[str]:
    """Documents of one file; each ends with a line that holds only the end marker."""
    lines: list[str] = []
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            if line.rstrip("\n") == DOCUMENT_END:
                yield "".join(lines).strip()
                lines = []
            else:
                lines.append(line)
    if lines:
        yield "".join(lines).strip()


def encode_file(path: Path, tokenizer: Tokenizer) -> np.ndarray:
    """All documents of a file as one uint16 stream, each followed by the end-of-text token."""
    end_id = tokenizer.token_to_id(DOCUMENT_END)
    stream: list[np.ndarray] = []
    batch: list[str] = []

    def flush() -> None:
        for encoding in tokenizer.encode_batch(batch):
            stream.append(np.array([*encoding.ids, end_id], dtype=np.uint16))
        batch.clear()

    for document in documents(path):
        batch.append(document)
        if len(batch) == 256:
            flush()
    flush()
    return np.concatenate(stream)


def training_windows(folder: Path, cache: Path, tokenizer: Tokenizer, window_tokens: int, seed: int) -> np.ndarray:
    """Token windows ``[windows, window_tokens + 1]`` of one weighted pass, shuffled once with ``seed``.

    Returns a uint16 array; neighbouring windows overlap by the one token that is both target and input.
    """
    cache.mkdir(parents=True, exist_ok=True)
    parts = []
    for name, repeats in REPEATS.items():
        cached = cache / f"{name}.npy"
        if not cached.exists():
            np.save(cached, encode_file(folder / name, tokenizer))
        parts += [np.load(cached)] * repeats
    stream = np.concatenate(parts)
    count = (len(stream) - 1) // window_tokens
    starts = np.random.default_rng(seed).permutation(count) * window_tokens
    return np.lib.stride_tricks.sliding_window_view(stream, window_tokens + 1)[starts]


def validation_bytes_and_ids(folder: Path, tokenizer: Tokenizer) -> tuple[int, np.ndarray]:
    """Number of UTF-8 bytes of the validation text, and its token stream."""
    path = folder / VALIDATION_FILE
    size = sum(len(document.encode("utf-8")) for document in documents(path))
    return size, encode_file(path, tokenizer)
