"""The engine of this process as what a server asks: models are loaded, and adapters fetched, when first asked."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from luthier.answering import AnswerRequest, AskedModel, Delta, EngineLoad, TokenChance, Usage
from luthier.errors import LuthierError, NotAnswered, PromptTooLong
from luthier.generation import Request, Sampling, Stream, mean_hidden, token_log_probs
from luthier.recipe import EngineSettings as ServedEngine
from luthier.runs.serving.host import Host, open_host, weights_print
from luthier.runs.serving.wording import Wording, check_biases
from luthier.runs.serving.writing import chance_of, in_our_words, seeds_of, written

Result = TypeVar("Result")
# Wholly tuned models are as large as their base; of those that nobody is asking, so many stay loaded.
IDLE_MODELS_KEPT = 2
# Tokens of one errand, between two steps of the engine.
EMBEDDED_AT_ONCE = 1024


class EmbeddedInference:
    """Implements the server's `Inference`. ``bases`` are the folders (or `starter`) of the models that are served;
    ``weights_folder`` gives the local folder of tuned weights by their key."""

    def __init__(self, settings: ServedEngine, bases: Sequence[str], weights_folder: Callable[[str], Path]):
        self.settings = settings
        self.bases = tuple(dict.fromkeys(bases))
        self.weights_folder = weights_folder
        self._hosts: OrderedDict[str, Host] = OrderedDict()
        self._opening: dict[str, Future[Host]] = {}
        self._prints: dict[str, str] = {}
        self._lock = threading.Lock()
        self._is_closed = False

    async def answer(self, request: AnswerRequest) -> AsyncGenerator[Delta]:
        async with self._asked(request.model) as (host, adapter):
            wording = host.wording_of(adapter)
            requests = await _in_thread(_engine_requests, adapter, wording, request)
            if request.echo:
                _check_length(requests[0].ids, host)
            streams = _submitted(host, requests) if request.sampling.max_tokens != 0 else []
            try:
                if request.echo:
                    yield await self._echo(host, wording, request, requests[0])
                if not streams:
                    for delta in _nothing_written(request, requests[0]):
                        yield delta
                    return
                async for delta in written(request, wording, streams):
                    yield delta
            finally:
                for stream in streams:
                    stream.cancel()

    async def embed(self, model: AskedModel, texts: Sequence[str | tuple[int, ...]]) -> tuple[list[list[float]], int]:
        async with self._asked(model) as (host, adapter):
            wording = host.wording_of(adapter)
            rows = [wording.text_ids(text) if isinstance(text, str) else list(text) for text in texts]
            for row in rows:
                _check_length(row, host)
            vectors: list[list[float]] = []
            for part in _short_parts(rows):
                vectors += await _borrowed(host, adapter, partial(mean_hidden, rows=part))
            return vectors, sum(map(len, rows))

    def is_ready(self) -> bool:
        """Models come when they are asked for; until it is closed it would answer."""
        return not self._is_closed

    def fingerprint(self, model: AskedModel) -> str:
        known = model.path if model.weights is None else f"{model.path} {model.weights}"
        if known not in self._prints:
            own = "" if model.weights is None else model.weights.replace("/", "_")[-16:]
            self._prints[known] = f"fp_{weights_print(model.path)}{own and '_' + own}"
        return self._prints[known]

    def load(self) -> EngineLoad:
        counts = [host.engine.counts() for host in self.hosts()]
        return EngineLoad(
            sum(each.running for each in counts),
            sum(each.waiting for each in counts),
            sum(each.adapter_loads for each in counts),
        )

    def models(self) -> list[str]:
        """Those in memory, by their folders."""
        with self._lock:
            return list(self._hosts)

    def hosts(self) -> list[Host]:
        with self._lock:
            return list(self._hosts.values())

    def warm(self) -> None:
        """Load every base now, so that the first request does not wait for it. Raises ModelError."""
        for path in self.bases:
            host = self._host(path)
            with self._lock:
                host.users -= 1

    async def close(self, grace_seconds: float = 0.0) -> None:
        self._is_closed = True
        await asyncio.gather(*(_in_thread(host.engine.close, grace_seconds) for host in self.hosts()))

    @asynccontextmanager
    async def _asked(self, model: AskedModel) -> AsyncGenerator[tuple[Host, str | None]]:
        """The host of a model and the name of its adapter, held while it is being asked."""
        is_whole = model.weights is not None and model.kind == "model"
        host = await _in_thread(self._host, model.weights if is_whole else model.path, is_whole)
        try:
            adapter = None if is_whole else model.weights
            if adapter is not None:
                await _in_thread(host.bring, adapter, self.weights_folder)
            yield host, adapter
        finally:
            with self._lock:
                host.users -= 1

    def _host(self, name: str, is_whole: bool = False) -> Host:
        """Loaded once, however many ask at the same moment; the caller holds it and gives it back."""
        with self._lock:
            if self._is_closed:
                raise NotAnswered("the server is stopping", expected="a running server", fix="send it again")
            host = self._hosts.get(name)
            if host is not None:
                host.users += 1
                self._hosts.move_to_end(name)
                return host
            opening = self._opening.get(name)
            is_first = opening is None
            opening = self._opening.setdefault(name, Future())
        if is_first:
            self._open(name, is_whole, opening)
        host = opening.result()
        with self._lock:
            host.users += 1
        return host

    def _open(self, name: str, is_whole: bool, opening: Future[Host]) -> None:
        try:
            host = open_host(str(self.weights_folder(name)) if is_whole else name, self.settings)
        # Everybody who waits for this model is told, and the next request tries again.
        except BaseException as error:
            with self._lock:
                del self._opening[name]
            opening.set_exception(error)
            return
        with self._lock:
            self._hosts[name] = host
            del self._opening[name]
            leaving = self._leaving()
        opening.set_result(host)
        for idle in leaving:
            idle.engine.close()

    def _leaving(self) -> list[Host]:
        """Whole tuned models beyond those that may stay, the ones asked longest ago first."""
        idle = [name for name, host in self._hosts.items() if name not in self.bases and not host.users]
        return [self._hosts.pop(name) for name in idle[: max(0, len(idle) - IDLE_MODELS_KEPT)]]

    async def _echo(self, host: Host, wording: Wording, request: AnswerRequest, asked: Request) -> Delta:
        """The prompt as text, and the chances of its tokens where log-probabilities are asked for."""
        ids, top = asked.ids, request.sampling.top_logprobs
        text = request.text if request.text is not None else wording.chat.decode_all(ids)
        if top is None:
            return Delta(prompt_text=text)
        tokens = await _borrowed(host, asked.adapter, lambda model: token_log_probs(model, ids, top))
        spelt, as_bytes = wording.spelling.of(ids[0])
        first = TokenChance(spelt, None, as_bytes)
        return Delta(
            prompt_text=text, prompt_chances=(first, *(chance_of(token, wording.spelling) for token in tokens))
        )


def _engine_requests(adapter: str | None, wording: Wording, request: AnswerRequest) -> list[Request]:
    """One per choice. Raises LuthierError for a conversation, a bias or a schema that cannot be."""
    check_biases(request, wording.vocabulary)
    ids = wording.prompt_ids(request)
    return [
        Request(
            ids=ids,
            max_tokens=request.sampling.max_tokens,
            sampling=_sampling(request, seed),
            stop_ids=wording.chat.end_ids,
            adapter=adapter,
            project=request.client,
            rule=wording.rule(request),
            top_log_probs=request.sampling.top_logprobs,
            deadline_seconds=request.deadline_seconds,
        )
        for seed in seeds_of(request)
    ]


def _submitted(host: Host, requests: Sequence[Request]) -> list[Stream]:
    """All choices, or none where the queue has no room for all."""
    streams: list[Stream] = []
    try:
        with in_our_words():
            for asked in requests:
                streams.append(host.engine.submit(asked))
    except LuthierError:
        for stream in streams:
            stream.cancel()
        raise
    return streams


def _nothing_written(request: AnswerRequest, asked: Request) -> list[Delta]:
    """What is left of an answer of no tokens: only the prompt was to be judged."""
    last = request.choices - 1
    usage = Usage(len(asked.ids))
    return [Delta(choice, finish="length", usage=usage if choice == last else None) for choice in range(last + 1)]


def _sampling(request: AnswerRequest, seed: int) -> Sampling:
    asked = request.sampling
    return Sampling(
        temperature=asked.temperature,
        top_p=asked.top_p,
        top_k=asked.top_k or 0,
        presence_penalty=asked.presence_penalty,
        frequency_penalty=asked.frequency_penalty,
        logit_bias=asked.logit_bias,
        seed=seed,
    )


def _check_length(row: Sequence[int], host: Host) -> None:
    most, vocabulary = host.engine.context_tokens, host.engine.vocabulary
    if len(row) > most or max(row) >= vocabulary:
        raise PromptTooLong(
            f"a text of {len(row)} tokens, the highest of them {max(row)}",
            expected=f"at most {most} tokens, all below {vocabulary}",
            fix="shorten it, or encode it with this model's own tokenizer",
        )


def _short_parts(rows: Sequence[list[int]]) -> list[list[list[int]]]:
    """In order, each part so short that answers being written hardly wait for it."""
    parts: list[list[list[int]]] = [[]]
    for row in rows:
        if parts[-1] and sum(map(len, parts[-1])) + len(row) > EMBEDDED_AT_ONCE:
            parts.append([])
        parts[-1].append(row)
    return parts


async def _borrowed(host: Host, adapter: str | None, work: Callable[[Any], Result]) -> Result:
    with in_our_words():
        return await asyncio.wrap_future(host.engine.borrow(adapter, work))


def _in_thread(work: Callable[..., Result], *arguments: Any) -> Awaitable[Result]:
    return asyncio.to_thread(work, *arguments)
