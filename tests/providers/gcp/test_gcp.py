"""Google Cloud keeps the contract; the source and the account it acts as are told apart."""

import json
from typing import Any

import pytest

from jackfield.model.check import ExpiryKnown, GrantState, Outcome
from jackfield.model.connection import IntendedUse
from jackfield.providers.contract.snippet import merged_snippet
from providers.contract import REGISTRY, ProviderContract, check, rows
from providers.gcp.vendor import ACCOUNT, METHOD, PROJECT, Gcp, key_file

PROVIDER = REGISTRY.get("gcp")
SYNC, PKI, MINTING = "secret-sync/secret-manager", "pki/certificate-manager", "dynamic-secret/access-tokens"


class TestGcp(ProviderContract):
    slug = "gcp"
    world = Gcp


async def test_login_of_a_person_works_as_a_source() -> None:
    """gcloud's application default credentials are a refresh token; their end is not told."""
    source = {
        "type": "authorized_user",
        "client_id": "gcloud",
        "client_secret": "of-gcloud",
        "refresh_token": "1//of-ada",
    }
    with Gcp() as vendor:
        fields = {"serviceAccountEmail": ACCOUNT, "sourceCredentials": json.dumps(source)}

        result = await check(vendor, PROVIDER, METHOD, fields=fields)

    assert result.outcome is Outcome.PASSED
    assert result.expiry_known is ExpiryKnown.UNKNOWN


async def test_address_in_a_key_file_is_not_followed() -> None:
    """The assertion goes to Google's token endpoint, whatever the pasted file names as its own."""
    with Gcp() as vendor:
        fields = {**vendor.fields(METHOD), "sourceCredentials": key_file(token_uri="https://token.example.net/")}

        result = await check(vendor, PROVIDER, METHOD, fields=fields, uses={})

    assert result.outcome is Outcome.PASSED


@pytest.mark.parametrize("universe", ["127.0.0.1/x", "example.com@evil", "evil"])
async def test_universe_that_is_no_domain_is_refused(universe: str) -> None:
    with Gcp() as vendor:
        fields = {**vendor.fields(METHOD), "sourceCredentials": key_file(universe_domain=universe)}

        result = await check(vendor, PROVIDER, METHOD, fields=fields, uses={})

    assert result.failure is not None
    assert result.failure.rule == "broken-key"
    assert vendor.vendor.requests == []


async def test_end_of_the_sources_key_is_read() -> None:
    with Gcp() as vendor:
        vendor.valid_before = "2031-05-01T00:00:00Z"

        result = await check(vendor, PROVIDER, METHOD, uses={})

    assert result.expires_at is not None
    assert result.expires_at.isoformat() == "2031-05-01T00:00:00+00:00"


async def test_name_that_a_project_does_not_answer_for_leaves_only_its_row_unknown() -> None:
    """One name that is not valid for a project fails the whole question; the others are asked again without it."""
    with Gcp() as vendor:
        vendor.unknown = {"certificatemanager.certmapentries.list"}

        result = await check(vendor, PROVIDER, METHOD)

    unknown = [row for row, state in rows(result).items() if state is GrantState.UNKNOWN]
    assert unknown == [(PKI, "certificatemanager.certmapentries.list")]
    assert result.outcome is Outcome.PASSED


async def test_impersonation_alone_says_nothing_of_secrets() -> None:
    """An account without any right is taken on as easily: every row of the sync is missing."""
    with Gcp() as vendor:
        vendor.held.clear()

        result = await check(vendor, PROVIDER, METHOD)

    assert result.outcome is Outcome.LIMITED
    assert {state for (use, _), state in rows(result).items() if use == SYNC} == {GrantState.MISSING}


async def test_other_project_is_not_reached_and_nothing_is_claimed() -> None:
    with Gcp() as vendor:
        result = await check(vendor, PROVIDER, METHOD, uses={SYNC: {"project": "other-project"}})

    assert result.outcome is Outcome.LIMITED
    assert set(rows(result).values()) == {GrantState.UNKNOWN}


async def test_api_that_is_off_is_not_reached() -> None:
    """The rights may all be there while the service itself is switched off in the project."""
    with Gcp() as vendor:
        vendor.enabled = False

        result = await check(vendor, PROVIDER, METHOD)

    assert result.outcome is Outcome.LIMITED
    assert any("gcloud services enable secretmanager" in step.detail for step in result.steps if step.name == "reach")


async def test_account_without_the_organizations_ending_is_warned_about() -> None:
    with Gcp() as vendor:
        other = "kms@acme-prod.iam.gserviceaccount.com"
        vendor.mints.add(other)
        fields = {**vendor.fields(METHOD), "serviceAccountEmail": other}

        result = await check(vendor, PROVIDER, METHOD, fields=fields, uses={})

    assert result.outcome is Outcome.PASSED
    assert any("KMS refuses" in text for text in result.warnings)


@pytest.mark.parametrize(
    ("target", "names"),
    [
        ({}, {"secretmanager.secrets.delete": True, "secretmanager.locations.list": False}),
        ({"deletion": "no"}, {"secretmanager.secrets.delete": False}),
        ({"location": "europe-west3"}, {"secretmanager.locations.list": True}),
    ],
)
def test_custom_role_holds_what_the_targets_ask_for(target: dict[str, str], names: dict[str, bool]) -> None:
    values: dict[str, Any] = {"serviceAccountEmail": ACCOUNT}

    text = merged_snippet(PROVIDER, [IntendedUse(SYNC, {"project": PROJECT, **target})], values)

    assert f"--member=serviceAccount:{ACCOUNT}" in text
    assert {name: name in text for name in names} == names
