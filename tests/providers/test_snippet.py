"""A use may show several snippets, some only with certain targets."""

import pytest

from jackfield.model.connection import IntendedUse
from jackfield.providers.contract.snippet import merged_snippet
from providers.contract import REGISTRY

FILES = "pki/certificate-files"
SUDO = "kms ALL=(root) NOPASSWD: "


@pytest.mark.parametrize(
    ("targets", "lines"),
    [
        ({}, []),
        ({"owner": "no"}, []),
        ({"owner": "yes"}, [f"{SUDO}/usr/bin/chown"]),
        ({"command": "/bin/true"}, [f"{SUDO}/bin/true"]),
        ({"owner": "yes", "command": "/bin/true"}, [f"{SUDO}/usr/bin/chown", f"{SUDO}/bin/true"]),
    ],
)
def test_lines_show_only_where_their_targets_ask_for_them(targets: dict[str, str], lines: list[str]) -> None:
    shown = merged_snippet(REGISTRY.get("ssh"), [IntendedUse(FILES, targets)], {"username": "kms"}).splitlines()

    assert [line for line in shown if "NOPASSWD" in line] == lines


def test_parts_of_one_kind_stand_together() -> None:
    """Two LDIF modifications of one entry become one; lines of another kind stay out of it."""
    user, unit = {"user": "cn=app,dc=test", "unit": "dc=test"}, {"unit": "ou=leases,dc=test"}
    uses = [IntendedUse("secret-rotation/user-password", user), IntendedUse("dynamic-secret/ldif-users", unit)]
    windows, ldif = merged_snippet(REGISTRY.get("ldap"), uses, {"dn": "cn=kms,dc=test"}).split("\n\n")

    assert {line.split()[0] for line in windows.splitlines()} == {"dsacls"}
    assert ldif.count("changetype: modify") == 1
    assert sum(line.startswith("olcAccess:") for line in ldif.splitlines()) == 3
