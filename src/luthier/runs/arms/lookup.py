"""What the arms rag and tuned-rag look things up in: the user's documents, else the training rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from luthier.evaluation import index_rows, remote_embed
from luthier.events import Event, Noticed
from luthier.retrieval import ChunkSize, Retriever, SqliteStore, chunk_documents, fill, read_documents
from luthier.runs.arms.asking import Asking

AUTO_PASSAGE_TOKENS = 200
# Room for five passages beside a prompt of the same size.
AUTO_SHARE_OF_PROMPT = 6


def open_documents(asking: Asking) -> Iterator[Event | Retriever]:
    """Yields what was read and left out, then the filled index. Raises DataError when there is nothing to look up."""
    settings = asking.recipe.evaluation
    if settings.documents is None:
        return
    read = read_documents(Path(settings.documents))
    size = passage_size(asking)
    chunks = chunk_documents(read.documents, size)
    by = "words and meaning" if settings.embeddings else "words"
    yield Noticed(
        f"{settings.documents}: {len(read.documents):,} documents, {len(chunks):,} passages of at most "
        f"{size.most} tokens, searched by {by}"
    )
    for note in read.notes:
        yield Noticed(f"{settings.documents}: {note}")
    yield fill(SqliteStore(), chunks, remote_embed(settings.embeddings) if settings.embeddings else None)


def open_rows(asking: Asking) -> Retriever:
    return index_rows(asking.data.train)


def passage_size(asking: Asking) -> ChunkSize:
    asked = asking.recipe.evaluation.passage_tokens
    automatic = max(1, min(AUTO_PASSAGE_TOKENS, asking.budget.max_prompt_tokens // AUTO_SHARE_OF_PROMPT))
    chat = asking.bench.chat
    return ChunkSize(automatic if asked == "auto" else asked, measure=lambda text: len(chat.ids(text)))
