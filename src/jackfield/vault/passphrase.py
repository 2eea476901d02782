"""Passphrases: the one rule, and an honest word about how good one is.

The estimate counts what a guesser would have to try, in bits: characters that continue a run or repeat are worth
almost nothing, a word everyone tries is worth one character, and a sentence is worth its different words.
"""

import math
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

from jackfield.model.errors import InvalidField
from jackfield.model.secret import Secret

MINIMUM_LENGTH: Final = 8
_FAIR_BITS: Final = 40
_STRONG_BITS: Final = 60
_BITS_PER_WORD: Final = 13  # a word drawn from a list of about eight thousand
_SENTENCE_WORDS: Final = 3
_RUNS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertz",
    "azerty",
)
_STEPS: Final = frozenset(pair for run in _RUNS for way in (run, run[::-1]) for pair in pairwise(way))
_TRIED_FIRST: Final = re.compile(
    "pass ?word|pass ?phrase|pass ?wort|secret|let ?me ?in|welcome|admin|login|master|dragon|monkey|football"
    "|baseball|sunshine|princess|iloveyou|trustno|changeme|default|jackfield|vault"
)
_LOOKALIKES: Final = str.maketrans("@$013457", "asoleast")


class Strength(StrEnum):
    TOO_SHORT = "too short"
    WEAK = "weak"
    FAIR = "fair"
    STRONG = "strong"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A strength and the reason for it, which never repeats the passphrase."""

    strength: Strength
    reason: str


def passphrase_bytes(passphrase: Secret) -> bytes:
    """The bytes a key is derived from: UTF-8 of the NFC form, so that every keyboard types the same passphrase.

    Raises InvalidField when it is not text.
    """
    try:
        return unicodedata.normalize("NFC", passphrase.reveal()).encode()
    except UnicodeEncodeError:
        message = "The passphrase holds something that is not text."
    raise InvalidField("passphrase", message, "Type it again.")


def require_passphrase(passphrase: Secret) -> None:
    """Raises InvalidField when a new passphrase is shorter than 8 characters or is not text."""
    passphrase_bytes(passphrase)
    judgement = judge_passphrase(passphrase)
    if judgement.strength is Strength.TOO_SHORT:
        raise InvalidField("passphrase", judgement.reason, "Choose a longer one; several words are easy to remember.")


def judge_passphrase(passphrase: Secret) -> Judgement:
    """How long a passphrase would stand against guessing."""
    text = unicodedata.normalize("NFC", passphrase.reveal())
    if len(text) < MINIMUM_LENGTH:
        return Judgement(
            Strength.TOO_SHORT, f"A passphrase needs {MINIMUM_LENGTH} characters or more; this has {len(text)}."
        )
    bits, known, predictable = _estimate(text)
    if bits >= _STRONG_BITS:
        return Judgement(Strength.STRONG, "Long enough, and little of it can be guessed from the rest.")
    if known:
        reason = "It is built on a word that is tried first."
    elif predictable:
        reason = "Much of it is runs or repetition, such as abc, 123 or the same again."
    else:
        reason = "A few more characters, or one more word, would make it stronger."
    return Judgement(Strength.FAIR if bits >= _FAIR_BITS else Strength.WEAK, reason)


def _estimate(text: str) -> tuple[float, bool, bool]:
    """Bits; whether a word that is tried first is in it; whether a third or more of it follows from the rest."""
    folded = _shortest_period(text.casefold())
    plain = _TRIED_FIRST.sub("\0", folded)
    if plain == folded:
        plain = _TRIED_FIRST.sub("\0", folded.translate(_LOOKALIKES))
        plain = plain if "\0" in plain else folded
    worth = 0.0
    for index, character in enumerate(plain):
        before = plain[index - 1] if index else ""
        worth += 0.1 if character == before or (before, character) in _STEPS else 1.0
    bits = worth * math.log2(_alphabet_size(text))
    words = re.findall(r"[^\W\d_]{2,}", plain)
    if len(words) >= _SENTENCE_WORDS and sum(map(len, words)) > len(plain) * 0.7:
        bits = min(bits, _BITS_PER_WORD * len(set(words)))
    return bits, "\0" in plain, len(folded) < len(text) or worth < len(plain) * 2 / 3


def _shortest_period(text: str) -> str:
    """`text` without repetition of its whole: "abcabcab" is as good as "abc"."""
    period = next(size for size in range(1, len(text) + 1) if text[size:] == text[: len(text) - size])
    return text[:period] if period <= len(text) // 2 else text


def _alphabet_size(text: str) -> int:
    kinds = ((r"[a-z]", 26), (r"[A-Z]", 26), (r"[0-9]", 10), (r"[^\w\s]|_", 33), (r"\s", 1), (r"[^\x00-\x7f]", 100))
    return sum(size for pattern, size in kinds if re.search(pattern, text)) or 1
