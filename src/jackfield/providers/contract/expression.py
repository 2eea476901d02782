"""Rules in CEL (Common Expression Language) and texts with `{expressions}` in them.

A rule that reads something that is not there gives NOTHING: neither true nor false, so a verdict built on it stays
unknown. CEL itself always ends and cannot act, so rules written by strangers are safe to evaluate.
"""

import json
import re
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import Enum
from functools import cached_property, lru_cache
from typing import Any, Final, Literal
from urllib.parse import quote

from jackfield.model.errors import JackfieldError
from jackfield.providers.contract.functions import FUNCTIONS


class Nothing(Enum):
    NOTHING = "nothing"

    def __bool__(self) -> bool:
        return False


NOTHING: Final = Nothing.NOTHING

# Names every rule may read beside its provider's fields and facts.
BUILT_IN_NAMES: Final = frozenset({"method", "target", "connection", "organization", "now", "random", "item"})

_MACROS: Final = frozenset({"all", "exists", "exists_one", "filter", "map", "has"})
_LOCK: Final = threading.Lock()  # the CEL parser keeps state of its own


class RuleError(JackfieldError):
    """A rule or template does not parse, or names something its provider does not declare."""


class Expression:
    """One CEL rule. Compiled when first needed, because the CEL library costs a tenth of a second to import."""

    __slots__ = ("__dict__", "text")

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    @cached_property
    def _compiled(self) -> tuple[Any, frozenset[str]]:
        return _compile(self.text)

    @property
    def reads(self) -> frozenset[str]:
        """Top-level names the rule reads: fields, facts and built-in names. Raises RuleError when it does not parse."""
        return self._compiled[1]

    def evaluate(self, names: Mapping[str, object]) -> object:
        """The rule's value as plain Python data, or NOTHING when something it needs is absent or of another type."""
        program = self._compiled[0]
        from celpy.evaluation import CELEvalError

        try:
            return _plain(program.evaluate({name: _cel(names[name]) for name in self.reads if name in names}))
        except (CELEvalError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError):
            return NOTHING

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


def identifiers(text: str) -> frozenset[str]:
    """Top-level names an expression reads. Raises RuleError when it does not parse."""
    return Expression(text).reads


# --- CEL ---------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _environment() -> Any:
    import celpy
    from celpy.evaluation import CELEvalError

    # The library quotes an error within the next one, which doubles for each element that `exists` cannot judge.
    CELEvalError.__repr__ = object.__repr__  # type: ignore[method-assign]  # it offers no way to choose
    return celpy.Environment()


@lru_cache(maxsize=4096)
def _compile(text: str) -> tuple[Any, frozenset[str]]:
    from celpy.celparser import CELParseError

    with _LOCK:
        try:
            tree = _environment().compile(text)
        except CELParseError as error:
            where = f" at column {error.column}" if getattr(error, "column", None) else ""
            message = f"The rule does not parse{where}: {text}"
            raise RuleError(message, "See the CEL language reference.") from None
        bound: set[str] = set()
        names: set[str] = set()
        _collect(tree, names, bound)
        return _environment().program(tree, functions=_functions()), frozenset(names - bound)


def _collect(node: Any, names: set[str], bound: set[str]) -> None:
    """Gather identifiers, and those that a macro such as `exists(m, …)` binds."""
    if not hasattr(node, "data"):
        return
    if node.data == "ident":
        names.add(str(node.children[0]))
    elif node.data == "member_dot_arg" and str(node.children[1]) in _MACROS and len(node.children) > 2:
        first = next(node.children[2].children[0].find_data("ident"), None)  # of its first argument
        if first is not None:
            bound.add(str(first.children[0]))
    for child in node.children:
        _collect(child, names, bound)


def as_rules_read(value: object) -> object:
    """Plain data brought into the form rules read, once, for data that many rules read."""
    return _cel(value)


def _cel(value: object) -> Any:
    """Plain data as CEL values; CEL values pass unchanged."""
    from celpy import celtypes
    from celpy.adapter import json_to_cel

    if isinstance(value, (celtypes.MapType, celtypes.StringType, celtypes.TimestampType)):
        return value
    if isinstance(value, datetime):
        return celtypes.TimestampType(value)
    return json_to_cel(value)  # type: ignore[arg-type]  # facts are JSON-like; anything else raises ValueError


def _plain(value: Any) -> object:
    from celpy import celtypes

    match value:
        case None:
            return None
        case celtypes.BoolType():
            return bool(value)
        case str():  # `+` of two CEL texts, and of two lists, gives a plain one
            return str(value)
        case celtypes.IntType() | celtypes.UintType():
            return int(value)
        case celtypes.DoubleType():
            return float(value)
        case list():
            return [_plain(item) for item in value]
        case celtypes.MapType():
            return {str(_plain(key)): _plain(item) for key, item in value.items()}
        case celtypes.TimestampType():
            return datetime.fromtimestamp(value.timestamp(), UTC)
        case celtypes.BytesType():
            return bytes(value)
        case _:
            return NOTHING


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        return json.dumps(value, separators=(",", ":"))
    return str(value)


def _functions() -> dict[str, Callable[..., Any]]:
    """Our own functions, taking and giving CEL values."""

    def adapted(function: Callable[..., object]) -> Callable[..., Any]:
        return lambda *arguments: _cel(function(*map(_plain, arguments)))

    return {name: adapted(function) for name, function in FUNCTIONS.items()} | _null_comparisons()


def _null_comparisons() -> dict[str, Callable[..., Any]]:
    """`==` and `!=` as CEL has them: null compares with anything, which the library refuses for numbers and maps."""
    from celpy import celtypes
    from celpy.evaluation import CELEvalError, bool_eq, bool_ne

    def concerns_null(one: Any, other: Any) -> bool:
        absent = isinstance(one, CELEvalError) or isinstance(other, CELEvalError)
        return (one is None or other is None) and not absent

    def equal(one: Any, other: Any) -> Any:
        return celtypes.BoolType(one is other) if concerns_null(one, other) else bool_eq(one, other)

    def unequal(one: Any, other: Any) -> Any:
        return celtypes.BoolType(one is not other) if concerns_null(one, other) else bool_ne(one, other)

    return {"_==_": equal, "_!=_": unequal}
