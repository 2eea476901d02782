"""AWS keeps the contract, and its own traps are told apart."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from jackfield.model.check import EvidenceKind, FailureKind, GrantState, Outcome, StepName
from jackfield.model.errors import InvalidField
from jackfield.net.failure import NetFailure
from jackfield.providers.aws.provider import list_all
from jackfield.providers.aws.service import describe
from providers.aws.vendor import REGION, AwsWithoutSimulator, AwsWorld
from providers.contract import REGISTRY, ProviderContract, check, once_accepted, rows, told, typed_fields
from support.calls import opened_call
from support.servers.web import Aws
from support.vendor import Answer

PROVIDER = REGISTRY.get("aws")
SECRETS, KEYS, LEASES = "secret-sync/secrets-manager", "secret-rotation/iam-user-keys", "dynamic-secret/iam-users"
ISSUING = "pki/private-ca"


class TestAws(ProviderContract):
    slug = "aws"
    world = AwsWorld

    @pytest.fixture
    def vendor(self, aws: Aws, request: pytest.FixtureRequest) -> Iterator[AwsWorld]:
        """For one permission only the use it belongs to is chosen: all of them, each time, would take minutes."""
        case = getattr(request.node, "callspec", None)
        with self.world(aws) as world:
            if case is not None and "permission_case" in case.params:
                _, use, _ = case.params["permission_case"]
                world.uses = {use: world.uses[use]}
            yield world


@pytest.fixture
def world(aws: Aws) -> Iterator[AwsWorld]:
    with AwsWorld(aws) as one:
        yield one


@pytest.fixture
def unsimulated(aws: Aws) -> Iterator[AwsWorld]:
    with AwsWithoutSimulator(aws) as one:
        yield one


async def judged(world: AwsWorld, *uses: str, method: str = "access-key", **more: Any) -> Any:
    return await check(world, PROVIDER, method, uses={use: world.uses[use] for use in uses}, **more)


# --- without the right to simulate ------------------------------------------------------------------------------------

DRY = [
    (SECRETS, "secretsmanager:ListSecrets"),
    (SECRETS, "secretsmanager:BatchGetSecretValue"),
    (SECRETS, "secretsmanager:GetSecretValue"),
    (SECRETS, "secretsmanager:DescribeSecret"),
    (SECRETS, "secretsmanager:UpdateSecret"),
    (SECRETS, "secretsmanager:DeleteSecret"),
    (SECRETS, "secretsmanager:TagResource"),
    (SECRETS, "secretsmanager:UntagResource"),
    ("secret-sync/parameter-store", "ssm:DescribeParameters"),
    ("secret-sync/parameter-store", "ssm:GetParameters"),
    ("secret-sync/parameter-store", "ssm:GetParametersByPath"),
    ("secret-sync/parameter-store", "ssm:DeleteParameters"),
    (KEYS, "iam:ListUsers"),
    (KEYS, "iam:ListAccessKeys"),
    (KEYS, "iam:UpdateAccessKey"),
    (KEYS, "iam:DeleteAccessKey"),
    ("pki/certificate-sync", "acm:ListCertificates"),
    ("pki/certificate-sync", "acm:DescribeCertificate"),
    ("pki/certificate-sync", "elasticloadbalancing:DescribeLoadBalancers"),
    ("pki/certificate-sync", "elasticloadbalancing:DescribeListeners"),
    ("pki/certificate-sync", "elasticloadbalancing:DescribeListenerCertificates"),
    ("pki/acm-public-ca", "route53:GetHostedZone"),
    ("pki/acme-dns", "route53:ListHostedZonesByName"),
    ("pki/acme-dns", "route53:ListResourceRecordSets"),
]


@pytest.mark.parametrize(("use", "permission"), DRY)
async def test_without_the_simulator_harmless_calls_tell(unsimulated: AwsWorld, use: str, permission: str) -> None:
    """A right shows by what AWS answers for a name that does not exist, and its absence by a refusal."""
    held = rows(await judged(unsimulated, use))
    unsimulated.remove("access-key", use, permission)
    missing = rows(await judged(unsimulated, use))

    assert held[use, permission] is GrantState.GRANTED
    assert missing[use, permission] is GrantState.MISSING


async def test_without_the_simulator_and_consent_writes_stay_unknown(unsimulated: AwsWorld) -> None:
    """A call that would write is not made unasked, so nothing is claimed about it."""
    result = await judged(unsimulated, SECRETS, attempts=False)

    assert rows(result)[SECRETS, "secretsmanager:DeleteSecret"] is GrantState.UNKNOWN
    assert rows(result)[SECRETS, "secretsmanager:CreateSecret"] is GrantState.UNREADABLE


async def test_refusal_for_an_invented_user_is_no_missing_right(unsimulated: AwsWorld) -> None:
    """AWS judges a user that does not exist without its path, so a right over one path looks like none."""
    unsimulated.remove("access-key", LEASES, "iam:GetUser")

    result = await judged(unsimulated, LEASES)

    assert rows(result)[LEASES, "iam:GetUser"] is GrantState.UNKNOWN


# --- the simulator ----------------------------------------------------------------------------------------------------


async def test_simulator_is_asked_about_the_prefix(world: AwsWorld) -> None:
    """Rights over other names are none over these."""
    world.uses[SECRETS]["prefix"] = "theirs/"

    result = await judged(world, SECRETS)

    assert rows(result)[SECRETS, "secretsmanager:GetSecretValue"] is GrantState.MISSING
    assert rows(result)[SECRETS, "secretsmanager:ListSecrets"] is GrantState.GRANTED
    assert {one.evidence for one in result.grants if one.permission.startswith("secretsm")} == {EvidenceKind.ANSWERED}


async def test_rights_are_tied_to_the_boundary(world: AwsWorld) -> None:
    """With another permissions boundary than the policy asks for, users cannot be made."""
    world.uses[LEASES]["boundary"] = "arn:aws:iam::123456789012:policy/another"

    result = await judged(world, LEASES)

    assert rows(result)[LEASES, "iam:CreateUser"] is GrantState.MISSING
    assert rows(result)[LEASES, "iam:DeleteUser"] is GrantState.GRANTED


@pytest.mark.parametrize("limit", ["Organizations", "PermissionsBoundary"])
async def test_what_an_organization_or_boundary_forbids_is_missing(world: AwsWorld, limit: str) -> None:
    """The identity's own policy allows it, and it is refused all the same."""
    world.limits[limit] = "false"

    result = await judged(world, "secret-sync/parameter-store")

    assert rows(result)["secret-sync/parameter-store", "ssm:PutParameter"] is GrantState.MISSING


