"""What the shell is offered for a word that was begun: nothing that only an open vault could tell.

Names of connections, organizations and projects are sealed; no completion asks for a passphrase, so none is offered.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from jackfield.providers.contract.registry import Registry
    from jackfield.providers.contract.spec import Provider


def complete_slugs(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Providers."""
    return _beginning(incomplete, _registry(context).slugs())


def complete_uses(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """The uses of the provider that the command names."""
    provider = _provider(context)
    return _beginning(incomplete, (use.id for use in provider.uses)) if provider else []


def complete_methods(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """The methods of the provider that the command names."""
    provider = _provider(context)
    return _beginning(incomplete, (method.id for method in provider.methods)) if provider else []


def complete_files(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Files, which the shell itself lists."""
    return [CompletionItem(incomplete, type="file")]


def _registry(context: click.Context) -> "Registry":
    from jackfield.providers.contract.registry import Registry
    from jackfield.services.home import Home

    given = context.find_root().params.get("home")
    return Registry((Home.default() if given is None else Home(given.expanduser().absolute())).providers)


def _provider(context: click.Context) -> "Provider | None":
    """The provider among the words so far; None while there is none of that name.

    Where the value of an option is being typed, click has read no argument yet: then it is the first word.
    """
    from jackfield.model.errors import JackfieldError

    slug = context.params.get("slug") or next(iter(context.args), None)
    if slug is None:
        return None
    try:
        return _registry(context).get(slug)
    except JackfieldError:
        return None


def _beginning(incomplete: str, words: Iterable[str]) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]
