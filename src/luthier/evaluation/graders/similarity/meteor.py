"""METEOR with its first two stages, equal words and equal stems; synonyms, which need WordNet, are left out."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Sequence

from luthier.evaluation.graders.similarity.porter import stem
from luthier.evaluation.graders.similarity.words import words_13a

RECALL_WEIGHT, FRAGMENTATION_POWER, FRAGMENTATION_WEIGHT = 0.9, 3.0, 0.5
Match = tuple[int, int]


def meteor(answer: str, reference: str) -> float:
    """Lavie and Agarwal 2007, as NLTK's `single_meteor_score` with an empty WordNet, on words of 13a."""
    given, wanted = ([word.lower() for word in words_13a(text)] for text in (answer, reference))
    matches = _align(given, wanted)
    if not matches:
        return 0.0
    precision, recall = len(matches) / len(given), len(matches) / len(wanted)
    f_mean = precision * recall / (RECALL_WEIGHT * precision + (1 - RECALL_WEIGHT) * recall)
    fragmentation = _chunks(matches) / len(matches)
    return f_mean * (1 - FRAGMENTATION_WEIGHT * fragmentation**FRAGMENTATION_POWER)


def _align(given: Sequence[str], wanted: Sequence[str]) -> list[Match]:
    """From the end, each word with the last free one that fits: equal words first, then equal stems."""
    exact = _pair(range(len(given)), range(len(wanted)), lambda i: given[i], lambda j: wanted[j])
    left_given = [i for i in range(len(given)) if i not in {match[0] for match in exact}]
    left_wanted = [j for j in range(len(wanted)) if j not in {match[1] for match in exact}]
    stems = _pair(left_given, left_wanted, lambda i: stem(given[i]), lambda j: stem(wanted[j]))
    return sorted(exact + stems)


def _pair(
    given: Sequence[int], wanted: Sequence[int], given_form: Callable[[int], str], wanted_form: Callable[[int], str]
) -> list[Match]:
    places: dict[str, list[int]] = defaultdict(list)
    for place in wanted:
        places[wanted_form(place)].append(place)
    found = []
    for place in reversed(given):
        if free := places.get(given_form(place)):
            found.append((place, free.pop()))
    return found


def _chunks(matches: Sequence[Match]) -> int:
    """Runs of matches that are neighbours in both texts."""
    pairs = itertools.pairwise(matches)
    return 1 + sum((second[0] - first[0], second[1] - first[1]) != (1, 1) for first, second in pairs)
