"""Access keys that AWS makes, exchanged against an emulator that enforces policies, and cut off at every point."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

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
from providers.aws.vendor import AwsWorld
from support.servers.web import Aws

OWN_KEYS = ("iam:ListAccessKeys", "iam:CreateAccessKey", "iam:DeleteAccessKey")


class Killed(BaseException):
    """Stands for the end of the process: nothing of ours catches it."""


class OwnKeys(AwsWorld):
    """A user who may exchange its own access key and nothing else."""

    def __enter__(self) -> "OwnKeys":
        super().__enter__()
        self.statements = [{"Effect": "Allow", "Action": list(OWN_KEYS), "Resource": "*"}]
        self._grant()
        return self

    def __exit__(self, *exception: Any) -> None:
        """Whatever keys the user has by now are deleted with it."""
        for key in self.held():
            self.iam.delete_access_key(UserName=self.user, AccessKeyId=key)
        spare = self.iam.create_access_key(UserName=self.user)["AccessKey"]
        self._users = tuple((user, policy, spare if user == self.user else key) for user, policy, key in self._users)
        super().__exit__(*exception)

    @property
    def iam(self) -> Any:
        return self.server.client("iam")

    def held(self) -> list[str]:
        listed = self.iam.list_access_keys(UserName=self.user)["AccessKeyMetadata"]
        return [key["AccessKeyId"] for key in listed]


@pytest.fixture
def world(aws: Aws) -> Iterator[OwnKeys]:
    with OwnKeys(aws) as made:
        yield made


@pytest.fixture
def managed(world: OwnKeys, session: Session, scope: Scope) -> Connection:
    fields = world.fields("access-key")
    fields["secretAccessKey"] = Secret(fields["secretAccessKey"])
    return session.connections.create(scope, Definition("aws", "aws", "access-key"), fields)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused key is tried again without waiting."""
    monkeypatch.setattr(takeover, "SETTLING", (0.0,))


def run(session: Session, connection: Connection, world: OwnKeys) -> Any:
    return asyncio.run(take_over(session, connection, world.network()))


def resolve(session: Session, connection: Connection, network: Network) -> Any:
    return asyncio.run(resolve_pending(session, connection, network))


def key_of(session: Session, connection: Connection) -> str:
    return str(session.connections.fields(connection, reason="test")["accessKeyId"])


def works(session: Session, connection: Connection, world: OwnKeys) -> bool:
    return asyncio.run(session.tests.run(connection.id, world.network())).outcome is Outcome.PASSED


def test_new_key_is_proven_and_kept_and_the_old_one_is_gone(
    session: Session, managed: Connection, world: OwnKeys
) -> None:
    before = key_of(session, managed)

    end, result = run(session, managed, world)

    now = session.connections.get(managed.id)
    assert (end, result.outcome, now.platform_managed) == (Takeover.DONE, Outcome.PASSED, True)
    assert world.held() == [key_of(session, now)] != [before]
    assert not is_pending(session, managed.id)
    assert works(session, now, world)


def test_name_of_a_managed_key_is_not_typed_over(session: Session, managed: Connection, world: OwnKeys) -> None:
    """Another id would not fit the secret. The same one, as a form sends it back, changes nothing."""
    run(session, managed, world)
    now = session.connections.get(managed.id)
    same = {"accessKeyId": key_of(session, now)}

    with pytest.raises(TakenOverByPlatform):
        session.connections.edit(now, Changes(definition_of(now), {"accessKeyId": "AKIAANOTHERKEY000000"}))
    assert key_of(session, session.connections.edit(now, Changes(definition_of(now), same))) == same["accessKeyId"]


def test_second_key_is_in_the_way_and_is_named(session: Session, managed: Connection, world: OwnKeys) -> None:
    other = world.iam.create_access_key(UserName=world.user)["AccessKey"]["AccessKeyId"]

    with pytest.raises(Refused) as refused:
        run(session, managed, world)

    assert other in refused.value.next_step
    assert key_of(session, managed) not in refused.value.next_step
    assert not is_pending(session, managed.id)


@pytest.mark.parametrize(("lacking", "end"), zip(OWN_KEYS, (None, Takeover.UNDONE, Takeover.DONE), strict=True))
def test_missing_right_loses_nothing_and_is_named(
    session: Session, managed: Connection, world: OwnKeys, lacking: str, end: Takeover | None
) -> None:
    """Without the list nothing is begun, without creation nothing changes, without deletion the old key stays."""
    before = key_of(session, managed)
    world.remove("access-key", "", lacking)

    if end is None:
        with pytest.raises(Refused) as refused:
            run(session, managed, world)
        said = refused.value.next_step
    else:
        reached, result = run(session, managed, world)
        said = " ".join(result.warnings)
        assert reached is end

    assert (lacking in said) or (before in said)
    assert (key_of(session, managed) == before) is (end is not Takeover.DONE)
    assert not is_pending(session, managed.id)
    assert works(session, managed, world)


