"""Where providers are found: the folders beside this package, a user's own files, and packages that were trusted.

Loading a provider reads its YAML only; no vendor library and no provider.py is imported.
"""

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import yaml

from jackfield.model.errors import NotFound
from jackfield.providers.contract.expression import RuleError
from jackfield.providers.contract.packages import Offer, Standing, find_offers, forget_trusted, import_trusted
from jackfield.providers.contract.provider_file import (
    ProviderFileError,
    ProviderProblem,
    load_provider,
    read_built_in,
    shown,
)
from jackfield.text import cleaned
from jackfield.text.hosts import drawn_as

if TYPE_CHECKING:
    from jackfield.providers.contract.spec import Provider

BUILT_IN: Final = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Summary:
    """One line of the gallery."""

    slug: str
    name: str
    category: str
    own: bool  # dropped in by the user
    package: str = ""  # what was installed and offers it; empty for one of ours or of the user's


@dataclass(frozen=True, slots=True)
class _Source:
    file: Path
    module: str = ""  # import path of its folder; empty where Python is not allowed
    own: bool = False
    offer: Offer | None = None

    def import_python(self) -> ModuleType:
        """Its provider.py. Raises ImportError, and what the module raises."""
        name = f"{self.module}.provider"
        return import_trusted(self.offer, name) if self.offer else importlib.import_module(name)


class Registry:
    """All providers by slug. Files are parsed when first asked for and kept."""

    def __init__(self, user_folder: Path | None = None) -> None:
        """Nothing that a package offers is used before `trust` says so."""
        self.problems: list[ProviderProblem] = []
        self._offers: tuple[Offer, ...] | None = None
        self._trusted: Mapping[str, str] = {}
        self._loaded: dict[str, Provider] = {}
        self._sources: dict[str, _Source] = {}
        self._aliases: dict[str, str] = {}
        self._summaries: dict[str, Summary] = {}
        for source, summary, aliases in _built_in():
            self._sources[summary.slug] = source
            self._summaries[summary.slug] = summary
            self._aliases |= dict.fromkeys(aliases, summary.slug)
        if user_folder is not None and user_folder.is_dir():
            for file in sorted(user_folder.glob("*.yaml")):
                self._add_own(file)

    @property
    def offers(self) -> tuple[Offer, ...]:
        """What packages offer, as it was when it was looked at last; that takes a while."""
        if self._offers is None:
            self._offers = find_offers()
        return self._offers

    def trust(self, digests: Mapping[str, str]) -> None:
        """Use those offers, as they are now, whose digest is the given one of their name, and no others.

        One that changed, or is trusted and cannot be used, is among the problems.
        """
        for slug in [slug for slug, source in self._sources.items() if source.offer]:
            self._drop(slug)
        self.problems = [problem for problem in self.problems if problem.line]  # those of packages have no line
        self._trusted = dict(digests)
        self._offers = find_offers() if digests else None  # a vault that trusts none opens without looking
        for offer in self._offers or ():
            standing = self.standing(offer)
            reason = ""
            if standing is Standing.TRUSTED:
                reason = self._add_offer(offer)
            elif standing is Standing.CHANGED:
                reason = f"it is not used: its files changed. See them, then: jackfield provider trust {offer.name}"
            elif standing is Standing.UNUSABLE and offer.name in digests:
                reason = f"it is not used: {offer.why_not}"
            if reason:
                self.problems.append(ProviderProblem(f"{offer.name} of {offer.distribution}", 0, reason))

    def standing(self, offer: Offer) -> Standing:
        """Whether an offer is in use, and if not, why."""
        return offer.standing(self._trusted)

    def why_not(self, offer: Offer) -> str:
        """Why what a package offers could not be used even if it were trusted; empty when it could."""
        if offer.why_not:
            return offer.why_not
        others = {slug: source for slug, source in self._sources.items() if source.offer is None}
        try:
            return self._why_not_offered(load_provider(offer.file), offer, others)
        except ProviderFileError as error:
            return f"provider.yaml, line {error.problem.line}: {error.problem.reason}"

    def slugs(self) -> tuple[str, ...]:
        return tuple(sorted(self._sources))

    def summaries(self) -> tuple[Summary, ...]:
        """Every provider for the gallery, by name, without parsing their files."""
        return tuple(sorted(self._summaries.values(), key=lambda line: line.name.casefold()))

    def name(self, slug: str) -> str:
        """What the provider is called, without parsing its file; the slug itself when there is none such."""
        summary = self._summaries.get(self._aliases.get(slug, slug))
        return slug if summary is None else summary.name

    def method_name(self, slug: str, method: str) -> str:
        """What a method of a provider is called, as cheaply as its YAML is read; its id when there is none such."""
        slug = self._aliases.get(slug, slug)
        if slug in self._loaded:
            names = {one.id: one.name for one in self._loaded[slug].methods}
        elif slug in self._sources:
            names = {one["id"]: one["name"] for one in read_built_in(self._sources[slug].file)["methods"]}
        else:
            names = {}
        return names.get(method, method)

    def get(self, slug: str) -> "Provider":
        """The provider with this slug or alias. Raises NotFound."""
        slug = self._aliases.get(slug, slug)
        if slug not in self._sources:
            raise self._not_found(slug)
        if slug not in self._loaded:
            self._loaded[slug] = load_provider(self._sources[slug].file)
        return self._loaded[slug]

    def _not_found(self, slug: str) -> NotFound:
        offer = next((one for one in self.offers if one.name == slug), None)
        if offer is None:
            message = f"There is no provider called {cleaned(slug, limit=60)}."
            return NotFound(message, "See them with: jackfield provider list")
        message = f"The provider {slug} of {offer.distribution} is not used: {offer.why_not or self.standing(offer)}."
        return NotFound(message, f"See: jackfield provider packages, and then: jackfield provider trust {slug}")

    def function(self, slug: str, name: str) -> Callable[..., Any]:
        """A function of the provider's own provider.py. Raises NotFound when it has none of that name."""
        source = self._sources[self._aliases.get(slug, slug)]
        if source.module:
            try:
                module = source.import_python()
            except ImportError as error:
                if source.offer is None:
                    raise
                reason = cleaned(str(error), limit=200, lines=False)
                raise NotFound(f"The provider {slug} cannot run: {reason}.", "Install its package anew.") from None
            function = getattr(module, name, None)
            if callable(function):
                return function  # type: ignore[no-any-return]
        message = f"The provider {slug} names a function {name} that it does not have."
        raise NotFound(message, "A user's own provider file is data only: use HTTP requests.")

    def _add_own(self, file: Path) -> None:
        try:
            provider = load_provider(file)
        except ProviderFileError as error:
            self.problems.append(error.problem)
            return
        reason = _why_not_own(provider) or self._why_not(provider, self._sources)
        if reason:
            self.problems.append(ProviderFileError(shown(file), 1, reason).problem)
        else:
            self._add(provider, _Source(file, own=True))

    def _add_offer(self, offer: Offer) -> str:
        """Take a trusted offer in; why that is not possible, or nothing."""
        try:
            provider = load_provider(offer.file)
        except ProviderFileError as error:
            return error.problem.reason
        reason = self._why_not_offered(provider, offer, self._sources)
        if not reason:
            self._add(provider, _Source(offer.file, offer.package, offer=offer))
        return reason

    def _add(self, provider: "Provider", source: _Source) -> None:
        self._sources[provider.slug] = source
        package = source.offer.distribution if source.offer else ""
        self._summaries[provider.slug] = Summary(provider.slug, provider.name, provider.category, source.own, package)
        self._aliases |= dict.fromkeys(provider.aliases, provider.slug)
        self._loaded[provider.slug] = provider

    def _drop(self, slug: str) -> None:
        offer = self._sources.pop(slug).offer
        if offer is not None:
            forget_trusted(offer)
        del self._summaries[slug], self._loaded[slug]
        self._aliases = {alias: of for alias, of in self._aliases.items() if of != slug}

    def _why_not_offered(self, provider: "Provider", offer: Offer, taken: Mapping[str, _Source]) -> str:
        if provider.slug != offer.name:
            return f"its provider.yaml is about {provider.slug}"
        return self._why_not(provider, taken)

    def _why_not(self, provider: "Provider", taken: Mapping[str, _Source]) -> str:
        """Why a provider that is not ours cannot be used; empty when it can. None may take the place of another."""
        names = {*taken, *(alias for alias, slug in self._aliases.items() if slug in taken)}
        if stolen := sorted({provider.slug, *provider.aliases} & names):
            return f"slug: {stolen[0]} is already a provider"
        drawn = drawn_as(provider.name)
        others = (one.name for one in self._summaries.values() if one.slug in taken)
        if alike := next((name for name in others if drawn_as(name) == drawn), ""):
            return f"name: {provider.name} could be taken for {alike}"
        from jackfield.providers.contract.coherence import find_incoherence

        try:
            return find_incoherence(provider)
        except RuleError as error:
            return error.message


