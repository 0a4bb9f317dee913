import json

import pytest

from luthier.evaluation import Answer
from luthier.evaluation.graders import GraderTools, JudgeAnswer, Sample, grade, local_judge, parse_grader, remote_judge
from luthier.evaluation.graders.judging import read_result
from luthier.remote import Endpoint, open_client
from published_graders import LABEL_MODEL, SCORE_MODEL
from scripted_server import completion, refusal, scripted_server

ITEM = {"reference_answer": 1, "response": "fine"}
PREFERENCE = {"type": "preference_model", "model": "judge", "other": "{{item.other}}", "question": "{{item.question}}"}


def saying(*texts, asked=None):
    """A judge that says these texts in turn, the last one for ever."""
    left = list(texts)

    def judge(question):
        if asked is not None:
            asked.append(question)
        return JudgeAnswer(left.pop(0) if len(left) > 1 else left[0])

    return GraderTools(judge=judge)


@pytest.mark.parametrize(
    ("text", "reward", "error"),
    [
        ('{"steps": [], "result": 0.25}', 0.25, None),
        ('Let me think. {"steps": [{"a": 1}], "result": 7}', 1.0, None),
        ('```json\n{"steps": [], "result": -3}\n```', 0.0, None),
        ("0.75", 0.75, None),
        ('{"result": "0.5"}', 0.0, "model_grader_parse_error"),
        ('{"result": true}', 0.0, "model_grader_parse_error"),
        ('{"result": NaN}', 0.0, "model_grader_parse_error"),
        ("rather good", 0.0, "model_grader_parse_error"),
        ("", 0.0, "model_grader_parse_error"),
    ],
)
def test_a_score_is_read_and_cut_to_its_range(text, reward, error):
    found = grade(parse_grader(SCORE_MODEL), ITEM, Sample("x"), saying(text))
    assert (found.reward, found.errors.names) == (reward, (error,) if error else ())


def test_the_judge_is_told_the_format_and_sees_the_filled_messages():
    asked = []
    grade(parse_grader(SCORE_MODEL), ITEM, Sample("my answer"), saying("1", asked=asked))
    (question,) = asked
    assert question.messages[0].content.startswith("You are an expert grader.")
    assert '"result"' in question.messages[0].content
    assert question.messages[1].content == "Reference: 1. Model answer: my answer"
    assert question.schema["required"] == ["steps", "result"]
    assert question.sampling.max_tokens == 32768


def test_repeats_are_averaged_each_with_a_seed_of_its_own():
    asked = []
    grader = parse_grader({**SCORE_MODEL, "repeats": 4, "sampling_params": {"seed": 7}})
    found = grade(grader, ITEM, Sample("x"), saying("1", "0", "1", "0.5", asked=asked))
    assert (found.reward, found.repeats) == (0.625, (1.0, 0.0, 1.0, 0.5))
    assert [question.sampling.seed for question in asked] == [7, 8, 9, 10]


@pytest.mark.parametrize(
    ("text", "reward", "error"),
    [
        ('{"result": "positive"}', 1.0, ()),
        ('{"result": "negative"}', 0.0, ()),
        ("positive", 1.0, ()),
        ('{"result": "great"}', 0.0, ("model_grader_parse_error",)),
        ('{"result": 1}', 0.0, ("model_grader_parse_error",)),
    ],
)
def test_a_label_passes_or_not(text, reward, error):
    found = grade(parse_grader(LABEL_MODEL), ITEM, Sample("x"), saying(text))
    assert (found.reward, found.errors.names, found.passed) == (reward, error, bool(reward))


def test_labels_are_listed_from_both_ends_and_the_majority_decides():
    asked = []
    grader = parse_grader({**LABEL_MODEL, "repeats": 3})
    found = grade(grader, ITEM, Sample("x"), saying("negative", "positive", "positive", asked=asked))
    assert found.reward == 1.0
    listed = [question.schema["properties"]["result"]["enum"] for question in asked]
    assert listed[0] == listed[2] == listed[1][::-1] == ["positive", "neutral", "negative"]


@pytest.mark.parametrize(
    ("votes", "reward"),
    [(("A", "B"), 1.0), (("B", "A"), 0.0), (("A", "A"), 0.5), (("B", "B"), 0.5), (("tie", "tie"), 0.5)],
)
def test_only_a_preference_that_survives_the_swap_counts(votes, reward):
    """A judge that always likes the first answer decides nothing."""
    asked = []
    found = grade(
        parse_grader(PREFERENCE), {"question": "q", "other": "theirs"}, Sample("mine"), saying(*votes, asked=asked)
    )
    assert found.reward == reward
    first, second = (question.messages[-1].content for question in asked)
    assert first.index("mine") < first.index("theirs") and second.index("mine") > second.index("theirs")


def test_a_result_inside_words_is_found_without_trying_for_ever():
    assert read_result("{" * 100_000 + '{"result": 1}', float) is None
    assert read_result('{"a": 1} {"result": 2}', float) == 2


def test_a_server_is_asked_in_openais_format_and_its_failures_are_told():
    reply = json.dumps({"steps": [], "result": 0.5})
    refused = {
        "choices": [{"message": {"role": "assistant", "content": None, "refusal": "No."}, "finish_reason": "stop"}]
    }
    with scripted_server() as server:
        server.replies = [completion(reply), (200, {}, json.dumps(refused)), refusal(401, "wrong key")]
        endpoint = Endpoint(server.base_url, "small-judge", attempts=1)
        with open_client(endpoint) as client:
            tools = GraderTools(judge=remote_judge(endpoint, client))
            found = [grade(parse_grader(SCORE_MODEL), ITEM, Sample("x"), tools) for _ in range(3)]
    assert [one.reward for one in found] == [0.5, 0.0, 0.0]
    assert [one.errors.names for one in found] == [(), ("model_grader_refusal_error",), ("model_grader_server_error",)]
    assert found[0].token_usage["o4-mini-2025-04-16"].total_tokens == 10
    sent = server.requests[0]
    assert sent["model"] == "o4-mini-2025-04-16" and sent["top_p"] == 1 and sent["reasoning_effort"] == "medium"
    assert sent["response_format"]["json_schema"]["strict"] is True


def test_a_model_in_this_process_judges_too():
    tools = GraderTools(judge=local_judge(lambda prompts: iter([(0, Answer("0.5", 9, 2))]), "starter"))
    found = grade(parse_grader(SCORE_MODEL), ITEM, Sample("x"), tools)
    assert (found.reward, found.sampled_model, found.token_usage["starter"].total_tokens) == (0.5, "starter", 11)
