"""How often and how much a key may ask: two buckets per key that fill evenly, in the memory of this process."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from luthier.server.errors import too_many

# Keys that asked for nothing for this long have full buckets anyway.
FORGOTTEN_SECONDS = 120.0


@dataclass
class Bucket:
    """``level`` may fall below zero: what an answer cost is known only afterwards, and is then waited for."""

    per_minute: int
    level: float
    filled_at: float

    def fill(self, now: float) -> None:
        gained = (now - self.filled_at) * self.per_minute / 60.0
        self.level, self.filled_at = min(float(self.per_minute), self.level + gained), now

    def seconds_until(self, amount: float) -> float:
        """Until ``amount`` could be taken; more than the bucket ever holds is let through when it is full."""
        lacking = min(amount, float(self.per_minute)) - self.level
        return max(0.0, lacking * 60.0 / self.per_minute)


@dataclass(frozen=True)
class Allowed:
    """``None`` is no limit."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None


@dataclass
class Limits:
    """Threads and the event loop share it; every call is short."""

    buckets: dict[tuple[str, str], Bucket] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take_request(self, key_id: str, allowed: Allowed) -> dict[str, str]:
        """Count one request; returns the headers that tell what is left. Raises 429 when nothing is."""
        now = time.monotonic()
        with self.lock:
            self._forget(now)
            requests = self._bucket(key_id, "requests", allowed.requests_per_minute, now)
            tokens = self._bucket(key_id, "tokens", allowed.tokens_per_minute, now)
            if requests is not None and (wait := requests.seconds_until(1.0)) > 0:
                raise too_many("Rate limit reached: too many requests per minute for this key.", wait)
            if tokens is not None and (wait := tokens.seconds_until(1.0)) > 0:
                raise too_many("Rate limit reached: too many tokens per minute for this key.", wait)
            if requests is not None:
                requests.level -= 1.0
            return _headers("requests", requests) | _headers("tokens", tokens)

    def spend_tokens(self, key_id: str, tokens: int) -> None:
        """Count what an answer (or a prompt) took; a key without a limit costs nothing here."""
        with self.lock:
            bucket = self.buckets.get((key_id, "tokens"))
            if bucket is not None:
                bucket.fill(time.monotonic())
                bucket.level -= tokens

    def _bucket(self, key_id: str, what: str, per_minute: int | None, now: float) -> Bucket | None:
        if per_minute is None:
            self.buckets.pop((key_id, what), None)
            return None
        bucket = self.buckets.get((key_id, what))
        if bucket is None or bucket.per_minute != per_minute:
            bucket = self.buckets[key_id, what] = Bucket(per_minute, float(per_minute), now)
        bucket.fill(now)
        return bucket

    def _forget(self, now: float) -> None:
        if len(self.buckets) > 1000:
            for name, bucket in list(self.buckets.items()):
                if now - bucket.filled_at > FORGOTTEN_SECONDS and bucket.level >= 0:
                    del self.buckets[name]


def _headers(what: str, bucket: Bucket | None) -> dict[str, str]:
    if bucket is None:
        return {}
    missing = bucket.per_minute - bucket.level
    return {
        f"x-ratelimit-limit-{what}": str(bucket.per_minute),
        f"x-ratelimit-remaining-{what}": str(max(0, int(bucket.level))),
        f"x-ratelimit-reset-{what}": _duration(missing * 60.0 / bucket.per_minute),
    }


def _duration(seconds: float) -> str:
    """As the platform writes them: 20ms, 7.66s, 6m0s."""
    if seconds < 1:
        return f"{int(seconds * 1000)}ms"
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}m{int(rest)}s" if minutes else f"{rest:.3g}s"
