"""Flips name the items that only one of the two models got right."""

from luthier.evaluation import Answer
from luthier.evaluation.forgetting import AnsweredTwice, Item, count_flips
from luthier.evaluation.forgetting.checks import Equals


def answers(*texts: str) -> tuple[Answer, ...]:
    return tuple(Answer(text) for text in texts)


def test_won_and_lost_items_are_counted_by_ability_with_both_answers():
    items = [Item(f"n{i}", "facts", "en", f"q{i}?", Equals(("yes",)), "yes") for i in range(4)]
    flips = count_flips(items, AnsweredTwice(answers("yes", "yes", "no", "no"), answers("yes", "no", "yes", "no")))
    assert (flips.won, flips.lost) == (1, 1)
    assert flips.groups == {"facts": {"items": 4, "base_right": 2, "tuned_right": 2, "won": 1, "lost": 1}}
    assert [(flip.name, flip.base, flip.tuned, flip.is_won) for flip in flips.items] == [
        ("n1", "yes", "no", False),
        ("n2", "no", "yes", True),
    ]
