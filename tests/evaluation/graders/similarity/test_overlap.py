"""Every metric against its reference implementation, on 1,000 random pairs of real and odd text each."""

import random

import nltk.stem
import pytest
import sacrebleu
from nltk.translate.gleu_score import sentence_gleu
from nltk.translate.meteor_score import single_meteor_score
from rapidfuzz import fuzz
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

from luthier.evaluation.graders.similarity import cosine, similarity
from luthier.evaluation.graders.similarity.porter import stem
from luthier.evaluation.graders.similarity.words import words_13a

PAIRS = 1000
WORDS = [
    "the",
    "cat",
    "cats",
    "sat",
    "on",
    "a",
    "mat",
    "running",
    "runs",
    "ran",
    "hopefulness",
    "relational",
    "conditional",
    "rationally",
    "geology",
    "Party",
    "party",
    "commands",
    "obeys",
    "military",
    "always",
    "forever",
    "U.S.",
    "3.14",
    "1,000",
    "don't",
    "e-mail",
    "well-known",
    "5-10",
    "(see",
    "below)",
    '"quoted"',
    "&amp;",
    "Straße",
    "naïve",
    "你好",
    "привет",
    "£5",
    "a/b",
    "x_y",
    "agreed",
    "feed",
    "plastered",
    "hopping",
    "tanned",
    "falling",
    "filing",
    "happy",
    "sky",
    "skies",
    "dying",
    "news",
    "controlling",
    "roll",
    "probate",
    "rate",
    "cease",
    "adoption",
    "it's",
    "...",
    "—",
    "?",
    "!",
    "<skipped>",
    "$20",
    "50%",
    "re-\nturn",
    "tie",
    "ties",
    "tied",
]


class EmptyWordNet:
    """So that NLTK's METEOR runs its first two stages only, which need no corpus."""

    def synsets(self, _word):
        return []


def pairs(seed: int):
    """Pairs that share some, all or none of their words, in other orders, at times empty."""
    draw = random.Random(seed)
    for _ in range(PAIRS):
        answer = draw.choices(WORDS, k=draw.choice([0, 1, 2, 3, 4, 5, 8, 13, 30]))
        reference = [word for word in answer if draw.random() < 0.8]
        reference += draw.choices(WORDS, k=draw.choice([0, 0, 1, 3, 9]))
        if draw.random() < 0.3:
            draw.shuffle(reference)
        yield draw.choice([" ", " ", "  ", "\n"]).join(answer), " ".join(reference)


def reference_score(metric: str, answer: str, wanted: str) -> float:
    tokens = [Tokenizer13a()(text.rstrip()).split() for text in (answer, wanted)]
    match metric:
        case "fuzzy_match":
            return fuzz.ratio(answer, wanted) / 100
        case "bleu":
            return sacrebleu.sentence_bleu(answer, [wanted]).score / 100
        case "chrf":
            return sacrebleu.sentence_chrf(answer, [wanted]).score / 100
        case "gleu":
            return sentence_gleu([tokens[1]], tokens[0]) if any(tokens) else 0.0
        case "meteor":
            return single_meteor_score(tokens[1], tokens[0], wordnet=EmptyWordNet())
        case _:
            name = "rougeL" if metric == "rouge_l" else f"rouge{metric[-1]}"
            return RougeScorer([name]).score(wanted, answer)[name].fmeasure


@pytest.mark.parametrize(
    "metric",
    ["fuzzy_match", "bleu", "gleu", "meteor", "chrf", "rouge_1", "rouge_2", "rouge_3", "rouge_4", "rouge_5", "rouge_l"],
)
def test_a_metric_equals_its_reference_on_1000_random_pairs(metric):
    checked = 0
    for answer, wanted in pairs(seed=len(metric)):
        assert similarity(metric, answer, wanted) == pytest.approx(reference_score(metric, answer, wanted), abs=1e-9), (
            answer,
            wanted,
        )
        checked += 1
    assert checked == PAIRS


def test_stems_equal_those_of_nltk():
    draw = random.Random(3)
    endings = [
        "s",
        "es",
        "ies",
        "ed",
        "ied",
        "eed",
        "ing",
        "ation",
        "ational",
        "ization",
        "iveness",
        "fulness",
        "ousli",
        "alli",
        "logi",
        "ll",
        "y",
        "ment",
        "ance",
        "ble",
        "e",
    ]
    theirs = nltk.stem.PorterStemmer()
    words = [
        "".join(draw.choices("aeiouybcdlmnrstz", k=draw.randint(0, 7))) + draw.choice(endings) for _ in range(20_000)
    ]
    assert [stem(word) for word in words] == [theirs.stem(word) for word in words]


def test_words_of_13a_are_those_of_sacrebleu():
    texts = [text for pair in pairs(seed=9) for text in pair]
    assert [words_13a(text) for text in texts] == [Tokenizer13a()(text.rstrip()).split() for text in texts]


@pytest.mark.parametrize("metric", ["fuzzy_match", "bleu", "gleu", "rouge_1", "rouge_l", "chrf"])
def test_equal_texts_are_fully_alike_however_short(metric):
    assert similarity(metric, "blue", "blue") == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([1, 0], [2, 0], 1.0),
        ([1, 0], [0, 3], 0.0),
        ([1, 0], [-1, 0], 0.0),
        ([1, 1], [1, 0], 0.5**0.5),
        ([0, 0], [1, 0], 0.0),
    ],
)
def test_the_cosine_of_two_embeddings_is_cut_at_zero(first, second, expected):
    assert cosine(first, second) == pytest.approx(expected)
