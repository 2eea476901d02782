"""Credentials that stand beside the old one before it is ended: keys of AWS and OCI, secrets of apps of Entra."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from jackfield.model.connection import Connection
from jackfield.model.errors import Refused
from jackfield.services import takeover
from jackfield.services.connections import Changes
from jackfield.services.session import Session
from jackfield.services.takeover import Takeover, definition_of, is_pending
from providers.aws.vendor import AwsWorld
from providers.azure_app_configuration.vendor import AppConfiguration
from providers.azure_devops.vendor import DevOps
from providers.azure_key_vault.vendor import KeyVault
from providers.contract import HttpWorld
from providers.oci.vendor import USER, Oci
from support.microsoft import KEY_ID, Entra
from support.servers.web import Aws
from support.takeovers import HeldWorld, SecondCredential, run

OWN_KEYS = {"list": "iam:ListAccessKeys", "add": "iam:CreateAccessKey", "end": "iam:DeleteAccessKey"}


class OwnKeys(AwsWorld, HeldWorld):
    """A user who may exchange its own access key and nothing else."""

    def __enter__(self) -> "OwnKeys":
        super().__enter__()
        self.statements = [{"Effect": "Allow", "Action": list(OWN_KEYS.values()), "Resource": "*"}]
        self._grant()
        return self

    def __exit__(self, *exception: Any) -> None:
        """Whatever keys the user has by now are deleted with it."""
        for key in self.names_held():
            self.iam.delete_access_key(UserName=self.user, AccessKeyId=key)
        spare = self.iam.create_access_key(UserName=self.user)["AccessKey"]
        self._users = tuple((user, policy, spare if user == self.user else key) for user, policy, key in self._users)
        super().__exit__(*exception)

    @property
    def iam(self) -> Any:
        return self.server.client("iam")

    def names_held(self) -> list[str]:
        listed = self.iam.list_access_keys(UserName=self.user)["AccessKeyMetadata"]
        return [key["AccessKeyId"] for key in listed]

    def forbid(self, what: str) -> str:
        self.remove("access-key", "", OWN_KEYS[what])
        return OWN_KEYS[what]


class TestAws(SecondCredential):
    provider, method, named, secret = "aws", "access-key", "accessKeyId", "secretAccessKey"
    begins, ends = "issue_key", "retire_key"

    @pytest.fixture
    def world(self, aws: Aws) -> Iterator[OwnKeys]:
        with OwnKeys(aws) as made:
            yield made

    def test_second_key_is_in_the_way_and_is_named(self, session: Session, managed: Connection, world: OwnKeys) -> None:
        other = world.iam.create_access_key(UserName=world.user)["AccessKey"]["AccessKeyId"]

        with pytest.raises(Refused) as refused:
            run(session, managed, world)

        assert other in refused.value.next_step
        assert self.name_of(session, managed) not in refused.value.next_step
        assert not is_pending(session, managed.id)


class OwnOciKeys(Oci, HeldWorld):
    def names_held(self) -> list[str]:
        return list(self.keys)

    def forbid(self, what: str) -> str:
        self.may_change_keys.remove(what)
        return "policy"


class TestOci(SecondCredential):
    provider, method, named, secret = "oci", "access-key", "fingerprint", "privateKey"
    begins, ends, makes_here = "add_key", "remove_key", True

    @pytest.fixture
    def world(self) -> Iterator[OwnOciKeys]:
        with OwnOciKeys() as made:
            yield made

    def test_keys_are_changed_in_the_home_region(
        self, session: Session, managed: Connection, world: OwnOciKeys
    ) -> None:
        """Each other region refuses changes; the connection goes on in its own."""
        world.home = "eu-frankfurt-1"

        assert run(session, managed, world)[0] is Takeover.DONE

        changes = [request for request in world.vendor.requests if request.method != "GET"]
        assert {request.headers["host"] for request in changes} == {"identity.eu-frankfurt-1.oraclecloud.com"}
        assert session.connections.fields(managed, reason="test")["region"] == "us-ashburn-1"

    def test_region_that_is_none_leads_to_no_other_host(
        self, session: Session, managed: Connection, world: OwnOciKeys
    ) -> None:
        """What the vendor calls its home becomes part of an address: only a region's name may."""
        world.home_called = "thief.example.net/"

        assert run(session, managed, world)[0] is Takeover.DONE

        assert {request.headers["host"].rpartition(".oraclecloud.com")[2] for request in world.vendor.requests} == {""}

    def test_key_that_was_not_added_is_not_waited_for(
        self, session: Session, managed: Connection, world: OwnOciKeys, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The user's own list is without it, so OCI will not come to accept it."""
        monkeypatch.setattr(takeover, "SETTLING", (0.0, 0.0, 0.0))
        old = self.name_of(session, managed)
        world.forbid("add")

        assert run(session, managed, world)[0] is Takeover.UNDONE

        tried = [request for request in world.vendor.requests if request.path == f"/20160918/users/{USER}"]
        assert len([request for request in tried if old not in request.headers["authorization"]]) == 1

    def test_third_key_is_in_the_way(self, session: Session, managed: Connection, world: OwnOciKeys) -> None:
        world.keys |= dict.fromkeys(("aa:aa", "bb:bb"), next(iter(world.keys.values())))

        with pytest.raises(Refused) as refused:
            run(session, managed, world)

        assert "aa:aa, bb:bb" in refused.value.next_step


class OwnSecrets(HttpWorld, HeldWorld):
    """An app that may exchange its own secret."""

    entra: Entra

    def names_held(self) -> list[str]:
        return list(self.entra.secrets)

    def forbid(self, what: str) -> str:
        if what == "list":
            self.entra.reads_itself = False
        self.entra.manages_itself.discard(what)
        return "Application.ReadWrite.OwnedBy"


class OwnVaultSecrets(OwnSecrets, KeyVault):
    pass


class OwnStoreSecrets(OwnSecrets, AppConfiguration):
    pass


class OwnDevOpsSecrets(OwnSecrets, DevOps):
    pass


class OfEntra(SecondCredential):
    method, named, secret = "client-secret", "clientSecretKeyId", "clientSecret"
    begins, ends = "issue_secret", "retire_secret"
    app: ClassVar[type[OwnSecrets]]

    @pytest.fixture
    def world(self) -> Iterator[OwnSecrets]:
        with self.app() as made:
            yield made


class TestAzureKeyVault(OfEntra):
    provider, app = "azure-key-vault", OwnVaultSecrets

    def test_new_secret_lives_as_long_as_the_old_one_was_made_to(
        self, session: Session, managed: Connection, world: OwnSecrets
    ) -> None:
        """The present one was made for a year; the vendor's own choice would be two."""
        run(session, managed, world)

        (ends,) = world.entra.asked_ends
        left = datetime.fromisoformat(ends) - datetime.now(UTC)
        assert timedelta(days=364) < left <= timedelta(days=365)

    @pytest.mark.parametrize("known", ["", "5ec0e700-0000-4000-8000-000000000000"])
    def test_secret_without_its_id_is_not_exchanged(
        self, session: Session, managed: Connection, world: OwnSecrets, known: str
    ) -> None:
        """The old one could not be ended, and would stay good without anybody knowing."""
        session.connections.edit(managed, Changes(definition_of(managed), {self.named: known}))

        with pytest.raises(Refused) as refused:
            run(session, session.connections.get(managed.id), world)

        assert "Secret ID" in refused.value.next_step
        assert world.names_held() == [KEY_ID]


class TestAzureAppConfiguration(OfEntra):
    provider, app = "azure-app-configuration", OwnStoreSecrets


class TestAzureDevOps(OfEntra):
    provider, app = "azure-devops", OwnDevOpsSecrets
