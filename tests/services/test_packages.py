"""What a person trusts is kept in the vault, in the trail, and by what was looked at."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jackfield.model.connection import IntendedUse, Scope
from jackfield.model.errors import Conflict, NotFound, Refused
from jackfield.model.secret import Secret
from jackfield.services.connections import Definition
from jackfield.services.doctor import examine_inside
from jackfield.services.packages import Standing
from jackfield.services.session import Session
from providers.netlify.vendor import GOOD, Netlify
from support.package import Installed, installed


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installed]:
    with installed(tmp_path / "site", monkeypatch) as made:
        yield made


def trusted(session: Session) -> Session:
    session.packages.trust("acme", session.packages.offered("acme").digest)
    return session


def test_trust_lasts_and_is_in_the_trail(acme: Installed, session: Session, reopen: Callable[[], Session]) -> None:
    assert "acme" not in session.registry.slugs()
    digest = trusted(session).packages.trusted()["acme"]
    assert "acme" in session.registry.slugs()
    again = reopen()
    assert "acme" in again.registry.slugs()
    again.packages.distrust("acme")
    assert "acme" not in reopen().registry.slugs()
    seen = [(one.event.action, one.event.object_name, one.event.reason) for one in session.audit.page(limit=2)]
    assert seen == [
        ("provider.distrust", "acme", ""),
        ("provider.trust", "acme", f"acme-jackfield 1.2 {digest[:16]}"),
    ]


async def test_a_trusted_provider_is_tested_with_its_python(
    acme: Installed, session: Session, scope: Scope, netlify: Netlify
) -> None:
    use = IntendedUse("secret-sync/env", {"team": "acme"})
    with pytest.raises(NotFound, match="not trusted"):
        session.connections.create(scope, Definition("a", "acme", "access-token"), {"accessToken": Secret(GOOD)})
    trusted(session)
    definition = Definition("a", "acme", "access-token", uses=(use,))
    made = session.connections.create(scope, definition, {"accessToken": Secret(GOOD)})
    result = await session.tests.run(made.id, netlify.network())
    assert result.identity["id"] == "seven"


async def test_after_a_change_its_connections_say_why_they_are_not_tested(
    acme: Installed, session: Session, scope: Scope, reopen: Callable[[], Session], netlify: Netlify
) -> None:
    made = trusted(session).connections.create(
        scope, Definition("a", "acme", "access-token"), {"accessToken": Secret(GOOD)}
    )
    acme.write("provider.py", "raise SystemExit('this must not run')\n")
    again = reopen()
    (offer,) = again.packages.offers()
    assert again.packages.standing(offer) is Standing.CHANGED
    with pytest.raises(NotFound, match="changed since it was trusted") as told:
        await again.tests.run(made.id, netlify.network())
    assert "jackfield provider trust acme" in told.value.next_step
    found = [one for one in examine_inside(again) if one.name == "provider package"]
    assert ([one.ok for one in found], "its files changed" in found[0].cause) == ([False], True)


def test_only_what_was_shown_is_trusted(acme: Installed, session: Session) -> None:
    """The files change while the person reads."""
    shown = session.packages.offered("acme")
    acme.write("more.py", "")
    with pytest.raises(Conflict, match="do not have that digest"):
        session.packages.trust("acme", shown.digest)
    assert (session.packages.trusted(), acme.imported) == ({}, [])


def test_what_cannot_be_used_cannot_be_trusted(acme: Installed, session: Session) -> None:
    acme.write("provider.yaml", "slug: acme\n")
    with pytest.raises(Refused, match="cannot be used"):
        session.packages.offered("acme")
    with pytest.raises(NotFound):
        session.packages.offered("nobody")
    with pytest.raises(NotFound):
        session.packages.distrust("acme")


def test_what_was_trusted_and_is_gone_can_be_taken_back(
    acme: Installed, session: Session, reopen: Callable[[], Session]
) -> None:
    trusted(session)
    acme.site.joinpath("acme_jackfield-1.2.dist-info", "entry_points.txt").unlink()
    again = reopen()
    assert (again.packages.offers(), list(again.packages.trusted())) == ((), ["acme"])
    again.packages.distrust("acme")
    assert again.packages.trusted() == {}
