"""Chef keeps the contract; its signature stands before a real server, and rights are found behind nested groups."""

from typing import Any

import httpx
import pytest

from jackfield.model.check import ExpiryKnown, FailureKind, GrantState, Outcome
from jackfield.model.connection import IntendedUse
from jackfield.net.network import Network
from jackfield.providers.contract.snippet import merged_snippet
from providers.chef.vendor import METHOD, USE, Chef, key, pem
from providers.contract import REGISTRY, ProviderContract, World, check, rows
from support.calls import opened_call
from support.servers.web import Chef as Goiardi

WRITING = ("data bag: update", "data bag: create", "data bag: delete")


class TestChef(ProviderContract):
    slug = "chef"
    world = Chef


class RealServer(World):
    """Only what a signature needs of a check: the server has no organizations."""

    private_allowed = True

    def __init__(self, server: Goiardi, key_pem: str, user: str) -> None:
        self.server = server
        self.credentials = {  # type: ignore[misc]  # of this server alone
            METHOD: {"serverUrl": server.url, "orgName": "acme", "userName": user, "privateKey": key_pem}
        }

    def __exit__(self, *exception: object) -> None:
        pass

    def network(self) -> Network:
        return Network()


async def asked(server: Goiardi, path: str, key_pem: str, user: str = "") -> httpx.Response:
    """What a real server answers to a request signed by the provider."""
    async with opened_call(RealServer(server, key_pem, user or server.user), "chef", METHOD) as call:
        signature: Any = REGISTRY.function("chef", "sign")(call)
        async with httpx.AsyncClient(trust_env=False, auth=signature) as client:
            return await client.get(server.url + path, headers={"accept": "application/json"})


async def test_real_server_accepts_the_signature_of_its_user_only(chef: Goiardi) -> None:
    right = await asked(chef, "/users/admin", chef.key_pem)
    assert (right.status_code, right.json()["name"]) == (200, chef.user)
    assert (await asked(chef, "/users/admin", pem(key("other")))).status_code == 401
    nobody = await asked(chef, "/users/admin", chef.key_pem, "nobody")
    assert (nobody.status_code, "node_name" in nobody.text) == (401, True)


async def test_real_server_accepts_a_signature_whose_path_has_a_query(chef: Goiardi) -> None:
    assert (await asked(chef, "/data?detail=granular", chef.key_pem)).status_code == 200


@pytest.mark.parametrize("form", ["escaped", "bare", "windows"])
async def test_key_is_read_as_it_is_pasted(form: str) -> None:
    """Line ends written as \\n, a body without its BEGIN and END lines, and Windows line ends all sign."""
    text = pem(key())
    pasted = {
        "escaped": text.replace("\n", "\\n"),
        "bare": "".join(line for line in text.splitlines() if "-----" not in line),
        "windows": text.replace("\n", "\r\n"),
    }[form]
    with Chef() as vendor:
        fields = {**vendor.fields(METHOD), "privateKey": pasted}

        result = await check(vendor, REGISTRY.get("chef"), METHOD, fields=fields)

    assert result.outcome is Outcome.PASSED


async def test_prefix_of_a_proxy_is_part_of_the_signed_path() -> None:
    """The server stands behind /chef here: what it does not know there it refuses, but the signature holds."""
    with Chef() as vendor:
        vendor._route("/chef/organizations/acme/users/{name}", vendor._member)
        fields = {**vendor.fields(METHOD), "serverUrl": "https://chef.example.com/chef/organizations/acme"}

        result = await check(vendor, REGISTRY.get("chef"), METHOD, fields=fields, uses={})

    assert result.outcome is Outcome.PASSED


async def test_rights_that_may_not_be_seen_are_not_guessed() -> None:
    """Without grant on the data bag its rights are closed; reading is still proven by reading."""
    with Chef() as vendor:
        vendor.rights["grant"] = {"users": [], "groups": ["admins"]}

        found = rows(await check(vendor, REGISTRY.get("chef"), METHOD))

    assert {found[USE, row] for row in WRITING} == {GrantState.UNREADABLE}
    assert found[USE, "data bag: read"] is GrantState.GRANTED


