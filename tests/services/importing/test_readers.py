"""Each source, from files as its tool documents and writes them, traps included."""

from pathlib import Path

import pytest

from jackfield.providers.contract.registry import Registry
from jackfield.services.importing import environment, netrc, pg_service, pgpass
from jackfield.services.importing.machine import Machine
from jackfield.services.importing.sources import ENVIRONMENT, look, source

from .conftest import Look, Write, by_name, plain

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
PAIR = f"aws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n"
ROLE = "arn:aws:iam::123456789012:role/deploy"
GUID = "11111111-2222-3333-4444-555555555555"

# --- AWS ---------------------------------------------------------------------------------------------------------


def test_aws_keys_come_without_comments_and_nested_settings(write: Write, looked: Look) -> None:
    write(
        ".aws/credentials",
        f"# of mine\n; and this\n[default]\naws_access_key_id = {KEY}   # the old one\n"
        f"AWS_Secret_Access_Key={SECRET} ; inline\n",
    )
    write(
        ".aws/config",
        "[default]\nregion = eu-west-1\ns3 =\n  aws_access_key_id = AKIANOTTHISONE000000\n  max_queue_size = 10\n",
    )
    (one,) = looked("aws").candidates
    assert plain(one)["accessKeyId"] == KEY
    assert plain(one)["secretAccessKey"] == SECRET
    assert (one.name, one.definition.provider, one.definition.method) == ("aws-default", "aws", "access-key")  # type: ignore[union-attr]


def test_aws_profiles_of_both_files_are_one_and_the_credentials_win(write: Write, looked: Look) -> None:
    """The config file writes `profile name`, the credentials file the name alone; quotes do not belong to it."""
    write(
        ".aws/config",
        f'[profile "team a"]\naws_access_key_id = AKIANOTTHISONE000000\naws_secret_access_key = {SECRET}\n',
    )
    write(".aws/credentials", f"[team a]\naws_access_key_id = {KEY}\n")
    assert plain(by_name(looked("aws"))["aws-team-a"])["accessKeyId"] == KEY


def test_an_indented_profile_is_read_as_the_tools_read_it(write: Write, looked: Look) -> None:
    write(".aws/credentials", "[default]\n  " + PAIR.replace("\n", "\n  ") + "\n")
    assert plain(looked("aws").candidates[0])["secretAccessKey"] == SECRET


def test_a_role_takes_the_key_of_its_source_profile(write: Write, looked: Look) -> None:
    write(".aws/credentials", f"[base]\n{PAIR}")
    write(".aws/config", f"[profile prod]\nrole_arn = {ROLE}\nsource_profile = base\nexternal_id = x\n")
    role = by_name(looked("aws"))["aws-prod"]
    assert plain(role) | {"fips": None, "partition": None} == {
        "roleArn": ROLE,
        "sourceAccessKeyId": KEY,
        "sourceSecretAccessKey": SECRET,
        "fips": None,
        "partition": None,
    }
    assert role.definition is not None
    assert role.definition.method == "assume-role"
    assert role.notes == ("the external ID of the profile is not taken over",)


