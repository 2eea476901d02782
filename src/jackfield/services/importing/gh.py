"""Hosts of `gh`, the command line of GitHub: `hosts.yml`, of before and after it kept several users a host."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from jackfield.services.importing.documents import Tree, branch, leaf, read_yaml
from jackfield.services.importing.finding import Finding
from jackfield.services.importing.machine import Machine

_OWN_APP: Final = "178c6fc778ccc68e1d6a"  # the public client ID that gh logs in with
_DOTCOM: Final = "github.com"


def places(machine: Machine) -> tuple[Path, ...]:
    return (machine.file("GH_CONFIG_DIR", machine.config / "gh") / "hosts.yml",)


def read(texts: Sequence[str]) -> Iterator[Finding]:
    """One finding for each user of each host."""
    for tree in map(read_yaml, texts):
        for host in branch(tree):
            for user, token in _users(branch(tree, host)).items():
                yield _finding(host, user, token)


def with_instance(texts: Mapping[str, str]) -> dict[str, str]:
    """The texts with what their host means: github.com is not named, and who hosts it himself says so."""
    host = texts.get("GH_HOST", "").lower()
    if host in {"", _DOTCOM}:
        return {name: text for name, text in texts.items() if name != "GH_HOST"}
    return {**texts, "instanceType": "cloud" if host.endswith(".ghe.com") else "server"}


def _users(entry: Mapping[str, Tree]) -> dict[str, str]:
    """User → token, empty where gh keeps it elsewhere. The active user's may stand at the host itself."""
    found = {user: leaf(branch(entry, "users", user), "oauth_token") for user in branch(entry, "users")}
    active, token = leaf(entry, "user"), leaf(entry, "oauth_token")
    if active or token or not found:
        found[active] = found.get(active) or token
    return found


def _finding(host: str, user: str, token: str) -> Finding:
    origin = f"gh, {user or 'someone'} at {host}"
    texts, called = with_instance({"GH_TOKEN": token, "GH_HOST": host}), f"{host} {user}"
    if not token:
        why_not = "gh keeps its token in the system's keyring, not in this file."
        return Finding(origin, called, "github", "pat", texts, why_not=why_not)
    if token.startswith("gho_"):  # from a login of gh's own, whose tokens do not end
        return Finding(origin, called, "github", "oauth", {**texts, "clientId": _OWN_APP})
    return Finding(origin, called, "github", "pat", texts)
