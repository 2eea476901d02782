"""Providers that other installed packages offer, and running of them only what was trusted.

An entry point of the group `jackfield.providers` has the provider's slug for a name and a package for a value, which
holds `provider.yaml`, and `provider.py` when needed. Looking at what is offered imports nothing. The digest of an offer
is over every file in the folder of the outermost package: SHA-256 of the lines that `sha256sum` prints for them, in the
order of their names' bytes. `__pycache__` is not among them and is not read either: the modules of a trusted package
are compiled from the very bytes that the digest is of.
"""

import hashlib
import importlib
import os
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, NamespaceLoader, PathFinder, SourceFileLoader
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final

from jackfield.model.errors import InvalidField
from jackfield.model.names import require_slug
from jackfield.text import cleaned

ENTRY_POINTS: Final = "jackfield.providers"
_MOST_FILES: Final = 2_000
_MOST_BYTES: Final = 16 << 20


class Standing(StrEnum):
    """What becomes of an offer."""

    TRUSTED = "trusted"
    UNTRUSTED = "not trusted"
    CHANGED = "changed since it was trusted"
    UNUSABLE = "cannot be used"


@dataclass(frozen=True, slots=True)
class Offer:
    """One provider of one package, as it lies on the disk. With `why_not` it can be neither trusted nor used."""

    name: str  # the entry's, and so the provider's slug
    package: str  # import path of what holds provider.yaml
    distribution: str  # what was installed, and its version
    folder: Path = Path()  # of the outermost package
    digest: str = ""  # 64 hexadecimal digits
    files: Mapping[str, str] = field(default_factory=dict)  # path below `folder` → SHA-256 in hex
    why_not: str = ""

    @property
    def root(self) -> str:
        """The name of the outermost package."""
        return self.package.partition(".")[0]

    @property
    def file(self) -> Path:
        """Its provider.yaml."""
        return self.folder.joinpath(*self.package.split(".")[1:], "provider.yaml")

    def standing(self, trusted: Mapping[str, str]) -> Standing:
        """What becomes of it where these digests are trusted, by name."""
        if self.why_not:
            return Standing.UNUSABLE
        known = trusted.get(self.name)
        if known is None:
            return Standing.UNTRUSTED
        return Standing.TRUSTED if known == self.digest else Standing.CHANGED


def find_offers() -> tuple[Offer, ...]:
    """Everything that installed packages offer, by name. Reads their files and imports none."""
    entries = sorted(entry_points(group=ENTRY_POINTS), key=lambda entry: (entry.name, entry.value))
    times = Counter(entry.name for entry in entries)
    return tuple(_offer(entry, alone=times[entry.name] == 1) for entry in entries)


def _offer(entry: EntryPoint, *, alone: bool) -> Offer:
    name, package = (cleaned(text, limit=100, lines=False) for text in (entry.name, entry.value))
    installed = entry.dist
    said = f"{installed.name} {installed.version}" if installed else "an unknown package"
    distribution = cleaned(said, limit=100, lines=False)
    if not alone:
        return Offer(name, package, distribution, why_not="more than one package offers a provider of this name")
    try:
        require_slug(entry.name)
        folder = _folder(entry.value)
        files = dict(_hashed(folder))
    except InvalidField:
        return Offer(name, package, distribution, why_not="its name is no slug")
    except _Unfit as unfit:
        return Offer(name, package, distribution, why_not=str(unfit))
    except OSError as error:
        return Offer(name, package, distribution, why_not=f"its files cannot be read: {error.strerror}")
    return Offer(name, package, distribution, folder, digest_of(files), files)


class _Unfit(Exception):
    """Says why an offer can be neither trusted nor used."""


