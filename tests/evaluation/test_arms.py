"""Several ways of asking the same items."""

from collections.abc import Sequence

import pytest

from luthier.data import AnswerKind
from luthier.evaluation import Arm, Found, PromptBudget, build_arm, index_rows, plan_arm
from luthier.evaluation.task_prompt import TaskPrompt
from luthier.examples import Example, Message
from luthier.recipe import ArmName, DataSettings, EvaluationSettings
from luthier.retrieval import Chunk, SqliteStore, fill

KIND = AnswerKind("choices", ("yes", "no"), ())
DATA = DataSettings(train="train.jsonl", system_prompt="You judge.")
SETTINGS = EvaluationSettings(task_prompt="Say yes or no.", few_shot_examples=2)


def row(question: str, answer: str, system: str | None = None) -> Example:
    example = Example((Message("user", question), Message("assistant", answer)))
    return example if system is None else example.with_system(system)


GOLDEN = [row("Is snow white?", "yes"), row("Is it? " * 20, "no", system="Be brief.")]
TRAIN = [row(f"Is {n} even?", "no" if n % 2 else "yes") for n in range(20)]


def count_words(messages: Sequence[Message]) -> int:
    return sum(len(turn.content.split()) for turn in messages)


def contents(arm: Arm, item: int) -> list[str]:
    return [turn.content for turn in arm.prompts[item].messages]


def plan(name: ArmName, budget: PromptBudget | None = None, train: Sequence[Example] = TRAIN) -> Arm:
    return plan_arm(name, GOLDEN, train, SETTINGS, DATA, KIND, budget)


def test_base_adds_nothing():
    assert [prompt.messages for prompt in plan("base").prompts] == [example.prompt for example in GOLDEN]


def test_prompt_adds_the_task_prompt():
    assert contents(plan("prompt"), 0) == ["Say yes or no.", "Is snow white?"]
    assert contents(plan("prompt"), 1)[0] == "Be brief.\n\nSay yes or no."


def test_tuned_is_asked_as_it_was_trained():
    assert contents(plan("tuned"), 0) == ["You judge.", "Is snow white?"]
    assert contents(plan("tuned"), 1)[0] == "Be brief."


def test_few_shot_puts_the_same_turns_before_every_item():
    arm = plan("few-shot")
    first, second = arm.prompts
    assert first.messages[1:-1] == second.messages[1:-1]
    assert [turn.role for turn in first.messages] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert {turn.content for turn in first.messages if turn.role == "assistant"} == {"yes", "no"}
    assert (arm.shots, arm.notes) == (2, ())


@pytest.mark.parametrize("name", ["base", "prompt", "few-shot", "rag", "tuned"])
def test_the_reference_answer_is_in_no_prompt(name: ArmName):
    secret = [row("Is snow white?", "GOLDEN ANSWER")]
    prompts = build_arm(name, secret, TRAIN, SETTINGS, DATA, KIND)
    assert not any("GOLDEN" in turn.content for prompt in prompts for turn in prompt.messages)


def test_tools_stay_with_their_item():
    tool = {"type": "function", "function": {"name": "look_up"}}
    golden = [Example(GOLDEN[0].messages, tools=(tool,))]
    for name in ("base", "prompt", "few-shot", "rag", "tuned"):
        assert plan_arm(name, golden, TRAIN, SETTINGS, DATA, KIND).prompts[0].tools == (tool,)


def test_shots_are_dropped_until_the_longest_item_fits():
    longest = max(count_words(prompt.messages) for prompt in plan("prompt").prompts)
    arm = plan("few-shot", PromptBudget(count_words, longest + 5))
    assert arm.shots == 1
    assert arm.notes == ("1 of 2 few-shot examples fit before the longest golden item",)
    assert max(count_words(prompt.messages) for prompt in arm.prompts) <= longest + 5


def test_without_room_for_any_shot_the_arm_says_that_it_is_the_prompt_arm():
    arm = plan("few-shot", PromptBudget(count_words, 46))
    assert arm.prompts == plan("prompt").prompts
    assert arm.shots == 0 and "the prompt arm once more" in arm.notes[0]


def test_shorter_shots_are_tried_before_fewer():
    train = [row("word " * n, "yes" if n % 2 else "no") for n in range(1, 40)]
    longest = max(count_words(prompt.messages) for prompt in plan("prompt").prompts)
    arm = plan("few-shot", PromptBudget(count_words, longest + 5), train)
    assert arm.shots == 2


def test_too_few_usable_training_rows_are_told():
    assert plan("few-shot", train=TRAIN[:1]).notes == (
        "1 of 2 few-shot examples used, as 1 training rows at most can be shown as plain user and assistant turns",
    )


def test_prompts_beyond_the_budget_are_counted():
    assert plan("base", PromptBudget(count_words, 20)).notes == ("1 of 2 prompts are longer than 20 tokens",)


def test_what_was_found_is_used_by_the_arms_that_rest_on_it():
    best = TaskPrompt("Yes or no?", joins_own_system=True)
    known = Found(instructions=best, examples=1, passages=1, rows=index_rows(TRAIN))
    arms = {
        name: plan_arm(name, GOLDEN, TRAIN, SETTINGS, DATA, KIND, None, known)
        for name in ("prompt", "found-prompt", "few-shot", "rag")
    }
    assert contents(arms["prompt"], 0)[0] == "Say yes or no."
    assert all(contents(arms[name], 0)[0] == "Yes or no?" for name in ("found-prompt", "few-shot", "rag"))
    assert [len(arms[name].prompts[0].messages) for name in ("few-shot", "rag")] == [4, 4]


def test_a_search_that_finds_ones_own_prompt_best_makes_no_arm():
    assert "nothing better" in (plan("found-prompt").obstacle or "")


def test_examples_may_be_the_rows_nearest_to_each_item():
    golden = [row("Is 7 even?", "no"), row("Is 12 even?", "no")]
    known = Found(examples=1, examples_are_nearest=True)
    arm = plan_arm("few-shot", golden, TRAIN, SETTINGS, DATA, KIND, None, known)
    assert [contents(arm, item)[1] for item in (0, 1)] == ["Is 7 even?", "Is 12 even?"]


def test_tuned_with_passages_needs_documents():
    assert "no documents" in (plan("tuned-rag").obstacle or "")
    documents = fill(SqliteStore(), [Chunk("d", "", "Snow is white.", 0, 14)])
    arm = plan_arm("tuned-rag", GOLDEN, TRAIN, SETTINGS, DATA, KIND, None, Found(documents=documents))
    assert contents(arm, 0)[0] == "You judge." and "[1] Snow is white." in contents(arm, 0)[1]