def test_a_role_may_be_its_own_source(write: Write, looked: Look) -> None:
    write(".aws/credentials", f"[prod]\n{PAIR}role_arn = {ROLE}\nsource_profile = prod\n")
    assert plain(looked("aws").candidates[0])["roleArn"] == ROLE


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ("sso_session = corp", "Identity Center"),
        ("sso_start_url = https://x.example", "Identity Center"),
        ("credential_process = /bin/evil", "none is run here"),
        (f"{PAIR}aws_session_token = abc", "temporary"),
        (f"role_arn = {ROLE}", "does not say which profile"),
        (f"role_arn = {ROLE}\ncredential_source = Ec2InstanceMetadata", "the machine that it runs on"),
        (f"role_arn = {ROLE}\nweb_identity_token_file = /var/run/token", "web identity"),
        (f"role_arn = {ROLE}\nsource_profile = nobody", "no profile nobody"),
        (f"role_arn = {ROLE}\nsource_profile = empty", "holds none"),
        (f"role_arn = {ROLE}\nsource_profile = chained", "another role"),
        (f"role_arn = {ROLE}\nsource_profile = short", "is temporary"),
        (f"role_arn = {ROLE}\nsource_profile = base\nmfa_serial = arn:aws:iam::1:mfa/x", "second factor"),
        ("aws_access_key_id = ASIAIOSFODNN7EXAMPLE\naws_secret_access_key = x", "useless without its session token"),
        (f"aws_access_key_id = {KEY}", "Secret access key is needed."),
    ],
)
def test_what_gives_no_lasting_key_says_why(settings: str, why: str, write: Write, looked: Look) -> None:
    write(".aws/config", f"[profile x]\n{settings}\n")
    write(
        ".aws/credentials",
        f"[base]\n{PAIR}[chained]\n{PAIR}role_arn = {ROLE}\nsource_profile = base\n[empty]\nregion = x\n"
        f"[short]\n{PAIR}aws_session_token = x\n",
    )
    assert why in by_name(looked("aws"))["aws-x"].why_not


def test_sections_that_are_no_profiles_are_none(write: Write, looked: Look) -> None:
    write(
        ".aws/config",
        "[sso-session a]\nsso_start_url = x\n[services local]\ncredential_process = y\n[profile r]\nregion = x\n",
    )
    assert looked("aws").candidates == ()


def test_the_variables_move_the_files(write: Write, registry: Registry, machine: Machine) -> None:
    moved = write("elsewhere/keys", f"[default]\n{PAIR}")
    there = Machine(machine.home, {"AWS_SHARED_CREDENTIALS_FILE": str(moved)})
    assert look(registry, there, source("aws")).files == (str(moved),)


# --- PostgreSQL --------------------------------------------------------------------------------------------------


def test_pgpass_unescapes_and_leaves_the_password_its_colons(write: Write, looked: Look) -> None:
    r"""`\:` and `\\` stand for themselves; an address of IPv6 is escaped; the rest of the line is the password."""
    write(".pgpass", "# comment\n\n" + r"fe80\:\:1:5433:app:bob:a\:b\\c:d" + "\r\n")
    one = plain(looked("pgpass").candidates[0])
    assert {name: one[name] for name in ("host", "port", "database", "username", "password")} == {
        "host": "fe80::1",
        "port": 5433,
        "database": "app",
        "username": "bob",
        "password": r"a:b\c:d",
    }
    assert one["sslEnabled"] is one["sslRejectUnauthorized"] is True


def test_pgpass_keeps_a_password_as_it_is(write: Write, looked: Look) -> None:
    write(".pgpass", "db.example.com:5432:app:bob: 'spaced' \n")
    assert plain(looked("pgpass").candidates[0])["password"] == " 'spaced' "


def test_pgpass_wildcards_are_taken_for_something_and_that_is_said(write: Write, looked: Look) -> None:
    write(".pgpass", "db.example.com:*:*:bob:secret\n")
    (one,) = looked("pgpass").candidates
    assert (plain(one)["port"], plain(one)["database"]) == (5432, "postgres")
    assert one.notes == ("any port matches: 5432 is taken", "any database matches: postgres is taken")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("*:5432:app:bob:x", "any host"),
        ("db:5432:app:*:x", "any user"),
        ("/run/postgresql:5432:app:bob:x", "a socket"),
        ("db:5432:app", "its five parts"),
        ("db:port:app:bob:x", "Port is a whole number."),
        ("db:5432:app:bob:", "Password is needed."),
        ("bad host:5432:app:bob:x", "Host is a bare host name"),
    ],
)
def test_a_line_of_pgpass_that_names_no_connection_says_why(line: str, why: str, write: Write, looked: Look) -> None:
    write(".pgpass", line)
    assert why in looked("pgpass").candidates[0].why_not


