"""Four ways of asking the same items."""

from collections.abc import Sequence

import pytest

from luthier.data import AnswerKind
from luthier.evaluation import Arm, PromptBudget, build_arm, plan_arm
from luthier.examples import Example, Message
from luthier.recipe import ArmName, DataSettings, EvaluationSettings

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


@pytest.mark.parametrize("name", ["base", "prompt", "few-shot", "tuned"])
def test_the_reference_answer_is_in_no_prompt(name: ArmName):
    secret = [row("Is snow white?", "GOLDEN ANSWER")]
    prompts = build_arm(name, secret, TRAIN, SETTINGS, DATA, KIND)
    assert not any("GOLDEN" in turn.content for prompt in prompts for turn in prompt.messages)


def test_tools_stay_with_their_item():
    tool = {"type": "function", "function": {"name": "look_up"}}
    golden = [Example(GOLDEN[0].messages, tools=(tool,))]
    for name in ("base", "prompt", "few-shot", "tuned"):
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
