"""What exports, typists and field lengths do to texts. Every function takes the random numbers it may use."""

from collections.abc import Mapping, Sequence
from random import Random
from unicodedata import combining, normalize

_NEIGHBOURS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890")
_LOOKALIKES = {"0": "O", "O": "0", "1": "I", "I": "1", "5": "S", "S": "5", "8": "B", "B": "8", "6": "G", "Z": "2"}
_SPELT_OUT = {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ø": "oe", "å": "aa"}


def chance(random: Random, share: float) -> bool:
    """True that often."""
    return random.random() < share


def slip(random: Random, word: str) -> str:
    """One wrong key, a letter too few or too many, two swapped; the first letter is seldom the one."""
    if len(word) < 3:
        return word
    at = random.randrange(0 if chance(random, 0.1) else 1, len(word) - 1)
    kind = random.randrange(5)
    if kind == 0:
        return word[:at] + word[at + 1 :]
    if kind == 1:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == 2:
        return word[:at] + word[at] + word[at:]
    if kind == 3:
        return word[:at] + _LOOKALIKES.get(word[at], word[at]) + word[at + 1 :]
    return word[:at] + _beside(random, word[at]) + word[at + 1 :]


def _beside(random: Random, letter: str) -> str:
    for row in _NEIGHBOURS:
        if (at := row.find(letter.lower())) >= 0:
            beside = row[max(at + random.choice((-1, 1)), 0) % len(row)]
            return beside.upper() if letter.isupper() else beside
    return letter


def number_slip(random: Random, number: str) -> str:
    """A digit wrong, swapped with the next, or lost."""
    places = [at for at, c in enumerate(number) if c.isdigit()]
    if len(places) < 2:
        return number
    at = random.choice(places[:-1])
    kind = random.randrange(3)
    if kind == 0:
        return number[:at] + random.choice("0123456789") + number[at + 1 :]
    if kind == 1:
        return number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    return number[:at] + number[at + 1 :]


def shortened(random: Random, word: str) -> str:
    """Cut after a few letters, or without its vowels."""
    if len(word) < 6:
        return word
    if chance(random, 0.5):
        return word[: random.randrange(3, 6)] + random.choice(("", "."))
    return word[0] + "".join(c for c in word[1:] if c not in "aeiou")


def plain_letters(random: Random, text: str) -> str:
    """Accents off, or spelt out as German and Danish keyboards do."""
    if text.isascii():
        return text
    if chance(random, 0.4):
        text = "".join(_SPELT_OUT.get(c, c) for c in text)
    return "".join(c for c in normalize("NFKD", text) if not combining(c))


def careless(random: Random, words: Sequence[str], care: float, short: Mapping[str, Sequence[str]]) -> list[str]:
    """Words as a clerk keys them: ``care`` 0 makes no fault, 1 the usual number, 2 twice as many."""
    kept = list[str]()
    for word in words:
        roll = random.random()
        if word in short and roll < 0.3 * care:
            word = random.choice(short[word])
        elif roll > 1 - 0.04 * care and len(word) > 4:
            word = slip(random, word)
        elif roll > 1 - 0.055 * care:
            word = shortened(random, word)
        kept.append(word)
    if len(kept) > 2 and chance(random, 0.05 * care):
        kept.pop(random.randrange(1, len(kept)))
    if len(kept) > 1 and chance(random, 0.03 * care):
        at = random.randrange(len(kept) - 1)
        kept[at], kept[at + 1] = kept[at + 1], kept[at]
    if len(kept) > 1 and chance(random, 0.03 * care):
        at = random.randrange(len(kept) - 1)
        kept[at : at + 2] = [kept[at] + kept[at + 1].lower()]
    if chance(random, 0.01 * care) and len(kept[0]) > 6:
        at = random.randrange(3, len(kept[0]) - 2)
        kept[:1] = [kept[0][:at], kept[0][at:]]
    return kept
