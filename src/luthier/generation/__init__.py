"""Answers: batched generation over any model whose layers are attention."""

from luthier.generation.generate import Continuation, Decoding, generate

__all__ = ["Continuation", "Decoding", "generate"]
