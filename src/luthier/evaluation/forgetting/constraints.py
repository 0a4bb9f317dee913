"""Free answers under a rule that can be counted: so many words, without a letter, with a given beginning or end."""

from __future__ import annotations

from luthier.evaluation.forgetting.checks import AllOf, Check, Contains, Equals, Matches, Without, Words
from luthier.evaluation.forgetting.items import Item, numbered

TOPICS = ("the sea", "a market", "winter", "a train journey", "music", "an old house", "friendship", "the moon")
Written = tuple[str, Check, str]


def constraints() -> tuple[Item, ...]:
    """60 items."""
    return numbered("instruction", [*_lengths(), *_letters(), *_ends(), *_musts(), *_choices()])


def _lengths() -> list[Written]:
    written: list[Written] = []
    for count, topic in zip((1, 2, 3, 4, 5, 6, 8, 10), TOPICS, strict=True):
        right = " ".join(["word"] * count)
        written.append(
            (f"Write about {topic} in exactly {count} word{'s' if count > 1 else ''}.", Words(count, count), right)
        )
        written.append((f"Write about {topic} in at most {count + 4} words.", Words(1, count + 4), right))
    return written


def _letters() -> list[Written]:
    written: list[Written] = []
    for letter, topic in zip("aeiotsnr", TOPICS, strict=True):
        question = f'Write one short sentence about {topic} without using the letter "{letter}".'
        written.append((question, Without((letter,)), "My!"))
    for topic in TOPICS:
        right = "quiet and wide"
        check = AllOf((Matches(r"\A[^A-Z]+\Z"), Words(1, 60)))
        written.append((f"Describe {topic} in small letters only, without any capital letter.", check, right))
    return written


def _ends() -> list[Written]:
    written: list[Written] = []
    for word, topic in zip(("Well", "Once", "Today", "Perhaps", "Nobody", "There"), TOPICS, strict=False):
        right = f"{word} it was good."
        written.append(
            (f'Write one sentence about {topic} that begins with the word "{word}".', Matches(rf"\A{word}\b"), right)
        )
        mark = f"-- {word.lower()}"
        written.append(
            (
                f'Write one sentence about {topic} and end your answer with "{mark}".',
                Matches(rf"{mark}\Z"),
                right + mark,
            )
        )
    return written


def _musts() -> list[Written]:
    written: list[Written] = []
    pairs = (("anchor", "bread"), ("copper", "dust"), ("echo", "fence"), ("glass", "honey"), ("ink", "jewel"))
    for (first, second), topic in zip(pairs, TOPICS, strict=False):
        check = AllOf((Contains((first, second), ignores_case=True), Words(3, 60)))
        question = f'Write one sentence about {topic} that uses the words "{first}" and "{second}".'
        written.append((question, check, f"The {first} and {second}."))
    for topic in TOPICS[:5]:
        question = f"Ask me one question about {topic}. Write only the question."
        written.append((question, Matches(r"\A[^?]+\?\Z"), "What?"))
    return written


def _choices() -> list[Written]:
    told = (
        ("The soup was cold and the waiter was rude.", "negative"),
        ("What a wonderful evening, we will come again!", "positive"),
        ("I would never buy this phone again.", "negative"),
        ("The room was clean and the view was splendid.", "positive"),
        ("It broke on the second day.", "negative"),
        ("My children love it and so do I.", "positive"),
    )
    return [
        (
            f"Is this review positive or negative? Answer with one word.\n{review}",
            Equals((right,), ignores_case=True),
            right,
        )
        for review, right in told
    ]