@contextmanager
def killed_at(session: Session, monkeypatch: pytest.MonkeyPatch, name: str, *, after: bool) -> Iterator[None]:
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
        with pytest.raises(Killed):
            yield


def test_killed_before_the_key_is_made(
    session: Session, managed: Connection, world: OwnKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = world.held()
    with killed_at(session, monkeypatch, "issue_key", after=False):
        run(session, managed, world)

    end, result = resolve(session, managed, world.network())

    assert (end, result.warnings) == (Takeover.UNDONE, ())
    assert world.held() == before
    assert works(session, managed, world)
    assert run(session, managed, world)[0] is Takeover.DONE


def test_key_that_was_made_and_lost_is_named_and_not_deleted(
    session: Session, managed: Connection, world: OwnKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its secret died with the process. Somebody else may have made it, so it is theirs to end."""
    before = world.held()
    with killed_at(session, monkeypatch, "issue_key", after=True):
        run(session, managed, world)
    (lost,) = set(world.held()) - set(before)

    end, result = resolve(session, managed, world.network())

    assert end is Takeover.UNDONE
    assert [lost in warning for warning in result.warnings] == [True]
    assert set(world.held()) == {*before, lost}
    assert not is_pending(session, managed.id)
    assert works(session, managed, world)


def test_lost_key_is_looked_for_until_the_vendor_can_be_asked(
    session: Session, managed: Connection, world: OwnKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    with killed_at(session, monkeypatch, "issue_key", after=True):
        run(session, managed, world)
    away = Network(redirect={(host, 443): ("127.0.0.1", 9) for host in world.hosts})

    assert resolve(session, managed, away)[0] is Takeover.UNRESOLVED
    assert is_pending(session, managed.id)
    assert resolve(session, managed, world.network())[0] is Takeover.UNDONE


@pytest.mark.parametrize("after", [False, True])
def test_killed_while_the_old_key_is_ended(
    session: Session, managed: Connection, world: OwnKeys, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    """The new key is sealed and proven by then; an old one that is gone already is as good as ended."""
    before = key_of(session, managed)
    with killed_at(session, monkeypatch, "retire_key", after=after):
        run(session, managed, world)
    assert is_pending(session, managed.id)

    assert resolve(session, managed, world.network())[0] is Takeover.DONE

    assert world.held() == [key_of(session, managed)] != [before]
    assert works(session, managed, world)


@pytest.mark.parametrize("after", [False, True])
def test_killed_while_the_new_key_is_promoted(
    session: Session, managed: Connection, world: OwnKeys, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
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
    assert world.held() == [key_of(session, managed)]
    assert works(session, managed, world)


def test_new_key_that_never_comes_to_work_is_ended(
    session: Session, managed: Connection, world: OwnKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The secret was garbled on the way: the old key holds, and the useless one does not stay at AWS."""
    before = world.held()
    real = session.registry.function

    def function(slug: str, named: str) -> Callable[..., Any]:
        found: Callable[..., Any] = real(slug, named)
        if named != "issue_key":
            return found

        async def garbled(*arguments: Any) -> Any:
            return {**await found(*arguments), "secretAccessKey": Secret("garbled")}

        return garbled

    monkeypatch.setattr(session.registry, "function", function)

    assert run(session, managed, world)[0] is Takeover.UNDONE
    assert world.held() == before
    assert works(session, managed, world)


def test_new_key_that_needs_a_moment_is_waited_for(
    session: Session, managed: Connection, world: OwnKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS spreads a new key within seconds; the first refusal decides nothing."""
    real, refused = session.tests.run_fields, []

    async def run_fields(connection: Connection, fields: Any, network: Network) -> Any:
        result = await real(connection, fields, network)
        if fields["accessKeyId"] != before and not refused:
            refused.append(fields["accessKeyId"])
            wrong = {**fields, "secretAccessKey": Secret("not known everywhere yet")}
            return await real(connection, wrong, network)
        return result

    before = key_of(session, managed)
    monkeypatch.setattr(session.tests, "run_fields", run_fields)

    assert run(session, managed, world)[0] is Takeover.DONE
    assert refused == [key_of(session, managed)] == world.held()
