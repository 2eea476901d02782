"""Environment variables, of this process or from a file of assignments, by what the providers say their tools read."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from jackfield.model.secret import Secret
from jackfield.providers.contract.paste import from_names
from jackfield.providers.contract.provider_file import ProviderFileError
from jackfield.providers.contract.registry import Registry
from jackfield.providers.contract.spec import Method, Provider
from jackfield.services.importing.finding import Candidate, Finding, candidate_of
from jackfield.services.importing.gh import with_instance

SOURCE = "env"


def candidates(registry: Registry, variables: Mapping[str, str]) -> tuple[Candidate, ...]:
    """At most one candidate for each provider: of its methods the one that the variables fit best.

    Where the same secrets fit several providers, nobody knows which one is meant, and each says so.
    """
    found = [best for slug in registry.slugs() if (best := _best(registry, slug, variables)) is not None]
    sharing: dict[frozenset[str], list[Candidate]] = defaultdict(list)
    for one in found:
        if not one.why_not:
            sharing[_secrets(one)].append(one)
    return tuple(_told(one, sharing[_secrets(one)] if not one.why_not else [one]) for one in found)


def _best(registry: Registry, slug: str, variables: Mapping[str, str]) -> Candidate | None:
    try:
        provider = registry.get(slug)
    except ProviderFileError:
        return None
    possible = [
        (bool(one.why_not), not method.recommended, -len(one.fields), number, one)
        for number, method in enumerate(provider.methods)
        if (one := _candidate(registry, provider, method, variables)) is not None
    ]
    return min(possible)[-1] if possible else None


def _candidate(
    registry: Registry, provider: Provider, method: Method, variables: Mapping[str, str]
) -> Candidate | None:
    """None unless a variable gives a secret that a user types: a user name alone is everywhere."""
    texts = {name: variables[name] for name in method.environment if variables.get(name)}
    secret = {one.name for one in method.fields if one.is_secret and not one.obtained}
    if not secret & set(from_names(method, texts)):
        return None
    if provider.slug == "github":
        texts = with_instance(texts)
    origin = f"the environment: {', '.join(name for name in method.environment if name in texts)}"
    return candidate_of(registry, SOURCE, Finding(origin, f"{provider.slug} env", provider.slug, method.id, texts))


def _secrets(one: Candidate) -> frozenset[str]:
    return frozenset(value.reveal() for value in one.fields.values() if isinstance(value, Secret))


def _told(one: Candidate, sharing: list[Candidate]) -> Candidate:
    others = [other.name.removesuffix("-env") for other in sharing if other is not one]
    return replace(one, unclear=f"The same variables fit {', '.join(others)} too.") if others else one
