"""cel-python's own interpreter as the measure for our evaluation of rules.

It is made to follow the CEL language definition, and our rules' promise that another type decides nothing, where it
lets Python's habits through:

- a boolean is no number, and values of two types do not compare, except with null and a whole number with a fraction;
- what is no list or map has no elements: the letters of a text are none;
- a list has no negative places, and a text no places;
- `filter` and `exists_one` want a boolean from each element;
- arithmetic stays within one type and gives a value of that type; a division by zero has no result;
- a conversion takes no null, list or map.
"""

import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import celpy
from celpy import celtypes
from celpy.adapter import json_to_cel
from celpy.evaluation import Activation, CELEvalError, Evaluator, base_functions

from jackfield.providers.contract.functions import FUNCTIONS
from jackfield.providers.contract.values import NOTHING

_ELEMENTS = (list, celtypes.MapType)
_NUMBERS = (celtypes.IntType, celtypes.DoubleType)
_COMPARED = (
    celtypes.BoolType,
    celtypes.IntType,
    celtypes.DoubleType,
    celtypes.StringType,
    celtypes.ListType,
    celtypes.MapType,
    celtypes.TimestampType,
    celtypes.DurationType,
)
_ENVIRONMENT = celpy.Environment()  # made here, because it raises the recursion limit, which Hypothesis watches


def parse(rule: str) -> Any:
    """The rule's tree."""
    return _ENVIRONMENT.compile(rule)


def evaluate(rule: str, names: Mapping[str, object]) -> object:
    """What the interpreter makes of a rule: plain data, or NOTHING for its error."""
    tree = _parsed(rule)
    context = {name: json_to_cel(value) for name, value in names.items()}  # type: ignore[arg-type]  # JSON-like
    try:
        return plain(_Interpreter(tree, Activation(functions=_functions())).evaluate(context))
    except CELEvalError:
        return NOTHING


@cache
def _parsed(rule: str) -> Any:
    return parse(rule)


def plain(value: Any) -> object:
    """A CEL value as Python data."""
    match value:
        case celtypes.BoolType():
            return bool(value)
        case str():
            return str(value)
        case int():
            return int(value)
        case float():
            return float(value)
        case list():
            return [plain(item) for item in value]
        case celtypes.MapType():
            return {plain(key): plain(item) for key, item in value.items()}
        case celtypes.TimestampType():
            return datetime.fromtimestamp(value.timestamp(), UTC)
    return value


class _Interpreter(Evaluator):
    def sub_evaluator(self, ast: Any) -> Evaluator:
        return _Interpreter(ast, activation=self.activation)

    def member_dot_arg(self, tree: Any) -> Any:
        if str(tree.children[1]) in {"all", "exists", "exists_one", "filter", "map"}:
            elements = self.visit(tree.children[0])
            if not isinstance(elements, (*_ELEMENTS, CELEvalError)):
                raise CELEvalError("no elements")
        return super().member_dot_arg(tree)

    def build_macro_eval(self, child: Any) -> Any:
        judge = super().build_macro_eval(child)
        if str(child.children[1]) == "map":
            return judge

        def strict(element: Any) -> Any:
            verdict = judge(element)
            if not isinstance(verdict, celtypes.BoolType):
                raise CELEvalError("no boolean")
            return verdict

        return strict


@cache
def _functions() -> dict[str, Callable[..., Any]]:
    ours = {name: _adapted(function) for name, function in FUNCTIONS.items()}
    arithmetic = {f"_{sign}_": _within_one_type(base_functions[f"_{sign}_"], sign) for sign in "+-*/%"}
    conversions = {
        "double": _of(base_functions["double"], *_NUMBERS, str),
        "int": _of(base_functions["int"], *_NUMBERS, str, celtypes.TimestampType),
        "string": _of(lambda value: celtypes.StringType(_word(value)), *_NUMBERS, str, celtypes.BoolType),
    }
    return ours | arithmetic | conversions | {"_in_": _is_in, "contains": _contains, "_[_]": _item}


def _adapted(function: Callable[..., object]) -> Callable[..., Any]:
    def on_values(*arguments: Any) -> Any:
        try:
            return json_to_cel(function(*map(plain, arguments)))  # type: ignore[arg-type]
        except (LookupError, ArithmeticError) as error:
            raise ValueError from error

    return on_values


def _within_one_type(calculate: Callable[[Any, Any], Any], sign: str) -> Callable[[Any, Any], Any]:
    def on_values(one: Any, other: Any) -> Any:
        for value in (one, other):
            if isinstance(value, CELEvalError):
                return value
        times = isinstance(other, celtypes.DurationType) or isinstance(one, celtypes.DurationType)
        same = type(one) is type(other) and not isinstance(one, celtypes.BoolType)
        if not times and (not same or (sign != "+" and isinstance(one, str))):
            raise TypeError
        if sign == "/" and plain(other) == 0:
            raise ZeroDivisionError
        return json_to_cel(plain(calculate(one, other)))  # type: ignore[arg-type]  # plain data

    return on_values


def _of(convert: Callable[[Any], Any], *types: type) -> Callable[[Any], Any]:
    def of_type(value: Any) -> Any:
        if not isinstance(value, types) or (isinstance(value, celtypes.BoolType) and celtypes.BoolType not in types):
            raise TypeError
        return convert(value)

    return of_type


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, celtypes.BoolType) else str(value)


def _is_in(item: Any, values: Any) -> Any:
    for value in (item, values):
        if isinstance(value, CELEvalError):
            return value
    if not isinstance(values, _ELEMENTS):
        raise TypeError
    return base_functions["_in_"](item, values)


def _contains(values: Any, item: Any) -> Any:
    return base_functions["contains"](values, item) if isinstance(values, str) else _is_in(item, values)


def _item(values: Any, index: Any) -> Any:
    for value in (values, index):
        if isinstance(value, CELEvalError):
            return value
    place = isinstance(index, celtypes.IntType) and index >= 0
    if not isinstance(values, _ELEMENTS) or (isinstance(values, list) and not place):
        raise TypeError
    return base_functions["_[_]"](values, index)


def _compare_strictly(kind: type) -> None:
    """Let values of this type compare with their own kind only; null differs from all of them."""

    def strict(compare: Callable[[Any, Any], Any], original: Any, *, of_null: object) -> Callable[[Any, Any], Any]:
        def on_values(one: Any, other: Any) -> Any:
            if other is None and of_null is not None:
                return of_null
            if isinstance(one, _NUMBERS) and isinstance(other, _NUMBERS):
                return compare(plain(one), plain(other))
            if not isinstance(other, kind) and not isinstance(one, type(other)):
                raise TypeError
            if isinstance(one, celtypes.BoolType) is not isinstance(other, celtypes.BoolType):
                raise TypeError
            return original(one, other)

        return on_values

    for name, of_null in (("eq", False), ("ne", True), ("lt", None), ("le", None), ("gt", None), ("ge", None)):
        special = f"__{name}__"
        setattr(kind, special, strict(getattr(operator, name), getattr(kind, special), of_null=of_null))


for _kind in _COMPARED:
    _compare_strictly(_kind)
# The library quotes an error within the next one, which doubles for each element that `exists` cannot judge.
CELEvalError.__repr__ = object.__repr__  # type: ignore[method-assign]
