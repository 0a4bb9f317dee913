"""What the engine tells a caller whose request it does not take."""

from luthier.errors import LuthierError


class RequestRefused(LuthierError):
    """A request that no engine could serve as it is: too long, unknown adapter, ids out of range."""


class ContextExceeded(RequestRefused):
    """The prompt leaves no room for an answer."""


class EngineBusy(LuthierError):
    """The queue is full. ``retry_after_seconds``: about when there will be room."""

    def __init__(self, waiting: int, retry_after_seconds: float):
        super().__init__(
            f"{waiting} requests are waiting already",
            expected="a shorter queue",
            fix=f"try again in {retry_after_seconds:.0f} seconds, or raise engine.waiting",
        )
        self.retry_after_seconds = retry_after_seconds


class EngineFailed(LuthierError):
    """A step went wrong on the engine's side, by its ``__cause__``; the requests in it are lost, the engine goes on."""


class EngineClosed(LuthierError):
    """The engine is shutting down."""

    def __init__(self) -> None:
        super().__init__("the engine is closed", expected="a running engine", fix="send the request again")
