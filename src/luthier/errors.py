"""Errors that users see. Each is advice: what was found, what was expected, the smallest next step."""


class LuthierError(Exception):
    """A failure that the user can mend; the command line prints it without a traceback.

    ``exit_code`` is what the process ends with. A subclass names the kind of thing that was wrong.
    """

    exit_code = 1

    def __init__(self, found: str, *, expected: str, fix: str):
        super().__init__(found)
        self.found = found
        self.expected = expected
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.found}\n  expected: {self.expected}\n  fix: {self.fix}"


class RecipeError(LuthierError):
    """A setting is unknown, mistyped or out of bounds."""

    exit_code = 2


class DataError(LuthierError):
    """A data file or row cannot be used."""

    exit_code = 3


class ModelError(LuthierError):
    """A model folder is incomplete, unsafe or of an unsupported kind."""

    exit_code = 4


class TrainingError(LuthierError):
    """Training cannot start or cannot go on."""

    exit_code = 5


class PromptTooLong(LuthierError):
    """A prompt that leaves no room for an answer."""


class TooBusy(LuthierError):
    """As much is being answered as can be. ``retry_after_seconds``: about when there will be room."""

    def __init__(self, found: str, retry_after_seconds: float):
        super().__init__(found, expected="a shorter queue", fix=f"try again in {retry_after_seconds:.0f} seconds")
        self.retry_after_seconds = retry_after_seconds


class NotAnswered(LuthierError):
    """The side that answers failed, or ran out of time; nothing is wrong with the request."""


class NotYetAnswering(NotAnswered):
    """What answers is still being opened. ``retry_after_seconds``: when to ask again."""

    def __init__(self, found: str, retry_after_seconds: float):
        super().__init__(
            found, expected="a server that is ready", fix=f"try again in {retry_after_seconds:.0f} seconds"
        )
        self.retry_after_seconds = retry_after_seconds


class StorageError(LuthierError):
    """Something could not be written or read back: no space, no permission, a damaged file."""

    exit_code = 6


class SandboxError(LuthierError):
    """User code cannot be run as it is, or cannot be contained on this machine."""

    exit_code = 7


class Interrupted(LuthierError):
    """The user stopped the run; everything needed to go on is on disk."""

    exit_code = 130