def _folder(package: str) -> Path:
    """The folder that the outermost package would be imported from."""
    parts = package.split(".")
    if not all(part.isidentifier() for part in parts):
        raise _Unfit("it names no package")
    if parts[0] in sys.stdlib_module_names or parts[0] == __name__.partition(".")[0]:
        raise _Unfit("it names a package that is not its own")
    spec = PathFinder.find_spec(parts[0])
    if spec is None:
        raise _Unfit(f"the package {parts[0]} is not there")
    folders = list(spec.submodule_search_locations or ())
    if spec.origin is None or len(folders) != 1 or Path(spec.origin) != Path(folders[0], "__init__.py"):
        raise _Unfit(f"{parts[0]} is not one folder with Python source")
    return Path(folders[0])


def _hashed(folder: Path) -> Iterator[tuple[str, str]]:
    """Each file below a folder with its SHA-256, in the order of their names' bytes. Raises _Unfit or OSError."""
    found = sorted(_files(folder), key=lambda file: os.fsencode(file.relative_to(folder)))
    if len(found) > _MOST_FILES or sum(file.stat().st_size for file in found) > _MOST_BYTES:
        raise _Unfit(f"it has more than {_MOST_FILES} files or {_MOST_BYTES >> 20} MiB")
    for file in found:
        yield file.relative_to(folder).as_posix(), hashlib.sha256(file.read_bytes()).hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        shown = cleaned(entry.name, limit=60, lines=False)
        if entry.is_symlink() or not (entry.is_dir() or entry.is_file()):
            raise _Unfit(f"{shown} is neither a file nor a folder")
        if not entry.name.isprintable() or "\\" in entry.name:
            raise _Unfit(f"the name {shown} could be mistaken")
        if entry.is_file():
            yield entry
        elif entry.name != "__pycache__":
            yield from _files(entry)


def digest_of(files: Mapping[str, str]) -> str:
    """The digest over the files of an offer, in hex."""
    lines = (f"{digest}  {name}\n" for name, digest in files.items())
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def import_trusted(offer: Offer, module: str) -> ModuleType:
    """Import a module of a trusted package, whatever else it imports of its own included.

    Raises ImportError where a file is not the one that was trusted, and what the module raises.
    """
    _MODULES.allow(offer)
    return importlib.import_module(module)


def forget_trusted(offer: Offer) -> None:
    """Let nothing more of the package be imported as trusted, and drop what was."""
    _MODULES.forbid(offer)


class _TrustedModules(MetaPathFinder):
    """Finds the modules of trusted packages before any other finder does."""

    def __init__(self) -> None:
        self._offers: dict[str, Offer] = {}
        self._lock = threading.Lock()

    def allow(self, offer: Offer) -> None:
        with self._lock:
            self._offers[offer.root] = offer
            if self not in sys.meta_path:
                sys.meta_path.insert(0, self)

    def forbid(self, offer: Offer) -> None:
        with self._lock:
            if self._offers.pop(offer.root, None) is not None:
                for name in [one for one in sys.modules if one == offer.root or one.startswith(f"{offer.root}.")]:
                    del sys.modules[name]

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        offer = self._offers.get(fullname.partition(".")[0])
        spec = PathFinder.find_spec(fullname, path, target) if offer else None
        if offer is None or spec is None or isinstance(spec.loader, NamespaceLoader):
            return spec
        if not isinstance(spec.loader, SourceFileLoader) or spec.origin is None:
            raise ImportError(f"{fullname} is no Python source, and nothing else of a trusted package is run")
        spec.loader = _TrustedSource(offer, fullname, spec.origin)
        return spec


class _TrustedSource(SourceFileLoader):
    """Compiles a module from bytes whose digest was trusted; what was compiled earlier is not looked at."""

    def __init__(self, offer: Offer, fullname: str, path: str) -> None:
        super().__init__(fullname, path)
        self._offer = offer

    def get_code(self, fullname: str) -> CodeType:
        data = self.get_data(self.path)
        file = Path(self.path)
        inside = file.is_relative_to(self._offer.folder)
        trusted = self._offer.files.get(file.relative_to(self._offer.folder).as_posix()) if inside else None
        if hashlib.sha256(data).hexdigest() != trusted:
            raise ImportError(f"{fullname} changed since it was trusted")
        code: CodeType = self.source_to_code(data, self.path)
        return code


_MODULES: Final = _TrustedModules()
