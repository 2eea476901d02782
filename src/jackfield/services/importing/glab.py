"""Hosts of `glab`, the command line of GitLab: `config.yml`."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from jackfield.services.importing.documents import branch, leaf, read_yaml
from jackfield.services.importing.finding import Finding
from jackfield.services.importing.machine import Machine


def places(machine: Machine) -> tuple[Path, ...]:
    return (machine.file("GLAB_CONFIG_DIR", machine.config / "glab-cli") / "config.yml",)


def read(texts: Sequence[str]) -> Iterator[Finding]:
    """One finding for each host that someone logged in to, or that says where its token is."""
    for tree in map(read_yaml, texts):
        for host in branch(tree, "hosts"):
            entry = branch(tree, "hosts", host)
            token, user = leaf(entry, "token"), leaf(entry, "user")
            why_not = ""
            if leaf(entry, "is_oauth2") == "true":
                why_not = "It is glab's own login, whose tokens change when they are used: make an access token."
            elif not token and not user:
                continue  # a host that is known and was never logged in to
            elif not token:
                why_not = "glab keeps its token in the system's keyring, not in this file."
            address = f"{leaf(entry, 'api_protocol') or 'https'}://{leaf(entry, 'api_host') or host}"
            texts_found = {"GITLAB_TOKEN": token, "GITLAB_HOST": address}
            yield Finding(f"glab, {host}", f"{host} {user}", "gitlab", "access-token", texts_found, why_not=why_not)
