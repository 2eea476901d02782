"""Sealed values and pages changed, moved and replayed by who has the database's key: noticed, and nothing else hurt."""

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import Table, select, update

from jackfield.model.check import Outcome
from jackfield.model.connection import Connection, IntendedUse, Scope, State
from jackfield.model.errors import BlobTampered, StoreTampered
from jackfield.model.secret import FieldValue, Secret
from jackfield.services.connections import Changes, ConnectionList, Definition
from jackfield.services.home import Home
from jackfield.services.rotation import rotate_data_keys
from jackfield.services.session import Session
from jackfield.services.takeover import Takeover, definition_of, is_pending, resolve_pending
from jackfield.store import tables
from jackfield.store.credentials import Status
from jackfield.store.engine import connect
from jackfield.vault.costs import Costs
from providers.netlify.vendor import GOOD, Netlify

PASSPHRASE = Secret("a garden of seven gates")
CHEAP = Costs(memory_kib=16, passes=1, lanes=1)
PAGE = 4096
KEYS: dict[str, FieldValue] = {"accessKeyId": "AKIAIOSFODNN7EXAMPLE", "secretAccessKey": Secret("a" * 40)}
KINDS = ("credential", "pending", "check_run", "draft", "identity")
EVERY_BYTE = bool(os.environ.get("JACKFIELD_LONG"))  # else a sample
Open = Callable[[Session], object]


@dataclass(frozen=True, slots=True)
class Sealed:
    """One sealed column of one row, and what opens it."""

    table: Table
    column: str
    row_id: str
    open: Open

    def read(self, session: Session) -> tuple[bytes, str]:
        """What is sealed there, and the id of its key."""
        with session.store.read() as tx:
            here = select(self.table.c[self.column], self.table.c.key_id).where(self.table.c.id == self.row_id)
            row = tx.all(here)[0]
            return row[0], row[1]

    def write(self, session: Session, blob: bytes, key_id: str | None = None) -> None:
        more = {"key_id": key_id} if key_id else {}
        with session.store.write() as tx:
            here = self.table.c.id == self.row_id
            assert tx.run(update(self.table).where(here).values({self.column: blob, **more})) == 1


@dataclass(frozen=True, slots=True)
class World:
    """A home in which every kind of sealed value is there twice: one to be broken, one that must stay whole."""

    home: Home
    broken: Connection
    whole: Connection

    def unlock(self) -> Session:
        return Session.unlock(self.home, PASSPHRASE, floor=CHEAP)

    def sealed(self, session: Session, kind: str, of: str = "broken") -> Sealed:
        connection = session.connections.get(getattr(self, of).id)
        credential, identity = tables.credential.c, session.identities.find(of)
        run = session.tests.history(connection.id, limit=1)[0]
        with session.store.read() as tx:
            ids = {
                row.status: row.id
                for row in tx.all(
                    select(credential.status, credential.id).where(credential.connection_id == connection.id)
                )
            }

        def open_draft(session: Session) -> None:
            """Drafts are only ever read together; one that does not open is left out."""
            if of not in {draft.id for draft in session.drafts.all()}:
                raise BlobTampered("The draft is left out.")

        def open_pending(session: Session) -> object:
            with session.store.read() as tx:
                return session.connections.open_credential(tx, connection, Status.PENDING)

        return {
            "credential": Sealed(
                tables.credential, "sealed", ids["current"], lambda s: s.connections.fields(connection, reason="look")
            ),
            "pending": Sealed(tables.credential, "sealed", ids["pending"], open_pending),
            "check_run": Sealed(
                tables.check_run, "sealed_detail", run.detail.row_id, lambda s: s.tests.latest(run.connection_id)
            ),
            "draft": Sealed(tables.draft, "sealed", of, open_draft),
            "identity": Sealed(
                tables.identity, "sealed", identity.id, lambda s: s.identities.fields(identity, reason="look")
            ),
        }[kind]

    def expect_rest_whole(self, session: Session) -> None:
        """Both connections are listed; the whole one and all that belongs to it opens."""
        listed = session.connections.page(ConnectionList())
        assert [one.name for one in listed] == ["broken", "whole"]
        for kind in KINDS:
            self.sealed(session, kind, "whole").open(session)


