"""What uses what, and what would break: the map of a place, and how uses are noted."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from jackfield.model.check import CheckResult
from jackfield.model.connection import Connection, Scope
from jackfield.model.errors import InvalidField, NotFound
from jackfield.services.session import Session
from jackfield.services.usage import Kind, Link, Node, UsageMap, losses
from support.whole import result_of

Make = Callable[..., Connection]


@pytest.fixture
def web(session: Session, scope: Scope) -> str:
    return session.projects.create(scope.organization_id, "web").id


def found_as(account: str) -> CheckResult:
    return replace(result_of("passed"), identity={"account": account})


def told(drawn: UsageMap) -> list[tuple[str, str | None, str, str, int]]:
    def told_of(link: Link) -> tuple[str, str | None, str, str, int]:
        use = link.use.name if link.use else None
        return link.project.name, use, link.connection.name, link.account.name, link.times

    return [told_of(link) for link in drawn.links]


def test_uses_by_project_and_then_what_nothing_uses(session: Session, scope: Scope, make: Make, web: str) -> None:
    """Each use with its connection and the account that the last test found; what is unknown is not made up."""
    sites, idle = make("sites"), make("idle")
    assert session.tests.record(sites, found_as("ada@example.com"))
    session.connections.record_use(sites, kind="exec", name="deploy.sh", project_id=web)
    session.connections.record_use(sites, kind="exec", name="deploy.sh", project_id=web)
    session.usage.note(sites, kind="sync", name="nightly")
    assert told(session.usage.map(scope)) == [
        ("org", "sync nightly", "sites", "Netlify ada@example.com", 0),
        ("web", "exec deploy.sh", "sites", "Netlify ada@example.com", 2),
        ("org", None, "idle", "Netlify", 0),
    ]
    assert idle.id


def test_two_unknown_accounts_are_not_one(session: Session, scope: Scope, make: Make) -> None:
    """Two connections that were never tested are not said to be the same account."""
    make("one")
    make("two")
    first, second = session.usage.map(scope).links
    assert first.account != second.account


def test_what_goes_with_a_node(session: Session, scope: Scope, make: Make, web: str) -> None:
    """A connection takes its uses with it, an account its connections too, a use nothing."""
    one, two = make("one"), make("two")
    for connection in (one, two):
        assert session.tests.record(connection, found_as("ada@example.com"))
    session.connections.record_use(one, kind="exec", name="deploy.sh", project_id=web)
    session.usage.note(two, kind="sync", name="nightly")
    links = session.usage.map(scope).links
    by_kind = {node.kind: node for link in links if link.connection.name == "one" for node in link.nodes if node}
    assert losses(links, by_kind[Kind.CONNECTION]) == ("web loses exec deploy.sh",)
    assert losses(links, by_kind[Kind.ACCOUNT]) == (
        "connection two fails",
        "connection one fails",
        "org loses sync nightly",
        "web loses exec deploy.sh",
    )
    assert losses(links, by_kind[Kind.USE]) == ()
    assert losses(links, by_kind[Kind.PROJECT]) == ("exec deploy.sh goes with it",)
    assert losses(links, Node(Kind.CONNECTION, "gone", "gone")) == ()


def test_a_project_sees_its_connections_and_its_uses(session: Session, scope: Scope, make: Make, web: str) -> None:
    """What it uses of the organization counts as much as what is its own."""
    shared = make("shared")
    make("elsewhere")
    session.connections.record_use(shared, kind="exec", name="deploy.sh", project_id=web)
    assert [link.connection.name for link in session.usage.map(Scope(scope.organization_id, web)).links] == ["shared"]


def test_a_large_place_is_cut_and_says_so(session: Session, scope: Scope, make: Make) -> None:
    """Not more lines than asked for, and the map says that there are more."""
    for number in range(3):
        make(f"site-{number}")
    assert [link.connection.name for link in session.usage.map(scope, limit=2).links] == ["site-0", "site-1"]
    assert session.usage.map(scope, limit=2).cut
    assert not session.usage.map(scope, limit=3).cut


def test_a_noted_use_is_forgotten_by_its_name(session: Session, make: Make) -> None:
    """It is gone afterwards; what was never noted is named as such; both are in the trail."""
    sites = make()
    session.usage.note(sites, kind="sync", name="nightly")
    session.usage.forget(sites, kind="sync", name="nightly")
    assert session.connections.used_by(sites.id) == ()
    with pytest.raises(NotFound, match="sync nightly"):
        session.usage.forget(sites, kind="sync", name="nightly")
    actions = [entry.event.action for entry in session.audit.page(about=sites.id)]
    assert actions[:2] == ["use.forget", "use.note"]


@pytest.mark.parametrize(("kind", "name"), [("", "nightly"), ("sync", ""), ("sync", "x" * 121), ("sync", "a\x1b[2Jb")])
def test_a_use_that_is_no_name_is_refused(session: Session, make: Make, kind: str, name: str) -> None:
    """Nothing is noted then."""
    sites = make()
    with pytest.raises(InvalidField):
        session.usage.note(sites, kind=kind, name=name)
    assert session.connections.used_by(sites.id) == ()
