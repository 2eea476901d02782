"""The shape of `provider.yaml`. Its JSON schema is `Provider.model_json_schema()`.

Words used here: a *fact* is one declared, harmless request (or one Python function of `provider.py`) with a name,
made at most once a check and only when a rule needs it; a *rule* is a CEL expression over fields, targets and facts
that gives true, false or nothing; nothing means unknown.
"""

from functools import cached_property
from typing import Annotated, Self

from pydantic import BeforeValidator, ConfigDict, model_validator
from pydantic import Field as Declared

from jackfield.model.check import FailureKind
from jackfield.providers.contract.expression import Expression, Template
from jackfield.providers.contract.fact import Auth, Fact
from jackfield.providers.contract.field import Field
from jackfield.providers.contract.kinds import Feature, ProofKind, SnippetFormat
from jackfield.providers.contract.part import Call, Name, Part, Rule, Rules, Slug, Text, as_list


class Proof(Part):
    """What shows that the vendor really accepted this credential: `is` must be true, over `fact` and others.

    Where a row came out missing or unknown, those of its facts that are requests are sent once more at the end: a
    credential that died meanwhile is often refused like one without the right.
    """

    fact: Name
    is_: Rule = Declared(alias="is")
    still: Rule | None = Declared(
        default=None,
        description="Judged at the end, over facts of its own, where a session outlives its account; false: it died.",
    )

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, populate_by_name=True)


class Caveat(Part):
    when: Rule
    why: str


class FailureRule(Part):
    id: Slug
    kind: FailureKind
    when: Rule
    message: str = Declared(default="", description="What happened, in our words; else the kind's own sentence.")
    next: Text


class Permission(Part):
    name: Text
    why: str
    when: str = Declared(default="always", description="In words, when the use needs it.")
    applies: Rule | None = Declared(default=None, description="The same as a rule; absent means always.")
    granted: Rules = ()
    implied: Rules = Declared(default=(), description="Held through a wider role.")
    unreadable: tuple[Caveat, ...] = Declared(default=(), description="When and why the vendor offers no way to ask.")
    covers: Rule | None = Declared(
        default=None, description="Names in `excess.held` it accounts for; else its own name."
    )
    verified: str = Declared(description="In words, how the verdict is known.")
    grant: Text | None = Declared(default=None, description="Where or how to grant it, shown when it is missing.")

    @model_validator(mode="after")
    def _verifiable(self) -> Self:
        if not self.granted and not self.unreadable:
            msg = "give granted, or unreadable with the reason"
            raise ValueError(msg)
        return self


class Target(Part):
    """A value a use needs beside the credential: region, prefix, project, vault URL, …"""

    label: str
    required: bool = True
    default: str = ""
    example: str = ""
    pattern: str = ""
    many: bool = Declared(default=False, description="Several values, separated by commas; a list in rules.")
    choices: dict[str, str] = {}
    pick: Name | None = Declared(default=None, description="A picker that lists the choices.")
    help: str = ""


class Snippet(Part):
    format: SnippetFormat
    text: Text
    when: Rule | None = Declared(default=None, description="Over fields and targets; shown only when true.")


Snippets = Annotated[tuple[Snippet, ...], BeforeValidator(as_list)]


class Reach(Part):
    name: Text
    is_: Rule = Declared(alias="is")
    next: Text

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, populate_by_name=True)


class Use(Part):
    id: Annotated[str, Declared(pattern=r"^[a-z0-9-]+(/[a-z0-9-]+)*$")]
    feature: Feature
    title: str
    methods: tuple[Slug, ...] = Declared(default=(), description="Only with these methods; empty means any.")
    target: dict[Name, Target] = {}
    permissions: tuple[Permission, ...] = Declared(min_length=1)
    reach: tuple[Reach, ...] = ()
    snippet: Snippets = ()
    no_snippet: str = Declared(default="", description="Why there is nothing to paste.")
    warning: str = ""
    statements: dict[str, str] = Declared(default={}, description="What the feature will run, for the curious.")

    @model_validator(mode="after")
    def _explained(self) -> Self:
        if bool(self.snippet) == bool(self.no_snippet):
            msg = "give a snippet, or no_snippet with the reason"
            raise ValueError(msg)
        return self


class Excess(Part):
    """What is held beyond need. `held` lists grant names; those no applicable permission covers are in excess."""

    held: Rule
    ignore: Rule | None = Declared(default=None, description="Names that every credential of this kind has.")
    worst: tuple[str, ...] = Declared(default=(), description="Names or `*` patterns, the most dangerous first.")
    narrower: dict[str, str] = Declared(default={}, description="Name or pattern → the narrower grant to make instead.")