def missing_driver(provider: "Provider") -> str | None:
    """The command that installs the provider's vendor library, when it is not there. Imports nothing."""
    if provider.driver is None or importlib.util.find_spec(provider.driver.module) is not None:
        return None
    return f"pip install 'jackfield[{provider.driver.extra}]'"


def _why_not_own(provider: "Provider") -> str:
    """Why a user's own file may not say what it says; empty when it may."""
    if any(fact.call for fact in provider.facts.values()) or provider.platform_managed or provider.endpoint:
        return "facts: a provider file of your own is data only: HTTP requests, no call, endpoint or platform_managed"
    if any(method.auth is not None and method.auth.call for method in provider.tested_methods):
        return "methods: a provider file of your own is data only: bearer, basic or headers"
    return ""


@cache
def _built_in() -> tuple[tuple[_Source, Summary, tuple[str, ...]], ...]:
    """Each of ours, with its summary and its aliases."""
    files = sorted(BUILT_IN.glob("*/provider.yaml"))
    return tuple((_Source(file, f"jackfield.providers.{file.parent.name}"), *_top_lines(file)) for file in files)


def _top_lines(file: Path) -> tuple[Summary, tuple[str, ...]]:
    """Summary and aliases from the top lines of a file of ours: each stands at the margin, before `methods:`."""
    slug, name, category, aliases = "", "", "", ()
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("slug:"):
                slug = line.removeprefix("slug:").strip()
            elif line.startswith("name:"):
                name = line.removeprefix("name:").strip().strip("\"'")
            elif line.startswith("category:"):
                category = line.removeprefix("category:").strip().strip("\"'")
            elif line.startswith("aliases:"):
                aliases = tuple(yaml.safe_load(line)["aliases"])
            elif line.startswith("methods:"):
                break
    return Summary(slug, name, category, own=False), aliases
