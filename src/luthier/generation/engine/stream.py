"""The reader's end of one request: tokens as they are written, to a thread or to an event loop."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from queue import Empty, SimpleQueue

from luthier.errors import LuthierError
from luthier.generation.engine.request import Ended, Request, Token

Item = Token | Ended | LuthierError


class Stream:
    """Read by one reader. ``ended`` is set when the last token was read. Made by `Engine.submit`."""

    def __init__(self, request: Request):
        self.request = request
        self.ended: Ended | None = None
        self.is_cancelled = False
        self._items: SimpleQueue[Item] = SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news: asyncio.Event | None = None
        self._failure: LuthierError | None = None

    def __iter__(self) -> Iterator[Token]:
        """Waits for each token. Raises LuthierError when the request could not be served."""
        while self.ended is None:
            token = self._took(self._items.get())
            if token is not None:
                yield token

    async def __aiter__(self) -> AsyncIterator[Token]:
        """The same for an event loop, which is woken once per step for all its streams. Raises the same."""
        async for bundle in self.bundles():
            for token in bundle:
                yield token

    async def bundles(self) -> AsyncIterator[list[Token]]:
        """All tokens that are there, as often as there are any: a loop that has much to do gets more at a time."""
        self._news = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        while self.ended is None:
            bundle = self._taken()
            if bundle:
                yield bundle
            elif self.ended is None:
                self._news.clear()
                if self._items.empty():
                    await self._news.wait()

    def result(self) -> tuple[list[Token], Ended]:
        """Wait for the whole answer."""
        tokens = list(self)
        assert self.ended is not None
        return tokens, self.ended

    def cancel(self) -> None:
        """Stop writing: at the next step the answer ends as "cancelled". From any thread, at any time."""
        self.is_cancelled = True

    def put(self, item: Item) -> None:
        """The engine's side; a loop that reads is woken by `ring`."""
        self._items.put(item)

    def _taken(self) -> list[Token]:
        """What is there now; an error behind tokens is kept for the next time."""
        bundle: list[Token] = []
        while self.ended is None:
            try:
                item = self._items.get_nowait() if self._failure is None else self._failure
            except Empty:
                break
            if bundle and isinstance(item, LuthierError):
                self._failure = item
                break
            token = self._took(item)
            if token is not None:
                bundle.append(token)
        return bundle

    def _took(self, item: Item) -> Token | None:
        if isinstance(item, Token):
            return item
        if isinstance(item, LuthierError):
            raise item
        self.ended = item
        return None


def ring(streams: Iterable[Stream]) -> None:
    """Wake the loops that read from these streams, each loop once."""
    loops: dict[asyncio.AbstractEventLoop, list[Stream]] = {}
    for stream in streams:
        if stream._loop is not None:
            loops.setdefault(stream._loop, []).append(stream)
    for loop, theirs in loops.items():
        try:
            loop.call_soon_threadsafe(_wake, theirs)
        except RuntimeError:  # the loop was closed: nobody reads any more
            for stream in theirs:
                stream.cancel()


def _wake(streams: list[Stream]) -> None:
    for stream in streams:
        if stream._news is not None:
            stream._news.set()
