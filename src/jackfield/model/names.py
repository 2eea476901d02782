"""Names of organizations, projects and connections: slugs, as in the Hanzo KMS API."""

import re
from typing import Final

from jackfield.model.errors import InvalidField

NAME_LIMIT: Final = 64
DESCRIPTION_LIMIT: Final = 256
_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def require_slug(name: str, *, field: str = "name") -> str:
    """Return `name` when it is a slug: 1 to 64 of a-z, 0-9 and single inner hyphens. Raises InvalidField."""
    if not name:
        raise InvalidField(field, "A name is needed.", "Type one such as prod-secrets.")
    if len(name) > NAME_LIMIT:
        raise InvalidField(field, f"The name has {len(name)} characters; {NAME_LIMIT} is the limit.", "Shorten it.")
    if not _SLUG.fullmatch(name):
        example = suggest_slug(name)
        raise InvalidField(
            field,
            "A name holds only a-z, 0-9 and single hyphens between them.",
            f"Try {example}." if example else "Try one such as prod-secrets.",
        )
    return name


def suggest_slug(text: str) -> str:
    """The nearest slug to any text; empty when nothing of it can stay."""
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")[:NAME_LIMIT].strip("-")


def require_description(text: str) -> str:
    """Return `text` when it has at most 256 characters. Raises InvalidField."""
    if len(text) > DESCRIPTION_LIMIT:
        raise InvalidField(
            "description",
            f"The description has {len(text)} characters; {DESCRIPTION_LIMIT} is the limit.",
            "Shorten it.",
        )
    return text