class Picker(Part):
    fact: Name
    items: Rule
    value: Rule = Declared(description="Over `item`.")
    label: Rule | None = None
    hidden: Caveat | None = Declared(default=None, description="Items shown greyed, with the right they lack.")


class Issued(Part):
    """The vendor holds a few credentials at once: `held` names them, `retire` ends one by its name.

    With `make` Jackfield makes the new one, so that it is sealed before the vendor is told of it; else the vendor does.
    """

    name: Name = Declared(description="The field that holds a credential's name, which is no secret.")
    held: Call
    retire: Call
    make: Call | None = None
    most: int | None = Declared(default=None, ge=2, description="How many the vendor holds at once, if that is few.")


class PlatformManaged(Part):
    """The program replaces the credential and keeps the new one. `call` changes it at the vendor, once.

    Without `issued` Jackfield makes the value of `field`, and `call` puts that in the place of the old one. With it,
    `call` has the vendor make another credential, or accept one that was made here.
    """

    call: Call
    field: Name
    issued: Issued | None = None
    length: int = Declared(default=48, ge=16)
    alphabet: str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    needs: str = Declared(description="The right the credential must have for it, in words.")
    methods: tuple[Slug, ...] = ()


class Device(Part):
    """RFC 8628 device login: where it starts, where it is asked for, and what for."""

    start: Text
    poll: Text
    scope: Text = Template("")
    client_id: Text
    client_secret: Text | None = None


class Loopback(Part):
    """RFC 8252 login with PKCE: the browser comes back to http://127.0.0.1 on a free port, or its address is pasted."""

    authorize: Text
    token: Text
    scope: Text = Template("")
    client_id: Text
    client_secret: Text | None = None
    extra: dict[str, str] = Declared(default={}, description="Further parameters of the authorization address.")


class OAuth(Part):
    """How the program obtains what the form does not ask.

    `stores` maps field ← rule over the token `answer`, which also holds `expires_at` (ISO 8601) where the vendor said
    how long the token lives. With `refresh`, the field refreshToken renews them.
    """

    device: Device | None = None
    loopback: Loopback | None = None
    stores: dict[Name, Rule] = Declared(min_length=1)
    refresh: bool = False
    hint: str = Declared(default="", description="What must be set at the vendor before a login can work.")

    @model_validator(mode="after")
    def _has_a_way(self) -> Self:
        if self.device is None and self.loopback is None:
            msg = "give device, loopback or both"
            raise ValueError(msg)
        if self.refresh and "refreshToken" not in self.stores:
            msg = "refresh needs the field refreshToken in stores"
            raise ValueError(msg)
        return self


class Tested(Part):
    kind: ProofKind
    against: str


class Method(Part):
    id: Slug
    name: str
    recommended: bool = False
    fields: tuple[Field, ...]
    auth: Auth | None = None
    oauth: OAuth | None = None
    environment: dict[str, Name | Text] = Declared(
        default={}, description="Variable → field, as the vendor's usual tools expect it."
    )
    proof: Proof | None = None
    identity: dict[str, Rule] | None = None
    expiry: Rules | None = None
    guide: tuple[Text, ...] = Declared(default=(), description="Steps at the vendor, over fields and built-in names.")
    tested: Tested | None = Declared(default=None, description="Where this method is better proven than the provider.")
    note: str = ""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [field.name for field in self.fields]
        if len(names) != len(set(names)):
            msg = "two fields have one name"
            raise ValueError(msg)
        return self


class SourceIdentity(Method):
    """What credentials start from, kept once for many connections. It is tested as a method that no connection has.

    `lends` maps method → field of that method ← field of the identity.
    """

    lends: dict[Slug, dict[Name, Name]] = Declared(min_length=1)


class Address(Part):
    when: Rule
    url: Text


class Endpoint(Part):
    """Where a provider that does not speak HTTP is reached."""

    host: Text
    port: Text


class Tls(Part):
    """Rules over fields: whether TLS is used, whether the peer is verified, and which CA is trusted instead."""

    used: Rule | None = None
    verified: Rule | None = None
    ca: Rule | None = None


class Driver(Part):
    module: str
    extra: str = Declared(description="The extra of the jackfield package that installs it.")


