"""Answers: batched generation over any model, by our own memory or, where that cannot serve, by Transformers; and the
engine that serves many requests at once."""

from luthier.generation.decoding import Continuation, Decoding
from luthier.generation.engine import (
    GREEDY,
    ContextExceeded,
    Ended,
    EndReason,
    Engine,
    EngineBusy,
    EngineClosed,
    EngineCounts,
    EngineFailed,
    EngineSettings,
    Request,
    RequestRefused,
    Sampling,
    Spread,
    Stream,
    Token,
    TokenRule,
    engine_note,
)
from luthier.generation.fallback import fallback_reason
from luthier.generation.generate import generate
from luthier.generation.given_texts import mean_hidden, token_log_probs
from luthier.generation.likelihood import Continued, continuation_log_probs

__all__ = [
    "GREEDY",
    "ContextExceeded",
    "Continuation",
    "Continued",
    "Decoding",
    "EndReason",
    "Ended",
    "Engine",
    "EngineBusy",
    "EngineClosed",
    "EngineCounts",
    "EngineFailed",
    "EngineSettings",
    "Request",
    "RequestRefused",
    "Sampling",
    "Spread",
    "Stream",
    "Token",
    "TokenRule",
    "continuation_log_probs",
    "engine_note",
    "fallback_reason",
    "generate",
    "mean_hidden",
    "token_log_probs",
]
