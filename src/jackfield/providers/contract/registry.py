"""Where providers are found: the folders beside this package, other packages' entry points, a user's own files.

Loading a provider reads its YAML only; no vendor library and no provider.py is imported.
"""

import importlib
import importlib.util
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from jackfield.model.errors import NotFound
from jackfield.providers.contract.coherence import find_incoherence
from jackfield.providers.contract.expression import RuleError
from jackfield.providers.contract.spec import Provider
from jackfield.text import cleaned

ENTRY_POINTS: Final = "jackfield.providers"
BUILT_IN: Final = Path(__file__).resolve().parents[1]
USER_FILE_LIMIT: Final = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class ProviderProblem:
    """A provider file that could not be used; everything else works on."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


class ProviderFileError(Exception):
    def __init__(self, problem: ProviderProblem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Summary:
    """One line of the gallery."""

    slug: str
    name: str
    category: str
    own: bool  # dropped in by the user


@dataclass(frozen=True, slots=True)
class _Source:
    file: Path
    module: str  # import path of its folder; empty where Python is not allowed
    own: bool


class Registry:
    """All providers by slug. Files are parsed when first asked for and kept."""

    def __init__(self, user_folder: Path | None = None) -> None:
        self.problems: list[ProviderProblem] = []
        self._loaded: dict[str, Provider] = {}
        self._sources: dict[str, _Source] = {}
        self._aliases: dict[str, str] = {}
        self._summaries: dict[str, Summary] = {}
        for source in (*_built_in(), *self._from_packages()):
            summary, aliases = _top_lines(source.file)
            self._sources[summary.slug] = source
            self._summaries[summary.slug] = summary
            self._aliases |= dict.fromkeys(aliases, summary.slug)
        if user_folder is not None and user_folder.is_dir():
            for file in sorted(user_folder.glob("*.yaml")):
                self._add_own(file)

    def slugs(self) -> tuple[str, ...]:
        return tuple(sorted(self._sources))

    def summaries(self) -> tuple[Summary, ...]:
        """Every provider for the gallery, by name, without parsing their files."""
        return tuple(sorted(self._summaries.values(), key=lambda line: line.name.casefold()))

    def name(self, slug: str) -> str:
        """What the provider is called, without parsing its file; the slug itself when there is none such."""
        summary = self._summaries.get(self._aliases.get(slug, slug))
        return slug if summary is None else summary.name

    def get(self, slug: str) -> Provider:
        """The provider with this slug or alias. Raises NotFound."""
        slug = self._aliases.get(slug, slug)
        if slug not in self._sources:
            message = f"There is no provider called {cleaned(slug, limit=60)}."
            raise NotFound(message, "See them with: jackfield provider list")
        if slug not in self._loaded:
            self._loaded[slug] = load_provider(self._sources[slug].file)
        return self._loaded[slug]

    def function(self, slug: str, name: str) -> Callable[..., Any]:
        """A function of the provider's own provider.py. Raises NotFound when it has none of that name."""
        source = self._sources[self._aliases.get(slug, slug)]
        if source.module:
            module = importlib.import_module(f"{source.module}.provider")
            function = getattr(module, name, None)
            if callable(function):
                return function  # type: ignore[no-any-return]
        message = f"The provider {slug} names a function {name} that it does not have."
        raise NotFound(message, "A user's own provider file is data only: use HTTP requests.")

    def _from_packages(self) -> Iterator[_Source]:
        """Providers of other installed packages; one that fails to import is a problem, not an end."""
        for entry in entry_points(group=ENTRY_POINTS):
            try:
                spec = importlib.util.find_spec(entry.value)
            except (ImportError, ValueError):
                spec = None
            if spec is None or spec.origin is None:
                self.problems.append(ProviderProblem(entry.name, 0, f"the package {entry.value} cannot be imported"))
                continue
            yield _Source(Path(spec.origin).with_name("provider.yaml"), entry.value, own=False)

    def _add_own(self, file: Path) -> None:
        try:
            provider = load_provider(file)
        except ProviderFileError as error:
            self.problems.append(error.problem)
            return
        reason = _why_not_own(provider, self._sources)
        if reason:
            self.problems.append(ProviderProblem(cleaned(str(file), limit=300), 1, reason))
            return
        self._sources[provider.slug] = _Source(file, "", own=True)
        self._summaries[provider.slug] = Summary(provider.slug, provider.name, provider.category, own=True)
        self._aliases |= dict.fromkeys(provider.aliases, provider.slug)
        self._loaded[provider.slug] = provider


