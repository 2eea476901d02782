"""Themes as data: one YAML file each, shipped with the program or put into the home folder's `themes/`.

    title: Night
    dark: true
    colors:
      background: "#10141c"    # behind everything
      surface: "#161b26"       # inputs
      panel: "#1e2533"         # title, key bar, the highlighted row when another widget has the focus
      text: "#dce3f0"
      muted: "#93a0b8"         # headings, hints
      rule: "#2c3548"          # thin lines
      accent: "#7fb4ff"        # keys, focus
      cursor: "#2f6fd0"        # the highlighted row
      cursor-text: "#ffffff"
      passed: "#79d292"        # states, also shown by word and symbol
      limited: "#f0c35c"
      unproven: "#c4a3ff"
      failed: "#ff8080"
      untested: "#93a0b8"

Colours are #rrggbb, or ansi_… names (then `ansi: true`), which leave the shade to the terminal.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from textual.theme import Theme

from jackfield.model.errors import NotFound, UsageError
from jackfield.services.choices import keep_choice, kept_choice
from jackfield.text import clean

COLORS: Final = (
    "background",
    "surface",
    "panel",
    "text",
    "muted",
    "rule",
    "accent",
    "cursor",
    "cursor-text",
    "passed",
    "limited",
    "unproven",
    "failed",
    "untested",
)
DEFAULT: Final = "night"
PLAIN: Final = "ansi-16"  # what NO_COLOR and consoles of sixteen colours get

_HEX: Final = re.compile(r"#[0-9a-fA-F]{6}")
_ANSI: Final = re.compile(r"ansi_(?:default|(?:bright_)?(?:black|red|green|yellow|blue|magenta|cyan|white))")
_NAME: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SIZE_LIMIT: Final = 64 * 1024
_KEYS: Final = {"title", "dark", "ansi", "colors"}
_CHOICE: Final = "theme"


@dataclass(frozen=True, slots=True)
class Palette:
    """One theme file, read and checked. `name` is the file's name without its ending."""

    name: str
    title: str
    dark: bool
    ansi: bool
    colors: Mapping[str, str]

    def theme(self) -> Theme:
        """The same, for Textual."""
        color = self.colors
        states = {f"state-{name}": color[name] for name in ("passed", "limited", "unproven", "failed", "untested")}
        return Theme(
            name=self.name,
            dark=self.dark,
            ansi=self.ansi,
            primary=color["accent"],
            secondary=color["muted"],
            accent=color["accent"],
            success=color["passed"],
            warning=color["limited"],
            error=color["failed"],
            foreground=color["text"],
            background=color["background"],
            surface=color["surface"],
            panel=color["panel"],
            boost=color["surface"],
            variables=states
            | {
                "ansi-background": color["panel"],
                "ansi-foreground": color["text"],
                "text": color["text"],
                "text-muted": color["muted"],
                "text-disabled": color["muted"],
                "foreground-muted": color["muted"],
                "rule": color["rule"],
                "border": color["accent"],
                "border-blurred": color["rule"],
                "block-cursor-foreground": color["cursor-text"],
                "block-cursor-background": color["cursor"],
                "block-cursor-text-style": "bold",
                "input-cursor-background": color["text"] if not self.ansi else "ansi_default",
                "input-cursor-foreground": color["background"],
                "input-cursor-text-style": "none" if not self.ansi else "reverse",
                "input-selection-background": color["cursor"],
                "input-selection-foreground": color["cursor-text"],
                "button-focus-text-style": "bold",
                "scrollbar": color["muted"],
                "scrollbar-hover": color["accent"],
                "scrollbar-active": color["accent"],
                "scrollbar-background": color["background"],
                "scrollbar-background-hover": color["background"],
                "scrollbar-background-active": color["background"],
                "scrollbar-corner-color": color["background"],
            },
        )


def shipped_folder() -> Path:
    """Where the program's own themes are: beside the package when installed, on top of a source tree otherwise."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "themes"
    return installed if installed.is_dir() else package.parents[1] / "themes"


def theme_files(home: Path | None) -> dict[str, Path]:
    """Name → file of every theme; a user's file stands in for a shipped one of the same name. Nothing is read."""
    folders = [shipped_folder(), *([home / "themes"] if home else [])]
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.yaml"))}


