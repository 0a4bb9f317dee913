"""A remote model answers a task as a local one does, and cannot weigh choices."""

from evaluation.tasks.asked import finished, grade, small_task
from luthier.evaluation.tasks import asked_remote, run_task
from luthier.recipe import TaskDecoding
from scripted_server import completion, scripted_server


def test_a_task_is_put_to_an_endpoint():
    with scripted_server() as server:
        server.replies = [lambda request: completion(request["messages"][0]["content"])]
        model = asked_remote(server.base_url, "org/Some Model", None, TaskDecoding(max_new_tokens=5, seed=3))
        result = finished(run_task(small_task(6), [model], grade))
    assert set(result.models[0].scores("right")) == {1.0}
    assert (model.name, model.score_choices) == ("some-model", None)
    assert {request["max_tokens"] for request in server.requests} == {5}
    assert {request["model"] for request in server.requests} == {"org/Some Model"}
