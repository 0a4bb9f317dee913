"""Answers in a given form: JSON, lists, dates, tags, tables. A program behind the model would read them strictly."""

from __future__ import annotations

import json
import random

from luthier.evaluation.forgetting.checks import AllOf, Check, Contains, Equals, JsonEquals, Matches, Verbatim
from luthier.evaluation.forgetting.items import Item, numbered

PEOPLE = (("Ana", 31, "Porto"), ("Bo", 45, "Oslo"), ("Cem", 27, "Izmir"), ("Dora", 62, "Split"), ("Emil", 19, "Graz"))
MONTHS = ("January", "March", "April", "June", "August", "October", "November")
Written = tuple[str, Check, str]


def formats() -> tuple[Item, ...]:
    """52 items."""
    draw = random.Random("formats")
    return numbered("format", [*_json(), *_lists(), *_dates(draw), *_tags(), *_lines()])


def _json() -> list[Written]:
    written: list[Written] = []
    for name, age, city in PEOPLE:
        value = {"name": name, "age": age, "city": city}
        text = json.dumps(value)
        told = f"{name} is {age} years old and lives in {city}."
        written.append(
            (
                f'{told}\nWrite this as one JSON object with the keys "name", "age" (a number), "city". Nothing else.',
                JsonEquals(value),
                text,
            )
        )
        short = {"ok": True, "age": age}
        written.append(
            (
                f'Answer with this JSON object and nothing else: {{"ok": true, "age": {age}}}',
                JsonEquals(short),
                json.dumps(short),
            )
        )
        listed = {"words": [name, city]}
        written.append(
            (
                f'Write a JSON object whose only key "words" holds a list of {name} and {city}. Nothing else.',
                JsonEquals(listed),
                json.dumps(listed),
            )
        )
    return written


def _lists() -> list[Written]:
    written: list[Written] = []
    for count, what in ((2, "animals"), (3, "colours"), (3, "fruits"), (4, "tools"), (5, "countries")):
        bullets = rf"\A(?:- [^\n]+\n){{{count - 1}}}- [^\n]+\Z"
        written.append(
            (
                f'List {count} {what}, one per line, each line beginning with "- ". Nothing else.',
                Matches(bullets),
                "\n".join(["- x"] * count),
            )
        )
        numbers = "\\n".join(rf"{i}\. [^\n]+" for i in range(1, count + 1))
        right = "\n".join(f"{i}. x" for i in range(1, count + 1))
        written.append(
            (
                f'List {count} {what} as a numbered list ("1. ", "2. ", one per line). Nothing else.',
                Matches(rf"\A{numbers}\Z"),
                right,
            )
        )
        commas = rf"\A[^,\n]+(?:, [^,\n]+){{{count - 1}}}\Z"
        written.append(
            (
                f"Name {count} {what} on one line, parted by commas. Nothing else.",
                Matches(commas),
                ", ".join("x" * count),
            )
        )
    return written


def _dates(draw: random.Random) -> list[Written]:
    written: list[Written] = []
    numbers = {"January": 1, "March": 3, "April": 4, "June": 6, "August": 8, "October": 10, "November": 11}
    for month in MONTHS:
        day, year = draw.randint(1, 28), draw.randint(1950, 2030)
        right = f"{year}-{numbers[month]:02}-{day:02}"
        written.append((f"Write the date {day} {month} {year} as YYYY-MM-DD. Nothing else.", Equals((right,)), right))
    for hour, minute in ((7, 5), (15, 30), (21, 45)):
        right = f"{hour:02}:{minute:02}"
        twelve = f"{hour % 12}:{minute:02} {'am' if hour < 12 else 'pm'}"
        written.append((f"Write {twelve} in the 24-hour form HH:MM. Nothing else.", Equals((right,)), right))
    return written


def _tags() -> list[Written]:
    written: list[Written] = []
    for word, tag in (("river", "b"), ("seven", "answer"), ("lemon", "item"), ("north", "dir")):
        right = f"<{tag}>{word}</{tag}>"
        written.append(
            (f"Put the word {word} between the tags <{tag}> and </{tag}>. Nothing else.", Verbatim(right), right)
        )
    for word in ("quiet", "amber"):
        written.append(
            (
                f"Write the word {word} between two asterisks on each side, like **this**. Nothing else.",
                Verbatim(f"**{word}**"),
                f"**{word}**",
            )
        )
    return written


def _lines() -> list[Written]:
    written: list[Written] = []
    for name, age, city in PEOPLE[:3]:
        right = f"{name};{age};{city}"
        written.append(
            (
                f"Write {name}, {age} and {city} on one line, in this order, parted by semicolons without spaces.",
                Equals((right,)),
                right,
            )
        )
        rows = f"key: {name}\nvalue: {age}"
        two = AllOf((Contains((f"key: {name}", f"value: {age}")), Matches(r"\A[^\n]+\n[^\n]+\Z")))
        written.append(
            (f'Write two lines: "key: " followed by {name}, then "value: " followed by {age}. Nothing else.', two, rows)
        )
    return written
