"""What no run can be made of, through the official client."""

from __future__ import annotations

import openai
import pytest

from replying import Replies, working
from some_evals import ASKED, ROWS, given, new_eval, reply


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with working(tmp_path_factory.mktemp("evals"), Replies(reply)) as running:
        yield running


def test_rows_in_the_request_that_do_not_fit_are_refused_with_it(server):
    eval = new_eval(server.client)

    with pytest.raises(openai.BadRequestError, match=r"content\[1\]") as refused:
        server.client.evals.runs.create(
            eval.id, data_source={**ASKED, "source": given(ROWS[0], {"item": {"text": 1, "label": "A"}})}
        )

    assert refused.value.param == "data_source.source.content"


@pytest.mark.parametrize(
    ("source", "param"),
    [
        ({"type": "completions", "source": given(*ROWS)}, "data_source.input_messages"),
        ({**ASKED, "model": None, "source": given(*ROWS)}, "data_source.model"),
        ({**ASKED, "source": {"type": "file_id", "id": "file-none"}}, "data_source.source.id"),
        ({"type": "csv", "source": given(*ROWS)}, "data_source"),
        (
            {
                **ASKED,
                "input_messages": {"type": "item_reference", "item_reference": "sample.x"},
                "source": given(*ROWS),
            },
            "data_source.input_messages",
        ),
    ],
)
def test_runs_that_cannot_be_are_refused_at_once(server, source, param):
    eval = new_eval(server.client)

    with pytest.raises(openai.BadRequestError) as refused:
        server.client.evals.runs.create(eval.id, data_source=source)

    assert (refused.value.param or "").startswith(param)