@pytest.fixture
def netlify() -> Iterator[Netlify]:
    with Netlify() as vendor:
        yield vendor


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Made once; every test has a copy."""
    home = Home(tmp_path_factory.mktemp("template") / "home")
    session, _ = Session.create(home, PASSPHRASE, costs=CHEAP, floor=CHEAP)
    made = []
    for name in ("broken", "whole"):
        scope = Scope(session.organizations.create(name).id)
        definition = Definition(
            name, "netlify", "access-token", uses=(IntendedUse("secret-sync/env", {"team": "acme"}),)
        )
        fields: dict[str, FieldValue] = {"accessToken": Secret(GOOD)}
        connection = session.connections.create(scope, definition, fields)
        with Netlify() as vendor:
            assert asyncio.run(session.tests.run(connection.id, vendor.network())).outcome is Outcome.PASSED
        with session.store.write() as tx:
            session.connections.seal_credential(tx, connection, fields, Status.PENDING)
            session.audit.append(tx, "takeover.begin", object_id=connection.id, name=name)
        session.drafts.save(name, {"texts": {"accessToken": GOOD}}, version=1)
        session.identities.create(name, "aws", "access-key", KEYS)
        made.append(connection)
    session.lock()
    return World(home, *made)


@pytest.fixture
def world(template: World, tmp_path: Path) -> World:
    home = Home(tmp_path / "home")
    shutil.copytree(template.home.folder, home.folder)
    return replace(template, home=home)


@pytest.fixture
def session(world: World) -> Iterator[Session]:
    opened = world.unlock()
    yield opened
    opened.lock()


def changes(blob: bytes) -> Iterator[bytes]:
    """The blob with one bit changed, in every byte or in a sample of each of its parts."""
    sample = (0, 1, 16, 17, 32, 33, 44, 45, len(blob) // 2, len(blob) - 17, len(blob) - 16, len(blob) - 1)
    for index in range(len(blob)) if EVERY_BYTE else sample:
        changed = bytearray(blob)
        changed[index] ^= 1 << index % 8
        yield bytes(changed)


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_byte_of_a_sealed_value_is_noticed(world: World, session: Session, kind: str) -> None:
    sealed = world.sealed(session, kind)
    blob, _ = sealed.read(session)
    for changed in changes(blob):
        sealed.write(session, changed)
        with pytest.raises(BlobTampered):
            sealed.open(session)
    world.expect_rest_whole(session)
    sealed.write(session, blob)
    sealed.open(session)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sealed_value_cut_short_or_made_longer_is_noticed(world: World, session: Session, kind: str) -> None:
    sealed = world.sealed(session, kind)
    blob, _ = sealed.read(session)
    for changed in (b"", blob[:1], blob[:17], blob[:60], blob[:-1], blob + b"\0", blob * 2):
        sealed.write(session, changed)
        with pytest.raises(BlobTampered):
            sealed.open(session)
    world.expect_rest_whole(session)


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_moved_from_another_row_or_column_is_noticed(world: World, session: Session, kind: str) -> None:
    """Whether the id of its key comes along or not."""
    sealed = world.sealed(session, kind)
    own = sealed.read(session)
    for other in [
        *(world.sealed(session, one, "whole") for one in KINDS),
        *(world.sealed(session, one) for one in KINDS),
    ]:
        if other.row_id != sealed.row_id or other.table is not sealed.table:
            moved, key_id = other.read(session)
            for with_key in (key_id, own[1]):
                sealed.write(session, moved, with_key)
                with pytest.raises(BlobTampered):
                    sealed.open(session)
    world.expect_rest_whole(session)


def test_an_older_credential_of_the_same_connection_is_noticed(world: World, session: Session) -> None:
    older, _ = world.sealed(session, "credential").read(session)
    with session.store.write() as tx:
        tx.run(tables.credential.delete().where(tables.credential.c.status == Status.PENDING))
    now = session.connections.get(world.broken.id)
    session.connections.edit(now, Changes(definition_of(now), {"accessToken": Secret("nfp_another")}))
    with session.store.write() as tx:
        here = tables.credential.c.connection_id == world.broken.id
        tx.run(update(tables.credential).where(here).values(sealed=older))
    with pytest.raises(BlobTampered):
        session.connections.fields(world.broken, reason="look")


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_from_before_a_change_of_keys_is_noticed(world: World, session: Session, kind: str) -> None:
    """The row is the same one; its key and its version are others."""
    sealed = world.sealed(session, kind)
    older, _ = sealed.read(session)
    rotate_data_keys(session)
    sealed.write(session, older)
    with pytest.raises(BlobTampered):
        world.sealed(session, kind).open(session)
    world.expect_rest_whole(session)


def test_an_older_draft_is_noticed(world: World, session: Session) -> None:
    sealed = world.sealed(session, "draft")
    older, _ = sealed.read(session)
    session.drafts.save("broken", {"texts": {"accessToken": "nfp_another"}}, version=2)
    sealed.write(session, older)
    assert [draft.id for draft in session.drafts.all()] == ["whole"]


def test_a_changed_byte_of_a_data_key_is_noticed(world: World) -> None:
    """It costs what that key sealed. Keys are opened once, so every change is looked at by a fresh session."""
    scope = f"organization:{world.broken.scope.organization_id}"
    here = tables.data_key.c.scope == scope
    session = world.unlock()
    with session.store.read() as tx:
        wrapped = tx.value(select(tables.data_key.c.wrapped).where(here))
    for changed in changes(wrapped):
        with session.store.write() as tx:
            tx.run(update(tables.data_key).where(here).values(wrapped=changed))
        session.lock()
        session = world.unlock()
        for kind in ("credential", "pending", "check_run"):
            with pytest.raises(BlobTampered):
                world.sealed(session, kind).open(session)
    world.expect_rest_whole(session)
    session.lock()


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_whose_key_is_gone_is_noticed(world: World, session: Session, kind: str) -> None:
    """The row names a key that is not there, which the database's own rule refuses unless it is turned off."""
    sealed = world.sealed(session, kind)
    raw = connect(session.store.path, session.vault.database_key())
    raw.execute("PRAGMA foreign_keys = off")
    raw.execute(f"UPDATE {sealed.table.name} SET key_id = ? WHERE id = ?", ("0" * 32, sealed.row_id))
    raw.close()
    with pytest.raises(BlobTampered):
        sealed.open(session)
    world.expect_rest_whole(session)


