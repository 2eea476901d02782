"""The suite for credentials that are exchanged for a second one beside the old, cut off at every point.

    class TestAcme(SecondCredential):
        provider, method, named, secret = "acme", "access-key", "keyId", "secretKey"
        begins, ends = "issue_key", "retire_key"

with a fixture `world`: a HeldWorld whose credential may exchange itself.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest

from jackfield.model.check import Outcome
from jackfield.model.connection import Connection, Scope
from jackfield.model.errors import Refused, TakenOverByPlatform
from jackfield.model.secret import Secret
from jackfield.net.network import Network
from jackfield.services import takeover
from jackfield.services.connections import Changes, Definition
from jackfield.services.session import Session
from jackfield.services.takeover import Takeover, definition_of, is_pending, resolve_pending, take_over
from jackfield.store import credentials
from providers.contract import World


class Killed(BaseException):
    """Stands for the end of the process: nothing of ours catches it."""


class HeldWorld(World):
    """A vendor where a credential may exchange itself."""

    def names_held(self) -> list[str]:
        """The names of the credentials that the vendor holds."""
        raise NotImplementedError

    def forbid(self, what: str) -> str:
        """Take the right to `list`, `add` or `end` credentials away; what names it to the user."""
        raise NotImplementedError


class SecondCredential:
    """Every promise of an exchange, tried. `makes_here` is whether the program makes the new one, and so knows it."""

    provider: ClassVar[str]
    method: ClassVar[str]
    named: ClassVar[str]  # the field with the credential's name
    secret: ClassVar[str]  # the field with the secret
    begins: ClassVar[str]  # the provider's function that has the new one made or accepted
    ends: ClassVar[str]  # the one that ends a credential
    makes_here: ClassVar[bool] = False

    @pytest.fixture
    def managed(self, world: HeldWorld, session: Session, scope: Scope) -> Connection:
        fields = world.fields(self.method)
        fields[self.secret] = Secret(fields[self.secret])
        return session.connections.create(scope, Definition("own", self.provider, self.method), fields)

    @pytest.fixture(autouse=True)
    def at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A refused credential is tried again without waiting."""
        monkeypatch.setattr(takeover, "SETTLING", (0.0,))

    def name_of(self, session: Session, connection: Connection) -> str:
        return str(session.connections.fields(connection, reason="test")[self.named])

    def wrong(self, world: HeldWorld) -> dict[str, Any]:
        """Fields that the vendor refuses, as it does with those that it does not know yet."""
        fields = world.wrong_fields(self.method)
        return {**fields, self.secret: Secret(fields[self.secret])}

    # The tests.

    def test_new_one_is_proven_and_kept_and_the_old_one_is_gone(
        self, session: Session, managed: Connection, world: HeldWorld
    ) -> None:
        before, others = self.name_of(session, managed), set(world.names_held())

        end, result = run(session, managed, world)

        now = session.connections.get(managed.id)
        assert (end, result.warnings, now.platform_managed) == (Takeover.DONE, (), True)
        assert result.outcome in {Outcome.PASSED, Outcome.LIMITED}
        assert self.name_of(session, now) not in others
        assert set(world.names_held()) == others - {before} | {self.name_of(session, now)}
        assert not is_pending(session, managed.id)
        assert works(session, now, world)

    def test_name_of_a_managed_one_is_not_typed_over(
        self, session: Session, managed: Connection, world: HeldWorld
    ) -> None:
        """Another name would not fit the secret. The same one, as a form sends it back, changes nothing."""
        other = self.name_of(session, managed)
        run(session, managed, world)
        now = session.connections.get(managed.id)
        same = {self.named: self.name_of(session, now)}

        with pytest.raises(TakenOverByPlatform):
            session.connections.edit(now, Changes(definition_of(now), {self.named: other}))
        unchanged = session.connections.edit(now, Changes(definition_of(now), same))
        assert self.name_of(session, unchanged) == same[self.named]

    @pytest.mark.parametrize(("lacking", "end"), [("list", None), ("add", Takeover.UNDONE), ("end", Takeover.DONE)])
    def test_missing_right_loses_nothing_and_is_named(
        self, session: Session, managed: Connection, world: HeldWorld, lacking: str, end: Takeover | None
    ) -> None:
        """Without the list nothing is begun, without creation nothing changes, without deletion the old one stays."""
        before, held = self.name_of(session, managed), world.names_held()
        named = world.forbid(lacking)

        if end is None:
            with pytest.raises(Refused) as refused:
                run(session, managed, world)
            said = refused.value.next_step
        else:
            reached, result = run(session, managed, world)
            said = " ".join(result.warnings)
            assert reached is end

        assert (named in said) or (before in said)
        assert (self.name_of(session, managed) == before) is (end is not Takeover.DONE)
        assert set(held) <= set(world.names_held())
        assert not is_pending(session, managed.id)
        assert works(session, managed, world)

    def test_killed_before_the_vendor_is_told(
        self, session: Session, managed: Connection, world: HeldWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = world.names_held()
        with killed_calling(session, monkeypatch, self.begins, after=False), pytest.raises(Killed):
            run(session, managed, world)

        end, result = resolve(session, managed, world.network())

        assert (end, result.warnings) == (Takeover.UNDONE, ())
        assert world.names_held() == before
        assert works(session, managed, world)
        assert run(session, managed, world)[0] is Takeover.DONE

    def test_killed_after_the_vendor_made_it(
        self, session: Session, managed: Connection, world: HeldWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One that was made here is known, and kept. The secret of one that the vendor made died with the process:
        it is named and not deleted, since somebody else may have made it.
        """
        before, old = set(world.names_held()), self.name_of(session, managed)
        with killed_calling(session, monkeypatch, self.begins, after=True), pytest.raises(Killed):
            run(session, managed, world)
        (new,) = set(world.names_held()) - before

        end, result = resolve(session, managed, world.network())

        if self.makes_here:
            assert (end, self.name_of(session, managed)) == (Takeover.DONE, new)
            assert set(world.names_held()) == before - {old} | {new}
        else:
            assert (end, self.name_of(session, managed)) == (Takeover.UNDONE, old)
            assert [new in warning for warning in result.warnings] == [True]
            assert set(world.names_held()) == before | {new}
        assert not is_pending(session, managed.id)
        assert works(session, managed, world)

    def test_nothing_is_given_up_until_the_vendor_can_be_asked(
        self, session: Session, managed: Connection, world: HeldWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with killed_calling(session, monkeypatch, self.begins, after=True), pytest.raises(Killed):
            run(session, managed, world)
        hosts: tuple[str, ...] = world.hosts  # type: ignore[attr-defined]  # these worlds speak HTTP
        away = Network(redirect={(host, 443): ("127.0.0.1", 9) for host in hosts})

        assert resolve(session, managed, away)[0] is Takeover.UNRESOLVED
        assert is_pending(session, managed.id)
        assert resolve(session, managed, world.network())[0] is not Takeover.UNRESOLVED
        assert works(session, managed, world)

    @pytest.mark.parametrize("after", [False, True])
    def test_killed_while_the_old_one_is_ended(
        self, session: Session, managed: Connection, world: HeldWorld, monkeypatch: pytest.MonkeyPatch, after: bool
    ) -> None:
        """The new one is sealed and proven by then; an old one that is gone already is as good as ended."""
        before, others = self.name_of(session, managed), set(world.names_held())
        with killed_calling(session, monkeypatch, self.ends, after=after), pytest.raises(Killed):
            run(session, managed, world)
        assert is_pending(session, managed.id)

        assert resolve(session, managed, world.network())[0] is Takeover.DONE

        assert set(world.names_held()) == others - {before} | {self.name_of(session, managed)}
        assert works(session, managed, world)

    @pytest.mark.parametrize("after", [False, True])
    def test_killed_while_the_new_one_is_promoted(
        self, session: Session, managed: Connection, world: HeldWorld, monkeypatch: pytest.MonkeyPatch, after: bool
    ) -> None:
        before, others = self.name_of(session, managed), set(world.names_held())
        real = credentials.promote

        def kill(*arguments: Any) -> None:
            if after:
                real(*arguments)
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(credentials, "promote", kill)
            with pytest.raises(Killed):
                run(session, managed, world)

        assert resolve(session, managed, world.network())[0] is Takeover.DONE
        assert set(world.names_held()) == others - {before} | {self.name_of(session, managed)}
        assert works(session, managed, world)

    def test_new_one_that_never_comes_to_work_is_ended(
        self, session: Session, managed: Connection, world: HeldWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The vendor refuses it for good: the old one holds, and the useless one does not stay there."""
        before = world.names_held()
        real = session.tests.run_fields

        async def run_fields(connection: Connection, fields: Any, network: Network) -> Any:
            if fields[self.named] == old:
                return await real(connection, fields, network)
            return await real(connection, self.wrong(world), network)

        old = self.name_of(session, managed)
        with monkeypatch.context() as patch:
            patch.setattr(session.tests, "run_fields", run_fields)
            assert run(session, managed, world)[0] is Takeover.UNDONE

        assert world.names_held() == before
        assert works(session, managed, world)

    def test_new_one_that_needs_a_moment_is_waited_for(
        self, session: Session, managed: Connection, world: HeldWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Vendors spread a new credential within seconds; the first refusal decides nothing."""
        real, refused = session.tests.run_fields, []

        async def run_fields(connection: Connection, fields: Any, network: Network) -> Any:
            result = await real(connection, fields, network)
            if fields[self.named] != before and not refused:
                refused.append(fields[self.named])
                return await real(connection, self.wrong(world), network)
            return result

        before = self.name_of(session, managed)
        monkeypatch.setattr(session.tests, "run_fields", run_fields)

        assert run(session, managed, world)[0] is Takeover.DONE
        assert refused == [self.name_of(session, managed)]


def run(session: Session, connection: Connection, world: World) -> Any:
    return asyncio.run(take_over(session, connection, world.network()))


def resolve(session: Session, connection: Connection, network: Network) -> Any:
    return asyncio.run(resolve_pending(session, connection, network))


def works(session: Session, connection: Connection, world: World) -> bool:
    outcome = asyncio.run(session.tests.run(connection.id, world.network())).outcome
    return outcome in {Outcome.PASSED, Outcome.LIMITED}


@contextmanager
def killed_calling(session: Session, monkeypatch: pytest.MonkeyPatch, name: str, *, after: bool) -> Iterator[None]:
    """The process ends around the call of one of the provider's functions."""
    real = session.registry.function

    def function(slug: str, named: str) -> Callable[..., Any]:
        found: Callable[..., Any] = real(slug, named)
        if named != name:
            return found

        async def ask(*arguments: Any) -> None:
            if after:
                await found(*arguments)
            raise Killed

        return ask

    with monkeypatch.context() as patch:
        patch.setattr(session.registry, "function", function)
        yield
