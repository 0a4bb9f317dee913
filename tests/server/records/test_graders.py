"""`graders/validate` and `graders/run` through the official client."""

from __future__ import annotations

import contextlib
import json

import openai
import pytest
from openai.types.fine_tuning.alpha import GraderRunResponse, GraderValidateResponse

from replying import BASE, Replies, echo, strictly, working

CLOSE = {
    "type": "text_similarity",
    "name": "close",
    "input": "{{sample.output_text}}",
    "reference": "{{item.label}}",
    "evaluation_metric": "fuzzy_match",
}
COLOUR = {
    "type": "string_check",
    "input": "{{sample.output_json.colour}}",
    "reference": "{{item.colour}}",
    "operation": "eq",
}
MODEL_ERRORS = 14


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    def reply(request):
        return json.dumps({"steps": [], "result": 7}) if "How" in echo(request) else "no number"

    with working(tmp_path_factory.mktemp("graders"), Replies(reply)) as running:
        yield running


def run(server, grader, sample, item=None) -> GraderRunResponse:
    raw = server.client.fine_tuning.alpha.graders.with_raw_response.run(
        grader=grader, model_sample=sample, item=item or {}
    )
    return strictly(GraderRunResponse, json.loads(raw.text))


def test_a_grader_is_validated_and_comes_back_with_a_name(server):
    raw = server.client.fine_tuning.alpha.graders.with_raw_response.validate(grader=CLOSE)

    strictly(GraderValidateResponse, json.loads(raw.text))
    assert json.loads(raw.text) == {"grader": CLOSE}
    multi = {"type": "multi", "graders": {"a": COLOUR}, "calculate_output": "a"}
    kept = json.loads(server.client.fine_tuning.alpha.graders.with_raw_response.validate(grader=multi).text)["grader"]
    assert kept["name"] == "multi" and kept["graders"]["a"]["name"] == "a"


def test_a_wrong_grader_is_refused_with_the_place_of_the_mistake(server):
    for grader, param in (
        ({**CLOSE, "evaluation_metric": "vibes"}, "grader.evaluation_metric"),
        ({"type": "multi", "graders": {"a": COLOUR}, "calculate_output": "exec(a)"}, "grader.calculate_output"),
        ({"type": "python", "source": "def grade(a): return 1"}, "grader.source"),
        ({"type": "nothing"}, "grader.type"),
    ):
        for ask in (
            lambda grader=grader: server.client.fine_tuning.alpha.graders.validate(grader=grader),
            lambda grader=grader: server.client.fine_tuning.alpha.graders.run(grader=grader, model_sample="x"),
        ):
            with pytest.raises(openai.BadRequestError) as refused:
                ask()
            assert refused.value.param == param


def test_sub_rewards_of_a_multi_grader_are_told_by_their_keys(server):
    brief = {"type": "string_check", "input": "{{sample.output_text}}", "reference": "x", "operation": "like"}
    grader = {
        "type": "multi",
        "name": "both",
        "graders": {"colour": COLOUR, "brief": brief},
        "calculate_output": "(colour + brief) / 2",
    }

    result = run(server, grader, '{"colour": "red"}', {"colour": "red"})

    assert result.reward == 0.5 and result.sub_rewards == {"colour": 1.0, "brief": 0.0}
    assert len(result.metadata.errors.model_fields_set) == MODEL_ERRORS


def test_a_judge_among_the_servers_models_is_asked(server):
    grader = {
        "type": "score_model",
        "name": "polite",
        "model": BASE,
        "range": [0, 10],
        "input": [{"role": "user", "content": "How polite is {{sample.output_text}}?"}],
    }

    result = run(server, grader, "please")

    assert result.reward == 7.0 and result.metadata.token_usage == 7
    assert result.api_model_grader_token_usage_per_model[BASE]["total_tokens"] == 7
    assert result.metadata.sampled_model_name == BASE


def test_a_judge_that_is_not_there_is_an_error_of_the_grade(server):
    grader = {"type": "score_model", "model": "nobody", "input": [{"role": "user", "content": "How?"}]}

    result = run(server, grader, "x")

    assert result.reward == 0.0 and result.metadata.errors.api_model_grader_server_error


@pytest.mark.parametrize(
    "template",
    [
        "{{item.__class__}}", "{{ ''.__class__.__mro__[1].__subclasses__() }}", "{{ cycler.__init__.__globals__.os }}",
        "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}", "{{ item.a.__init__ }}",
        "${7*7}", "#{7*7}", "{{7*7}}", "{{ lipsum.__globals__['os'].popen('id').read() }}", "{{sample.__dict__}}",
    ],
)  # fmt: skip
def test_a_template_looks_things_up_and_runs_nothing(server, template):
    grader = {"type": "string_check", "name": "x", "input": template, "reference": "49", "operation": "like"}
    asked = len(server.state.inference.asked)

    with contextlib.suppress(openai.BadRequestError):
        assert run(server, grader, "a", {"a": "b"}).reward == 0.0
    judge = {"type": "score_model", "model": BASE, "input": [{"role": "user", "content": template}]}
    with contextlib.suppress(openai.BadRequestError):
        run(server, judge, "a", {"a": "b"})

    for request in server.state.inference.asked[asked:]:
        told = request.messages[-1]["content"]
        assert "49" not in told and "<class" not in told and "uid=" not in told, told


@pytest.mark.parametrize(
    "formula", ["__import__('os').system('true')", "a.__class__", "(lambda: 1)()", "a if a else 0", "9**9**9**9", "[a]"]
)
def test_a_formula_is_arithmetic_and_nothing_else(server, formula):
    grader = {"type": "multi", "name": "x", "graders": {"a": COLOUR}, "calculate_output": formula}

    with pytest.raises(openai.BadRequestError) as refused:
        server.client.fine_tuning.alpha.graders.run(grader=grader, model_sample="x", item={})

    assert refused.value.param == "grader.calculate_output"


def test_code_runs_in_the_sandbox_alone(server):
    looks = "import os\ndef grade(sample, item):\n    return float(len(os.environ.get('PATH', '')) * 0 + item['x'])"
    reaches = "import socket\ndef grade(sample, item):\n    socket.create_connection(('127.0.0.1', 80))\n    return 1.0"

    assert run(server, {"type": "python", "source": looks}, "x", {"x": 3}).reward == 3.0
    refused = run(server, {"type": "python", "source": reaches}, "x")
    assert refused.reward == 0.0 and refused.metadata.errors.python_grader_runtime_error


def test_many_judged_runs_at_once_do_not_wait_for_each_other(server):
    from concurrent.futures import ThreadPoolExecutor

    grader = {"type": "score_model", "model": BASE, "range": [0, 10], "input": [{"role": "user", "content": "How?"}]}

    with ThreadPoolExecutor(60) as pool:
        rewards = list(pool.map(lambda _: run(server, grader, "x").reward, range(60)))

    assert rewards == [7.0] * 60
