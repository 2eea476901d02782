"""The steps at the vendor, filled with what is known of one connection."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from jackfield.providers.contract.spec import Method, Provider

GUIDE_NAMES: Final = frozenset({"method", "organization", "connection"})  # built-in names that its steps may read
_BUILT_IN: Final = {"organization.id": "organization id", "connection.name": "connection name"}


def guide_steps(provider: "Provider", method: "Method", names: Mapping[str, object]) -> tuple[str, ...]:
    """The guide of a method, a line a step. `names` holds field values and built-in names, but no secret.

    What is not known yet stays a readable mark, such as `<Host>`.
    """
    labels = {field.name: field.label for field in method.fields} | _BUILT_IN

    def mark(expression: str) -> str:
        known = (label for name, label in labels.items() if re.search(rf"\b{re.escape(name)}\b", expression))
        return f"<{next(known, expression)}>"

    return tuple(str(step.render(names, absent=mark)) for step in provider.guide_of(method))
