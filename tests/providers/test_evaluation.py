"""Our evaluation of rules against cel-python's own interpreter, over rules made up and over those of every provider."""

from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.providers.contract.coherence import rules_of
from jackfield.providers.contract.expression import Expression, RuleError, Template
from jackfield.providers.contract.registry import Registry
from jackfield.providers.contract.values import NOTHING
from support import cel
from support.examples import examples

REGISTRY = Registry()

# --- rules made up -----------------------------------------------------------------------------------------------

TEXTS = ["", "admin", "dev", "a,b", "7", "2026-01-02T03:04:05Z"]
scalars = st.none() | st.booleans() | st.sampled_from([-1, 0, 1, 7, 200, 0.0, 1.0, 2.5]) | st.sampled_from(TEXTS)
data = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "admin"]), inner, max_size=3)
    ),
    max_leaves=8,
)
names = st.fixed_dictionaries({}, optional={"fact": data, "other": data, "text": scalars, "items": st.lists(data)})
literals = st.sampled_from(
    ["null", "true", "false", "0", "1", "7", "2.5", "'admin'", "'dev'", "''", "[]", "[1, 2]", "['admin']", "{'a': 1}"]
)
paths = st.sampled_from(
    ["fact", "fact.a", "fact.a.b", "other.a", "other", "text", "items", "items[0]", "items[0].a", "x", "x.a"]
)
FUNCTIONS = ["size", "string", "int", "double", "lower", "trim", "time", "has", "flatten", "claims", "shell", "dyn"]


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def said(form: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.tuples(*parts).map(lambda given: form.format(*given))

    operators = st.sampled_from([*["==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*", "/", "%"], *("&&", "||") * 2])
    return st.one_of(
        said("({} {} {})", inner, operators, inner),
        said("({} ? {} : {})", inner, inner, inner),
        said("!{}", inner),
        said("({}).{}(x, {})", inner, st.sampled_from(["all", "exists", "exists_one", "filter", "map"]), inner),
        said("{}({})", st.sampled_from(FUNCTIONS), inner),
        said("({}).{}({})", inner, st.sampled_from(["contains", "startsWith", "endsWith"]), inner),
        said("among({}, {}, {})", inner, inner, inner),
        said("({})[{}]", inner, inner),
        said("({}).a", inner),
        said("[{}, {}]", inner, inner),
        said("without({}, {})", inner, inner),
    )


rules = st.recursive(literals | paths, _grown, max_leaves=8)


@examples(500, deadline=None)
@given(rules, names)
def test_rules_mean_what_cel_python_says(rule: str, names: dict[str, object]) -> None:
    """Whatever is absent, null or of another type."""
    assert _same(Expression(rule).evaluate(names), cel.evaluate(rule, names)), rule


# --- rules of the providers --------------------------------------------------------------------------------------


class Shape:
    """What a rule expects of a value: keys that it reads, elements that it looks at."""

    def __init__(self) -> None:
        self.keys: dict[str, Shape] = {}
        self.element: Shape | None = None

    def key(self, name: str) -> "Shape":
        return self.keys.setdefault(name, Shape())

    def elements(self) -> "Shape":
        self.element = self.element or Shape()
        return self.element

    def value(self, random: Random, literals: list[object]) -> Any:
        """Data of this shape, of which any part may be absent, null or something else."""
        chance = random.random()
        if chance < 0.1 or not (self.keys or self.element):
            others = [None, True, False, 0, 200, 1.5, "", "x", [], ["x"], {}, {"x": 1}]
            return random.choice([*literals, *literals, *others])
        if self.element is not None and (not self.keys or chance < 0.6):
            return [self.element.value(random, literals) for _ in range(random.randrange(4))]
        return {name: shape.value(random, literals) for name, shape in self.keys.items() if random.random() < 0.85}


def _shape(tree: Any, root: Shape, bound: dict[str, Shape]) -> Shape:
    """Walk a rule and note what it expects of the names it reads."""
    children = getattr(tree, "children", [])
    kind = getattr(tree, "data", "")
    if kind == "ident":
        return bound.get(str(children[0])) or root.key(str(children[0]))
    if kind == "member_dot":
        return _shape(children[0], root, bound).key(str(children[1]))
    if kind == "member_index":
        _shape(children[1], root, bound)
        return _shape(children[0], root, bound).elements()
    if kind == "member_dot_arg" and str(children[1]) in {"all", "exists", "exists_one", "filter", "map"}:
        values = _shape(children[0], root, bound)
        variable, body = children[2].children
        name = str(next(variable.find_data("ident")).children[0])
        found = _shape(body, root, bound | {name: values.elements()})
        return found if str(children[1]) == "map" else values
    shapes = [_shape(child, root, bound) for child in children]
    return shapes[0] if len(shapes) == 1 else Shape()


def _expressions(slug: str) -> Iterator[str]:
    for _, rule in rules_of(REGISTRY.get(slug)):
        parts = rule.parts if isinstance(rule, Template) else (rule,)
        yield from (part.text for part in parts if isinstance(part, Expression))


@cache
def _studied(slug: str) -> list[tuple[str, Shape, list[object]]]:
    """Every rule of a provider, its shape and its literals."""
    studied = []
    for text in sorted(set(_expressions(slug))):
        root, tree = Shape(), cel.parse(text)
        _shape(tree, root, {})
        literals = [cel.evaluate(str(literal.children[0]), {}) for literal in tree.find_data("literal")]
        studied.append((text, root, literals or ["x"]))
    return studied


@pytest.mark.parametrize("slug", REGISTRY.slugs())
@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32))
def test_rules_of_providers_mean_what_cel_python_says(slug: str, seed: int) -> None:
    """Whatever of what they read is there, absent, null or of another type."""
    random = Random(seed)
    for text, shape, literals in _studied(slug):
        names = {name: each.value(random, literals) for name, each in shape.keys.items() if random.random() < 0.95}
        assert _same(Expression(text).evaluate(names), cel.evaluate(text, names)), (text, names)


def test_what_providers_read_decides_often_enough_to_compare() -> None:
    """The made-up facts reach true, false and nothing, so that the comparison above says something."""
    random, seen = Random(1), []
    for text, shape, literals in _studied("github"):
        for _ in range(20):
            names = {name: each.value(random, literals) for name, each in shape.keys.items()}
            seen.append(Expression(text).evaluate(names))
    assert min(sum(value is verdict for value in seen) for verdict in (True, False, NOTHING)) > len(seen) / 20


def _same(one: Any, other: Any) -> bool:
    """Whether two results are alike, types included: true is not 1, and 1 is not 1.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return bool(one == other)


@pytest.mark.parametrize(
    "rule", ["7u == x", "b'x'", "reduce(a, b)", "x.min()", "has(x, y)", "x.exists(y)", "x.map(y.z, y)", "x{a: 1}", ".x"]
)
def test_what_rules_do_not_have_is_refused_when_it_is_read(rule: str) -> None:
    """Not when a check first needs it."""
    with pytest.raises(RuleError, match="cannot be used"):
        _ = Expression(rule).reads


@pytest.mark.parametrize("rule", ["!" * 3000 + "x", "[" * 3000 + "x" + "]" * 3000])
def test_a_rule_that_is_nested_too_deeply_is_refused(rule: str) -> None:
    """A file of a user's own may hold anything."""
    with pytest.raises(RuleError, match="too deeply"):
        _ = Expression(rule).reads
