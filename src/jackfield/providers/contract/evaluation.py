"""A parsed CEL rule as a Python function over plain data: the tree is walked once, and no fact is ever converted.

cel-python parses; what a rule means is said here. NOTHING is CEL's error and a value like any other: every operation
hands it on but those which can be decided without it: `&&`, `||`, `?:`, `has`, `all` and `exists`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from jackfield.providers.contract.functions import FUNCTIONS
from jackfield.providers.contract.standard import STANDARD
from jackfield.providers.contract.values import NOTHING, OPERATORS, both_true, either_true, negated, negative

Names = Mapping[str, object]
Value = Callable[[Names], object]  # of a rule or a part of one

_FUNCTIONS: Final = {**STANDARD, **FUNCTIONS}
_NO_RESULT: Final = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError)


class Unsupported(Exception):
    """Something of CEL that rules do not have; the message says what."""


class _Unjudged(Exception):
    """An element that `map`, `filter` or `exists_one` cannot judge. The whole rule decides nothing: what could not be
    listed is not known to be absent, so neither `has` nor another part of the rule may hide it."""


def build(tree: Any) -> tuple[Value, frozenset[str]]:
    """The function of a parsed rule, and the names it reads. Raises Unsupported."""
    builder = _Builder()
    value = builder.build(tree)

    def rule(names: Names) -> object:
        try:
            return value(names)
        except _Unjudged:
            return NOTHING

    return rule, frozenset(builder.reads)


class _Builder:
    """Turns trees into functions and notes which names they read; `bound` are those that a macro binds."""

    def __init__(self) -> None:
        self.reads: set[str] = set()
        self.bound: list[str] = []

    def build(self, tree: Any) -> Value:
        """The function of one part of a rule."""
        tree = _bare(tree)
        make = getattr(self, f"_{tree.data}", None)
        if make is None:
            raise Unsupported("messages, and names that begin with a point, are no part of rules")
        return make(tree.children)  # type: ignore[no-any-return]

    def _literal(self, children: list[Any]) -> Value:
        value = _literal(children[0])
        return lambda _: value

    def _ident(self, children: list[Any]) -> Value:
        name = str(children[0])
        if name not in self.bound:
            self.reads.add(name)
        return lambda names: names.get(name, NOTHING)

    def _list_lit(self, children: list[Any]) -> Value:
        values = self._arguments(children)
        return lambda names: _whole([value(names) for value in values])

    def _map_lit(self, children: list[Any]) -> Value:
        parts = [self.build(part) for part in children[0].children] if children else []

        def value(names: Names) -> object:
            values = _whole([part(names) for part in parts])
            if not isinstance(values, list) or not all(isinstance(key, str | int) for key in values[::2]):
                return NOTHING
            made = dict(zip(values[::2], values[1::2], strict=True))
            return made if len(made) * 2 == len(values) else NOTHING

        return value

    # --- operators ------------------------------------------------------------------------------------------------

    def _expr(self, children: list[Any]) -> Value:
        condition, yes, no = (self.build(child) for child in children)

        def value(names: Names) -> object:
            decided = condition(names)
            if decided is True:
                return yes(names)
            return no(names) if decided is False else NOTHING

        return value

    # Both sides of `&&` and `||` are evaluated, so that what cannot be judged is found on either.

    def _conditionaland(self, children: list[Any]) -> Value:
        one, other = (self.build(child) for child in children)
        return lambda names: both_true(one(names), other(names))

    def _conditionalor(self, children: list[Any]) -> Value:
        one, other = (self.build(child) for child in children)
        return lambda names: either_true(one(names), other(names))

    def _relation(self, children: list[Any]) -> Value:
        calculate = OPERATORS[children[0].data]
        one, other = self.build(children[0].children[0]), self.build(children[1])

        def value(names: Names) -> object:
            left, right = one(names), other(names)
            if left is NOTHING or right is NOTHING:
                return NOTHING
            try:
                return calculate(left, right)
            except _NO_RESULT:
                return NOTHING

        return value

    _addition = _multiplication = _relation

    def _unary(self, children: list[Any]) -> Value:
        calculate = negated if children[0].data == "unary_not" else negative
        operand = self.build(children[1])
        return lambda names: calculate(operand(names))

    # --- members and functions ------------------------------------------------------------------------------------

    def _member_dot(self, children: list[Any]) -> Value:
        """A path such as `fact.body.id` is followed in one go."""
        keys = [str(children[1])]
        start = _bare(children[0])
        while start.data == "member_dot":
            keys.insert(0, str(start.children[1]))
            start = _bare(start.children[0])
        first = self.build(start)

        def value(names: Names) -> object:
            found = first(names)
            for key in keys:
                if not isinstance(found, dict):
                    return NOTHING
                found = found.get(key, NOTHING)
            return found

        return value

    def _member_index(self, children: list[Any]) -> Value:
        values, index = self.build(children[0]), self.build(children[1])
        return lambda names: _item(values(names), index(names))

    def _ident_arg(self, children: list[Any]) -> Value:
        name, arguments = str(children[0]), self._arguments(children[1:])
        if name not in ("has", "dyn"):
            return _call(name, arguments)
        if len(arguments) != 1:
            raise Unsupported(f"{name} takes one argument")
        only = arguments[0]
        return only if name == "dyn" else lambda names: only(names) is not NOTHING

    def _member_dot_arg(self, children: list[Any]) -> Value:
        name = str(children[1])
        if name not in _MACROS:
            return _call(name, [self.build(children[0]), *self._arguments(children[2:])])
        values = self.build(children[0])
        given = children[2].children if len(children) > 2 else []
        variable = _bare(given[0]) if len(given) == 2 else None
        if variable is None or variable.data != "ident":
            raise Unsupported(f"{name} takes a name and an expression over it")
        self.bound.append(str(variable.children[0]))
        body = self.build(given[1])
        return _over_elements(_MACROS[name], values, self.bound.pop(), body)

    def _arguments(self, children: list[Any]) -> list[Value]:
        return [self.build(child) for child in children[0].children] if children else []


def _bare(tree: Any) -> Any:
    """A tree without the levels of the grammar that only hand on what is below them."""
    while len(tree.children) == 1 and tree.data in _LEVELS:
        tree = tree.children[0]
    return tree


_LEVELS: Final = frozenset(
    {"expr", "conditionalor", "conditionaland", "relation", "addition", "multiplication", "unary"}
    | {"member", "primary", "paren_expr"}
)


def _literal(token: Any) -> object:
    from celpy.evaluation import celstr

    text = str(token)
    match token.type:
        case "BOOL_LIT":
            return text == "true"
        case "NULL_LIT":
            return None
        case "INT_LIT":
            return int(text, 16 if "x" in text else 10)
        case "FLOAT_LIT":
            return float(text)
        case "STRING_LIT" | "MLSTRING_LIT":
            return str(celstr(token))
    raise Unsupported("unsigned numbers and bytes are no part of rules")


def _whole(values: list[object]) -> object:
    return NOTHING if any(value is NOTHING for value in values) else values


def _item(values: object, index: object) -> object:
    """An element of a list, or the value of a key."""
    if isinstance(values, dict):
        return values.get(index, NOTHING) if isinstance(index, str | int) else NOTHING
    if isinstance(values, list | tuple) and isinstance(index, int) and not isinstance(index, bool):
        return values[index] if 0 <= index < len(values) else NOTHING
    return NOTHING


def _call(name: str, arguments: list[Value]) -> Value:
    function = _FUNCTIONS.get(name)
    if function is None:
        raise Unsupported(f"there is no function {name}")

    def value(names: Names) -> object:
        given = [argument(names) for argument in arguments]
        if any(one is NOTHING for one in given):
            return NOTHING
        try:
            return function(*given)
        except _NO_RESULT:
            return NOTHING

    return value


# --- macros: what is judged of each element of a list, or of each key of a map -----------------------------------


def _over_elements(judge: "_Judge", values: Value, variable: str, body: Value) -> Value:
    def value(names: Names) -> object:
        elements = values(names)
        if elements is NOTHING:
            return NOTHING
        if not isinstance(elements, list | tuple | dict):
            raise _Unjudged
        inner = dict(names)

        def of(element: object) -> object:
            inner[variable] = element
            return body(inner)

        return judge(elements, of)

    return value


def _mapped(elements: Iterable[object], of: "_Of") -> object:
    found = [of(element) for element in elements]
    if any(one is NOTHING for one in found):
        raise _Unjudged
    return found


def _filtered(elements: Iterable[object], of: "_Of") -> object:
    return [element for element in elements if _judged(of(element))]


def _just_one(elements: Iterable[object], of: "_Of") -> object:
    return sum(_judged(of(element)) for element in elements) == 1


def _judged(verdict: object) -> bool:
    if not isinstance(verdict, bool):
        raise _Unjudged
    return verdict


def _all(elements: Iterable[object], of: "_Of") -> object:
    verdict: object = True
    for element in elements:
        verdict = both_true(verdict, _tried(of, element))
        if verdict is False:
            break
    return verdict


def _exists(elements: Iterable[object], of: "_Of") -> object:
    verdict: object = False
    for element in elements:
        verdict = either_true(verdict, _tried(of, element))
        if verdict is True:
            break
    return verdict


def _tried(of: "_Of", element: object) -> object:
    """`all` and `exists` may be decided by other elements than those that cannot be judged."""
    try:
        return of(element)
    except _Unjudged:
        return NOTHING


_Of = Callable[[object], object]  # what the body of a macro gives for an element
_Judge = Callable[[Iterable[object], _Of], object]
_MACROS: Final[Mapping[str, _Judge]] = {
    "all": _all,
    "exists": _exists,
    "exists_one": _just_one,
    "filter": _filtered,
    "map": _mapped,
}
