"""Turns are fair between projects, and between the adapters of each."""

from luthier.generation.engine.waiting import FairQueue


def served(queue, count, tokens=10):
    found = []
    for _ in range(count):
        item = queue.take(lambda _: True)
        found.append(item)
        queue.charge(item[0], item[1], tokens)
    return found


def filled(*shares, each=20):
    queue = FairQueue()
    for project, adapter in shares:
        for number in range(each):
            queue.put(project, adapter, (project, adapter, number))
    return queue


def test_a_project_with_many_adapters_gets_no_more_than_one_with_one():
    queue = filled(("a", "x"), ("a", "y"), ("a", "z"), ("b", None))
    projects = [project for project, _, _ in served(queue, 12)]
    assert projects.count("a") == projects.count("b") == 6


def test_the_adapters_of_a_project_take_turns_and_keep_their_order():
    queue = filled(("a", "x"), ("a", "y"))
    found = served(queue, 6)
    assert [number for _, adapter, number in found if adapter == "x"] == [0, 1, 2]
    assert [number for _, adapter, number in found if adapter == "y"] == [0, 1, 2]


def test_a_latecomer_starts_level_and_does_not_take_everything():
    queue = filled(("a", None))
    served(queue, 10)
    for number in range(10):
        queue.put("b", None, ("b", None, number))
    projects = [project for project, _, _ in served(queue, 6)]
    assert projects.count("b") in (3, 4)


def test_who_cannot_run_is_passed_over_and_keeps_its_place():
    queue = filled(("a", "x"), ("a", "y"), each=2)
    assert queue.take(lambda item: item[1] == "y") == ("a", "y", 0)
    assert queue.take(lambda _: False) is None
    assert len(queue) == 3
    assert len(queue.drop(lambda item: item[1] == "x")) == 2 and len(queue) == 1
