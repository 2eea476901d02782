"""A package that offers a provider, as an installer leaves it: the package's folder with a .dist-info beside it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jackfield.providers.contract.registry import BUILT_IN

NETLIFY = BUILT_IN.joinpath("netlify", "provider.yaml").read_text("utf-8")
PYTHON = '''"""What runs when it is trusted."""

from acme_jackfield.words import WORD

IMPORTED = True


async def read_local(call):
    return {"word": WORD}
'''


def provider_yaml(slug: str) -> str:
    """Netlify's, under another slug, with a fact of Python that the identity reads."""
    text = NETLIFY.replace("slug: netlify", f"slug: {slug}", 1).replace("name: Netlify", "name: Acme Hosting", 1)
    text = text.replace("facts:\n", "facts:\n  local: {call: read_local, effect: introspect, evidence: stated}\n", 1)
    return text.replace("id: me.body.id", "id: local.word", 1)


class Installed:
    """The package `acme_jackfield`, which offers the provider `acme`, in a folder that Python looks into."""

    def __init__(self, site: Path, name: str = "acme", value: str = "acme_jackfield") -> None:
        self.site = site
        self.folder = site / "acme_jackfield"
        self.folder.mkdir(parents=True)
        self.write("__init__.py", "")
        self.write("provider.yaml", provider_yaml("acme"))
        self.write("provider.py", PYTHON)
        self.write("words.py", 'WORD = "seven"\n')
        self.offer("acme-jackfield", name, value)

    def write(self, name: str, text: str) -> None:
        self.folder.joinpath(name).write_text(text, "utf-8")

    def offer(self, distribution: str, name: str, value: str) -> None:
        """Let an installed distribution, of version 1.2, have this entry point."""
        info = self.site / f"{distribution.replace('-', '_')}-1.2.dist-info"
        info.mkdir()
        info.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        info.joinpath("entry_points.txt").write_text(f"[jackfield.providers]\n{name} = {value}\n")

    @property
    def imported(self) -> list[str]:
        """Modules of the package that are there."""
        return sorted(name for name in sys.modules if name.partition(".")[0] == "acme_jackfield")


@contextmanager
def installed(site: Path, patch: pytest.MonkeyPatch, **more: str) -> Iterator[Installed]:
    """Install it for a while; whatever was imported of it is dropped at the end."""
    made = Installed(site, **more)
    patch.syspath_prepend(str(site))
    try:
        yield made
    finally:
        for name in made.imported:
            del sys.modules[name]
