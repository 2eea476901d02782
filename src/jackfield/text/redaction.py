"""Taking live secrets out of a text before anyone sees it."""

import base64
import json
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, quote_plus

from jackfield.model.secret import Secret

REDACTED: Final = "‹secret›"
SHORTEST: Final = 4


class Redactor:
    """Replaces given secrets, plain or encoded, by a mark.

    Known forms are base64 (standard and URL-safe, padded or not), URL-quoted, and JSON-escaped. A secret of fewer than
    four characters is left alone: it would match inside ordinary words and turn every message into marks.
    """

    __slots__ = ("_forms",)

    def __init__(self, secrets: Iterable[Secret]) -> None:
        forms = {form for secret in secrets if len(secret) >= SHORTEST for form in _forms(secret.reveal())}
        # The longest first, so that a secret that contains another is taken out whole. They are no pattern of `re`, for
        # it keeps every pattern that it was ever given.
        self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))

    def redact(self, text: str) -> str:
        """`text` with every form of every secret replaced."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, REDACTED)
        return text

    def __repr__(self) -> str:
        return "Redactor()"


def _forms(secret: str) -> set[str]:
    """How one secret may appear. Secrets of several lines appear line by line too."""
    forms = set()
    for text in {secret, secret.strip(), *secret.splitlines()}:
        if len(text) < SHORTEST:
            continue
        raw = text.encode("utf-8", "surrogatepass")
        standard = base64.b64encode(raw).decode()
        url_safe = base64.urlsafe_b64encode(raw).decode()
        forms |= {
            text,
            standard,
            standard.rstrip("="),
            url_safe,
            url_safe.rstrip("="),
            quote(raw, safe=""),
            quote(raw),
            quote_plus(raw),
            json.dumps(text)[1:-1],
            json.dumps(text, ensure_ascii=False)[1:-1],
        }
    return forms
