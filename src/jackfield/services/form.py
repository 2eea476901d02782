"""The guided form without its looks: what was chosen and typed, what it means, and what is still wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, Self

from jackfield.model.connection import Connection, IntendedUse, Scope
from jackfield.model.errors import InvalidField
from jackfield.model.names import require_description, require_slug
from jackfield.model.secret import FieldInput, FieldValue, Secret, Stored
from jackfield.providers.contract.address import is_unverified, vendor_host, verification_switch
from jackfield.providers.contract.fields import all_names, defaults, is_shown, normalise, read_value
from jackfield.providers.contract.guide import guide_steps
from jackfield.providers.contract.paste import Pasted, read_block
from jackfield.providers.contract.registry import missing_driver
from jackfield.providers.contract.snippet import merged_snippet, missing_targets, placeholder, target_values
from jackfield.services.identities import Identity
from jackfield.services.schedule import DEFAULT_MINUTES, SHORTEST_MINUTES
from jackfield.services.testing import Draft
from jackfield.store.connections import Definition

if TYPE_CHECKING:
    from jackfield.providers.contract.field import Field
    from jackfield.providers.contract.spec import Method, Permission, Provider, Use


@dataclass(frozen=True, slots=True)
class Wanted:
    """One row of the minimal permission checklist."""

    use: str
    name: str
    why: str
    when: str
    verified: str


@dataclass(frozen=True, slots=True)
class Typed:
    """What became of a typed value: how it was normalised, and what is wrong with it."""

    changes: tuple[str, ...] = ()
    problem: InvalidField | None = None


@dataclass
class Form:
    """State of one guided form. `texts` hold secrets in clear, as the widgets do; they end with the form."""

    provider: "Provider"
    method_id: str
    uses: dict[str, dict[str, str]] = field(default_factory=dict)  # use id → target values
    texts: dict[str, str] = field(default_factory=dict)  # field → normalised text
    stored: dict[str, Stored] = field(default_factory=dict)  # of an edited connection: what stays without being seen
    identity: Identity | None = None  # what it starts from; None: all fields are its own
    name: str = ""
    description: str = ""
    scope: Scope | None = None
    every_minutes: int | None = DEFAULT_MINUTES
    expires: str = ""  # a typed date, YYYY-MM-DD
    tags: tuple[str, ...] = ()
    attempts_allowed: bool = False
    private_allowed: bool = False
    unverified_host: str = ""  # where the user agreed to a peer whose certificate is not verified
    platform_managed: bool = False
    connection: Connection | None = None  # the one being edited

    @classmethod
    def new(cls, provider: "Provider", scope: Scope | None = None) -> Self:
        """An empty form with the recommended method."""
        first = next((method for method in provider.methods if method.recommended), provider.methods[0])
        form = cls(provider, first.id, scope=scope)
        form.fill_defaults()
        return form

    @classmethod
    def of(
        cls,
        provider: "Provider",
        connection: Connection,
        fields: Mapping[str, FieldValue],
        identity: Identity | None = None,
    ) -> Self:
        """A form that edits a connection; its stored secrets, and what a login gave, stay unseen."""
        form = cls(
            provider,
            connection.method,
            {use.use: dict(use.targets) for use in connection.uses},
            name=connection.name,
            description=connection.description,
            scope=connection.scope,
            every_minutes=connection.test_every_minutes,
            tags=connection.tags,
            attempts_allowed=connection.attempts_allowed,
            private_allowed=connection.private_address_allowed,
            platform_managed=connection.platform_managed,
            connection=connection,
            identity=identity,
        )
        obtained = form.obtained()
        for one in form.method.fields:
            value = fields.get(one.name) if one.name not in form.lent else None
            if isinstance(value, Secret) or (value is not None and one in obtained):
                form.stored[one.name] = Stored.UNCHANGED
            elif value is not None:
                form.texts[one.name] = _shown(value)
        if connection.tls_unverified:
            form.accept_unverified()
        return form

    @property
    def method(self) -> "Method":
        return self.provider.method(self.method_id)

    @property
    def methods(self) -> tuple["Method", ...]:
        """What can be chosen between."""
        return self.provider.methods

    @property
    def missing_driver(self) -> str | None:
        """The command that installs the vendor's library, when it is not there."""
        return missing_driver(self.provider)

    def fill_defaults(self) -> None:
        for name, value in defaults(self.method).items():
            self.texts.setdefault(name, _shown(value))

    # --- step 1: access -------------------------------------------------------------------------------------------

    def possible_uses(self) -> tuple["Use", ...]:
        """The provider's uses that work with the chosen method."""
        return tuple(use for use in self.provider.uses if not use.methods or self.method_id in use.methods)

    def choose_method(self, method_id: str) -> None:
        """Uses that do not work with it are dropped; texts of fields that both methods have stay."""
        self.method_id = method_id
        possible = {use.id for use in self.possible_uses()}
        self.uses = {use: targets for use, targets in self.uses.items() if use in possible}
        if not self.lent:
            self.identity = None
        self.fill_defaults()

    def choose_use(self, use_id: str, *, wanted: bool) -> None:
        if wanted:
            targets = {name: target.default for name, target in self.provider.use(use_id).target.items()}
            self.uses.setdefault(use_id, targets)
        else:
            self.uses.pop(use_id, None)

    def set_target(self, use_id: str, name: str, text: str) -> None:
        self.uses[use_id][name] = text.strip()

    def spread_target(self, use_id: str, name: str) -> bool:
        """Give this value to the same target of other chosen uses that have none; True when one took it."""
        text, target = self.uses[use_id].get(name, ""), self.provider.use(use_id).target[name]
        takers = [
            targets
            for other, targets in self.uses.items()
            if text and self.provider.use(other).target.get(name) == target and not targets.get(name)
        ]
        for targets in takers:
            targets[name] = text
        return bool(takers)

    def intended(self) -> tuple[IntendedUse, ...]:
        """The chosen uses, in the provider's order."""
        return tuple(IntendedUse(use.id, dict(self.uses[use.id])) for use in self.provider.uses if use.id in self.uses)

    def wanted_permissions(self) -> tuple[Wanted, ...]:
        """The minimal checklist for the chosen uses; rows that their conditions rule out are left out."""
        rows: list[Wanted] = []
        for use in self.provider.uses:
            if use.id in self.uses:
                rows += [self._wanted(use, one) for one in use.permissions if self._applies(use, one)]
        return tuple(rows)

    def _wanted(self, use: "Use", permission: "Permission") -> Wanted:
        name = permission.name.render(self._names(use), absent=placeholder)
        return Wanted(use.id, str(name), permission.why, permission.when, permission.verified)

    def _applies(self, use: "Use", permission: "Permission") -> bool:
        """False only when the fields and targets already rule the permission out; facts are not known here."""
        return permission.applies is None or permission.applies.decide(self._names(use)) is not False

    def _names(self, use: "Use") -> dict[str, object]:
        return {**self._plain_names(), "target": target_values(use, self.uses.get(use.id, {}))}

    def _plain_names(self) -> dict[str, object]:
        return {**all_names(self.method, self.readable()), "connection": {"name": self.name}}

    def guide(self) -> tuple[str, ...]:
        """How the credential is made at the vendor, with what is known of this connection."""
        secret = {one.name for one in self.method.fields if one.is_secret}
        names = {name: value for name, value in self._plain_names().items() if name not in secret and value != ""}
        organization = {"organization": {"id": self.scope.organization_id}} if self.scope else {}
        return guide_steps(self.provider, self.method, {**names, **organization})

    def snippet(self) -> str:
        """What to paste at the vendor, without any secret: a password stays a placeholder."""
        secret = {one.name for one in self.method.fields if one.is_secret}
        names = {name: value for name, value in self._plain_names().items() if name not in secret and value != ""}
        return merged_snippet(self.provider, self.intended(), names)

    # --- step 3: fields -------------------------------------------------------------------------------------------

    def can_start_from_identity(self) -> bool:
        """Whether a source identity can give some fields of the chosen method."""
        return any(self.method_id in kind.lends for kind in self.provider.source_identities)

    @property
    def lent(self) -> frozenset[str]:
        """The fields that the chosen identity gives."""
        for kind in self.provider.source_identities:
            if self.identity is not None and kind.id == self.identity.method:
                return frozenset(kind.lends.get(self.method_id, {}))
        return frozenset()

    def asked(self) -> tuple["Field", ...]:
        """The fields to show now; some depend on what others hold, and an identity gives some."""
        known, lent = {**defaults(self.method), **self.readable()}, self.lent
        return tuple(one for one in self.method.fields if one.name not in lent and is_shown(one, self.method_id, known))

    def obtained(self) -> tuple["Field", ...]:
        """The fields that a login fills instead of the user."""
        stores = self.method.oauth.stores if self.method.oauth is not None else {}
        return tuple(one for one in self.method.fields if one.obtained and one.name in stores)

    def logged_in(self, values: Mapping[str, FieldValue]) -> None:
        """Take what a login gave; it stays until the next login."""
        for name, value in values.items():
            self.texts[name] = _shown(value)
            self.stored.pop(name, None)

    def type(self, name: str, text: str) -> Typed:
        """Take a typed or pasted value; what was normalised and what is wrong with it are told."""
        one = self._field(name)
        result = normalise(one, text)
        self.texts[name] = result.text
        if result.text:
            self.stored.pop(name, None)
        return Typed(result.changes, self.problem(name))

    def set_stored(self, name: str, stored: Stored) -> None:
        """Keep or clear a stored secret instead of typing one."""
        self.texts.pop(name, None)
        self.stored[name] = stored

    def problem(self, name: str) -> InvalidField | None:
        """What is wrong with a field now; None when it is well or may stay empty."""
        one = self._field(name)
        text = self.texts.get(name, "")
        if name in self.lent:
            return None
        if not text:
            kept = self.stored.get(name) is Stored.UNCHANGED
            if one.required and not kept and one in self.obtained():
                return InvalidField(name, f"{self.method.name} needs a login.", "Log in from the form.")
            needed = one.required and not kept and one in self.asked()
            return (
                InvalidField(name, f"{one.label} is needed.", f"Such as {one.example}" if one.example else "")
                if needed
                else None
            )
        try:
            read_value(one, text)
        except InvalidField as error:
            return error
        return self.unconfirmed() if name == verification_switch(self.provider, self.method) else None

    def problems(self) -> tuple[InvalidField, ...]:
        """Everything that keeps a test from running."""
        wanted = (*self.asked(), *self.obtained())
        found = [problem for one in wanted if (problem := self.problem(one.name)) is not None]
        for use in self.provider.uses:
            for name, target in missing_targets(use, self.uses[use.id]) if use.id in self.uses else ():
                found.append(InvalidField(f"{use.id}.{name}", f"{use.title} needs {target.label}.", target.help))
        return tuple(found)

    def goes_unverified_to(self) -> str:
        """The host whose certificate would not be verified with these values; empty where none is meant."""
        if not verification_switch(self.provider, self.method):
            return ""
        names = all_names(self.method, {**defaults(self.method), **self.readable()})
        return vendor_host(self.provider, names) if is_unverified(self.provider, names) else ""

    def accept_unverified(self) -> None:
        """Take down that the user agrees to it for the host that is typed now, and no other one."""
        self.unverified_host = self.goes_unverified_to()

    def unconfirmed(self) -> InvalidField | None:
        """What is said of verification that was switched off and not agreed to for this host."""
        host = self.goes_unverified_to()
        if host == self.unverified_host or not host:
            return None
        return InvalidField(
            verification_switch(self.provider, self.method),
            f"Nobody would verify that it is {host} that gets the secret.",
            "Leave the verification on, or agree: in the form by typing the host, in a command by --accept-unverified.",
        )

    def paste(self, text: str) -> tuple[Pasted, dict[str, Typed]]:
        """Recognise a pasted block and fill the fields it knows; what it was, and what became of each value."""
        pasted = read_block(self.provider, self.method, text)
        return pasted, {name: self.type(name, value) for name, value in pasted.fields.items()}

    def values(self) -> dict[str, FieldValue]:
        """The typed fields. Raises InvalidField for the first that is wrong."""
        return {
            one.name: read_value(one, self.texts[one.name])
            for one in (*self.asked(), *self.obtained())
            if self.texts.get(one.name, "") != ""
        }

    def inputs(self) -> dict[str, FieldInput]:
        """The fields as an edit takes them: typed, unchanged or cleared. Raises InvalidField."""
        asked = {one.name for one in (*self.asked(), *self.obtained())}
        stored = {name: stored for name, stored in self.stored.items() if name not in self.lent}
        emptied = {
            one.name: Stored.CLEARED
            for one in self.method.fields
            if one.name not in asked or not self.texts.get(one.name)
        }
        return {**emptied, **self.values(), **stored}

    def readable(self) -> dict[str, FieldInput]:
        """Values of the fields that are right so far."""
        found: dict[str, FieldInput] = {}
        lent = self.lent
        for one in self.method.fields:
            text = self.texts.get(one.name, "")
            if text and one.name not in lent:
                try:
                    found[one.name] = read_value(one, text)
                except InvalidField:
                    continue
        return found

    def _field(self, name: str) -> "Field":
        return next(one for one in self.method.fields if one.name == name)

    # --- test and save --------------------------------------------------------------------------------------------

    def draft(self) -> Draft:
        """What a test needs. Raises InvalidField."""
        return Draft(
            self.provider.slug,
            self.method_id,
            self.values(),
            self.intended(),
            self.scope.organization_id if self.scope else "",
            self.name,
            self.attempts_allowed,
            self.private_allowed,
        )

    def definition(self) -> Definition:
        """What is saved beside the credential. Raises InvalidField."""
        if self.every_minutes is not None and self.every_minutes < SHORTEST_MINUTES:
            raise InvalidField(
                "every", f"Tests run every {SHORTEST_MINUTES} minutes at the most.", "Choose a longer time."
            )
        return Definition(
            name=require_slug(self.name),
            provider=self.provider.slug,
            method=self.method_id,
            description=require_description(self.description),
            uses=self.intended(),
            tags=self.tags,
            test_every_minutes=self.every_minutes,
            platform_managed=self.platform_managed,
            attempts_allowed=self.attempts_allowed,
            private_address_allowed=self.private_allowed,
        )

    def expires_at(self) -> datetime | None:
        """The typed end of the credential, at the end of that day, UTC. Raises InvalidField."""
        if not self.expires:
            return None
        try:
            return datetime.combine(date.fromisoformat(self.expires), time(23, 59, 59), UTC)
        except ValueError:
            raise InvalidField("expires", "This is not a date.", "Type it as 2027-03-31, or leave it empty.") from None

    # --- drafts ---------------------------------------------------------------------------------------------------

    def content(self) -> dict[str, Any]:
        """The form as a draft keeps it, to be sealed: it holds secrets."""
        return {
            "provider": self.provider.slug,
            "method": self.method_id,
            "uses": self.uses,
            "texts": self.texts,
            "name": self.name,
            "description": self.description,
            "every": self.every_minutes,
            "expires": self.expires,
            "scope": [self.scope.organization_id, self.scope.project_id] if self.scope else None,
            "private": self.private_allowed,
            "attempts": self.attempts_allowed,
            "tags": list(self.tags),
            "managed": self.platform_managed,
            "identity": self.identity.id if self.identity else "",
            "unverified": self.unverified_host,
        }

    def typed(self) -> dict[str, Any]:
        """The same, but for the method, and for texts that a method begins with: what is worth going on with."""
        begins = [defaults(method).items() for method in self.methods]
        texts = {name: text for name, text in self.texts.items() if not any((name, text) in one for one in begins)}
        return {**self.content(), "method": "", "texts": texts}

    @classmethod
    def from_content(cls, provider: "Provider", content: Mapping[str, Any]) -> Self:
        """A form as its draft kept it, but for its identity; what the provider no longer has is left out."""
        form = cls.new(provider)
        methods = {method.id for method in provider.methods}
        if content.get("method") in methods:
            form.choose_method(content["method"])
        known = {use.id: use for use in form.possible_uses()}
        for use_id, targets in dict(content.get("uses", {})).items():
            if use_id in known:
                form.choose_use(use_id, wanted=True)
                form.uses[use_id] |= {name: str(text) for name, text in targets.items() if name in known[use_id].target}
        names = {one.name for one in form.method.fields}
        form.texts |= {name: str(text) for name, text in dict(content.get("texts", {})).items() if name in names}
        form.name = str(content.get("name", ""))
        form.description = str(content.get("description", ""))
        form.expires = str(content.get("expires", ""))
        every = content.get("every")
        form.every_minutes = every if isinstance(every, int) else None
        if content.get("scope"):
            form.scope = Scope(*content["scope"])
        form.private_allowed = bool(content.get("private"))
        form.attempts_allowed = bool(content.get("attempts"))
        form.tags = tuple(str(tag) for tag in content.get("tags", ()))
        form.platform_managed = bool(content.get("managed"))
        form.unverified_host = str(content.get("unverified", ""))
        return form


def _shown(value: FieldValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.reveal() if isinstance(value, Secret) else str(value)
