"""HashiCorp Vault keeps the contract on a real server, and its own traps are told apart."""

import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from jackfield.model.check import ExpiryKnown, FailureKind, GrantState, Outcome
from jackfield.model.connection import IntendedUse
from jackfield.model.errors import InvalidField
from jackfield.providers.contract.snippet import merged_snippet
from providers.contract import REGISTRY, ProviderContract, check, once_accepted, rows, typed_fields
from providers.hashicorp_vault.vendor import IMPORT, PATH, ROLE, SYNC, TOKEN, NamespacedVaultWorld, VaultWorld
from support.descriptions import undescribed
from support.servers.web import OpenBao
from support.vendor import Answer, MiniatureVendor

PROVIDER = REGISTRY.get("hashicorp-vault")


class TestVault(ProviderContract):
    slug = "hashicorp-vault"
    world = VaultWorld

    @pytest.fixture
    def vendor(self, openbao: OpenBao) -> Iterator[VaultWorld]:
        with self.world(openbao) as world:
            yield world


class TestNamespacedVault(TestVault):
    world = NamespacedVaultWorld


@pytest.fixture
def vault(openbao: OpenBao) -> Iterator[VaultWorld]:
    with VaultWorld(openbao) as world:
        yield world


async def test_version_1_has_other_paths(openbao: OpenBao) -> None:
    """Its secrets stand right below the mount; rows of version 2 do not show."""
    with VaultWorld(openbao, version="1") as vault:
        uses = {SYNC: vault.uses[SYNC]}

        result = await check(vault, PROVIDER, TOKEN, uses=uses)
        mistaken = await check(vault, PROVIDER, TOKEN, uses={SYNC: {**uses[SYNC], "version": "2"}})

    shown = {row for (_, row), state in rows(result).items() if state is GrantState.GRANTED}
    assert shown == {f"{verb} on {vault.mount}/{PATH}" for verb in ("create", "read", "update")} | {
        "read on sys/mounts"
    }
    assert mistaken.outcome is Outcome.LIMITED


async def test_the_login_of_a_check_leaves_no_token_behind(vault: VaultWorld) -> None:
    before = vault.own_tokens()
    during: list[list[str]] = []

    result = await check(vault, PROVIDER, ROLE, on_progress=once_accepted(lambda: during.append(vault.own_tokens())))

    assert result.outcome is Outcome.PASSED
    assert len(during[0]) == len(before) + 1
    assert vault.own_tokens() == before


async def test_secret_id_of_a_single_use_is_told_to_be_spent(vault: VaultWorld) -> None:
    """One check is one login; the next one finds the secret ID used up."""
    made = vault.must("POST", f"auth/approle/role/{vault.name}/secret-id", {"num_uses": 1})
    fields = {**vault.fields(ROLE), "secretId": made["data"]["secret_id"]}

    first = await check(vault, PROVIDER, ROLE, fields=fields, uses={})
    second = await check(vault, PROVIDER, ROLE, fields=fields, uses={})

    assert first.outcome is Outcome.PASSED
    assert second.failure is not None
    assert second.failure.rule == "bad-login"


async def test_limited_secret_id_is_warned_about(vault: VaultWorld) -> None:
    made = vault.must("POST", f"auth/approle/role/{vault.name}/secret-id", {"num_uses": 9})
    fields = {**vault.fields(ROLE), "secretId": made["data"]["secret_id"]}

    result = await check(vault, PROVIDER, ROLE, fields=fields, uses={})

    assert any("spends one" in text for text in result.warnings)


async def test_root_token_holds_everything_and_is_warned_about(vault: VaultWorld) -> None:
    fields = {**vault.fields(TOKEN), "accessToken": vault.server.token}

    result = await check(vault, PROVIDER, TOKEN, fields=fields)

    needed = {state for (use, _), state in rows(result).items() if use}
    assert needed == {GrantState.IMPLIED}
    assert rows(result)["", "root on sys/policies/acl/*"] is GrantState.EXCESS
    assert result.expiry_known is ExpiryKnown.NEVER
    assert any("root token" in text for text in result.warnings)


async def test_wrapping_token_is_never_green(vault: VaultWorld) -> None:
    """It looks like a token and can only be unwrapped."""
    wrapped = wrapping_token(vault)

    result = await check(vault, PROVIDER, TOKEN, fields={**vault.fields(TOKEN), "accessToken": wrapped}, uses={})

    assert result.failure is not None
    assert result.failure.rule == "bad-token"
    assert "unwrap" in result.failure.next_step


async def test_token_that_may_not_ask_is_judged_by_what_it_reads(vault: VaultWorld) -> None:
    """Without the default policy a secret is read for proof, unseen; whether it can be written stays unreadable."""
    vault.rules["auth/token/lookup-self"] = {"read"}
    vault.write_policy()
    token = vault.new_token(no_default_policy=True)

    result = await check(vault, PROVIDER, TOKEN, fields={**vault.fields(TOKEN), "accessToken": token}, uses=sync(vault))

    found = {row: state for (_, row), state in rows(result).items()}
    assert found == {
        f"create on {vault.mount}/data/{PATH}": GrantState.UNREADABLE,
        f"read on {vault.mount}/data/{PATH}": GrantState.GRANTED,
        f"update on {vault.mount}/data/{PATH}": GrantState.UNREADABLE,
        "read on sys/mounts": GrantState.GRANTED,
    }


