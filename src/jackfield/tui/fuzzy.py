"""Finding what was meant by a few letters."""

from collections.abc import Callable, Iterable
from typing import TypeVar

Thing = TypeVar("Thing")


def best_matches(things: Iterable[Thing], typed: str, texts: Callable[[Thing], Iterable[str]]) -> tuple[Thing, ...]:
    """The things that `typed` may mean, the likeliest first; all of them, in their order, when nothing was typed.

    Every word must be found in one of a thing's texts, of which the first counts most.
    """
    words = typed.casefold().split()
    scored: list[tuple[int, int, Thing]] = []
    for number, thing in enumerate(things):
        found = [text.casefold() for text in texts(thing)]
        ranks = [min((_rank(text, word, place) for place, text in enumerate(found)), default=_NOT) for word in words]
        if all(rank < _NOT for rank in ranks):
            scored.append((sum(ranks), number, thing))
    return tuple(thing for _, _, thing in sorted(scored, key=lambda entry: entry[:2]))


_NOT = 1000


def _rank(text: str, word: str, place: int) -> int:
    """0 for the begin of the first text, more for less: inside a word, in another text, letters with gaps."""
    at = text.find(word)
    if at == 0:
        return place * 4
    if at > 0:
        return place * 4 + (1 if not text[at - 1].isalnum() else 2)
    if place == 0 and _has_in_order(text, word):
        return 50 + len(text)
    return _NOT


def _has_in_order(text: str, letters: str) -> bool:
    rest = iter(text)
    return all(letter in rest for letter in letters)
