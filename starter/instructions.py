"""Small exact tasks in turns, made on the fly: copying, listing, sorting, choosing, extracting to JSON.

They teach the starter model what turns are and that an answer ends. Nothing here comes from a data set: the
sentences are built from word lists in this file and from single sentences of the pretraining text.
"""

import json
import random
from collections.abc import Callable

Turn = dict[str, str]

NAMES = [
    "Ada",
    "Ben",
    "Chloe",
    "Dan",
    "Elif",
    "Farid",
    "Grace",
    "Hugo",
    "Ines",
    "Jonas",
    "Kemi",
    "Lena",
    "Marco",
    "Nadia",
    "Omar",
    "Priya",
    "Quinn",
    "Rosa",
    "Sven",
    "Tara",
    "Uma",
    "Viktor",
    "Wanda",
    "Yusuf",
    "Zoe",
]
CITIES = [
    "Lisbon",
    "Oslo",
    "Lagos",
    "Quito",
    "Delhi",
    "Kyoto",
    "Cork",
    "Perth",
    "Turin",
    "Ghent",
    "Porto",
    "Bergen",
    "Dakar",
    "Lima",
    "Cairo",
    "Hanoi",
    "Leeds",
    "Bonn",
]
GROUPS = {
    "animal": ["cat", "dog", "horse", "sheep", "owl", "whale", "rabbit", "goat", "spider", "frog"],
    "food": ["bread", "soup", "rice", "cheese", "apple", "honey", "butter", "onion", "cake", "bean"],
    "tool": ["hammer", "saw", "drill", "ladder", "wrench", "shovel", "knife", "brush", "needle", "rope"],
    "colour": ["red", "green", "blue", "yellow", "purple", "brown", "black", "white", "grey", "orange"],
    "furniture": ["table", "chair", "bed", "desk", "sofa", "shelf", "bench", "lamp", "stool", "drawer"],
    "weather": ["rain", "snow", "wind", "fog", "storm", "hail", "frost", "sunshine", "thunder", "cloud"],
    "vehicle": ["car", "bus", "train", "boat", "bicycle", "tram", "lorry", "plane", "ship", "scooter"],
    "clothing": ["coat", "hat", "scarf", "shoe", "glove", "sock", "shirt", "dress", "belt", "jacket"],
}
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
JOBS = ["baker", "nurse", "pilot", "teacher", "farmer", "plumber", "lawyer", "painter", "driver", "singer"]
PLAIN_WORDS = [word for words in GROUPS.values() for word in words]


def copy_sentence(rng: random.Random, sentence: str) -> tuple[str, str]:
    ask = rng.choice(
        ["Repeat this sentence: ", "Copy exactly: ", "Say this again, word for word: ", "Repeat after me: "]
    )
    return ask + sentence, sentence


def list_words(rng: random.Random, sentence: str) -> tuple[str, str]:
    words = rng.sample(PLAIN_WORDS, rng.randint(2, 6))
    kind = rng.choice(["bullets", "numbers", "json", "sorted", "reversed", "count", "first", "last"])
    text = ", ".join(words)
    match kind:
        case "bullets":
            return f"Write as a bulleted list: {text}", "\n".join(f"- {w}" for w in words)
        case "numbers":
            return f"Number these items: {text}", "\n".join(f"{i}. {w}" for i, w in enumerate(words, 1))
        case "json":
            return f"Write as a JSON list: {text}", json.dumps(words)
        case "sorted":
            return f"Sort alphabetically: {text}", ", ".join(sorted(words))
        case "reversed":
            return f"Reverse the order: {text}", ", ".join(reversed(words))
        case "count":
            return f"How many items? {text}", str(len(words))
        case "first":
            return f"What is the first item? {text}", words[0]
        case _:
            return f"What is the last item? {text}", words[-1]


