"""Reading SHOW GRANTS, the one listing of rights that every MySQL and MariaDB account may see of itself.

MariaDB prints the account's password hash in these lines; nothing but rights and scopes leaves this module.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

ALL: Final = "ALL PRIVILEGES"
EVERYWHERE: Final = "*.*"
_NAME: Final = r"(?:`(?:[^`]|``)*`|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|[\w%]+)"
_ACCOUNT: Final = rf"{_NAME}(?:@{_NAME})?"
_GRANTEE: Final = rf"{_NAME}(?P<host>@{_NAME})?"
_RIGHTS: Final = re.compile(
    rf"(?P<verb>GRANT|REVOKE) (?P<rights>[A-Z_ ]+(?: \([^)]*\))?(?:, ?[A-Z_ ]+(?: \([^)]*\))?)*)"
    rf" ON (?P<scope>(?:(?:TABLE|FUNCTION|PROCEDURE|PACKAGE|PACKAGE BODY) )?(?:\*|{_NAME})\.(?:\*|{_NAME})|{_ACCOUNT})"
    rf" (?:TO|FROM) {_GRANTEE}(?P<rest>.*)",
    re.DOTALL,
)
_ROLES: Final = re.compile(rf"GRANT (?P<roles>{_ACCOUNT}(?:, ?{_ACCOUNT})*) TO {_GRANTEE}.*", re.DOTALL)
_ROLE: Final = re.compile(_ACCOUNT)


@dataclass(frozen=True, slots=True)
class Grant:
    """Rights on one scope, such as `*.*`, `app.*` or `app.users`; a role has no scope."""

    rights: tuple[str, ...]
    scope: str
    passes_on: bool = False  # WITH GRANT OPTION
    revoked: bool = False  # a partial revoke, which takes from a wider grant

    @property
    def names(self) -> tuple[str, ...]:
        """Its rights as they are listed: `SELECT ON app.*`. USAGE is none; an escaped wildcard stands for itself."""
        option = ("GRANT OPTION",) if self.passes_on else ()
        scope = re.sub(r"\\([%_\\])", r"\1", self.scope)
        return tuple(f"{right} ON {scope}" for right in (*self.rights, *option) if right != "USAGE")


@dataclass(frozen=True, slots=True)
class Grants:
    """What the account holds itself, what its active roles add, and the names of all roles it was given."""

    own: tuple[Grant, ...]
    through_roles: tuple[Grant, ...]
    roles: tuple[str, ...]

    @property
    def in_force(self) -> tuple[Grant, ...]:
        return self.own + self.through_roles

    @property
    def names(self) -> list[str]:
        """Everything the account was given, as it is listed."""
        rights = [name for grant in self.own if not grant.revoked for name in grant.names]
        return [*(f"role {role}" for role in self.roles), *rights]

    def missing(self, rights: Iterable[str], database: str) -> list[str]:
        """Which of `rights` cannot be passed on for a database: those not held, and `GRANT OPTION` where there is none.

        The server adds up what is held on the server and on the database; GRANT OPTION counts for the sum.
        """
        reaching = [grant for grant in self.in_force if _reaches(grant.scope, database)]
        held = {right for grant in reaching if not grant.revoked for right in grant.rights}
        taken = {right for grant in reaching if grant.revoked for right in grant.rights}
        lacking = [right for right in map(str.upper, rights) if right in taken or not {right, ALL} & held]
        return lacking if any(grant.passes_on for grant in reaching) else [*lacking, "GRANT OPTION"]


def everywhere(grants: Iterable[Grant]) -> list[str]:
    """The rights that hold for the whole server."""
    return sorted({right for grant in grants if grant.scope == EVERYWHERE for right in grant.rights})


def read_grants(lines: Iterable[str]) -> Grants:
    """The grants and roles in the lines of SHOW GRANTS; a line of another form is left out.

    A line for a grantee without host is a role's: MariaDB adds those of the active role.
    """
    own: list[Grant] = []
    through_roles: list[Grant] = []
    roles: list[str] = []
    for line in lines:
        if found := _RIGHTS.fullmatch(line):
            (own if found["host"] else through_roles).append(_grant(found))
        elif (found := _ROLES.fullmatch(line)) and found["host"]:
            roles += [_plain_scope(role[0]) for role in _ROLE.finditer(found["roles"])]
    return Grants(tuple(own), tuple(through_roles), tuple(roles))


def _grant(line: re.Match[str]) -> Grant:
    rights = re.split(r", ?(?![^(]*\))", line["rights"])
    columns = " (columns)" if any("(" in right for right in rights) else ""
    bare = tuple(right.partition(" (")[0] for right in rights)
    return Grant(
        bare, _plain_scope(line["scope"]) + columns, "WITH GRANT OPTION" in line["rest"], line["verb"] == "REVOKE"
    )


def _plain_scope(text: str) -> str:
    """A scope without quotes. Escaped wildcards stay escaped: `a_b` also means `axb`, `a\\_b` does not."""
    return re.sub(_NAME, lambda name: _unquoted(name[0]), text)


def _unquoted(name: str) -> str:
    quote = name[0]
    return name[1:-1].replace(quote * 2, quote) if quote in "`'\"" else name


def _reaches(scope: str, database: str) -> bool:
    """Whether a scope takes in every table of a database. The database of a grant is a LIKE pattern."""
    if scope == EVERYWHERE:
        return True
    pattern, dot, tables = scope.rpartition(".")
    return bool(dot) and tables == "*" and re.fullmatch(_like(pattern), database, re.DOTALL) is not None


def _like(pattern: str) -> str:
    wild = {"%": ".*", "_": "."}
    parts = re.findall(r"\\[%_\\]|.", pattern, re.DOTALL)
    return "".join(re.escape(part[1:]) if len(part) == 2 else wild.get(part, re.escape(part)) for part in parts)
