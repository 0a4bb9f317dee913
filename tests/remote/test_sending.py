"""What is tried again, how long is waited, and what is told in the end."""

import time

import pytest

from luthier.examples import Message
from luthier.remote import RemoteError, ask_remote
from scripted_server import completion, refusal

HELLO = (Message("user", "Hello?"),)
WEB_PAGE = (200, {}, "<html>Sign in</html>")


@pytest.mark.parametrize(
    "trouble",
    [refusal(429), refusal(500), refusal(503), WEB_PAGE, (502, {}, "<html>bad gateway</html>")],
)
def test_what_may_pass_is_tried_again(server, endpoint, trouble):
    server.replies = [trouble, trouble, completion("at last")]
    answer = ask_remote(endpoint(), HELLO)
    assert (answer.text, answer.attempts) == ("at last", 3)


@pytest.mark.parametrize(("header", "value"), [("retry_after", "0.3"), ("retry_after_ms", "300")])
def test_retry_after_is_kept_and_not_counted_as_the_answers_time(server, endpoint, header, value):
    server.replies = [refusal(429, **{header: value}), completion("hello")]
    began = time.perf_counter()
    answer = ask_remote(endpoint(), HELLO)
    assert time.perf_counter() - began >= 0.3
    assert answer.seconds < 0.3


def test_a_wait_that_is_too_long_is_not_begun(server, endpoint):
    server.replies = [refusal(429, "limit reached", retry_after="3600")]
    with pytest.raises(RemoteError, match="429, limit reached"):
        ask_remote(endpoint(), HELLO)
    assert len(server.requests) == 1


def test_the_last_attempt_is_the_last(server, endpoint):
    server.replies = [refusal(500, "overloaded")]
    with pytest.raises(RemoteError, match="500, overloaded"):
        ask_remote(endpoint(attempts=2), HELLO)
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("trouble", "fix"),
    [
        (refusal(401, "wrong key"), "check the key in LUTHIER_TEST_KEY"),
        (refusal(404, "no such model"), "check base_url"),
        (refusal(400, "too long", "context_length_exceeded"), "see what it says"),
        (refusal(429, "no money left", "insufficient_quota"), "raise the limit"),
    ],
)
def test_what_will_not_pass_is_told_at_once(server, endpoint, trouble, fix):
    server.replies = [trouble]
    with pytest.raises(RemoteError) as caught:
        ask_remote(endpoint(), HELLO)
    assert len(server.requests) == 1
    assert caught.value.fix.startswith(fix) or fix in caught.value.fix


def test_a_server_that_is_too_slow_is_told(server, endpoint):
    server.replies = [0.4]
    with pytest.raises(RemoteError, match=r"did not answer within 0\.1 seconds"):
        ask_remote(endpoint(timeout_seconds=0.1, attempts=2), HELLO)
    assert len(server.requests) == 2


def test_what_is_no_json_is_told_with_its_beginning(server, endpoint):
    server.replies = [WEB_PAGE]
    with pytest.raises(RemoteError, match="no JSON object: '<html>Sign in"):
        ask_remote(endpoint(), HELLO)


def test_an_echoed_key_is_in_no_error(server, endpoint):
    server.replies = [refusal(401, "Incorrect key: sk-secret-7d1f")]
    with pytest.raises(RemoteError) as caught:
        ask_remote(endpoint(), HELLO)
    assert "sk-secret" not in str(caught.value) and "[key]" in str(caught.value)


def test_redirects_are_not_followed(server, endpoint):
    server.replies = [(307, {"location": f"{server.base_url}/elsewhere"}, "")]
    with pytest.raises(RemoteError, match="307"):
        ask_remote(endpoint(), HELLO)
    assert len(server.requests) == 1