def test_a_service_says_its_tls_and_keeps_its_number_sign(write: Write, looked: Look) -> None:
    write(
        ".pg_service.conf",
        "# mine\n[app]\nhost=db.example.com\nport=6543\ndbname=app\nuser=bob\npassword=a #b;c\nsslmode=verify-full\n"
        "[app]\nport=7654\n",
    )
    one = plain(by_name(looked("pg-service"))["app"])
    assert (one["password"], one["port"]) == ("a #b;c", 7654)
    assert (one["sslEnabled"], one["sslRejectUnauthorized"]) == (True, True)


def test_a_service_that_verifies_nobody_is_not_taken(write: Write, looked: Look) -> None:
    """That wants words typed for it, which nobody types while importing."""
    write(".pg_service.conf", "[app]\nhost=db.example.com\ndbname=app\nuser=bob\npassword=p\nsslmode=require\n")
    assert "Nobody would verify" in by_name(looked("pg-service"))["app"].why_not


@pytest.mark.parametrize(
    ("mode", "used", "verified"), [("disable", False, None), ("verify-full", True, True), ("prefer", True, True)]
)
def test_a_mode_that_is_weaker_than_ours_is_not_taken_over(
    mode: str, used: bool, verified: bool | None, write: Write, looked: Look
) -> None:
    write(".pg_service.conf", f"[app]\nhost=h\ndbname=app\nuser=bob\npassword=p\nsslmode={mode}\n")
    one = plain(looked("pg-service").candidates[0])
    assert (one["sslEnabled"], one.get("sslRejectUnauthorized")) == (used, verified)


def test_a_service_takes_its_password_from_pgpass_as_libpq_does(write: Write, looked: Look) -> None:
    """The first line that matches, the database being named like the user where none is given."""
    write(".pgpass", "other:*:*:bob:wrong\ndb:5432:bob:bob:right\ndb:*:*:*:too late\n")
    write(".pg_service.conf", "[app]\nhost=db\nuser=bob\ndbname=bob\n")
    one = by_name(looked("pg-service"))["app"]
    assert plain(one)["password"] == "right"
    assert one.notes == ("its password is that of .pgpass, line 2",)
    assert pg_service._match({"PGHOST": "db", "PGUSER": "bob"}, tuple(pgpass.entries("db:5432:bob:bob:x"))) is not None
    assert pg_service._match({"PGHOST": "db", "PGUSER": "eve"}, tuple(pgpass.entries("db:5432:bob:bob:x"))) is None


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ("ldap://ldap.example/dc=x?description", "nothing is fetched"),
        ("service=other\nhost=h", "another service"),
        ("host=a,b\ndbname=x\nuser=u\npassword=p", "several hosts"),
        ("host=/run/postgresql", "a socket"),
        ("host=h\ndbname=x\nuser=u", "Password is needed."),
    ],
)
def test_a_service_that_is_no_connection_says_why(parameters: str, why: str, write: Write, looked: Look) -> None:
    write(".pg_service.conf", f"[x]\n{parameters}\n")
    assert why in looked("pg-service").candidates[0].why_not


# --- gh and glab -------------------------------------------------------------------------------------------------

OLD_GH = "github.com:\n    user: mona\n    oauth_token: gho_old\n    git_protocol: ssh\n"
NEW_GH = """\
github.com:
    git_protocol: https
    users:
        mona:
            oauth_token: ghp_mona
        hubot:
            oauth_token: gho_hubot
        other:
    user: mona
    oauth_token: ghp_mona
ghe.corp.example:
    user: ada
    oauth_token: ghp_ada
acme.ghe.com:
    user: ada
    oauth_token: ghp_res
"""


