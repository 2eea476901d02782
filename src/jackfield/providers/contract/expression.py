"""Rules in CEL (Common Expression Language) and texts with `{expressions}` in them.

A rule that reads something that is not there gives NOTHING: neither true nor false, so a verdict built on it stays
unknown. CEL itself always ends and cannot act, so rules written by strangers are safe to evaluate.
"""

import json
import re
import threading
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from typing import Any, Final, Literal
from urllib.parse import quote

from jackfield.model.errors import JackfieldError
from jackfield.providers.contract.values import NOTHING, Nothing

# Names every rule may read beside its provider's fields and facts.
BUILT_IN_NAMES: Final = frozenset({"method", "target", "connection", "organization", "now", "random", "item"})

_LOCK: Final = threading.Lock()  # the CEL parser keeps state of its own


class RuleError(JackfieldError):
    """A rule or template does not parse, uses what rules do not have, or names what its provider does not declare."""


class Expression:
    """One CEL rule. Compiled when first needed, because the CEL library costs a tenth of a second to import."""

    __slots__ = ("__dict__", "text")

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    @cached_property
    def _compiled(self) -> tuple[Callable[[Mapping[str, object]], object], frozenset[str]]:
        return _compile(self.text)

    @property
    def reads(self) -> frozenset[str]:
        """Top-level names the rule reads: fields, facts and built-in names. Raises RuleError when it is no rule."""
        return self._compiled[1]

    def evaluate(self, names: Mapping[str, object]) -> object:
        """The rule's value as plain Python data, or NOTHING when something it needs is absent or of another type."""
        return self._compiled[0](names)

    def decide(self, names: Mapping[str, object]) -> bool | Literal[Nothing.NOTHING]:
        """True, False or NOTHING; a rule that gives anything but a boolean decides nothing."""
        value = self.evaluate(names)
        return value if isinstance(value, bool) else NOTHING


class Template:
    """Text with `{expression}` parts. Braces that do not enclose a name or call stay as they are (JSON, HCL)."""

    __slots__ = ("__dict__", "text")

    _PART: Final = re.compile(r"\{([A-Za-z_][^{}\n]*)\}")

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"Template({self.text!r})"

    @cached_property
    def parts(self) -> tuple[str | Expression, ...]:
        pieces = self._PART.split(self.text)
        return tuple(Expression(piece) if odd % 2 else piece for odd, piece in enumerate(pieces) if piece or odd % 2)

    @cached_property
    def reads(self) -> frozenset[str]:
        return frozenset().union(*(part.reads for part in self.parts if isinstance(part, Expression)))

    def render(
        self,
        names: Mapping[str, object],
        *,
        escape: Callable[[str], str] = str,
        absent: Callable[[str], str] | None = None,
    ) -> str | Literal[Nothing.NOTHING]:
        """The filled text. Each filled value passes `escape`; a value that is not there makes the whole text NOTHING,
        unless `absent` turns the expression's own text into something to show."""
        done: list[str] = []
        for part in self.parts:
            if isinstance(part, str):
                done.append(part)
                continue
            value = part.evaluate(names)
            if value is NOTHING or value is None or value == "":
                if absent is None:
                    return NOTHING
                done.append(absent(part.text))
            else:
                done.append(escape(_as_text(value)))
        return "".join(done)


def path_escape(value: str) -> str:
    """Percent-encode one value for a URL's path, so that no value can add a segment, a query or a host.

    A value of dots alone is refused by encoding them twice over: `..` would otherwise climb a folder.
    """
    return value.replace(".", "%2E") if value.strip(".") == "" else quote(value, safe="")


# --- CEL ---------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _compile(text: str) -> tuple[Callable[[Mapping[str, object]], object], frozenset[str]]:
    """What a rule does and the names it reads; kept, because several providers have the same rules."""
    from jackfield.providers.contract.evaluation import Unsupported, build

    try:
        return build(_parse(text))
    except Unsupported as error:
        raise RuleError(f"The rule cannot be used, because {error}: {text}", "Say it in another way.") from None
    except RecursionError:
        raise RuleError("A rule is nested too deeply to be used.", "Make several rules of it.") from None


@lru_cache(maxsize=1)
def _environment() -> Any:
    import celpy

    return celpy.Environment()


def _parse(text: str) -> Any:
    from celpy.celparser import CELParseError

    with _LOCK:
        try:
            return _environment().compile(text)
        except CELParseError as error:
            where = f" at column {error.column}" if getattr(error, "column", None) else ""
            message = f"The rule does not parse{where}: {text}"
            raise RuleError(message, "See the CEL language reference.") from None


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        return json.dumps(value, separators=(",", ":"))
    return str(value)
