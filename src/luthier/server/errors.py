"""Every refusal in OpenAI's envelope: one class for what the server itself refuses, and how other errors are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from luthier.errors import (
    DataError,
    LuthierError,
    ModelError,
    NotAnswered,
    NotYetAnswering,
    PromptTooLong,
    RecipeError,
    StorageError,
    TooBusy,
)
from luthier.jobs import JobRefused
from luthier.store import BlobMissing, DatabaseUnreachable, TooLarge, UnknownCursor, UnstorableText

INVALID = "invalid_request_error"
NO_RETRY = {"x-should-retry": "false"}


class Refused(LuthierError):
    """A request that is answered with ``status`` and the envelope; ``found`` is the whole message."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ):
        super().__init__(message, expected="a request as docs/serving.md describes it", fix="correct it")
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.headers = dict(headers or {})


def invalid(message: str, param: str | None = None, code: str | None = "invalid_value") -> Refused:
    """400: malformed, out of range, or not possible in the state that things are in."""
    return Refused(400, message, code=code, param=param)


def missing(what: str, id: str, param: str | None = "id") -> Refused:
    """404, word for word the same for what never was, is deleted, or is another project's."""
    return Refused(404, f"No such {what}: {shown(id)}", param=param)


def no_model(id: str) -> Refused:
    return Refused(
        404,
        f"The model `{shown(id)}` does not exist or you do not have access to it.",
        code="model_not_found",
        param="model",
    )


def too_many(message: str, after_seconds: float, code: str = "rate_limit_exceeded") -> Refused:
    """429; the clients wait ``after_seconds`` and try again (above 120 s they would give up at once)."""
    seconds = min(max(after_seconds, 0.001), 120.0)
    headers = {"retry-after": str(max(1, round(seconds + 0.499))), "retry-after-ms": str(int(seconds * 1000))}
    return Refused(429, message, code=code, headers=headers)


def shown(text: str) -> str:
    """What a client wrote, short enough to be repeated to it."""
    return text if len(text) <= 200 else text[:200] + "…"


def envelope(message: str, kind: str, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def error_response(error: BaseException) -> JSONResponse:
    """Any error as a response. What is not a LuthierError is our mistake: 500, and nothing of it is told."""
    refused = as_refused(error)
    kind = {401: INVALID, 429: "rate_limit_error"}.get(refused.status, INVALID)
    if refused.code == "insufficient_quota":
        kind = "insufficient_quota"
    if refused.status >= 500:
        kind = "server_error"
    headers = dict(refused.headers)
    if refused.status == 409:
        headers.setdefault("x-should-retry", "false")
    body = envelope(refused.message, kind, refused.param, refused.code)
    return JSONResponse(body, refused.status, headers)


def as_refused(error: BaseException) -> Refused:
    match error:
        case Refused():
            return error
        case RequestValidationError():
            return _from_validation(error.errors(), error.body)
        case HTTPException():
            return _from_http(error)
        case TooLarge():
            return Refused(413, f"The body is too large: {error.found}.", code="request_too_large")
        case JobRefused():
            return invalid(error.message, error.param, error.code)
        case UnknownCursor():
            return invalid(error.found, "after")
        case UnstorableText():
            return invalid("The request holds characters or numbers that cannot be stored.")
        case DatabaseUnreachable():
            return Refused(503, "The server's database does not answer; try again.", headers={"retry-after": "2"})
        case BlobMissing():
            return Refused(404, "The content is no longer there.")
        case PromptTooLong():
            return invalid(f"{error.found}. Expected {error.expected}.", "messages", "context_length_exceeded")
        case TooBusy():
            return too_many(f"The server is busy: {error.found}.", error.retry_after_seconds)
        case NotYetAnswering():
            after = {"retry-after": str(max(1, round(error.retry_after_seconds)))}
            return Refused(503, f"The server is not ready: {error.found}.", headers=after)
        case NotAnswered():
            return Refused(503, f"The answer could not be written: {error.found}.")
        case StorageError():
            return Refused(507, "The server cannot store this: no space, or no permission.", headers=NO_RETRY)
        case DataError() | RecipeError() | ModelError():
            return invalid(f"{error.found}. Expected {error.expected}. {error.fix[:1].upper()}{error.fix[1:]}.")
        case LuthierError():
            return invalid(error.found)
        case _:
            return Refused(500, "The server had an error while processing your request; its log tells which.")


def _from_http(error: HTTPException) -> Refused:
    """What the framework refuses before a handler runs."""
    told = {
        404: "Unknown request URL. Check the address, and that base_url ends in /v1.",
        405: "Method not allowed for this address.",
    }
    message = told.get(error.status_code) or str(error.detail)
    return Refused(
        error.status_code, message, code="unknown_url" if error.status_code == 404 else None, headers=error.headers
    )


def _from_validation(details: Sequence[Any], body: Any) -> Refused:
    """The first mistake, in the words of its check; pydantic's answer would be 422, ours is 400."""
    first = details[0]
    if first["type"] == "json_invalid":
        return Refused(400, "We could not parse the JSON body of your request.")
    param = param_of(first["loc"], body)
    if param == "body" and first["type"] in ("model_attributes_type", "dict_type"):
        return invalid("The body is no JSON object, or was not sent with the header Content-Type: application/json.")
    if first["type"] == "missing":
        return invalid(f"Missing required parameter: '{param}'.", param, "missing_required_parameter")
    message = str(first["msg"]).removeprefix("Value error, ")
    return invalid(f"Invalid value for '{param}': {message[:1].lower()}{message[1:]}.", param)


def param_of(location: Sequence[int | str], body: Any) -> str:
    """``("body", "method", "dpo", "beta")`` as `method.beta`: names of union members are left out."""
    if location[:1] != ("body",):
        return ".".join(str(part) for part in location[1:]) or "request"
    name, value = "", body
    for place, part in enumerate(location[1:], 2):
        if isinstance(part, int) and isinstance(value, list):
            name, value = f"{name}[{part}]", value[part] if part < len(value) else None
        elif isinstance(value, dict) and (part in value or place == len(location)):
            name, value = f"{name}.{part}" if name else str(part), value.get(part)
    return name or "body"