def test_gh_of_before_the_users(write: Write, looked: Look) -> None:
    """A token of gh's own login goes by OAuth, with the public client that gh has."""
    write(".config/gh/hosts.yml", OLD_GH)
    one = by_name(looked("gh"))["github-com-mona"]
    assert one.definition is not None
    assert one.definition.method == "oauth"
    assert plain(one)["accessToken"] == "gho_old"
    assert plain(one)["clientId"] == "178c6fc778ccc68e1d6a"
    assert "host" not in plain(one)


def test_gh_of_several_users_names_each_once(write: Write, looked: Look) -> None:
    write(".config/gh/hosts.yml", NEW_GH)
    found = by_name(looked("gh"))
    assert set(found) == {
        *("github-com-mona", "github-com-hubot", "github-com-other", "ghe-corp-example-ada", "acme-ghe-com-ada"),
    }
    assert plain(found["github-com-mona"])["personalAccessToken"] == "ghp_mona"
    assert "keyring" in found["github-com-other"].why_not
    own = plain(found["ghe-corp-example-ada"])
    assert (own["instanceType"], own["host"]) == ("server", "ghe.corp.example")
    resident = plain(found["acme-ghe-com-ada"])
    assert (resident["instanceType"], resident["host"]) == ("cloud", "acme.ghe.com")


GLAB = """\
git_protocol: ssh
hosts:
    gitlab.com:
        token: !!null glpat-tagged
        api_host: gitlab.com
        api_protocol: https
        user: ada
    gitlab.corp.example:
        token: glpat-plain
        api_protocol: http
        api_host: api.corp.example
        user: ada
    oauth.example:
        token: abc
        is_oauth2: "true"
        user: ada
    keyring.example:
        user: ada
    never.example:
        api_host: never.example
        token:
"""


def test_glab_keeps_a_token_that_is_tagged_null(write: Write, looked: Look) -> None:
    write(".config/glab-cli/config.yml", GLAB)
    found = by_name(looked("glab"))
    assert set(found) == {
        *("gitlab-com-ada", "gitlab-corp-example-ada", "oauth-example-ada", "keyring-example-ada"),
    }
    assert plain(found["gitlab-com-ada"])["accessToken"] == "glpat-tagged"
    assert plain(found["gitlab-corp-example-ada"])["instanceUrl"] == "http://api.corp.example"
    assert "glab's own login" in found["oauth-example-ada"].why_not
    assert "keyring" in found["keyring-example-ada"].why_not


def test_the_folders_of_gh_and_glab_may_be_named(write: Write, registry: Registry, machine: Machine) -> None:
    gh, glab = write("a/hosts.yml", OLD_GH), write("b/config.yml", GLAB)
    named = Machine(machine.home, {"GH_CONFIG_DIR": str(gh.parent), "GLAB_CONFIG_DIR": str(glab.parent)})
    settings = Machine(machine.home, {"XDG_CONFIG_HOME": str(machine.home / "x")})
    assert look(registry, named, source("gh")).files == (str(gh),)
    assert look(registry, named, source("glab")).files == (str(glab),)
    assert look(registry, settings, source("gh")).files == ()


# --- .netrc ------------------------------------------------------------------------------------------------------


def test_netrc_passes_over_macros_and_reads_quotes(write: Write, looked: Look) -> None:
    """A macro ends at an empty line; `machine` inside it is none. A password may begin with a number sign."""
    write(
        ".netrc",
        "# mine\nmachine api.heroku.com\n  login ada@example.com\n  password #hrku\nmacdef init\nmachine gitlab.com\n"
        'password no\n\nmachine github.com login ada account x password "ghp a\\"b"\n'
        "machine files.example login a password b\ndefault login anonymous password x\n",
    )
    found = by_name(looked("netrc"))
    assert plain(found["api-heroku-com-ada-example-com"])["authToken"] == "#hrku"
    assert plain(found["github-com-ada"])["personalAccessToken"] == 'ghp a"b'
    assert "No provider" in found["files-example"].why_not
    assert "any host" in found["default"].why_not
    assert len(found) == 4


