"""Many requests, one batch: the engine behind chat, evaluation and rollouts, at the level of token ids."""

from luthier.generation.engine.counters import EngineCounts, Spread
from luthier.generation.engine.engine import Engine, engine_note
from luthier.generation.engine.failures import (
    ContextExceeded,
    EngineBusy,
    EngineClosed,
    EngineFailed,
    RequestRefused,
)
from luthier.generation.engine.request import GREEDY, Ended, EndReason, Request, Sampling, Token, TokenRule
from luthier.generation.engine.settings import EngineSettings
from luthier.generation.engine.stream import Stream

__all__ = [
    "GREEDY",
    "ContextExceeded",
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
    "engine_note",
]
