"""The untuned arms get the best instructions that can be had without a person."""

from luthier.data import AnswerKind
from luthier.evaluation.task_prompt import task_prompt
from luthier.examples import Example, Message
from luthier.recipe import DataSettings, EvaluationSettings

CHOICES = AnswerKind("choices", ("refund", "card lost"), ())
TICKET = AnswerKind("json", (), ("intent", "summary"))
TEXT = AnswerKind("text", (), ())
DATA = DataSettings(train="train.jsonl")


def row(question: str, answer: str, system: str | None = None) -> Example:
    example = Example((Message("user", question), Message("assistant", answer)))
    return example if system is None else example.with_system(system)


def automatic(train: list[Example], kind: AnswerKind) -> str:
    return task_prompt(train, EvaluationSettings(), DATA, kind).text


def test_every_choice_is_listed_however_many_there_are():
    many = tuple(f"label {number}" for number in range(77))
    assert automatic([], CHOICES) == "Answer with exactly one of: refund, card lost"
    assert all(choice in automatic([], AnswerKind("choices", many, ())) for choice in many)


def test_choices_with_commas_stand_on_lines_of_their_own():
    assert automatic([], AnswerKind("choices", ("a, b", "c"), ())).endswith(":\na, b\nc")


def test_json_fields_come_with_their_values_where_these_are_few():
    train = [row("q", f'{{"intent": "{i}", "summary": "{n}"}}') for n, i in enumerate(["refund", "other"] * 5)]
    text = automatic(train, TICKET)
    assert text.startswith('Answer with one JSON object with the keys "intent" (one of "other", "refund"), "summary"')


def test_free_text_gets_the_usual_length():
    assert "about 3 words" in automatic([row("q", "one two three"), row("q", "a b c"), row("q", "a")], TEXT)
    assert automatic([], TEXT) == "Give the answer itself and nothing else."


def test_the_users_task_prompt_comes_before_the_systems_prompt_and_the_automatic_one():
    data = DataSettings(train="train.jsonl", system_prompt="You are a desk.")
    assert task_prompt([], EvaluationSettings(task_prompt="Sort."), data, CHOICES).text == "Sort."
    assert task_prompt([], EvaluationSettings(), data, CHOICES).text == "You are a desk."


def test_a_task_prompt_joins_the_rows_own_system_turn():
    found = task_prompt([], EvaluationSettings(task_prompt="Sort."), DATA, CHOICES)
    assert found.over(row("q", "a").prompt)[0] == Message("system", "Sort.")
    assert found.over(row("q", "a", "Be kind.").prompt)[0] == Message("system", "Be kind.\n\nSort.")


def test_the_systems_prompt_of_the_data_yields_to_the_rows_own_as_in_training():
    data = DataSettings(train="train.jsonl", system_prompt="You are a desk.")
    own = row("q", "a", "Be kind.")
    assert task_prompt([], EvaluationSettings(), data, CHOICES).over(own.prompt) == own.prompt


def test_choices_of_the_recipe_replace_those_found():
    text = task_prompt([], EvaluationSettings(choices=("yes", "no")), DATA, TEXT).text
    assert text == "Answer with exactly one of: yes, no"
