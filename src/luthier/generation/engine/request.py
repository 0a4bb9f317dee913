"""What is asked of the engine and what comes back, at the level of token ids."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

import numpy as np

EndReason = Literal["stop", "length", "cancelled", "deadline"]


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen. Temperature 0 is greedy; ``top_k`` 0 and ``top_p`` 1 cut nothing off.

    Presence and frequency penalties count the answer so far; the repetition penalty (Keskar et al. 2019,
    arXiv:1909.05858) counts prompt and answer. They act on the logits before the temperature, as does ``logit_bias``.
    Equal seeds give equal answers, whoever shares the batch.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    seed: int = 0

    @property
    def has_penalties(self) -> bool:
        return bool(self.presence_penalty or self.frequency_penalty) or self.repetition_penalty != 1.0


GREEDY = Sampling(temperature=0.0)


class TokenRule(Protocol):
    """Decides which tokens may come next (`text/structure.py`). Used by one request, never by two threads at once."""

    def fill(self, allowed_W: np.ndarray) -> None:
        """Write the allowed tokens as bits into int32 words: token t is bit t % 32 of word t // 32."""
        ...

    def advance(self, token: int) -> None:
        """Say which token was chosen."""
        ...


@dataclass(frozen=True)
class Request:
    """``ids``: the whole prompt. ``max_tokens`` None: as far as the context reaches. ``stop_ids`` end the answer and
    are not part of it; none of them comes before ``min_tokens``.

    ``adapter`` is a name that the engine was told, None the bare base. ``project``: whose share of the machine this is.
    ``top_log_probs``: None gives no log-probabilities, 0 that of each chosen token, n also those of the n likeliest.
    ``deadline_seconds`` counts from `Engine.submit`.
    """

    ids: tuple[int, ...]
    max_tokens: int | None = None
    sampling: Sampling = GREEDY
    stop_ids: frozenset[int] = frozenset()
    min_tokens: int = 0
    adapter: str | None = None
    project: str = ""
    rule: TokenRule | None = None
    top_log_probs: int | None = None
    deadline_seconds: float | None = None


class Token(NamedTuple):
    """One written token. ``log_prob`` (nats) is under the model's own distribution, before any setting bends it."""

    id: int
    log_prob: float | None = None
    top: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class Ended:
    """Why an answer ended. ``prompt_cached``: tokens of the prompt that were remembered from earlier requests.

    ``seconds`` passed since it was asked; ``worked_seconds`` are its share, by tokens, of the steps that it was in.
    ``stop_id`` is the token that ended it, if one did.
    """

    reason: EndReason
    prompt_tokens: int
    prompt_cached: int
    written_tokens: int
    seconds: float
    worked_seconds: float
    stop_id: int | None = None
