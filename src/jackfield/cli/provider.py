"""Providers: what each needs, step by step, and what to paste at the vendor.

No vault is needed for any of it, save for what packages offer: which of them are trusted is sealed.
"""

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from jackfield.cli.completing import complete_methods, complete_slugs, complete_uses
from jackfield.cli.output import pairs, table
from jackfield.cli.program import Program, json_option
from jackfield.cli.values import SET_HELP, read_fields, read_uses
from jackfield.model.errors import InvalidField, NotFound

if TYPE_CHECKING:
    from jackfield.providers.contract.registry import Registry
    from jackfield.providers.contract.spec import Method, Permission, Provider, Use


slug_argument = click.argument("slug", metavar="PROVIDER", shell_complete=complete_slugs)
method_option = click.option(
    "--method", metavar="ID", shell_complete=complete_methods, help="The method; the recommended one when left out."
)


def registry_of(program: Program) -> "Registry":
    """Every provider; files of the user's own that cannot be used are told about."""
    from jackfield.providers.contract.registry import Registry

    registry = Registry(program.home.providers)
    for problem in registry.problems:
        program.out.note(f"jackfield: {problem}")
    return registry


def provider_of(program: Program, slug: str) -> "Provider":
    """The provider of this slug; the vault is opened for one that a package offers. Raises NotFound."""
    registry = registry_of(program)
    try:
        return registry.get(slug)
    except NotFound:
        if not program.home.has_vault() or all(offer.name != slug for offer in registry.offers):
            raise
    with program.session() as session:
        return session.registry.get(slug)


@click.group()
def provider() -> None:
    """Look at the services that connections can be made to."""


@provider.command("list")
@json_option
@click.pass_obj
def list_providers(program: Program) -> None:
    """Every provider, save those of installed packages: see provider packages."""
    found = sorted(_usable(program), key=lambda one: one.name.casefold())
    rows = [(one.slug, one.name, one.category, ", ".join(m.id for m in one.methods)) for one in found]
    value = [summary(one) for one in found] if program.out.json else []
    program.out.show(value, table(("SLUG", "NAME", "CATEGORY", "METHODS"), rows))


def _usable(program: Program) -> "Iterator[Provider]":
    """Every provider whose file can be read; of the others the reason is told."""
    from jackfield.providers.contract.provider_file import ProviderFileError

    registry = registry_of(program)
    for slug in registry.slugs():
        try:
            yield registry.get(slug)
        except ProviderFileError as error:
            program.out.note(f"jackfield: {error}")


@provider.command()
@slug_argument
@json_option
@click.pass_obj
def show(program: Program, slug: str) -> None:
    """One provider: its methods and fields, its uses and the permissions they need, its guide."""
    found = provider_of(program, slug)
    program.out.show(whole(found), _lines(found))


@provider.command()
@slug_argument
@click.option(
    "--use",
    "uses",
    multiple=True,
    required=True,
    metavar="ID",
    shell_complete=complete_uses,
    help="What the connection is for.",
)
@click.option("--target", "targets", multiple=True, metavar="USE.NAME=VALUE", help="A target value of a use.")
@method_option
@click.option("--set", "fields", multiple=True, metavar="NAME=VALUE", help=SET_HELP)
@json_option
@click.pass_obj
def snippet(
    program: Program,
    slug: str,
    uses: tuple[str, ...],
    targets: tuple[str, ...],
    method: str | None,
    fields: tuple[str, ...],
) -> None:
    """Print what to paste at the vendor.

    It grants just what the uses need. What is not given stays as a <placeholder>.
    """
    from jackfield.providers.contract.fields import normalise, rule_names
    from jackfield.providers.contract.snippet import merged_snippet

    found = provider_of(program, slug)
    chosen = method_of(found, method)
    known = {field.name: field for field in chosen.fields}
    texts = {name: normalise(known[name], text).text for name, text in read_fields(chosen, fields).items()}
    names = rule_names(chosen.id, {field.name: field.default for field in chosen.fields if field.default is not None})
    intended = read_uses(found, uses, targets)
    text = merged_snippet(found, intended, names | {name: text for name, text in texts.items() if text})
    if program.out.json:
        program.out.show({"provider": found.slug, "uses": [use.use for use in intended], "snippet": text}, ())
    else:
        program.out.text(text)


def method_of(provider: "Provider", method_id: str | None) -> "Method":
    """The method of this id; the recommended one, or the first, for none. Raises InvalidField."""
    if method_id is None:
        return next((one for one in provider.methods if one.recommended), provider.methods[0])
    try:
        return provider.method(method_id)
    except KeyError:
        known = ", ".join(one.id for one in provider.methods)
        message = f"{provider.name} has no method {method_id[:40]}."
        raise InvalidField("method", message, f"It has {known}.") from None


