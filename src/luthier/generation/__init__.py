"""Answers: batched generation over any model, by our own memory or, where that cannot serve, by Transformers."""

from luthier.generation.decoding import Continuation, Decoding
from luthier.generation.fallback import fallback_reason
from luthier.generation.generate import generate

__all__ = ["Continuation", "Decoding", "fallback_reason", "generate"]
