"""What a job is refused for: at once, as an answer to the request, or later, as the job's own error."""

from __future__ import annotations

from luthier.errors import LuthierError


class JobRefused(LuthierError):
    """A request about a job that cannot be met (400). ``message`` is whole; ``param`` names the field."""

    def __init__(self, message: str, *, code: str | None = "invalid_value", param: str | None = None):
        super().__init__(message, expected="a request as docs/jobs.md describes it", fix="correct it")
        self.message = message
        self.code = code
        self.param = param


class FileRefused(LuthierError):
    """A training or validation file that cannot be used; the job fails with these three."""

    def __init__(self, code: str, message: str, param: str):
        super().__init__(message, expected="rows as docs/jobs.md describes them", fix="mend the file")
        self.code = code
        self.message = message
        self.param = param

    def as_error(self) -> dict[str, str]:
        return {"code": self.code, "message": self.message, "param": self.param}
