"""Host names as they are looked up, and names that can be taken for others.

A host is kept, shown and connected to in ASCII, by IDNA 2008 (RFC 5891). What its labels read as is told beside it.
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import chain
from typing import Final

_ACE: Final = "xn--"

# Letters of other alphabets, and of Latin's own fringe, that are drawn like an ASCII letter in common typefaces.
_DRAWN_LIKE: Final = {
    alike: letter
    for letter, several in (
        ("a", "аɑα"), ("b", "Ььвʙ"), ("c", "сϲᴄ"), ("d", "ԁɗ"), ("e", "еҽє"), ("f", "ғƒ"), ("g", "ɡցԍ"), ("h", "һհнʜ"),
        ("i", "іıιɩӏɪ"), ("j", "јϳ"), ("k", "кκᴋ"), ("l", "ⅼӏǀ"), ("m", "мᴍ"), ("n", "ոпɴ"), ("o", "оοօσᴏ০०"),
        ("p", "рρ"), ("q", "ԛգ"), ("r", "гɾʀ"), ("s", "ѕꜱ"), ("t", "тτᴛ"), ("u", "սυцᴜ"), ("v", "νѵᴠ"), ("w", "ԝшωѡᴡ"),
        ("x", "хχ"), ("y", "уүγʏ"), ("z", "ᴢʐ"),
    )
    for alike in several
}  # fmt: skip
_DIGITS: Final = str.maketrans("015", "ols")
_WRITTEN_TOGETHER: Final = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"})  # with Latin, too


def ascii_host(host: str) -> str:
    """The name that is looked up for `host`: itself where it is ASCII. Raises ValueError where IDNA knows none."""
    if host.isascii():
        return host
    import idna  # takes a while to load, and hosts are hardly ever other than ASCII

    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise ValueError("no host name") from None


def read_host(host: str) -> str:
    """What the labels of `host` mean: itself where none is encoded, or means anything."""
    return ".".join(map(_read_label, host.split(".")))


def told_of_host(host: str) -> str:
    """What stands beside a host that reads otherwise than it is looked up, with what it could be taken for; else empty.

    Completes "HOST …".
    """
    read = read_host(host)
    if read.isascii():
        return ""
    doubts = dict.fromkeys(chain.from_iterable(map(_doubts, read.split("."))))
    return ", ".join((f"reads {read}", *doubts))


def drawn_as(text: str) -> str:
    """A text that two names share when one is drawn like the other. It is for comparing, not for showing."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    letters = "".join(_DRAWN_LIKE.get(letter, letter) for letter in plain if not unicodedata.combining(letter))
    words = re.sub(r"[\W_]+", "", letters.translate(_DIGITS))
    return words.replace("rn", "m").replace("vv", "w").replace("i", "l")


def _read_label(label: str) -> str:
    if not label.lower().startswith(_ACE):
        return label
    import idna

    try:
        return idna.decode(label)
    except (idna.IDNAError, UnicodeError):
        return label


def _doubts(label: str) -> Iterator[str]:
    """Why a label could be taken for another."""
    scripts = sorted({_script(letter) for letter in label if letter.isalpha()})
    together = {*scripts} - {"LATIN"} <= _WRITTEN_TOGETHER
    if len(scripts) > 1 and not together:
        yield f"mixes {' and '.join(map(str.capitalize, scripts))} letters"
    alike = "".join(_DRAWN_LIKE.get(letter, letter) for letter in label)
    if alike != label and alike.isascii():
        yield f"can be taken for {alike}"


def _script(letter: str) -> str:
    """The alphabet of a letter, as the first word of its Unicode name."""
    return re.split("[ -]", unicodedata.name(letter, "unknown"), maxsplit=1)[0]
