"""What the statements of OCI policies give to the members of some groups in one compartment."""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final, Literal

Verdict = Literal["granted", "implied", "missing", "unclear"]

_VERBS: Final = ("inspect", "read", "use", "manage")  # each holds those before it
_MEMBERS: Final = {"secret-family": {"secrets", "secret-versions", "secret-bundles"}}
_DEPTH: Final = 10  # more levels than OCI allows
_STATEMENT: Final = re.compile(
    r"allow\s+(?P<subject>.+?)\s+to\s+(?P<verb>inspect|read|use|manage)\s+(?P<resource>[\w-]+)\s+in\s+"
    r"(?:tenancy|compartment\s+(?P<place>\S+(?:\s+ocid1\S+)?))(?P<condition>\s+where\s.+)?",
    re.IGNORECASE | re.DOTALL,
)
_SUBJECT: Final = re.compile(r"allow\s+(?P<subject>.+?)\s+to\s.*", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Statement:
    """One line of a policy, and the compartment that the policy is attached to."""

    text: str
    base: str


@dataclass(frozen=True, slots=True)
class Compartment:
    name: str
    parent: str  # empty for the tenancy


@dataclass(frozen=True, slots=True)
class Tree:
    """The compartments that are known, by id."""

    compartments: Mapping[str, Compartment]

    def path(self, compartment: str) -> tuple[str, ...]:
        """From a compartment up to the tenancy, as far as the way is known."""
        found = [compartment]
        while (known := self.compartments.get(found[-1])) and known.parent and len(found) < _DEPTH:
            found.append(known.parent)
        return tuple(found)

    def resolve(self, names: Sequence[str], base: str) -> str:
        """The compartment that a policy in `base` means by A:B:C; empty when it is not known."""
        found = self._descend(base, names)
        own = self.compartments.get(base)
        if not found and own is not None and own.name.lower() == names[0].lower():
            found = self._descend(base, names[1:])
        return found

    def _descend(self, start: str, names: Sequence[str]) -> str:
        here = start
        for name in names:
            children = ((key, one) for key, one in self.compartments.items() if one.parent == here)
            here = next((key for key, one in children if one.name.lower() == name.lower()), "")
        return here


@dataclass(frozen=True, slots=True)
class Holder:
    """Who is judged: the groups a user belongs to, ids and lower-case names."""

    ids: Set[str]
    names: Set[str]

    def is_meant(self, subject: str) -> bool | None:
        """Whether a statement speaks of this user; None for a group of that name in a domain other than Default."""
        kind, _, rest = subject.strip().partition(" ")
        if kind.lower() in {"any-user", "any-group"}:
            return True
        if kind.lower() != "group":
            return False
        meant = {self._is_own(part.strip()) for part in rest.split(",")}
        return True if True in meant else None if None in meant else False

    def _is_own(self, group: str) -> bool | None:
        word, _, identity = group.partition(" ")
        if word.lower() == "id":
            return identity.strip() in self.ids
        domain, _, name = group.replace("'", "").rpartition("/")
        if name.strip().lower() not in self.names:
            return False
        return True if domain.strip().lower() in {"", "default"} else None


def judge(right: str, statements: Sequence[Statement], holder: Holder, tree: Tree, path: Sequence[str]) -> Verdict:
    """Whether a right, such as `use keys`, is held in the compartment whose `path` is given.

    `implied` means by a wider verb or by all-resources; `unclear`, that a statement with a condition, a denial or one
    that cannot be read may decide it. Whether all statements are there is for the caller to know.
    """
    if any(_is_denial(one) for one in statements):
        return "unclear"
    verdicts = {_judge_one(right, one, holder, tree, path) for one in statements}
    order: tuple[Verdict, ...] = ("granted", "implied", "unclear")
    return next((verdict for verdict in order if verdict in verdicts), "missing")


def _is_denial(statement: Statement) -> bool:
    return statement.text.lstrip().lower().startswith("deny")


def _judge_one(right: str, statement: Statement, holder: Holder, tree: Tree, path: Sequence[str]) -> Verdict:
    verb, resource = right.split(" ")
    text = statement.text.strip()
    subject = _SUBJECT.fullmatch(text)
    meant = subject is not None and holder.is_meant(subject["subject"])
    if meant is False:
        return "missing"
    found = _STATEMENT.fullmatch(text)
    if found is None:
        return "unclear"
    given, named = found["verb"].lower(), found["resource"].lower()
    if named in _MEMBERS.get(resource, ()):
        return "unclear"  # all members of a family together amount to it
    if named not in {resource, "all-resources"} or _VERBS.index(given) < _VERBS.index(verb):
        return "missing"
    scope = _scope(found["place"], statement, tree)
    if not scope or found["condition"] or meant is None:
        return "unclear"
    if scope not in path:
        return "missing"
    return "granted" if (given, named) == (verb, resource) else "implied"


def _scope(place: str | None, statement: Statement, tree: Tree) -> str:
    """The compartment a statement speaks of; empty when it is not known. `tenancy` is the root of the base's path."""
    if place is None:
        return tree.path(statement.base)[-1]
    word, _, identity = place.partition(" ")
    if word.lower() == "id":
        return identity.strip()
    return tree.resolve(place.replace("'", "").split(":"), statement.base)
