"""The classical baseline learns labels from words, in seconds, and says how long it took."""

import sys
from subprocess import run

from luthier.evaluation import classical_baseline
from luthier.examples import Example, Message


def row(question: str, answer: str) -> Example:
    return Example((Message("system", "Sort."), Message("user", question), Message("assistant", answer)))


ANIMALS = {"cat": ("meow", "purr", "whiskers"), "dog": ("bark", "woof", "leash")}
TRAIN = [row(f"it likes to {word} {n}", label) for label, words in ANIMALS.items() for word in words for n in range(4)]


def test_labels_are_learnt_from_words_and_their_parts():
    golden = [row("purr purr", "cat"), row("barking loudly", "dog")]
    found = classical_baseline(TRAIN, golden, ["choice_accuracy"], ("cat", "dog"))
    assert found.arm.scores == {"choice_accuracy": (1.0, 1.0)}
    assert found.arm.name == "tf-idf"
    assert 0 < found.training_seconds < found.seconds


def test_the_same_seed_gives_the_same_answers():
    golden = [row("a leash and whiskers", "dog")]
    first, second = (classical_baseline(TRAIN, golden, ["exact_match"], seed=3).arm for _ in range(2))
    assert first == second


def test_a_single_label_needs_no_learning():
    found = classical_baseline([row("a", "cat"), row("b", "cat")], [row("c", "cat"), row("d", "dog")], ["exact_match"])
    assert found.arm.scores["exact_match"] == (1.0, 0.0)


def test_inputs_without_words_get_the_most_frequent_label():
    train = [row("?", "cat"), row("", "dog"), row("!", "dog")]
    found = classical_baseline(train, [row("?", "cat"), row("...", "dog")], ["exact_match"])
    assert found.arm.scores["exact_match"] == (0.0, 1.0)


def test_the_room_loads_neither_scikit_learn_nor_torch():
    code = "import sys, luthier.evaluation; print({'sklearn', 'scipy', 'torch', 'transformers'} & set(sys.modules))"
    assert run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "set()"
