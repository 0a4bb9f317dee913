"""Wordings to try: the user's own first, none twice."""

from luthier.data import AnswerKind
from luthier.evaluation import prompt_candidates
from luthier.examples import Example, Message
from luthier.recipe import DataSettings, EvaluationSettings

KIND = AnswerKind("choices", ("no", "yes"))
TRAIN = [Example((Message("user", f"{n}?"), Message("assistant", "no" if n % 2 else "yes"))) for n in range(6)]
DATA = DataSettings(train="train.jsonl")


def candidates(own: str | None = None, system: str | None = None) -> dict[str, str]:
    data = DATA.model_copy(update={"system_prompt": system})
    found = prompt_candidates(TRAIN, EvaluationSettings(task_prompt=own), data, KIND)
    return {candidate.name: candidate.instructions.text for candidate in found}


def test_the_users_own_prompt_comes_first():
    found = candidates("Judge.")
    assert list(found)[:3] == ["yours", "plain", "yours and plain"]
    assert found["yours"] == "Judge."
    assert found["yours and plain"] == "Judge.\n\nAnswer with exactly one of: no, yes"


def test_without_one_the_plain_prompt_is_varied():
    found = candidates()
    assert list(found) == ["plain", "plain and answers", "plain, firm"]
    assert found["plain and answers"].endswith(("no\nyes", "yes\nno"))


def test_the_system_prompt_of_the_data_counts_as_the_users():
    assert candidates(system="You are a desk.")["yours"] == "You are a desk."


def test_no_text_is_tried_twice():
    plain = candidates()["plain"]
    texts = list(candidates(plain).values())
    assert len(texts) == len(set(texts)) and texts[0] == plain
