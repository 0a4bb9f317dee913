"""Every refusal is OpenAI's envelope, whatever refused."""

from __future__ import annotations

import httpx
import openai
import pytest
from fastapi.exceptions import RequestValidationError
from openai.types.shared import ErrorObject

from luthier.errors import LuthierError, ModelError, StorageError
from luthier.server.errors import as_refused, error_response, invalid, param_of, too_many
from luthier.store import DatabaseUnreachable


def ask(server, method, path, **more):
    headers = {"authorization": f"Bearer {server.client.api_key}", **more.pop("headers", {})}
    return httpx.request(method, server.url + path, headers=headers, **more)


JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("GET", "/v1/nonsense", {}, 404),
        ("GET", "/", {"headers": {"accept": "x"}}, 200),
        ("GET", "/v2/models", {}, 404),
        ("GET", "/v1/models/", {}, 404),
        ("GET", "/v1//models", {}, 404),
        ("PUT", "/v1/files", {}, 405),
        ("PATCH", "/v1/fine_tuning/jobs", {}, 405),
        ("POST", "/v1/fine_tuning/jobs", {"content": b"{", "headers": JSON}, 400),
        ("POST", "/v1/fine_tuning/jobs", {"content": b"", "headers": JSON}, 400),
        ("POST", "/v1/fine_tuning/jobs", {"content": b"[]", "headers": JSON}, 400),
        ("POST", "/v1/fine_tuning/jobs", {"content": b"null", "headers": JSON}, 400),
        ("POST", "/v1/fine_tuning/jobs", {"content": b'{"model": NaN}', "headers": JSON}, 400),
        ("POST", "/v1/fine_tuning/jobs", {"content": b'{"model": "\xff"}', "headers": JSON}, 400),
        ("POST", "/v1/fine_tuning/jobs", {"content": b'{"model": "\\ud800"}', "headers": JSON}, 400),
        ("POST", "/v1/fine_tuning/jobs", {"content": b"{}", "headers": {"content-type": "text/plain"}}, 400),
        ("POST", "/v1/fine_tuning/jobs", {"json": {"model": "starter"}}, 400),
        ("POST", "/v1/fine_tuning/jobs", {"json": {"model": "\0", "training_file": "\0"}}, 400),
        ("GET", "/v1/fine_tuning/jobs?limit=x", {}, 400),
        ("GET", "/v1/fine_tuning/jobs?limit=0", {}, 400),
        ("GET", "/v1/fine_tuning/jobs?limit=99999999999999999999", {}, 400),
        ("GET", "/v1/files?order=sideways", {}, 400),
        ("GET", "/v1/files?after=file-none", {}, 400),
        ("GET", "/v1/files/%00", {}, 400),
        ("GET", "/v1/files/%2e%2e%2f%2e%2e%2fetc%2fpasswd", {}, 404),
        ("GET", "/v1/files/..%2F..%2Fetc%2Fpasswd/content", {}, 404),
        ("GET", "/v1/models/%ff%fe", {}, 404),
        ("GET", "/v1/models/..%2F..%2F..%2Fetc%2Fpasswd", {}, 404),
        ("GET", "/v1/files/" + "a" * 5000, {}, 404),
    ],
)
def test_what_cannot_be_answered_is_refused_in_the_envelope(server, method, path, more, status):
    answer = ask(server, method, path, **more)

    assert answer.status_code == status, answer.text
    assert answer.headers["x-request-id"].startswith("req_")
    if status != 200:
        assert answer.headers["content-type"] == "application/json"
        told = answer.json()["error"]
        assert set(told) == {"message", "type", "param", "code"} and told["type"] == "invalid_request_error"
        ErrorObject.model_validate(told, strict=True)


def test_the_clients_raise_what_they_raise_for_the_platform(server):
    wrong = openai.OpenAI(base_url=f"{server.url}/v1", api_key="sk-wrong", max_retries=0)

    with pytest.raises(openai.AuthenticationError) as unknown:
        wrong.models.list()
    with pytest.raises(openai.NotFoundError) as missing:
        server.client.models.retrieve("no-such-model")

    assert unknown.value.request_id.startswith("req_") and unknown.value.code == "invalid_api_key"
    assert missing.value.code == "model_not_found" and missing.value.param == "model"


def test_headers_of_the_platform_stand_on_every_answer(server):
    answers = [ask(server, "GET", path) for path in ("/v1/models", "/v1/nonsense", "/v1/files/x")]

    assert len({answer.headers["x-request-id"] for answer in answers}) == 3
    for answer in answers:
        assert answer.headers["openai-version"] == "2020-10-01"
        assert answer.headers.get("openai-organization") == (None if "nonsense" in answer.url.path else "my-org")
        assert int(answer.headers["openai-processing-ms"]) >= 0


def test_our_own_mistake_is_a_500_that_tells_nothing():
    body = error_response(RuntimeError("password is 12345")).body

    assert b"12345" not in body and b"server_error" in body


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (LuthierError("x", expected="y", fix="z"), 400),
        (ModelError("x", expected="y", fix="z"), 400),
        (StorageError("/data is full", expected="y", fix="z"), 507),
        (DatabaseUnreachable("no", expected="y", fix="z"), 503),
        (RequestValidationError([{"type": "missing", "loc": ("body", "a"), "msg": "m", "input": {}}], body={}), 400),
    ],
)
def test_errors_of_all_rooms_have_a_status(error, status):
    refused = as_refused(error)

    assert refused.status == status and "/data" not in refused.message


def test_a_429_says_when_to_come_again_and_never_so_late_that_clients_give_up():
    assert too_many("m", 0.3).headers == {"retry-after": "1", "retry-after-ms": "300"}
    assert too_many("m", 4000).headers["retry-after"] == "120"


def test_a_conflict_is_not_tried_again():
    refused = invalid("m")
    refused.status = 409

    assert error_response(refused).headers["x-should-retry"] == "false"


def test_names_of_union_members_are_left_out_of_the_param():
    body = {"grader": {"type": "x", "graders": [{"a": 1}]}}

    assert param_of(("body", "grader", "multi", "graders", 0, "name"), body) == "grader.graders[0].name"
    assert param_of(("query", "limit"), None) == "limit"
    assert param_of(("body",), None) == "body"


def test_a_body_without_its_content_type_is_told_so(server):
    refused = ask(server, "POST", "/v1/chat/completions", content=b'{"model": "x"}')

    assert refused.status_code == 400 and "Content-Type: application/json" in refused.json()["error"]["message"]
