"""Values given on the command line: fields from the words themselves, a file, standard input or the environment."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from jackfield.cli.keyholder import read_bytes
from jackfield.model.connection import IntendedUse
from jackfield.model.errors import InvalidField, UsageError

if TYPE_CHECKING:
    from jackfield.providers.contract.spec import Method, Provider

_LIMIT: Final = 1 << 20  # bytes of one field

SET_HELP = "A field: name=value, name=@FILE, name=- (standard input) or name=env:VARIABLE; @@ begins a value with @."


def read_fields(method: "Method", entries: Iterable[str]) -> dict[str, str]:
    """Field → text, as typed. Raises UsageError, also for a secret in the words themselves, or InvalidField."""
    known = {field.name: field for field in method.fields}
    found: dict[str, str] = {}
    for entry in entries:
        name, given, text = entry.partition("=")
        if not given:
            raise UsageError("--set takes name=value.", SET_HELP)
        if name not in known:
            raise InvalidField(name, f"{method.name} has no field {name[:40]}.", f"Its fields are {', '.join(known)}.")
        if name in found:
            raise UsageError(f"{name} is given twice.", "Leave one out.")
        found[name] = _read(name, text, secret=known[name].is_secret)
    return found


def _read(name: str, text: str, *, secret: bool) -> str:
    from jackfield.services.sources import read_source, source_of

    if text == "-":
        raw = read_bytes("-", f"The value of {name}", _LIMIT)
        try:
            return raw.decode("utf-8-sig").removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            raise UsageError(f"The value of {name} is not text.", "Save it as UTF-8.") from None
    if source_of(text):
        return read_source(text)
    if secret and text:
        raise UsageError(
            f"{name} is secret, and other programs of this machine can read the words of a command.",
            f"Give it as {name}=@FILE, {name}=- or {name}=env:VARIABLE.",
        )
    return text.replace("@@", "@", 1) if text.startswith("@@") else text


def read_uses(provider: "Provider", uses: Iterable[str], targets: Iterable[str]) -> tuple[IntendedUse, ...]:
    """The named uses with their target values. Raises InvalidField for names the provider does not have."""
    known = {use.id: use for use in provider.uses}
    values: dict[str, dict[str, str]] = {}
    for use_id in uses:
        if use_id not in known:
            message = f"{provider.name} has no use {use_id[:60]}."
            raise InvalidField("use", message, f"It has {', '.join(known)}.")
        values[use_id] = {name: target.default for name, target in known[use_id].target.items() if target.default}
    for entry in targets:
        place, given, text = entry.partition("=")
        use_id, _, name = place.rpartition(".")
        holders = [one for one in values if name in known[one].target and use_id in ("", one)]
        if not given or not holders:
            possible = [f"{one}.{target}" for one in values for target in known[one].target]
            raise InvalidField(
                "target",
                f"No chosen use has a target {place[:80]}.",
                f"There are {', '.join(possible)}." if possible else "Choose a use first: --use ID.",
            )
        for one in holders:
            values[one][name] = text
    return tuple(IntendedUse(use.id, values[use.id]) for use in provider.uses if use.id in values)
