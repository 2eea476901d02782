"""What a pasted block fills, what of it is left out, and what is refused."""

import json
from pathlib import Path

import pytest

from jackfield.providers.contract.paste import PASTE_LIMIT, read_block, recognise
from jackfield.providers.contract.registry import Registry

REGISTRY = Registry(Path("/nonexistent"))
KEY = "-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nREVG\n-----END CERTIFICATE-----"
SERVICE_ACCOUNT = json.dumps({"type": "service_account", "private_key": KEY, "client_email": "a@b.example"})

BLOCKS = [
    (
        "aws/access-key",
        "[default]\naws_access_key_id = AKIAX\naws_secret_access_key = s3\nregion = eu-central-1\n[other]\nregion = x",
        {"accessKeyId": "AKIAX", "secretAccessKey": "s3"},
        ("region", "[other]"),
    ),
    (
        "aws/access-key",
        '{"AccessKey": {"UserName": "ada", "AccessKeyId": "AKIAX", "SecretAccessKey": "s3", "Status": "Active"}}',
        {"accessKeyId": "AKIAX", "secretAccessKey": "s3"},
        ("UserName", "Status"),
    ),
    (
        "postgres/username-and-password",
        "postgres://ada:p%40ss@db.example:6432/app?sslmode=require",
        {"host": "db.example", "port": "6432", "username": "ada", "password": "p@ss", "database": "app"},
        ("?sslmode",),
    ),
    ("postgres/username-and-password", "mysql://ada:x@db.example/app", {}, ()),
    (
        "mysql/username-and-password",
        "mysql://ada:x@db.example/app",
        {"host": "db.example", "username": "ada", "password": "x", "database": "app"},
        (),
    ),
    (
        "redis/username-and-password",
        "rediss://ada:x@[::1]:6390",
        {"host": "::1", "port": "6390", "username": "ada", "password": "x", "sslEnabled": "true"},
        (),
    ),
    (
        "postgres/username-and-password",
        "# staging\nexport PGHOST=db.example\nPGUSER='ada'\nPGPASSWORD=\"a b\"\nEDITOR=vi\n",
        {"host": "db.example", "username": "ada", "password": "a b"},
        ("EDITOR",),
    ),
    ("github/pat", "GH_TOKEN=ghp_1", {"personalAccessToken": "ghp_1"}, ()),
    ("github/pat", "  - Token: ghp_1\n  - Token scopes: 'repo'", {"personalAccessToken": "ghp_1"}, ()),
    (
        "github/pat",
        "github.com:\n    user: ada\n    oauth_token: ghp_1\n    git_protocol: ssh",
        {"personalAccessToken": "ghp_1"},
        ("user", "git_protocol"),
    ),
    ("gcp/service-account-impersonation", SERVICE_ACCOUNT, {"sourceCredentials": SERVICE_ACCOUNT}, ()),
    ("github/github-app", f"noise\n{KEY}\n", {"privateKey": KEY}, ()),
    ("github/github-app", f"{CERTIFICATE}\n{KEY}", {"privateKey": KEY}, ("a certificate or public key",)),
    (
        "postgres/username-and-password",
        f"{CERTIFICATE}\n{CERTIFICATE}",
        {"sslCertificate": f"{CERTIFICATE}\n{CERTIFICATE}"},
        (),
    ),
    ("github/github-app", KEY[:40], {"privateKey": KEY[:40]}, ()),
    ("netlify/access-token", "nfp_abc", {}, ()),
    ("netlify/access-token", "hello: world\nnothing = here", {}, ()),
]


@pytest.mark.parametrize(("method", "text", "fields", "left_out"), BLOCKS)
def test_a_block_fills_what_it_names(method: str, text: str, fields: dict[str, str], left_out: tuple[str, ...]) -> None:
    slug, _, method_id = method.partition("/")
    provider = REGISTRY.get(slug)
    pasted = read_block(provider, provider.method(method_id), text)
    assert dict(pasted.fields) == fields
    assert pasted.left_out == left_out
    assert pasted.refused == ""


@pytest.mark.parametrize("slug", REGISTRY.slugs())
def test_every_variable_of_every_method_is_recognised(slug: str) -> None:
    """By the names that the vendor's own tools expect, as lines of a file."""
    provider = REGISTRY.get(slug)
    for method in provider.methods:
        for variable, field in method.environment.items():
            if isinstance(field, str):
                assert recognise(provider, method, f"{variable}=value-of-it") == {field: "value-of-it"}, variable


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x" * (10 << 20), "10,485,760 characters were pasted, and 262,144 are the limit"),
        ("PGUSER=ada\x1b[31m\nPGHOST=x", "1 control character"),
        ("\x00\x01\x02\x7fELF", "4 control characters"),
        ("\ud800PGUSER=x", "1 control character"),
    ],
)
def test_what_is_no_text_is_refused_with_words(text: str, words: str) -> None:
    provider = REGISTRY.get("postgres")
    pasted = read_block(provider, provider.methods[0], text)
    assert words in pasted.refused
    assert dict(pasted.fields) == {}


@pytest.mark.parametrize(
    "text",
    [
        "{" * 60_000,
        '{"a":' * 5_000 + "1" + "}" * 5_000,
        "[a]\n[a\n]=]",
        "-----BEGIN " * 9_000,
        "postgres://[::1",
        "postgres://a:b@c:99999/d",
        "=" * PASTE_LIMIT,
        "-----BEGIN A-----\n" * 12_000,
        "-----BEGIN A-----\n" * 6_000 + "-----END A-----\n" * 6_000,
    ],
    ids=lambda text: text[:20],
)
def test_hostile_blocks_end_in_nothing(text: str) -> None:
    provider = REGISTRY.get("postgres")
    assert set(recognise(provider, provider.methods[0], text)) <= {"sslCertificate"}


def test_names_that_are_left_out_are_cleaned_and_short() -> None:
    provider = REGISTRY.get("postgres")
    name = "X" * 500
    pasted = read_block(provider, provider.methods[0], f"PGUSER=ada\n{name}=1")
    assert len(pasted.left_out[0]) <= 41