def missing_driver(provider: Provider) -> str | None:
    """The command that installs the provider's vendor library, when it is not there. Imports nothing."""
    if provider.driver is None or importlib.util.find_spec(provider.driver.module) is not None:
        return None
    return f"pip install 'jackfield[{provider.driver.extra}]'"


def load_provider(file: Path) -> Provider:
    """Read one provider file. Raises ProviderFileError naming file, line and reason."""
    name = cleaned(str(file), limit=300)
    try:
        if file.stat().st_size > USER_FILE_LIMIT:
            raise ProviderFileError(ProviderProblem(name, 1, "the file is larger than 1 MiB"))
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ProviderFileError(ProviderProblem(name, 1, f"the file cannot be read: {reason}")) from None
    try:
        data = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader with stricter scalars
        provider = Provider.model_validate(data)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ProviderFileError(ProviderProblem(name, line, cleaned(str(error.problem), limit=200))) from None
    except yaml.YAMLError as error:
        raise ProviderFileError(ProviderProblem(name, 1, cleaned(str(error), limit=200))) from None
    except RecursionError:
        raise ProviderFileError(ProviderProblem(name, 1, "it is nested too deeply")) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        reason = f"{place}: {first['msg'].removeprefix('Value error, ')}" if place else first["msg"]
        problem = ProviderProblem(name, _line_of(text, first["loc"]), cleaned(reason, limit=300))
        raise ProviderFileError(problem) from None
    return provider


def _why_not_own(provider: Provider, taken: Mapping[str, _Source]) -> str:
    """Why a user's provider cannot be used; empty when it can."""
    if provider.slug in taken:
        return f"slug: {provider.slug} is already a provider"
    if any(fact.call for fact in provider.facts.values()) or provider.platform_managed or provider.endpoint:
        return "facts: a provider file of your own is data only: HTTP requests, no call, endpoint or platform_managed"
    if any(method.auth is not None and method.auth.call for method in provider.tested_methods):
        return "methods: a provider file of your own is data only: bearer, basic or headers"
    try:
        return find_incoherence(provider)
    except RuleError as error:
        return error.message


def _built_in() -> Iterator[_Source]:
    for file in sorted(BUILT_IN.glob("*/provider.yaml")):
        yield _Source(file, f"jackfield.providers.{file.parent.name}", own=False)


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


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Safe YAML in which only true and false are booleans, and a key given twice is an error."""

    yaml_implicit_resolvers = {
        first: [
            (tag, pattern)
            for tag, pattern in resolvers
            if tag not in {"tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp"}
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - PyYAML's signature
        seen = set()
        for key, _ in node.value:
            if key.value in seen and key.value != "<<":
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value} is given twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


def _line_of(text: str, place: tuple[int | str, ...]) -> int:
    """The line of a key or item, followed as far as the document goes."""
    node = yaml.compose(text, yaml.SafeLoader)
    line = 1
    for part in place:
        found = None
        if isinstance(node, yaml.MappingNode):
            found = next((value for key, value in node.value if key.value == str(part)), None)
            line = next((key.start_mark.line + 1 for key, _ in node.value if key.value == str(part)), line)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            found = node.value[part]
            line = found.start_mark.line + 1
        if found is None:
            break
        node = found
    return line