class PastedUrl(Part):
    """A connection URL that can be pasted as a whole; each part names the field it fills."""

    schemes: tuple[str, ...]
    host: Name | None = None
    port: Name | None = None
    username: Name | None = None
    password: Name | None = None
    path: Name | None = None
    tls_schemes: dict[str, bool] = {}
    tls: Name | None = None


class Documentation(Part):
    credentials: str
    permissions: str


class Provider(Part):
    slug: Slug
    name: str
    category: str
    aliases: tuple[Slug, ...] = ()
    documentation: Documentation
    tested: Tested
    driver: Driver | None = None
    base_url: Text | tuple[Address, ...] | None = None
    endpoint: Endpoint | None = None
    tls: Tls = Tls()
    headers: dict[str, Text] = Declared(default={}, description="Sent with every request.")
    methods: tuple[Method, ...] = Declared(min_length=1)
    source_identities: tuple[SourceIdentity, ...] = ()
    facts: dict[Name, Fact] = Declared(min_length=1)
    proof: Proof | None = None
    unproven: tuple[Caveat, ...] = ()
    identity: dict[str, Rule] = {}
    expiry: Rules = ()
    expiry_unreadable: str = Declared(default="", description="Why the vendor does not tell; the user may type a date.")
    failures: tuple[FailureRule, ...] = ()
    warnings: tuple[Caveat, ...] = ()
    uses: tuple[Use, ...] = Declared(min_length=1)
    excess: Excess | None = None
    excess_unreadable: str = Declared(default="", description="Why grants cannot be listed.")
    guide: tuple[Text, ...] = ()
    pickers: dict[Name, Picker] = {}
    platform_managed: PlatformManaged | None = None
    pasted_url: PastedUrl | None = None
    limits: str = ""
    unsure: tuple[str, ...] = Declared(default=(), description="What nobody could confirm; such rows are never green.")

    @property
    def tested_methods(self) -> tuple[Method, ...]:
        """The methods, and the source identities, which are tested alike."""
        return *self.methods, *self.source_identities

    @cached_property
    def targeted_facts(self) -> frozenset[str]:
        """The facts that are made once for each target, since they or a fact that they are built from read it."""
        found: set[str] = set()
        more = {name for name, fact in self.facts.items() if "target" in fact.reads}
        while more:
            found |= more
            more = {name for name, fact in self.facts.items() if fact.reads & more} - found
        return frozenset(found)

    def source_identity(self, kind: str) -> SourceIdentity:
        """The kind of source identity with this id. Raises KeyError."""
        for one in self.source_identities:
            if one.id == kind:
                return one
        raise KeyError(kind)

    def method(self, method_id: str) -> Method:
        """The method with this id. Raises KeyError."""
        for method in self.methods:
            if method.id == method_id:
                return method
        raise KeyError(method_id)

    def use(self, use_id: str) -> Use:
        """The use with this id. Raises KeyError."""
        for use in self.uses:
            if use.id == use_id:
                return use
        raise KeyError(use_id)

    def proof_of(self, method: Method) -> Proof:
        proof = method.proof or self.proof
        if proof is None:
            msg = f"{self.slug}: no proof for {method.id}"
            raise LookupError(msg)
        return proof

    def identity_of(self, method: Method) -> dict[str, Expression]:
        return self.identity if method.identity is None else method.identity

    def expiry_of(self, method: Method) -> tuple[Expression, ...]:
        return self.expiry if method.expiry is None else method.expiry

    def tested_of(self, method: Method) -> Tested:
        return method.tested or self.tested

    def guide_of(self, method: Method) -> tuple[Template, ...]:
        return method.guide or self.guide

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        for method in self.tested_methods:
            if method.proof is None and self.proof is None:
                msg = f"method {method.id} has no proof"
                raise ValueError(msg)
            if not self.guide_of(method):
                msg = f"method {method.id} has no guide"
                raise ValueError(msg)
            clash = {field.name for field in method.fields} & set(self.facts)
            if clash:
                msg = f"{', '.join(sorted(clash))}: a fact and a field have one name"
                raise ValueError(msg)
        for what, names in (
            ("methods", [method.id for method in self.methods]),
            ("source_identities", [one.id for one in self.source_identities]),
            ("uses", [use.id for use in self.uses]),
            ("failures", [failure.id for failure in self.failures]),
        ):
            if len(names) != len(set(names)):
                msg = f"two {what} have one id"
                raise ValueError(msg)
        if (self.excess is None) == (not self.excess_unreadable):
            msg = "give excess, or excess_unreadable with the reason"
            raise ValueError(msg)
        return self
