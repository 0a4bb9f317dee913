"""Documents in, ranked passages out: read, cut at headings and sentences, indexed, found, and recall measured."""

from luthier.retrieval.chunks import Chunk, ChunkSize, chunk_document, chunk_documents
from luthier.retrieval.documents import Document, Documents, read_documents
from luthier.retrieval.pgvector import PgvectorStore, connect_pgvector
from luthier.retrieval.recall import from_document, holding, recall_at
from luthier.retrieval.retriever import Embed, Passage, Retriever, fill, reciprocal_rank_fusion, unit_vectors
from luthier.retrieval.store import PassageStore, SqliteStore

__all__ = [
    "Chunk",
    "ChunkSize",
    "Document",
    "Documents",
    "Embed",
    "Passage",
    "PassageStore",
    "PgvectorStore",
    "Retriever",
    "SqliteStore",
    "chunk_document",
    "chunk_documents",
    "connect_pgvector",
    "fill",
    "from_document",
    "holding",
    "read_documents",
    "recall_at",
    "reciprocal_rank_fusion",
    "unit_vectors",
]