def choose_group(rng: random.Random, sentence: str) -> tuple[str, str]:
    labels = rng.sample(list(GROUPS), rng.randint(2, 5))
    label = rng.choice(labels)
    word = rng.choice(GROUPS[label])
    shape = rng.choice(
        ["Which fits '{w}': {o}?", "Choose one of {o}.\n{w}", "Word: {w}\nOptions: {o}\nAnswer with one option."]
    )
    return shape.format(w=word, o=", ".join(labels)), label


def person_to_json(rng: random.Random, sentence: str) -> tuple[str, str]:
    facts = {
        "name": rng.choice(NAMES),
        "age": rng.randint(18, 90),
        "city": rng.choice(CITIES),
        "job": rng.choice(JOBS),
        "day": rng.choice(DAYS),
    }
    text = rng.choice(
        [
            "{name} is {age} years old, lives in {city} and works as a {job}. We meet on {day}.",
            "On {day} I saw {name}, the {job} from {city}, who has just turned {age}.",
            "My friend {name} ({age}) moved to {city}. A {job} by trade, free on {day}.",
            "{city} has a new {job}: {name}, aged {age}. First day at work: {day}.",
        ]
    ).format(**facts)
    keys = rng.sample(list(facts), rng.randint(1, 4))
    ask = rng.choice(
        ["Answer in JSON with the keys {k}.\n{t}", "{t}\nGive {k} as JSON.", "Extract {k} as JSON from: {t}"]
    )
    return ask.format(k=", ".join(keys), t=text), json.dumps({key: facts[key] for key in keys})


def find_fact(rng: random.Random, sentence: str) -> tuple[str, str]:
    owner, other = rng.sample(NAMES, 2)
    thing, second = rng.sample(PLAIN_WORDS, 2)
    text = f"{owner} has the {thing}. {other} has the {second}."
    question, answer = rng.choice(
        [
            (f"Who has the {thing}?", owner),
            (f"Who has the {second}?", other),
            (f"What does {owner} have?", thing),
            (f"Does {other} have the {thing}? Answer yes or no.", "no"),
            (f"Does {owner} have the {thing}? Answer yes or no.", "yes"),
        ]
    )
    return f"{text} {question}", answer


def add_numbers(rng: random.Random, sentence: str) -> tuple[str, str]:
    a, b = rng.randint(0, 20), rng.randint(0, 20)
    return rng.choice(
        [
            (f"What is {a} + {b}?", str(a + b)),
            (f"{a + b} - {b} =", str(a)),
            (f"Which is larger, {a} or {b + 21}?", str(b + 21)),
        ]
    )


def change_case(rng: random.Random, sentence: str) -> tuple[str, str]:
    words = " ".join(sentence.split()[:8])
    return rng.choice(
        [
            (f"Write in capitals: {words}", words.upper()),
            (f"Write in lower case: {words}", words.lower()),
            (f"What is the first word? {words}", words.split()[0]),
            (f"What is the last word? {words}", words.split()[-1]),
        ]
    )


TASKS: list[Callable[[random.Random, str], tuple[str, str]]] = [
    copy_sentence,
    list_words,
    choose_group,
    person_to_json,
    find_fact,
    add_numbers,
    change_case,
]
SYSTEM_PROMPTS = [
    "You are a helpful assistant.",
    "Answer briefly.",
    "Do exactly what is asked and nothing more.",
    "Answer every message with the right value.",
    "Follow the format of the earlier answers.",
]


def conversation(rng: random.Random, sentences: list[str]) -> list[Turn]:
    """One chat: an optional system turn, then one to six question-and-answer pairs.

    Half of the longer chats keep to one task, so that earlier turns are examples for the later ones (few-shot).
    """
    turns: list[Turn] = []
    if rng.random() < 0.5:
        turns.append({"role": "system", "content": rng.choice(SYSTEM_PROMPTS)})
    pairs = rng.choice([1, 1, 2, 3, 4, 6])
    one_task = rng.choice(TASKS) if rng.random() < 0.5 else None
    for _ in range(pairs):
        question, answer = (one_task or rng.choice(TASKS))(rng, rng.choice(sentences))
        turns += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return turns