@pytest.mark.parametrize("condition", [{"Bool": {"aws:MultiFactorAuthPresent": "true"}}])
async def test_condition_that_nobody_knows_decides_nothing(world: AwsWorld, condition: dict[str, Any]) -> None:
    """A right that hangs on a second factor is neither held nor missing as far as a simulation goes."""
    for one in world.statements:
        one["Condition"] = condition

    result = await judged(world, "secret-sync/parameter-store")

    assert rows(result)["secret-sync/parameter-store", "ssm:PutParameter"] is GrantState.UNKNOWN


async def test_authority_of_another_account_is_not_simulated(world: AwsWorld) -> None:
    """Policies of this account say nothing final about another account's authority."""
    there = world.uses[ISSUING]["authority"].replace("123456789012", "210987654321")
    world.uses[ISSUING] = {"authority": there}

    result = await judged(world, ISSUING)

    assert rows(result)[ISSUING, "acm-pca:IssueCertificate"] is GrantState.UNREADABLE
    assert result.outcome is Outcome.LIMITED


# --- identities, regions and keys -------------------------------------------------------------------------------------


async def test_account_is_told_first(world: AwsWorld) -> None:
    """A key may belong to another account than its owner believes."""
    result = await judged(world)

    assert next(iter(result.identity.items())) == ("account", "123456789012")
    assert result.identity["arn"] == world.user_arn


async def test_role_open_without_external_id_is_warned_of(world: AwsWorld) -> None:
    """A trust policy that does not ask for the external ID lets anybody in who can ask the source identity."""
    world.external_id = ""

    result = await judged(world, method="assume-role")

    assert result.failure is None
    assert any("external ID" in warning for warning in result.warnings)
    assert not (await judged(world)).warnings


async def test_refused_role_tells_the_external_id(world: AwsWorld) -> None:
    """What the trust policy must ask for stands in the next step."""
    world.external_id = "something-else"

    result = await judged(world, method="assume-role")

    assert result.failure is not None
    assert result.failure.rule == "not-trusted"
    assert "0f0e0d0c0b0a" in result.failure.next_step