async def test_values_of_the_secret_are_not_told(vault: VaultWorld) -> None:
    vault.must("POST", f"{vault.mount}/data/{PATH}", {"data": {"PASSWORD": "pw-in-the-vault"}})
    vault.rules["auth/token/lookup-self"] = {"read"}
    vault.write_policy()
    token = vault.new_token(no_default_policy=True)

    result = await check(vault, PROVIDER, TOKEN, fields={**vault.fields(TOKEN), "accessToken": token}, uses=sync(vault))

    assert any(exchange.fact == "secret" and exchange.status == "200" for exchange in result.exchanges)
    assert "pw-in-the-vault" not in repr(result)


async def test_token_that_looks_itself_up_from_outside_its_namespace_is_refused(openbao: OpenBao) -> None:
    """Vault answers that one question anywhere; everything else is denied there."""
    with NamespacedVaultWorld(openbao) as vault:
        result = await check(vault, PROVIDER, TOKEN, fields={**vault.fields(TOKEN), "namespace": ""}, uses={})

    assert result.failure is not None
    assert result.failure.kind is FailureKind.WRONG_TENANT
    assert vault.namespace in result.failure.next_step


async def test_answers_that_strangers_get_prove_nothing(vault: VaultWorld) -> None:
    """The web page of a proxy, and a health report that every stranger may read."""
    for answer in (
        Answer(200, body="<html>Vault</html>", content_type="text/html"),
        Answer(200, json={"initialized": True, "sealed": False}),
    ):
        for method in (ROLE, TOKEN):
            result = await check(vault, PROVIDER, method, fields=vault.answered_by(answer, method), uses={})

            assert result.outcome is Outcome.FAILED


async def test_standby_that_redirects_gets_no_token_sent_on(vault: VaultWorld) -> None:
    moved = Answer(307, headers={"location": f"{vault.server.url}/v1/auth/token/lookup-self"})

    result = await check(vault, PROVIDER, TOKEN, fields=vault.answered_by(moved, TOKEN), uses={})

    assert result.failure is not None
    assert result.failure.kind is FailureKind.MISCONFIGURED


async def test_requests_are_described(vault: VaultWorld) -> None:
    """Every request stands in Vault's own description; namespaces are left out of that of the free edition."""
    answers = {
        "auth/approle/login": {"auth": {"client_token": "s.x"}},
        "auth/token/lookup-self": {"data": {"id": "s.x", "meta": {"role_name": "kms"}, "policies": ["kms"]}},
        "sys/capabilities-self": {"data": {"secret/data/web": ["create"]}},
    }
    with MiniatureVendor() as vendor:
        for path, answer in answers.items():
            for verb in ("GET", "POST"):
                vendor.answers(verb, f"/v1/{path}", answer)
        fields = {**vault.fields(ROLE), "instanceUrl": vendor.url, "caCertificate": vendor.authority.ca_pem}

        await check(vault, PROVIDER, ROLE, fields=fields, uses={SYNC: {"mount": "secret", "path": "web"}})

        assert {request.headers.get("x-vault-request") for request in vendor.requests} == {"true"}
        assert len(vendor.requests) > 6
        assert undescribed("hashicorp-vault", vendor.requests) == []


@pytest.mark.parametrize(
    "address", ["http://vault.example.com:8200", "http://localhost.example.com", "http://10.0.0.1"]
)
def test_token_travels_unencrypted_to_this_machine_only(address: str) -> None:
    token = {"accessToken": "hvs.x"}

    with pytest.raises(InvalidField):
        typed_fields(PROVIDER.method(TOKEN), {"instanceUrl": address, **token})
    assert typed_fields(PROVIDER.method(TOKEN), {"instanceUrl": "http://127.0.0.1:8200", **token})


@pytest.mark.parametrize(("version", "path"), [("1", '"secret/web"'), ("2", '"secret/data/web"')])
def test_policy_names_the_path_of_its_version(version: str, path: str) -> None:
    targets = {"mount": "secret", "path": "web", "version": version}

    text = merged_snippet(PROVIDER, [IntendedUse(SYNC, targets), IntendedUse(IMPORT, {"mount": "secret"})], {})

    assert f"path {path} {{ capabilities" in text
    assert text.count('path "sys/mounts"') == 1


def sync(vault: VaultWorld) -> dict[str, dict[str, str]]:
    return {SYNC: vault.uses[SYNC]}


def wrapping_token(vault: VaultWorld) -> str:
    """A token that holds another answer."""
    with httpx.Client(verify=ssl.create_default_context(cadata=vault.server.ca_pem), trust_env=False) as client:
        answer: Any = client.post(
            f"{vault.server.url}/v1/sys/wrapping/wrap",
            json={"x": "y"},
            headers={"X-Vault-Token": vault.server.token, "X-Vault-Wrap-TTL": "60s"},
        )
    return str(answer.json()["wrap_info"]["token"])
