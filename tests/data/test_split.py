"""Nothing that a model is judged on, nor anything like it, is trained on."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from luthier.data import Rows, split_examples
from luthier.data.input_text import normalise
from luthier.errors import DataError

WORDS = (Path(__file__).parent / "common_words.txt").read_text().split()


@pytest.fixture
def made(ask):
    """Distinct sentences, a third of them followed by a near copy."""

    def make(count: int, seed: int = 0) -> list:
        draw = random.Random(seed)
        rows = []
        while len(rows) < count:
            text = " ".join(draw.choices(WORDS, k=9))
            rows.append(ask(text, draw.choice("abc"), len(rows)))
            if draw.random() < 0.34:
                rows.append(ask(text + "!", draw.choice("abc"), len(rows)))
        return rows[:count]

    return make


def file(rows, name="train.jsonl") -> Rows:
    return Rows(tuple(rows), "chat", name)


def grams(example) -> set[str]:
    text = normalise("\n".join(message.content for message in example.prompt))
    return {text[start : start + 5] for start in range(max(1, len(text) - 4))}


def are_apart(one, other, similarity=0.8) -> bool:
    return not any(
        len(left & right) >= similarity * len(left | right) for left in map(grams, one) for right in map(grams, other)
    )


def test_near_copies_never_sit_on_two_sides(made, settings):
    splits = split_examples(file(made(200)), None, None, settings())

    assert [len(side) for side in (splits.train, splits.validation, splits.golden)] == [150, 20, 30]
    assert are_apart(splits.train, splits.golden)
    assert are_apart(splits.train, splits.validation)
    assert are_apart(splits.validation, splits.golden)
    assert splits.near_identical_inputs > 30


def test_rows_like_those_of_a_given_golden_file_leave_train_and_validation(made, ask, settings):
    golden = made(20, seed=9)
    copy, near = golden[0].prompt[0].content, golden[1].prompt[0].content.rstrip("!") + " ?"
    train = [*made(60), ask(copy.upper()), ask(near), ask(near + "?")]
    validation = [*made(10, seed=5), ask(copy)]

    splits = split_examples(file(train), file(validation), file(golden), settings())

    assert splits.golden == tuple(golden)
    assert are_apart(splits.train, golden)
    assert are_apart(splits.validation, golden)
    assert splits.moved["train rows dropped because they are identical to a golden row"] == 1
    assert splits.moved["train rows dropped because they are near a golden row"] == 2
    assert splits.moved["validation rows dropped because they are identical to a golden row"] == 1


def test_rows_like_those_of_a_given_validation_file_leave_train_before_golden_rows_are_drawn(made, ask, settings):
    validation = made(20, seed=9)
    train = [*made(100), ask(validation[0].prompt[0].content)]

    splits = split_examples(file(train), file(validation), None, settings())

    assert splits.validation == tuple(validation)
    assert are_apart((*splits.train, *splits.golden), validation)
    assert len(splits.train) + len(splits.golden) == 100


def test_the_split_depends_on_the_seed_and_not_on_the_order_of_rows(made, settings):
    rows = made(120)
    turned = random.Random(1).sample(rows, len(rows))

    one = split_examples(file(rows), None, None, settings())
    other = split_examples(file(turned), None, None, settings())
    reseeded = split_examples(file(rows), None, None, settings(seed=1))

    assert set(one.golden) == set(other.golden)
    assert set(one.validation) == set(other.validation)
    assert set(one.golden) != set(reseeded.golden)


def test_every_row_is_somewhere(made, settings):
    rows = made(120)

    splits = split_examples(file(rows), None, None, settings())

    together = (*splits.train, *splits.validation, *splits.golden)
    assert sorted(example.origin.line for example in together) == list(range(120))
    assert splits.moved == {"golden rows drawn from train": 18, "validation rows drawn from train": 12}


def test_validation_can_be_done_without(made, settings):
    splits = split_examples(file(made(60)), None, None, settings(validation_fraction=0))

    assert splits.validation == ()


def test_limits_are_draws_and_leave_the_golden_rows_as_they_were(made, settings):
    rows = made(200)
    whole = split_examples(file(rows), None, None, settings())

    small = split_examples(file(rows), None, None, settings(max_examples=20))
    few = split_examples(file(rows), None, file(made(30, seed=7)), settings(golden_max_examples=10))

    assert small.golden == whole.golden
    assert set(small.train) < set(whole.train)
    assert small.moved["train rows left out by max_examples"] == 130
    assert len(few.golden) == 10
    assert few.moved["golden rows left out by golden_max_examples"] == 20


def test_a_smaller_golden_set_leaves_more_to_train_on(made, settings):
    splits = split_examples(file(made(200)), None, None, settings(golden_max_examples=10))

    assert len(splits.golden) == 10
    assert len(splits.train) == 170


def test_a_large_cluster_goes_to_train_whole(made, ask, settings):
    cluster = [
        ask(f"please tell me where on earth my new card is today {mark}", "a") for mark in map(chr, range(97, 122))
    ]

    splits = split_examples(file([*made(175), *cluster]), None, None, settings())

    assert set(cluster) <= set(splits.train)
    assert splits.largest_group >= 25


def test_rows_that_differ_in_digits_alone_need_the_setting_that_tells_them_apart(ask, settings):
    rows = [ask(f"what is {one} plus {other}", str(one + other)) for one in range(10) for other in range(10)]

    with pytest.raises(DataError) as caught:
        split_examples(file(rows), None, None, settings())
    splits = split_examples(file(rows), None, None, settings(near_duplicate_similarity=1.0))

    assert "data.near_duplicate_similarity" in caught.value.fix
    assert len(splits.golden) == 15


def test_a_shared_instruction_does_not_make_all_rows_alike(made, ask, settings):
    instruction = "You are the help desk of a bank. Say in one word what the customer wants, and be kind. Message: "
    rows = [ask(instruction * 3 + row.prompt[0].content, "a", line) for line, row in enumerate(made(120))]

    splits = split_examples(file(rows), None, None, settings())

    assert len(splits.golden) == 18
    assert splits.largest_group < 5


def test_too_few_rows_are_refused(ask, settings):
    with pytest.raises(DataError, match="can be drawn"):
        split_examples(file([ask("only one")]), None, None, settings())


def test_a_train_file_that_is_the_golden_file_leaves_nothing(made, settings):
    rows = made(30)

    with pytest.raises(DataError, match="no row is left to train on"):
        split_examples(file(rows), None, file(rows, "golden.jsonl"), settings())
