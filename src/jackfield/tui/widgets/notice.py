"""Telling the user something, in the corner, for a few seconds."""

from typing import Any, Literal

from textual.app import App
from textual.widget import Widget

from jackfield.model.errors import JackfieldError
from jackfield.text import clean

_LIMIT = 400


def tell(
    node: Widget | App[Any],
    message: str,
    *,
    next_step: str = "",
    severity: Literal["information", "warning", "error"] = "information",
) -> None:
    """Show a literal message, cleaned, with what to do next under it."""
    text = "\n".join(clean(part, limit=_LIMIT).text for part in (message, next_step) if part)
    node.notify(text, severity=severity, markup=False, timeout=8 if severity == "information" else 15)


def tell_error(node: Widget | App[Any], error: JackfieldError) -> None:
    """Show an error with its next step."""
    tell(node, error.message, next_step=error.next_step, severity="error")
