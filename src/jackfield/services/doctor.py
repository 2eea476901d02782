"""What is wrong with this machine or this home, each with its cause and what to do."""

import locale
import os
import resource
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from jackfield.model.errors import JackfieldError
from jackfield.services.home import Home
from jackfield.vault.folder import HEADER_NAME

if TYPE_CHECKING:
    from jackfield.services.session import Session

_ROOM_MIB: Final = 100
_NAMED: Final = 5  # rows that one line names
_TOLERATED: Final = timedelta(minutes=1)  # by which two clocks may differ
_RELEASED: Final = 1_767_225_600  # seconds since 1970: no clock that is right shows a time before this program


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `next_step` is empty when there is nothing to do."""

    name: str
    ok: bool
    cause: str
    next_step: str = ""


def examine(home: Home) -> Iterator[Finding]:
    """Look at everything, opening nothing."""
    yield _folder(home)
    yield from _files(home)
    yield _vault(home)
    yield _room(home)
    yield _keyring()
    yield _clock(home)
    yield _locale()
    yield _terminal()
    yield _colours()
    yield from _multiplexer()
    yield _core_dumps()
    yield from _providers(home)


def examine_inside(session: "Session") -> Iterator[Finding]:
    """What only an open vault can be asked: every page of the database, the whole trail, and the copies there are."""
    yield _database(session)
    yield _trail(session)
    yield _rows(session)
    yield from _last_entry(session)
    yield from _copies(session)
    for problem in session.registry.problems:
        if not problem.line:  # those of files are told without a key
            yield Finding("provider package", False, str(problem), "jackfield provider packages lists what is offered.")


def _database(session: "Session") -> Finding:
    found = session.store.damage()
    if found:
        return Finding("database", False, found[0], "Restore a backup with: jackfield restore FILE.")
    return Finding("database", True, "every page is what was written")


def _trail(session: "Session") -> Finding:
    verified = session.audit.verify()
    if verified.bad is not None:
        return Finding("trail", False, f"entry {verified.bad} is bad: {verified.reason}", "Look for a newer backup.")
    if session.anchor.warning:
        return Finding("trail", False, session.anchor.warning)
    return Finding("trail", True, f"{verified.entries} entries, whole, and as noted outside the home")


def _rows(session: "Session") -> Finding:
    replaced = session.audit.replaced()
    if replaced:
        cause = f"not what the trail says was left: {', '.join(replaced[:_NAMED])}"
        more = f", and {len(replaced) - _NAMED} more" if len(replaced) > _NAMED else ""
        step = "Restore a backup. If you put it back yourself: jackfield audit accept."
        return Finding("rows", False, cause + more, step)
    return Finding("rows", True, "each is what the trail says was left")


def _last_entry(session: "Session") -> Iterator[Finding]:
    """Whether the trail was written by a clock that was ahead of this one."""
    last, now = session.audit.last(), datetime.now(UTC)
    if last is not None and last.at > now + _TOLERATED:
        cause = f"the last entry of the trail is of {last.at:%Y-%m-%d %H:%M} UTC, and it is {now:%Y-%m-%d %H:%M} UTC"
        yield Finding("clock of the trail", False, cause, "Set the clock: one of the two times is wrong.")


def _copies(session: "Session") -> Iterator[Finding]:
    """How old the last backup is, and which copies the old root key still opens."""
    from jackfield.services.upkeep import last_backup, old_copies

    last = last_backup(session)
    if last is None:
        yield Finding("backup", True, "there is none", "jackfield backup FILE makes one.")
    else:
        yield Finding("backup", True, f"the last one is {(datetime.now(UTC) - last).days} days old ({last:%Y-%m-%d})")
    for one in old_copies(session):
        if one.old_keys and one.there:
            cause = f"{one.path} opens with the keys from before the root key was replaced"
            yield Finding("old copy", False, cause, "Delete it if you do not need it.")


def _folder(home: Home) -> Finding:
    from jackfield.store.files import require_private_folder

    if not home.folder.exists():
        return Finding("home", True, f"{home.folder} is not there yet", "jackfield init makes it.")
    try:
        require_private_folder(home.folder)
    except JackfieldError as error:
        return Finding("home", False, error.message, error.next_step)
    if not os.access(home.folder, os.W_OK):
        return Finding("home", False, f"{home.folder} cannot be written.", "Make its disk and folder writable.")
    return Finding("home", True, f"{home.folder} is yours alone")


def _files(home: Home) -> Iterator[Finding]:
    """Files of the vault and the store that are not private to this user."""
    from jackfield.services.replacement import REPLACED
    from jackfield.store.files import require_private_file

    for name in REPLACED:
        try:
            require_private_file(home.folder / name)
        except FileNotFoundError:
            continue
        except JackfieldError as error:
            yield Finding("file", False, error.message, error.next_step)
        except OSError as error:
            yield Finding("file", False, f"{home.folder / name} cannot be read: {error.strerror}.", "Make it readable.")


def _vault(home: Home) -> Finding:
    if not home.folder.is_dir() or not home.has_vault():
        return Finding("vault", True, "there is none yet", "jackfield init makes one.")
    try:
        kinds = home.ways_in()
    except JackfieldError as error:
        return Finding("vault", False, error.message, error.next_step)
    return Finding("vault", True, f"its header is whole; ways in: {', '.join(kinds)}")


def _room(home: Home) -> Finding:
    folder = next(place for place in (home.folder, *home.folder.parents) if place.exists())
    free = shutil.disk_usage(folder).free // 2**20
    cause = f"{free:,} MiB free at {folder}"
    return Finding("disk", free >= _ROOM_MIB, cause, "" if free >= _ROOM_MIB else "Make room.")


def _keyring() -> Finding:
    from jackfield.vault.keyrings import keyring_availability

    found = keyring_availability()
    hint = "" if found.usable else "Nothing to do: the passphrase works everywhere."
    return Finding("keyring", True, found.reason if found.usable else f"cannot be used: {found.reason}", hint)


def _clock(home: Home) -> Finding:
    now = time.time()
    header = home.folder / HEADER_NAME
    written = header.stat().st_mtime if header.exists() else 0.0
    if now < max(written - 60, _RELEASED):
        return Finding(
            "clock",
            False,
            f"it is behind: {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime(now))}",
            "Set the clock: signatures, certificates and expiry depend on it.",
        )
    return Finding("clock", True, time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(now)))


def _locale() -> Finding:
    encoding = locale.getpreferredencoding(do_setlocale=False)
    if encoding.upper().replace("-", "") == "UTF8":
        return Finding("locale", True, encoding)
    return Finding("locale", True, f"{encoding}: symbols are shown in ASCII", "export LC_ALL=C.UTF-8 shows them all.")


def _terminal() -> Finding:
    if not sys.stdin.isatty():
        return Finding("terminal", True, "none: commands work, the full-screen interface does not")
    kind, size = os.environ.get("TERM", ""), shutil.get_terminal_size()
    if kind in {"", "dumb"}:
        return Finding("terminal", False, f"TERM is {kind or 'not set'}", "Set it, as in: export TERM=xterm-256color")
    if size.columns < 80 or size.lines < 24:
        return Finding("terminal", False, f"{size.columns}x{size.lines} is small", "80x24 shows every screen.")
    return Finding("terminal", True, f"{kind}, {size.columns}x{size.lines}")


def _colours() -> Finding:
    if os.environ.get("NO_COLOR"):
        return Finding("colours", True, "none: NO_COLOR is set", "unset NO_COLOR brings them back.")
    kind = os.environ.get("TERM", "")
    if os.environ.get("COLORTERM", "") in {"truecolor", "24bit"}:
        return Finding("colours", True, "all of them")
    if "256color" in kind or kind.endswith("-direct"):
        hint = "If the terminal has more: export COLORTERM=truecolor"
        return Finding("colours", True, "256: themes are shown in the nearest", hint)
    hint = "The theme ansi-16 is made for that; f9 chooses it."
    return Finding("colours", True, f"few, as TERM={kind or '(not set)'} says", hint)


def _multiplexer() -> Iterator[Finding]:
    """What tmux does with what is copied: by itself it keeps it from the terminal. Asks the tmux that this runs in."""
    if not os.environ.get("TMUX"):
        return
    version, clipboard = _tmux("-V"), _tmux("show-options", "-sv", "set-clipboard")
    if not version or not clipboard:
        yield Finding("tmux", True, "it does not say how it is set", "Copying may not arrive.")
        return
    through = _tmux("show-options", "-Apv", "allow-passthrough")
    if clipboard == "on" or through in {"on", "all"}:
        yield Finding("tmux", True, f"{version}, hands on what is copied")
        return
    cause = f"{version}, set-clipboard is {clipboard}: what is copied here does not reach your terminal"
    yield Finding("tmux", False, cause, "tmux set -s set-clipboard on")


def _tmux(*words: str) -> str:
    """What tmux says, in one line; empty when it says nothing in time."""
    import subprocess

    from jackfield.text import clean

    tmux = shutil.which("tmux")
    if tmux is None:
        return ""
    try:
        ran = subprocess.run(  # noqa: S603  the words are ours
            [tmux, *words], capture_output=True, text=True, errors="replace", timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return clean(ran.stdout, limit=60, lines=False).text.strip() if ran.returncode == 0 else ""


def _core_dumps() -> Finding:
    off = resource.getrlimit(resource.RLIMIT_CORE)[0] == 0
    return Finding("core dumps", off, "off" if off else "this process could leave one", "" if off else "ulimit -c 0")


def _providers(home: Home) -> Iterator[Finding]:
    """Files that cannot be used, and vendor libraries that are not there."""
    from jackfield.providers.contract.provider_file import ProviderFileError
    from jackfield.providers.contract.registry import Registry, missing_driver

    registry = Registry(home.providers)
    problems = list(registry.problems)
    missing: dict[str, list[str]] = {}
    for slug in registry.slugs():
        try:
            provider = registry.get(slug)
        except ProviderFileError as error:
            problems.append(error.problem)
            continue
        if command := missing_driver(provider):
            missing.setdefault(command, []).append(provider.name)
    for problem in problems:
        yield Finding("provider file", False, str(problem), "Mend it or take it away; everything else works.")
    for command, names in missing.items():
        yield Finding("driver", True, f"not installed: the one for {', '.join(names)}", f"If you need it: {command}")
    if not problems and not missing:
        yield Finding("providers", True, f"{len(registry.slugs())}, all usable")
