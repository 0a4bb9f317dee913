"""What can be said of free answers without judging them: how long, how repetitive, in which language, refused or not.

Each is a plain rule on the text, so that a change between two models can be traced to answers one can read.
"""

from __future__ import annotations

import re
import unicodedata

GRAM = 4
# Where these stand in the first words of an answer, it declines to answer. Long phrases, so that stories rarely match.
_REFUSALS = re.compile(
    r"\b(?:I(?:'m| am) sorry,? but|I(?: am|'m) (?:unable|not able) to"
    r"|I can(?:no|')t (?:help|assist|answer|comply|provide)"
    r"|I won't (?:help|assist|answer)|as an AI|es tut mir leid,? aber|ich kann (?:dir|Ihnen|dabei) (?:leider )?nicht"
    r"|je (?:suis désolée?|regrette),? mais|je ne peux pas (?:vous |t')?aider|lo siento,? pero|no puedo ayudar"
    r"|mi dispiace,? ma|desculpe,? mas|não posso ajudar|het spijt me,? maar)"
    r"|к сожалению,? я не могу|我无法|很抱歉|申し訳ありません|عذرًا|لا أستطيع مساعدت",
    re.IGNORECASE,
)
REFUSAL_CHARACTERS = 160
_SMALL_WORDS = {
    "en": "the and of to in is it that was for you with he be on are as at this not have",
    "de": "der die das und ist nicht ein eine ich zu den mit sich auf es dem von er sie im",
    "fr": "le la les et est un une des que pas vous dans il je pour qui sur au ne elle",
    "es": "el los las y es un una que en no por con se para su lo como más pero del",
    "it": "il lo gli e è un una che di non per con si sono della nel più anche al ma",
    "pt": "o os as e é um uma que não em do da para com se no na por mais ao",
    "nl": "de het een en is niet van dat op te zijn met voor er aan maar je die ook",
    "pl": "i w nie na się z to że do jest jak ale co po za od tak był czy",
    "sv": "och i att det som en är på av för den inte med till har ett om han så",
    "tr": "ve bir bu da de için ile çok ne gibi daha ama olarak en o kadar var değil",
}
_SCRIPTS = {
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "CJK": "zh",
    "CYRILLIC": "ru",
    "ARABIC": "ar",
    "DEVANAGARI": "hi",
}
FEWEST_SMALL_WORDS = 2


def language_of(text: str) -> str | None:
    """The language that the letters or the small words speak for; None where they do not say.

    Letters of another script decide at once. Otherwise the language with the most small words wins, if it has two and
    is alone; short answers, names and JSON therefore have no language.
    """
    scripts = [_script(letter) for letter in text if letter.isalpha()]
    foreign = [script for script in scripts if script is not None]
    if len(foreign) * 3 > len(scripts):
        return "ja" if "ja" in foreign else max(sorted(set(foreign)), key=foreign.count)
    words = re.findall(r"[^\W\d_]+", unicodedata.normalize("NFC", text).casefold())
    counts = {language: sum(word in small.split() for word in words) for language, small in _SMALL_WORDS.items()}
    first, second = sorted(counts.values(), reverse=True)[:2]
    return max(counts, key=lambda name: counts[name]) if first >= FEWEST_SMALL_WORDS and first > second else None


def is_refusal(text: str) -> bool:
    return _REFUSALS.search(text[:REFUSAL_CHARACTERS]) is not None


def repetition(text: str) -> float:
    """The share of four-word runs that occurred before; of four-letter runs in scripts without spaces. 0 to 1."""
    words = text.split()
    pieces = words if len(words) > len(text) / 20 else list(text)
    runs = [tuple(pieces[start : start + GRAM]) for start in range(len(pieces) - GRAM + 1)]
    return 1 - len(set(runs)) / len(runs) if runs else 0.0


def _script(letter: str) -> str | None:
    return _SCRIPTS.get(unicodedata.name(letter, "").split(" ")[0]) if ord(letter) > 0x36F else None