def find_theme(name: str, home: Path | None) -> Palette:
    """Read one theme by name. Raises NotFound, or UsageError naming file, line and reason."""
    files = theme_files(home)
    if name not in files:
        shown = clean(name, limit=60, lines=False).text
        raise NotFound(f"There is no theme {shown}.", f"Choose one of {', '.join(files)}.")
    return read_theme(files[name])


def read_theme(path: Path) -> Palette:
    """Read one theme file. Raises UsageError naming file, line and reason."""
    import yaml

    try:
        with path.open("rb") as file:
            text = file.read(_SIZE_LIMIT + 1)
    except OSError as error:
        raise _broken(path, 0, error.strerror or "it cannot be read") from None
    if len(text) > _SIZE_LIMIT:
        raise _broken(path, 0, "it is longer than 64 KiB")
    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
        node = loader.get_single_node()
        data = loader.construct_document(node) if node is not None else None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise _broken(path, mark.line + 1 if mark else 0, getattr(error, "problem", None) or "it is not YAML") from None
    return _checked(path, data, _key_lines(node))


def _key_lines(node: object, above: str = "") -> dict[str, int]:
    """Dotted key → line, from the composed document, so that an error can say where."""
    lines: dict[str, int] = {}
    pairs = getattr(node, "value", ())
    for pair in pairs if isinstance(pairs, list) else ():
        if isinstance(pair, tuple):
            name = above + str(pair[0].value)
            lines[name] = pair[0].start_mark.line + 1
            lines |= _key_lines(pair[1], f"{name}.")
    return lines


def _checked(path: Path, data: object, lines: Mapping[str, int]) -> Palette:
    if not isinstance(data, dict) or not isinstance(data.get("colors"), dict):
        raise _broken(path, lines.get("colors", 0), "a theme is title, dark and colors")
    for key in data:
        if key not in _KEYS:
            raise _broken(path, lines.get(str(key), 0), f"{key} is not one of title, dark, ansi, colors")
    dark, ansi = data.get("dark", True), data.get("ansi", False)
    for key, value in (("dark", dark), ("ansi", ansi)):
        if not isinstance(value, bool):
            raise _broken(path, lines.get(key, 0), f"{key} is true or false")
    colors = {str(name): str(value) for name, value in data["colors"].items()}
    for name, value in colors.items():
        line = lines.get(f"colors.{name}", 0)
        if name not in COLORS:
            raise _broken(path, line, f"{name} is not a colour of a theme")
        if not (_ANSI if ansi else _HEX).fullmatch(value):
            form = "ansi_default, ansi_red, ansi_bright_red and so on" if ansi else '"#rrggbb", in quotes'
            raise _broken(path, line, f"{name} is written as {form}")
    if missing := [name for name in COLORS if name not in colors]:
        raise _broken(path, lines.get("colors", 0), f"these colours are missing: {', '.join(missing)}")
    if not _NAME.fullmatch(path.stem):
        raise _broken(path, 0, "its name holds only a-z, 0-9 and hyphens")
    title = clean(str(data.get("title", path.stem)), limit=40, lines=False).text
    return Palette(path.stem, title, dark, ansi, colors)


def _broken(path: Path, line: int, reason: str) -> UsageError:
    where = f"{path.name}, line {line}" if line else path.name
    text = clean(f"The theme {where} is not usable: {reason}.", limit=300, lines=False).text
    return UsageError(text, "Mend the file, or choose another theme.")


def chosen_theme(home: Path, environ: Mapping[str, str]) -> str:
    """The theme to start with: plain when colour is not wanted or hardly there, else what was chosen last."""
    if environ.get("NO_COLOR") or environ.get("TERM", "") in {"linux", "dumb", "vt100", "vt220", "ansi"}:
        return PLAIN
    name = kept_choice(home, _CHOICE)
    return name if _NAME.fullmatch(name) else DEFAULT


def remember_theme(home: Path, name: str) -> None:
    """Start with this theme from now on. Raises UsageError when the home folder cannot be written."""
    keep_choice(home, _CHOICE, name, otherwise="It holds until you leave.")