async def test_root_is_warned_of(world: AwsWorld) -> None:
    """The key of the root user works, and that is what is wrong with it."""
    arn, account = "arn:aws:iam::123456789012:root", "123456789012"
    said = f"<Arn>{arn}</Arn><UserId>1</UserId><Account>{account}</Account>"
    body = f"<Response><GetCallerIdentityResult>{said}</GetCallerIdentityResult></Response>"
    world.vendor.answers("POST", "/", Answer(200, body=body, content_type="text/xml"))

    result = await judged(world)

    assert any("root" in warning for warning in result.warnings)


async def test_administrator_is_warned_of(world: AwsWorld) -> None:
    """Who may change any user's policies may do everything."""
    world.statements.append({"Effect": "Allow", "Action": ["iam:*"], "Resource": "*"})

    assert any("administrator" in warning for warning in (await judged(world)).warnings)


async def test_region_that_is_off_is_not_reached(world: AwsWorld) -> None:
    """A good key is unknown in a region that the account has not switched on: that is not a bad key."""
    world.region_on = False

    result = await judged(world, SECRETS)

    assert result.failure is None
    assert result.outcome is Outcome.LIMITED
    assert any(REGION in step.detail for step in result.steps if step.name is StepName.REACH)


async def test_revoked_key_is_told_though_no_region_was_asked(world: AwsWorld) -> None:
    """Where only rights are simulated, a refusal after the proof still ends the test."""
    result = await judged(world, KEYS, on_progress=once_accepted(lambda: world.revoke("access-key")))

    assert result.failure is not None
    assert result.failure.kind is FailureKind.REJECTED


async def test_key_of_another_partition_is_asked_there(world: AwsWorld) -> None:
    """China has hosts of its own; nothing is sent elsewhere."""
    result = await check(world, PROVIDER, "access-key", fields={**world.fields("access-key"), "partition": "aws-cn"})

    assert result.failure is not None
    assert "sts.cn-north-1.amazonaws.com.cn" in told(result)
    assert world.vendor.requests == []


def test_temporary_key_is_refused_in_the_form() -> None:
    """A key that begins with ASIA needs a session token that the method cannot hold."""
    with pytest.raises(InvalidField, match="temporary"):
        typed_fields(PROVIDER.method("access-key"), {"accessKeyId": "ASIAIOSFODNN7EXAMPLE", "secretAccessKey": "x"})


async def test_throttled_by_a_code_is_no_refusal(world: AwsWorld) -> None:
    """AWS asks to wait with a status of 400."""
    world.sts_says = (400, "Throttling", "Rate exceeded")

    result = await judged(world)

    assert result.failure is not None
    assert result.failure.kind is FailureKind.THROTTLED


# --- what a form offers -----------------------------------------------------------------------------------------------


async def test_keys_are_listed_by_their_alias(world: AwsWorld) -> None:
    """Those of the chosen region, where the key is made or is not there."""
    async with opened_call(world, "aws", "access-key") as call:
        keys = await list_all(replace(call, arguments={"service": "kms", "operation": "ListAliases", "region": REGION}))

    aliases = keys["items"]
    assert isinstance(aliases, list)
    assert world.things.alias in {one["AliasName"] for one in aliases}


# --- hosts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "region", "fips", "host", "signed_for"),
    [
        ("sts", "us-east-1", True, "sts-fips.us-east-1.amazonaws.com", "us-east-1"),
        ("elbv2", "eu-central-1", False, "elasticloadbalancing.eu-central-1.amazonaws.com", "eu-central-1"),
        ("iam", "us-gov-west-1", False, "iam.us-gov.amazonaws.com", "us-gov-west-1"),
        ("route53", "cn-north-1", False, "route53.amazonaws.com.cn", "cn-northwest-1"),
    ],
)
def test_each_partition_has_hosts_of_its_own(service: str, region: str, fips: bool, host: str, signed_for: str) -> None:
    """A service without regions is signed for where its partition keeps it."""
    place = describe(service).place(region, fips=fips)

    assert (place["hostname"], place["region"]) == (host, signed_for)


def test_region_nobody_knows_has_no_host() -> None:
    """No host is made up from what was typed."""
    with pytest.raises(NetFailure, match="no endpoint"):
        describe("sts").place("example.com/", fips=False)