def summary(provider: "Provider") -> dict[str, Any]:
    """A provider in a list. Others rely on its shape."""
    from jackfield.providers.contract.guide import guide_steps

    return {
        "slug": provider.slug,
        "name": provider.name,
        "category": provider.category,
        "methods": [
            {
                "id": method.id,
                "name": method.name,
                "recommended": method.recommended,
                "fields": [
                    {
                        "name": field.name,
                        "label": field.label,
                        "kind": field.kind.value,
                        "required": field.required,
                        "secret": field.is_secret,
                    }
                    for field in method.fields
                ],
            }
            for method in provider.methods
        ],
        "uses": [
            {
                "id": use.id,
                "feature": use.feature.value,
                "target": {name: {"label": one.label, "required": one.required} for name, one in use.target.items()},
                "permissions": [_permission(one) for one in use.permissions],
            }
            for use in provider.uses
        ],
        "guide": list(guide_steps(provider, method_of(provider, None), {})),
        "platform_managed": provider.platform_managed is not None,
    }


def _permission(permission: "Permission") -> dict[str, str]:
    return {"name": permission.name.text, "why": permission.why, "when": permission.when}


def whole(provider: "Provider") -> dict[str, Any]:
    """All a person may want to know: the summary, and more in each of its parts."""
    from jackfield.providers.contract.guide import guide_steps
    from jackfield.providers.contract.registry import missing_driver

    value = summary(provider)
    for method, shown in zip(provider.methods, value["methods"], strict=True):
        tested = provider.tested_of(method)
        shown |= {
            "guide": list(guide_steps(provider, method, {})),
            "note": method.note,
            "environment": list(method.environment),
            "tested": {"kind": tested.kind.value, "against": tested.against},
        }
        for field, inner in zip(method.fields, shown["fields"], strict=True):
            inner |= {
                "default": field.default,
                "choices": field.choices,
                "example": field.example,
                "help": field.help,
                "obtained": field.obtained,
            }
    for use, shown in zip(provider.uses, value["uses"], strict=True):
        shown |= {"title": use.title, "methods": list(use.methods), "warning": use.warning}
        for name, target in use.target.items():
            shown["target"][name] |= {
                "default": target.default,
                "example": target.example,
                "many": target.many,
                "choices": target.choices,
                "help": target.help,
            }
        for permission, inner in zip(use.permissions, shown["permissions"], strict=True):
            inner["verified"] = permission.verified
    return value | {
        "documentation": provider.documentation.model_dump(),
        "tested": {"kind": provider.tested.kind.value, "against": provider.tested.against},
        "expiry": provider.expiry_unreadable or "read from the vendor",
        "limits": provider.limits,
        "unsure": list(provider.unsure),
        "install": missing_driver(provider),
    }


def _lines(provider: "Provider") -> Iterator[str]:
    from jackfield.providers.contract.guide import guide_steps
    from jackfield.providers.contract.registry import missing_driver

    yield f"{provider.name} ({provider.slug}), {provider.category}"
    yield from pairs(
        [
            ("documentation", provider.documentation.credentials),
            ("permissions", provider.documentation.permissions),
            ("tested", f"{provider.tested.kind.value}: {provider.tested.against}"),
            ("install", missing_driver(provider)),
            ("limits", provider.limits),
        ]
    )
    for method in provider.methods:
        yield from ("", f"method {method.id}: {method.name}" + (" (recommended)" if method.recommended else ""))
        yield from _fields(method)
        yield from (f"  {number}. {step}" for number, step in enumerate(guide_steps(provider, method, {}), 1))
        if method.environment:
            yield f"  in the environment: {', '.join(method.environment)}"
        if method.tested is not None:
            yield f"  tested {method.tested.kind.value}: {method.tested.against}"
    for use in provider.uses:
        yield from ("", f"use {use.id}: {use.title}")
        yield from _needs(use)


def _fields(method: "Method") -> Iterator[str]:
    words = {
        field.name: [
            field.kind.value,
            *(["secret"] if field.is_secret and field.kind.value != "secret" else []),
            *(["required"] if field.required else []),
            *([f"default {field.default}"] if field.default is not None else []),
            *([f"such as {field.example}"] if field.example else []),
        ]
        for field in method.fields
    }
    rows = [(f"  {field.name}", field.label, ", ".join(words[field.name])) for field in method.fields]
    yield from table(("  FIELD", "LABEL", ""), rows)


def _needs(use: "Use") -> Iterator[str]:
    for name, target in use.target.items():
        optional = "" if target.required else ", optional"
        yield f"  target {name}: {target.label}{optional}" + (f", such as {target.example}" if target.example else "")
    for permission in use.permissions:
        yield from textwrap.wrap(
            f"- {permission.name.text}: {permission.why} ({permission.when}). Verified by {permission.verified}.",
            width=110,
            initial_indent="  ",
            subsequent_indent="    ",
        )
