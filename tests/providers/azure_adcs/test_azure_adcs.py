"""AD CS web enrolment keeps the contract, and its traps are told apart."""

import pytest

from jackfield.model.check import CheckResult, FailureKind, GrantState, Outcome
from jackfield.model.errors import InvalidField
from providers.azure_adcs.vendor import PASSWORD, Adcs, page
from providers.contract import REGISTRY, ProviderContract, check, rows, typed_fields
from support.vendor import Answer

SLUG = "azure-adcs"
METHOD = "username-password"
ENROLL = ("pki/certificates", "Template: Read + Enroll")


class TestAzureAdcs(ProviderContract):
    slug = SLUG
    world = Adcs


async def checked(world: Adcs, **fields: str) -> CheckResult:
    return await check(world, REGISTRY.get(SLUG), METHOD, fields={**world.fields(METHOD), **fields})


async def test_password_is_not_sent_where_strangers_are_let_in() -> None:
    """Anonymous access or a login portal answers 200: any password would pass, so none is tried."""
    with Adcs() as world:
        world.stranger = page("<form><textarea id=locTaRequest></textarea></form>")

        result = await checked(world)

        sent = [request for request in world.vendor.requests if "authorization" in request.headers]
    assert result.outcome is Outcome.FAILED
    assert sent == []


async def test_one_login_a_check_and_one_failed_try() -> None:
    """All pages come over the connection that logged in; a refused password is not tried again."""
    with Adcs() as world:
        good = await checked(world)
        good_logins = world.logins
        wrong = await checked(world, password="Wrong Horse 17")

        wrong_logins = world.logins - good_logins
    assert good.identity["ca"] == "Corp Issuing"
    assert (good_logins, wrong_logins) == (1, 1)
    assert wrong.failure is not None
    assert wrong.failure.kind is FailureKind.REJECTED


async def test_good_password_refused_after_the_handshake_is_told_as_such() -> None:
    """Extended Protection answers a right password like a wrong one; the next step names it."""
    with Adcs() as world:
        world.refuses_after_login = 1

        result = await checked(world)

    assert result.failure is not None
    assert "Extended Protection" in result.failure.next_step


@pytest.mark.parametrize(
    "schemes", ["Negotiate", "NTLM", 'Basic realm="ca.corp.example.com"', "Negotiate, NTLM, Basic"]
)
async def test_each_way_to_log_in(schemes: str) -> None:
    """NTLM under its own name or within Negotiate, and Basic over TLS."""
    with Adcs() as world:
        world.schemes = schemes.partition(" realm")[0]
        world.stranger = Answer(401, headers={"www-authenticate": schemes})

        result = await checked(world)

    assert result.outcome is Outcome.PASSED


async def test_user_principal_name_is_sent_as_it_stands() -> None:
    """The NetBIOS name of a domain is not guessed from a UPN."""
    with Adcs() as world:
        result = await checked(world, username="jackfield@corp.example.com")

    assert result.outcome is Outcome.PASSED


async def test_standalone_authority_has_no_templates() -> None:
    """The page of a standalone CA has no list: the row says so and is not red."""
    with Adcs() as world:
        world.enterprise = False

        result = await checked(world)

    assert result.outcome is Outcome.PASSED
    assert rows(result)[ENROLL] is GrantState.UNREADABLE


async def test_list_that_was_cut_off_shows_nothing_missing() -> None:
    """A list not read to its end may hold the template further down."""
    with Adcs() as world:
        world.templates = ["Other"]
        world.cut_off = True

        result = await checked(world)

    assert rows(result)[ENROLL] is GrantState.UNKNOWN


def test_address_is_brought_to_its_root_and_must_be_https() -> None:
    """A pasted /certsrv is cut off, and a password never leaves without TLS."""
    method = REGISTRY.get(SLUG).method(METHOD)
    texts = {"username": "u", "password": PASSWORD}

    fields = typed_fields(method, {**texts, "adcsUrl": " https://ca.corp.example.com/certsrv/default.asp"})
    assert fields["adcsUrl"] == "https://ca.corp.example.com"
    with pytest.raises(InvalidField, match="https"):
        typed_fields(method, {**texts, "adcsUrl": "http://ca.corp.example.com"})
