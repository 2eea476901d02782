"""Every provider says under which names the usual tools expect its fields."""

import pytest

from jackfield.providers.contract.spec import Method
from providers.contract import REGISTRY

PROVIDERS = [REGISTRY.get(slug) for slug in REGISTRY.slugs()]
METHODS = [(provider.slug, method) for provider in PROVIDERS for method in provider.methods]
# Secrets that no usual tool reads from its environment, and what it reads instead.
READ_OTHERWISE = {
    ("azure-adcs", "password"): "certreq and certsrv clients ask, or take it as an argument",
    ("azure-client-secrets", "privateKey"): "the SDKs read the path of a file",
    ("azure-key-vault", "privateKey"): "the SDKs read the path of a file",
    ("heroku", "clientSecret"): "no tool of Heroku's logs in as an OAuth client of somebody's own",
    ("ldap", "password"): "ldapsearch reads a file (-y) or asks",
    ("oracledb", "password"): "sqlplus reads a wallet or asks",
    ("ssh", "privateKey"): "ssh reads a file or an agent",
    ("ssh", "passphrase"): "ssh asks, or has a program asked",
}
# What the vendors' own tools and the usual Terraform providers document.
KNOWN = {
    "auth0": {"AUTH0_CLIENT_SECRET": "clientSecret"},
    "aws": {"AWS_ACCESS_KEY_ID": "accessKeyId", "AWS_SECRET_ACCESS_KEY": "secretAccessKey"},
    "azure-dns": {"AZURE_CLIENT_SECRET": "clientSecret", "AZURE_SUBSCRIPTION_ID": "subscriptionId"},
    "azure-key-vault": {"AZURE_TENANT_ID": "tenantId", "AZURE_CLIENT_ID": "clientId"},
    "cloudflare": {"CLOUDFLARE_API_TOKEN": "apiToken"},
    "databricks": {"DATABRICKS_HOST": "workspaceUrl", "DATABRICKS_CLIENT_SECRET": "clientSecret"},
    "digital-ocean": {"DIGITALOCEAN_ACCESS_TOKEN": "apiToken"},
    "github": {"GH_TOKEN": "personalAccessToken", "GITHUB_TOKEN": "personalAccessToken"},
    "gitlab": {"GITLAB_TOKEN": "accessToken"},
    "hashicorp-vault": {"VAULT_ADDR": "instanceUrl", "VAULT_TOKEN": "accessToken"},
    "heroku": {"HEROKU_API_KEY": "authToken"},
    "mysql": {"MYSQL_PWD": "password", "MYSQL_HOST": "host"},
    "netlify": {"NETLIFY_AUTH_TOKEN": "accessToken"},
    "oci": {"OCI_CLI_FINGERPRINT": "fingerprint", "OCI_CLI_KEY_CONTENT": "privateKey"},
    "okta": {"OKTA_API_TOKEN": "apiToken"},
    "postgres": {"PGHOST": "host", "PGUSER": "username", "PGPASSWORD": "password"},
    "redis": {"REDISCLI_AUTH": "password"},
    "ssh": {"SSHPASS": "password"},
    "supabase": {"SUPABASE_ACCESS_TOKEN": "accessKey"},
    "terraform-cloud": {"TFE_TOKEN": "apiToken"},
    "1password": {"OP_CONNECT_HOST": "instanceUrl", "OP_CONNECT_TOKEN": "apiToken"},
}


def fields_read(method: Method) -> set[str]:
    """The fields of a method that some variable carries."""
    return {
        name
        for source in method.environment.values()
        for name in ((source,) if isinstance(source, str) else source.reads)
    }


@pytest.mark.parametrize(("slug", "method"), METHODS, ids=[f"{slug} {method.id}" for slug, method in METHODS])
def test_every_secret_that_is_typed_has_a_name_in_the_environment(slug: str, method: Method) -> None:
    """What a login needs or obtains in passing, such as a refresh token, is no tool's business."""
    typed = {field.name for field in method.fields if field.is_secret and not field.obtained}
    nameless = typed - fields_read(method) - {field for known, field in READ_OTHERWISE if known == slug}

    assert nameless == set()


def test_no_exception_stands_for_a_secret_that_has_a_name() -> None:
    """The list of exceptions holds what is true."""
    nameless = {
        (slug, field.name)
        for slug, method in METHODS
        for field in method.fields
        if field.is_secret and field.name not in fields_read(method)
    }

    assert set(READ_OTHERWISE) <= nameless


@pytest.mark.parametrize("slug", KNOWN)
def test_names_are_those_of_the_usual_tools(slug: str) -> None:
    methods = REGISTRY.get(slug).methods
    unsaid = {
        name: field
        for name, field in KNOWN[slug].items()
        if not any(method.environment.get(name) == field for method in methods)
    }

    assert unsaid == {}