async def test_the_list_names_the_broken_one_and_the_others_are_tested(
    world: World, session: Session, netlify: Netlify
) -> None:
    sealed = world.sealed(session, "credential")
    sealed.write(session, bytes(100))
    with pytest.raises(BlobTampered):
        await session.tests.run(world.broken.id, netlify.network())
    assert (await session.tests.run(world.whole.id, netlify.network())).outcome is Outcome.PASSED
    states = {one.name: one.state for one in session.connections.page(ConnectionList())}
    assert states == {"broken": State.UNREADABLE, "whole": State.PASSED}
    assert session.connections.counts()[State.UNREADABLE] == 1
    assert session.audit.verify().bad is None


async def test_a_broken_new_secret_leaves_the_old_one_and_lets_another_be_typed(
    world: World, session: Session, netlify: Netlify
) -> None:
    """A takeover that was cut off can never be finished with it, so it must not stand in the way."""
    world.sealed(session, "pending").write(session, bytes(100))
    end, result = await resolve_pending(session, world.broken, netlify.network())
    assert (end, result.outcome) == (Takeover.UNDONE, Outcome.PASSED)
    assert not is_pending(session, world.broken.id)
    now = session.connections.get(world.broken.id)
    session.connections.edit(now, Changes(definition_of(now), {"accessToken": Secret("nfp_another")}))
    assert session.connections.fields(now, reason="look") == {"accessToken": Secret("nfp_another")}


async def test_a_broken_old_secret_does_not_cost_the_new_one(world: World, session: Session, netlify: Netlify) -> None:
    world.sealed(session, "credential").write(session, bytes(100))
    end, result = await resolve_pending(session, world.broken, netlify.network())
    assert (end, result.outcome) == (Takeover.DONE, Outcome.PASSED)
    assert session.connections.fields(world.broken, reason="look") == {"accessToken": Secret(GOOD)}


async def test_a_new_secret_that_is_all_there_is_is_kept_and_another_can_be_typed(
    world: World, session: Session, netlify: Netlify
) -> None:
    """The old one does not open, and the vendor refuses the new one now."""
    world.sealed(session, "credential").write(session, bytes(100))
    netlify.revoked = True
    end, result = await resolve_pending(session, world.broken, netlify.network())
    assert (end, result.outcome) == (Takeover.UNRESOLVED, Outcome.FAILED)
    now = session.connections.get(world.broken.id)
    assert (now.state, now.platform_managed, is_pending(session, now.id)) == (State.FAILED, False, False)
    assert session.connections.fields(now, reason="look") == {"accessToken": Secret(GOOD)}
    session.connections.edit(now, Changes(definition_of(now), {"accessToken": Secret("nfp_another")}))
    assert session.connections.fields(now, reason="look") == {"accessToken": Secret("nfp_another")}


def test_a_changed_key_of_the_trail_opens_nothing(world: World) -> None:
    """Without it no action could be noted, so there is none."""
    session = world.unlock()
    with session.store.write() as tx:
        tx.run(update(tables.data_key).where(tables.data_key.c.scope == "audit").values(wrapped=bytes(77)))
    session.lock()
    with pytest.raises(BlobTampered, match="Restore a backup"):
        world.unlock()


def test_a_changed_byte_in_any_page_is_noticed(world: World) -> None:
    """By whatever reads it, as a changed database and as nothing else; put back, everything is whole."""
    file = world.home.folder / "store.db"
    pages = file.stat().st_size // PAGE
    for page in range(pages) if EVERY_BYTE else (0, 1, *range(2, pages, 9), pages - 1):
        flip(file, page * PAGE + page * 37 % PAGE)
        assert damage_of(world), page
        flip(file, page * PAGE + page * 37 % PAGE)
    assert damage_of(world) == ()


def damage_of(world: World) -> tuple[str, ...]:
    """Read everything as the faces do; what was noticed."""
    try:
        session = world.unlock()
        try:
            for of in ("broken", "whole"):
                for kind in KINDS:
                    world.sealed(session, kind, of).open(session)
            assert session.audit.verify().bad is None
            return session.store.damage()
        finally:
            session.lock()
    except StoreTampered as error:
        return (error.message,)


def flip(file: Path, place: int) -> None:
    with file.open("r+b") as opened:
        opened.seek(place)
        byte = opened.read(1)[0]
        opened.seek(place)
        opened.write(bytes([byte ^ 0x10]))
