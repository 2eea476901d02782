"""The shape of a fact: one declared, harmless request or call, and how it carries the credential."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import ConfigDict, model_validator
from pydantic import Field as Declared

from jackfield.model.check import EvidenceKind
from jackfield.providers.contract.expression import Expression, Template
from jackfield.providers.contract.kinds import Effect
from jackfield.providers.contract.part import Call, Part, Rule, Text


class Basic(Part):
    username: Text
    password: Text


class Auth(Part):
    """How a request carries the credential: exactly one of these."""

    bearer: Rule | None = None
    basic: Basic | None = None
    headers: dict[str, Text] | None = None
    call: Call | None = Declared(default=None, description="Function returning an httpx.Auth, for signed requests.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(part is not None for part in (self.bearer, self.basic, self.headers, self.call)) != 1:
            msg = "give exactly one of bearer, basic, headers, call"
            raise ValueError(msg)
        return self


class Pages(Part):
    """A listing in pages: `items` is the list in one answer; the rest says how the next page is asked for.

    Rules read `body`, `headers` and `page`, the number of the answer counted from 1; those for the next page also
    `seen`, how many items there were so far. The listing ends where one gives no value.
    """

    items: Rule
    next: Rule | None = Declared(default=None, description="URL or path of the next page, or null.")
    query: dict[str, Rule] = Declared(default={}, description="What the next page's query says beside the first's.")
    headers: dict[str, Rule] = Declared(default={}, description="The same for headers, such as Range.")
    variables: dict[str, Rule] = Declared(default={}, description="The same for the variables of a GraphQL query.")
    link_header: bool = False
    most: int = Declared(default=10, ge=1, le=50)


class Fact(Part):
    get: Text | None = None
    head: Text | None = None
    post: Text | None = None
    put: Text | None = None
    patch: Text | None = None
    delete: Text | None = None
    call: Call | None = None
    effect: Effect
    query: dict[str, Text] = {}
    headers: dict[str, Text] = {}
    form: dict[str, Text] | None = None
    json_body: Any = Declared(default=None, alias="json")
    arguments: Any = Declared(default=None, alias="with", description="Arguments of `call`; texts are templates.")
    auth: Literal["none"] | Auth | None = Declared(default=None, description="Instead of the method's own.")
    accept: str = "application/json"
    discard: bool = Declared(default=False, description="The body holds secrets: only status and headers are kept.")
    when: Rule | None = Declared(default=None, description="Made only when true.")
    pages: Pages | None = None
    evidence: EvidenceKind | None = Declared(default=None, description="Instead of what the effect implies.")
    denies: tuple[int, ...] = Declared(default=(), description="Statuses that mean a missing right here, such as 401.")

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, populate_by_name=True)

    @model_validator(mode="after")
    def _one_request(self) -> Self:
        if sum(getattr(self, verb) is not None for verb in (*HTTP_VERBS, "call")) != 1:
            msg = "give exactly one of get, head, post, put, patch, delete, call"
            raise ValueError(msg)
        if self.effect is not Effect.ATTEMPT and any(getattr(self, verb) for verb in ("put", "patch", "delete")):
            msg = "put, patch and delete are attempts"
            raise ValueError(msg)
        return self

    @property
    def request(self) -> tuple[str, Template]:
        """The HTTP verb in capitals and the address; only for facts that are requests."""
        for verb in HTTP_VERBS:
            address: Template | None = getattr(self, verb)
            if address is not None:
                return verb.upper(), address
        msg = "not an HTTP fact"
        raise TypeError(msg)

    @cached_property
    def reads(self) -> frozenset[str]:
        """Every name the request is built from."""
        rules: list[Expression | Template] = [] if self.call else [self.request[1]]
        rules += [*self.query.values(), *self.headers.values(), *(self.form or {}).values()]
        rules += [*templates_in(self.json_body), *templates_in(self.arguments)]
        if self.when:
            rules.append(self.when)
        if isinstance(self.auth, Auth) and self.auth.bearer:
            rules.append(self.auth.bearer)
        return frozenset().union(*(rule.reads for rule in rules))

    @property
    def how_known(self) -> EvidenceKind:
        if self.evidence is not None:
            return self.evidence
        return {
            Effect.INTROSPECT: EvidenceKind.ANSWERED,
            Effect.READ: EvidenceKind.PROBED,
            Effect.ATTEMPT: EvidenceKind.ATTEMPTED,
        }[self.effect]


HTTP_VERBS = ("get", "head", "post", "put", "patch", "delete")


def templates_in(value: object) -> Iterator[Template]:
    """Every text inside JSON-like data, as a template."""
    if isinstance(value, str):
        yield Template(value)
    elif isinstance(value, dict):
        for item in value.values():
            yield from templates_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from templates_in(item)
