"""A small task and models that answer from a table."""

from collections.abc import Sequence

from luthier.evaluation.answers import Answer, Prompt
from luthier.evaluation.tasks import AskedModel, Question, Scored, Task, TaskItem
from luthier.examples import Message
from luthier.recipe import TaskDecoding


def small_task(items: int = 40, groups: Sequence[str] = (), stop: tuple[str, ...] = ()) -> Task:
    """Item i asks for the number i and is right when the answer is that number."""
    questions = tuple(
        Question(TaskItem(str(i), {"n": i}, targets=(str(i),)), Prompt((Message("user", str(i)),)))
        for i in range(items)
    )
    return Task("numbers", "right", TaskDecoding(stop=stop), questions=questions, groups=tuple(groups))


def grade(item: TaskItem, answer: Answer) -> Scored:
    return Scored({"right": float(answer.text == item.target)})


def model(name: str, wrong_every: int, suffix: str = "") -> AskedModel:
    """Wrong at every so many-th item; 0 is never wrong. Answers in reverse order."""

    def generate(prompts: Sequence[Prompt]):
        for index in reversed(range(len(prompts))):
            asked = prompts[index].messages[0].content
            is_wrong = wrong_every and int(asked) % wrong_every == 0
            yield index, Answer("no" if is_wrong else asked + suffix, prompt_tokens=3, completion_tokens=1, seconds=0.1)

    return AskedModel(name, generate)


def finished(events):
    """What a generator returns in the end."""
    while True:
        try:
            next(events)
        except StopIteration as end:
            return end.value