def test_netrc_of_bitbucket_wants_the_email(write: Write, looked: Look) -> None:
    write(".netrc", "machine bitbucket.org login ada password ATATT1\n")
    assert "The email of the Atlassian account" in looked("netrc").candidates[0].why_not


def test_a_word_that_is_cut_off_ends_the_file() -> None:
    assert [one.origin for one in netrc.read(["machine"])] == [".netrc, default"]
    assert list(netrc.read(["macdef x\nmachine y"])) == []


# --- environment -------------------------------------------------------------------------------------------------


def test_variables_give_one_candidate_for_each_provider(registry: Registry) -> None:
    found = {
        one.name: one for one in environment.candidates(registry, {"GH_TOKEN": "ghp_1", "GITLAB_TOKEN": "glpat-1"})
    }
    assert set(found) == {"github-env", "gitlab-env"}
    assert found["github-env"].origin == "the environment: GH_TOKEN"
    assert plain(found["github-env"])["personalAccessToken"] == "ghp_1"


def test_a_user_name_alone_is_nothing(registry: Registry) -> None:
    everywhere = {"USER": "ada", "PGHOST": "h", "AZURE_CLIENT_ID": GUID, "VAULT_ADDR": "https://v", "host": "x"}
    assert environment.candidates(registry, everywhere) == ()


def test_the_method_that_fits_is_taken(registry: Registry) -> None:
    pair = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
    (key,) = environment.candidates(registry, pair)
    (role,) = environment.candidates(registry, {**pair, "AWS_ROLE_ARN": ROLE})
    assert key.definition is not None
    assert role.definition is not None
    assert (key.definition.method, role.definition.method) == ("access-key", "assume-role")


def test_variables_that_fit_several_providers_are_unclear(registry: Registry) -> None:
    azure = {"AZURE_TENANT_ID": GUID, "AZURE_CLIENT_ID": GUID, "AZURE_CLIENT_SECRET": "abc"}
    found = environment.candidates(registry, azure)
    possible = [one for one in found if not one.why_not]
    assert len(possible) > 1
    assert all("fit" in one.unclear for one in possible)
    assert {one.name: one.why_not for one in found}["azure-dns-env"] == "Subscription ID is needed."


def test_a_server_of_ones_own_is_told_by_its_host(registry: Registry) -> None:
    (one,) = environment.candidates(registry, {"GH_ENTERPRISE_TOKEN": "ghp_1", "GH_HOST": "ghe.corp.example"})
    assert plain(one)["instanceType"] == "server"
    (one,) = environment.candidates(registry, {"GH_TOKEN": "ghp_1", "GH_HOST": "github.com"})
    assert "host" not in plain(one)


def test_a_variable_that_stands_for_several_fields(registry: Registry) -> None:
    found = environment.candidates(
        registry,
        {"SQLCMDSERVER": "tcp:db.example.com,1444", "SQLCMDUSER": "sa", "SQLCMDPASSWORD": "p", "SQLCMDDBNAME": "x"},
    )
    (one,) = found
    assert (plain(one)["host"], plain(one)["port"]) == ("db.example.com", 1444)


def test_bytes_that_are_no_text_are_refused(registry: Registry) -> None:
    """As Python hands down a variable that no encoding explains."""
    (one,) = environment.candidates(registry, {"GH_TOKEN": "ghp_\udcff"})
    assert one.why_not == "Personal access token is not text."


def test_a_file_of_assignments_is_read_instead(write: Write, registry: Registry, machine: Machine) -> None:
    file = write("app.env", "# c\nexport GH_TOKEN='ghp_1'\nnot an assignment\n")
    (one,) = look(registry, machine, ENVIRONMENT, Path(file)).candidates
    assert plain(one)["personalAccessToken"] == "ghp_1"
