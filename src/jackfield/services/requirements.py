"""What a connection's definition and fields must be like before they are kept, and what an edit makes of them."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from jackfield.model.connection import IntendedUse
from jackfield.model.errors import InvalidField, TakenOverByPlatform
from jackfield.model.names import require_slug
from jackfield.model.secret import FieldInput, FieldValue, Stored
from jackfield.net.address import Verdict, judge
from jackfield.providers.contract.address import address_fields
from jackfield.providers.contract.fields import complete
from jackfield.providers.contract.snippet import missing_targets
from jackfield.services.schedule import SHORTEST_MINUTES
from jackfield.store.connections import Definition

if TYPE_CHECKING:
    from jackfield.providers.contract.spec import Method, Provider


def secret_names(method: "Method") -> frozenset[str]:
    return frozenset(field.name for field in method.fields if field.is_secret)


def require_definition(provider: "Provider", method: "Method", definition: Definition) -> None:
    """Raises InvalidField for tags that are no slugs, tests too often, or uses the provider does not have."""
    for tag in definition.tags:
        require_slug(tag, field="tag")
    every = definition.test_every_minutes
    if every is not None and every < SHORTEST_MINUTES:
        raise InvalidField("every", f"Tests run every {SHORTEST_MINUTES} minutes at the most.", "Choose a longer time.")
    require_uses(provider, method, definition.uses)


def require_uses(provider: "Provider", method: "Method", uses: tuple[IntendedUse, ...]) -> None:
    """Raises InvalidField for a use the provider or method does not have, or one whose target value is missing."""
    for intended in uses:
        try:
            use = provider.use(intended.use)
        except KeyError:
            known = ", ".join(use.id for use in provider.uses)
            raise InvalidField("use", f"{provider.name} has no use {intended.use[:60]}.", f"It has {known}.") from None
        if use.methods and method.id not in use.methods:
            raise InvalidField("use", f"{use.title} does not work with {method.name}.", "Choose another method or use.")
        for name, target in missing_targets(use, intended.targets):
            raise InvalidField(
                f"target.{name}",
                f"{use.title} needs {target.label}.",
                f"Such as {target.example}" if target.example else "",
            )


def near_address(provider: "Provider", method: "Method", values: Mapping[str, FieldInput]) -> str:
    """The loopback or private address, or `localhost`, that the fields name outright; empty when they name none."""
    for name in sorted(address_fields(provider, method)):
        value = values.get(name)
        if isinstance(value, str):
            try:
                host = (urlsplit(value).hostname or "") if "://" in value else value
                near = host.lower().rstrip(".") == "localhost" or judge(host).verdict is Verdict.ASK
            except ValueError:
                continue  # a name: only looking it up tells where it leads
            if near:
                return host
    return ""


def merged(
    provider: "Provider",
    method: "Method",
    old: Mapping[str, FieldValue],
    new: Mapping[str, FieldInput],
    *,
    managed: bool,
) -> dict[str, FieldValue]:
    """The fields after an edit. Raises InvalidField or TakenOverByPlatform."""
    secrets = secret_names(method)
    issued = provider.platform_managed.issued if provider.platform_managed is not None else None
    values: dict[str, FieldValue] = dict(old)
    for name, value in new.items():
        if value is Stored.UNCHANGED:
            continue
        renamed = issued is not None and name == issued.name and value != old.get(name)
        if managed and (name in secrets or renamed):
            raise TakenOverByPlatform("Jackfield manages this secret and changes it by itself.", "Give it back first.")
        if value is Stored.CLEARED or value == "":
            values.pop(name, None)
        elif not isinstance(value, Stored):
            values[name] = value
    done = complete(method, values)
    moved = [name for name in address_fields(provider, method) if done.get(name) != old.get(name)]
    kept = [name for name in sorted(secrets & set(done)) if isinstance(new.get(name, Stored.UNCHANGED), Stored)]
    if moved and kept:
        raise InvalidField(
            kept[0],
            f"The address changed ({', '.join(sorted(moved))}), so the stored secret does not go along.",
            "Type it again for the new address.",
        )
    return done


def refuse_lent(given: Mapping[str, FieldInput], lent: Mapping[str, FieldValue]) -> None:
    """Raises InvalidField for a typed value where the source identity gives another."""
    for name, value in given.items():
        if name in lent and not isinstance(value, Stored) and value != lent[name]:
            raise InvalidField(
                name,
                "The source identity of this connection gives this field.",
                "Leave it out, or give fields of its own.",
            )


def without(values: Mapping[str, FieldValue], names: Collection[str]) -> dict[str, FieldValue]:
    return {name: value for name, value in values.items() if name not in names}
