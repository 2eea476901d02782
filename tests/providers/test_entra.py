"""The login of apps at Entra, judged by an emulator that checks clients' secrets and gives tokens nobody can read."""

from typing import Any

import pytest

from jackfield.model.check import CheckResult, FailureKind, GrantState, Outcome
from providers.azure_app_configuration.vendor import AppConfiguration
from providers.azure_client_secrets.vendor import ClientSecrets
from providers.azure_devops.vendor import DevOps
from providers.azure_dns.vendor import Dns
from providers.azure_key_vault.vendor import KeyVault
from providers.contract import REGISTRY, check, rows, told
from support.servers.emulate import EmulatedEntra

METHOD = "client-secret"
WORLDS: dict[str, Any] = {
    "azure-app-configuration": AppConfiguration,
    "azure-client-secrets": ClientSecrets,
    "azure-devops": DevOps,
    "azure-dns": Dns,
    "azure-key-vault": KeyVault,
}


async def checked(slug: str, server: EmulatedEntra, **changed: str) -> CheckResult:
    with WORLDS[slug]() as world:
        world.entra.let_emulator_judge(world.vendor, server)
        return await check(world, REGISTRY.get(slug), METHOD, fields={**world.fields(METHOD), **changed})


@pytest.mark.parametrize("slug", WORLDS)
async def test_token_that_cannot_be_read_proves_the_secret_and_shows_nothing_missing(
    slug: str, emulated_entra: EmulatedEntra
) -> None:
    """Microsoft promises nobody but the audience a readable token: what only it tells is unknown, never missing."""
    result = await checked(slug, emulated_entra)

    assert result.failure is None
    assert result.outcome is Outcome.PASSED
    assert GrantState.GRANTED in rows(result).values()
    assert set(rows(result).values()) <= {GrantState.GRANTED, GrantState.UNREADABLE, GrantState.UNKNOWN}


@pytest.mark.parametrize("slug", WORLDS)
@pytest.mark.parametrize(
    "wrong",
    [
        {"clientSecret": "k8Q~WrongSecretOfTheApp_0123456789.abcd"},
        {"clientId": "0b5e51de-0000-4000-8000-000000000000"},
    ],
    ids=["secret", "client"],
)
async def test_refusal_without_a_code_is_a_refusal(
    slug: str, wrong: dict[str, str], emulated_entra: EmulatedEntra
) -> None:
    """The emulator names no AADSTS code; the plain OAuth error is enough to say that the secret was not taken."""
    result = await checked(slug, emulated_entra, **wrong)

    assert result.outcome is Outcome.FAILED
    assert result.failure is not None
    assert result.failure.kind is FailureKind.REJECTED
    assert "clientSecret" not in wrong or wrong["clientSecret"] not in told(result)