async def test_right_behind_a_closed_group_stays_unknown() -> None:
    """The user may be in it or not; what it holds itself is known all the same."""
    with Chef() as vendor:
        vendor.closed_groups = {"kms-sync"}

        found = rows(await check(vendor, REGISTRY.get("chef"), METHOD))

    assert found[USE, "data bag: delete"] is GrantState.UNKNOWN
    assert found[USE, "data bag: create"] is GrantState.GRANTED


async def test_existing_item_needs_no_right_to_make_it() -> None:
    with Chef() as vendor:
        vendor.items = {"web": {"id": "web", "password": "s3cret"}}

        result = await check(vendor, REGISTRY.get("chef"), METHOD)

    assert (USE, "data bag: create") not in rows(result)
    assert result.warnings == ()


async def test_encrypted_item_is_warned_of() -> None:
    with Chef() as vendor:
        vendor.items = {"web": {"id": "web", "password": {"encrypted_data": "x", "iv": "y", "version": 1}}}

        result = await check(vendor, REGISTRY.get("chef"), METHOD)

    assert any("encrypted" in warning for warning in result.warnings)


async def test_optional_rights_are_not_asked_for() -> None:
    with Chef() as vendor:
        targets = {"dataBagName": "secrets", "dataBagItemName": "web"}

        found = rows(await check(vendor, REGISTRY.get("chef"), METHOD, uses={USE: targets}))

    assert {row for _, row in found} == {"data bag: read", "data bag: update", "data bag: create"}


async def test_data_bag_that_is_missing_limits_the_check() -> None:
    with Chef() as vendor:
        targets = {"dataBagName": "nothing", "dataBagItemName": "web"}

        result = await check(vendor, REGISTRY.get("chef"), METHOD, uses={USE: targets})

    assert result.outcome is Outcome.LIMITED
    assert any("nothing" in step.detail for step in result.steps if step.name == "reach")


async def test_server_that_checks_no_signature_proves_nothing() -> None:
    with Chef() as vendor:
        vendor.checks_signatures = False

        result = await check(vendor, REGISTRY.get("chef"), METHOD, fields=vendor.wrong_fields(METHOD))

    assert result.outcome is Outcome.UNPROVEN


async def test_user_outside_the_organization_is_told_so() -> None:
    with Chef() as vendor:
        vendor.members = set()

        result = await check(vendor, REGISTRY.get("chef"), METHOD)

    assert result.failure is not None
    assert (result.failure.kind, result.failure.rule) == (FailureKind.WRONG_TENANT, "wrong-organization")


@pytest.mark.parametrize(
    ("expires", "of_this_key", "known"),
    [
        ("2030-01-01T00:00:00Z", True, ExpiryKnown.READ),
        ("infinity", True, ExpiryKnown.NEVER),
        ("infinity", False, ExpiryKnown.UNKNOWN),
    ],
)
async def test_end_is_read_only_of_the_key_that_signs(expires: str, of_this_key: bool, known: ExpiryKnown) -> None:
    with Chef() as vendor:
        vendor.expires = expires
        vendor.default_key = key() if of_this_key else key("other")

        result = await check(vendor, REGISTRY.get("chef"), METHOD, uses={})

    assert result.expiry_known is known


@pytest.mark.parametrize(
    ("targets", "rights", "container"),
    [
        ({"deletes": "yes", "choices": "yes"}, "create,read,update,delete", True),
        ({"deletes": "no", "choices": "no"}, "create,read,update", False),
    ],
)
def test_snippet_grants_what_the_targets_ask_for(targets: dict[str, str], rights: str, container: bool) -> None:
    use = IntendedUse(USE, {"dataBagName": "secrets", "dataBagItemName": "web", **targets})

    lines = merged_snippet(REGISTRY.get("chef"), [use], {"userName": "kms"}).splitlines()

    assert f"knife acl add group kms-sync data secrets {rights}" in lines
    assert ("knife acl add group kms-sync containers data read" in lines) is container
