"""Logging in from the command line, at GitHub's device login and Heroku's browser login in miniature."""

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from jackfield.cli import login
from jackfield.providers.contract import oauth
from support.terminal import Terminal
from support.vendor import Answer, MiniatureVendor, Request

from .conftest import Jackfield

ADDRESS = "https://github.com/login/device"
HUB = (
    "connection",
    "create",
    "github",
    "-o",
    "acme",
    "--name",
    "hub",
    "--method",
    "oauth",
    "--set",
    "clientId=Ov23liAda",
)
HOSTS = ("github.com", "api.github.com", "id.heroku.com", "api.heroku.com")
EXPECTED_CODE = "code-of-the-browser"

# The program in a process of its own, whose network leads to a vendor on this machine.
WITH_VENDOR = """
import sys
from pathlib import Path
from jackfield.cli import main
from jackfield.net.network import Network
from jackfield.providers.contract import oauth

async def no_such_host(*_):
    raise OSError("no such host")

oauth.INTERVAL = 0.1
port, roots, *words = sys.argv[1:]
redirect = {(host, 443): ("127.0.0.1", int(port)) for host in ("github.com", "api.github.com", "id.heroku.com")}
network = lambda: Network(resolver=no_such_host, roots=Path(roots).read_text(), redirect=redirect)
sys.exit(main(words, network=network))
"""


class Vendor(MiniatureVendor):
    """Both vendors behind one address. The device login is finished when `done`."""

    def __init__(self) -> None:
        super().__init__()
        self.done = True
        self.token = "gho_first"
        self.post("/login/device/code")(
            lambda _: {"device_code": "d", "user_code": "WDJB-MJHT", "verification_uri": ADDRESS, "expires_in": 900}
        )
        self.post("/login/oauth/access_token")(self._poll)
        self.get("/user")(self._user)
        self.get("/user/orgs")(lambda _: [])
        self.post("/oauth/token")(self._exchange)

    def _poll(self, _: Request) -> Any:
        return {"access_token": self.token, "token_type": "bearer"} if self.done else {"error": "authorization_pending"}

    def _user(self, request: Request) -> Any:
        return {"login": "ada", "id": 1} if request.bearer == self.token else Answer(401, json={"message": "no"})

    def _exchange(self, request: Request) -> Any:
        if request.form()["code"] != EXPECTED_CODE:
            return Answer(400, json={"error": "invalid_grant"})
        return {"access_token": "HRKU-new", "refresh_token": "r", "token_type": "Bearer", "expires_in": 28800}


@pytest.fixture
def vendor(jackfield: Jackfield, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    """It names no pace, and ours is not to wait."""
    monkeypatch.setattr(oauth, "INTERVAL", 0.0)
    with Vendor() as world:
        jackfield.network = lambda: world.network(*HOSTS)
        yield world


def came_back(url: str) -> str:
    """Where the vendor sends a browser that has agreed."""
    query = parse_qs(urlsplit(url).query)
    return f"{query['redirect_uri'][0]}/?code={EXPECTED_CODE}&state={query['state'][0]}"


@pytest.fixture
def heroku(secret_file: Callable[[str], str]) -> tuple[str, ...]:
    """What makes a Heroku connection by OAuth."""
    return (
        *("connection", "create", "heroku", "-o", "acme", "--name", "apps", "--method", "oauth", "--untested"),
        *("--set", "clientId=app", "--set", f"clientSecret={secret_file('app-secret')}"),
    )


def shown(jackfield: Jackfield, name: str) -> Any:
    return json.loads(jackfield.done("connection", "show", name, "--json"))


def test_connection_is_made_by_a_login_and_tested(jackfield: Jackfield, vendor: Vendor) -> None:
    ran = jackfield(*HUB, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["state"] == "passed"
    assert f"Open  {ADDRESS}" in ran.err
    assert "Code  WDJB-MJHT" in ran.err
    assert "gho_" not in ran.out + ran.err
    assert "█" not in ran.err, "the code to scan is for terminals"


def test_given_token_needs_no_login(jackfield: Jackfield, vendor: Vendor, secret_file: Callable[[str], str]) -> None:
    given = ("--set", f"accessToken={secret_file('gho_first')}")
    jackfield.done(*HUB, *given)
    assert {request.path for request in vendor.requests} == {"/user", "/user/orgs"}
    ran = jackfield(*HUB[:6], "other", *HUB[7:], *given, "--way", "device")
    assert (ran.code, "Nothing is left for a login" in ran.err) == (2, True)


def test_nothing_is_asked_at_the_vendor_for_what_cannot_be_saved(jackfield: Jackfield, vendor: Vendor) -> None:
    """A missing field or a name that is taken is told before a login is spent on it."""
    missing = jackfield(*HUB[:-2])
    assert (missing.code, "Client ID is needed" in missing.err) == (2, True)
    jackfield.done(*HUB)
    vendor.requests.clear()
    taken = jackfield(*HUB)
    assert (taken.code, "exists already" in taken.err) == (2, True)
    assert vendor.requests == []


def test_login_repairs_a_connection_in_place(jackfield: Jackfield, vendor: Vendor) -> None:
    jackfield.done(*HUB)
    before = shown(jackfield, "hub")
    vendor.token = "gho_second"
    assert jackfield("connection", "test", "hub").code == 1

    ran = jackfield("connection", "login", "hub", "--json")

    assert (ran.code, ran.json["id"], ran.json["state"]) == (0, before["id"], "untested")
    assert "Code  WDJB-MJHT" in ran.err
    assert jackfield("connection", "test", "hub").code == 0
    assert len(jackfield("connection", "list", "--json").json) == 1


def test_refused_login_changes_nothing(jackfield: Jackfield, vendor: Vendor) -> None:
    jackfield.done(*HUB)
    before = shown(jackfield, "hub")
    vendor.answers("POST", "/login/oauth/access_token", {"error": "access_denied"})
    ran = jackfield("connection", "login", "hub")
    assert (ran.code, ran.out, "refused" in ran.err) == (5, "", True)
    assert shown(jackfield, "hub") == before


def test_method_without_a_login_is_told(
    jackfield: Jackfield, vendor: Vendor, secret_file: Callable[[str], str]
) -> None:
    jackfield.done(
        *("connection", "create", "github", "-o", "acme", "--name", "pat", "--method", "pat", "--untested"),
        *("--set", f"personalAccessToken={secret_file('ghp_ClassicTokenOfAda000000000000000000')}"),
    )
    ran = jackfield("connection", "login", "pat")
    assert (ran.code, "has no login" in ran.err) == (5, True)
    ran = jackfield(*HUB, "--way", "browser")
    assert (ran.code, "no such login" in ran.err) == (5, True)


@pytest.mark.parametrize("pasted", [EXPECTED_CODE, "  " + EXPECTED_CODE + "\r"])
def test_pasted_code_is_read_from_standard_input(
    jackfield: Jackfield, vendor: Vendor, heroku: tuple[str, ...], pasted: str
) -> None:
    ran = jackfield(*heroku, "--way", "paste", stdin=f"{pasted}\n")
    assert (ran.code, "Open  https://id.heroku.com/oauth/authorize?" in ran.err) == (0, True), ran.err
    assert EXPECTED_CODE not in ran.out + ran.err
    assert shown(jackfield, "apps")["state"] == "untested"


@pytest.mark.parametrize(
    ("pasted", "code", "cause"), [("", 2, "Nothing was pasted"), ("two words\n", 5, "holds no code")]
)
def test_paste_that_is_none_is_told(
    jackfield: Jackfield, vendor: Vendor, heroku: tuple[str, ...], pasted: str, code: int, cause: str
) -> None:
    ran = jackfield(*heroku, "--way", "paste", stdin=pasted)
    assert (ran.code, cause in ran.err) == (code, True), ran.err
    assert vendor.requests == []
    assert jackfield("connection", "list", "--json").json == []


def test_browser_of_this_machine_ends_the_login(
    jackfield: Jackfield, vendor: Vendor, heroku: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes back to the address that the login named, with a code."""
    visits: list[Future[httpx.Response]] = []
    show = login._show

    def visit(program: Any, prompt: Any) -> None:
        show(program, prompt)
        visits.append(browser.submit(httpx.get, came_back(prompt.url), trust_env=False))

    monkeypatch.setattr(login, "_show", visit)
    with ThreadPoolExecutor() as browser:
        ran = jackfield(*heroku, "--way", "browser")
    assert (ran.code, "begin again with --way paste" in ran.err) == (0, True), ran.err
    assert [one.result().status_code for one in visits] == [200]


@pytest.fixture
def words(jackfield: Jackfield, vendor: Vendor, tmp_path: Path) -> Callable[..., list[str]]:
    """A whole command for a process that reaches the vendor."""
    roots = tmp_path / "roots.pem"
    roots.write_text(vendor.authority.ca_pem)

    def whole(*command: str) -> list[str]:
        python, option, _, *given = jackfield.words(*command)
        return [python, option, WITH_VENDOR, str(vendor.port), str(roots), *given]

    return whole


def test_terminal_shows_a_code_to_scan(vendor: Vendor, words: Callable[..., list[str]]) -> None:
    with Terminal(words(*HUB), columns=100, lines=60) as terminal:
        terminal.wait_for("WDJB-MJHT", "█", "Saved hub")
        assert terminal.wait() == 0


def test_code_is_pasted_at_a_terminal(words: Callable[..., list[str]], heroku: tuple[str, ...]) -> None:
    with Terminal(words(*heroku, "--way", "paste")) as terminal:
        terminal.wait_for("Ctrl-C cancels")
        terminal.send(f"{EXPECTED_CODE}\r")
        terminal.wait_for("Saved apps")
        assert terminal.wait() == 0


def test_browser_that_comes_back_spares_the_paste(words: Callable[..., list[str]], heroku: tuple[str, ...]) -> None:
    """The command ends though nobody typed anything."""
    with Terminal(words(*heroku, "--way", "paste"), columns=600, lines=100) as terminal:
        terminal.wait_for("Ctrl-C cancels")
        url = next(line.split()[1] for line in terminal.text.splitlines() if line.startswith("Open"))
        assert httpx.get(came_back(url), trust_env=False).status_code == 200
        terminal.wait_for("Saved apps")
        assert terminal.wait() == 0


def test_ctrl_c_cancels(jackfield: Jackfield, vendor: Vendor, words: Callable[..., list[str]]) -> None:
    """Nothing is saved, the vault is closed, and nothing but the one line is said."""
    vendor.done = False
    with Terminal(words(*HUB), columns=100, lines=60) as terminal:
        terminal.wait_for("Ctrl-C cancels")
        terminal.send(b"\x03")
        assert terminal.wait() == 130
        assert "Interrupted." in terminal.text
        assert "Traceback" not in terminal.text
    assert jackfield("connection", "list", "--json").json == []


def test_interrupted_repair_leaves_the_connection_as_it_was(
    jackfield: Jackfield, vendor: Vendor, words: Callable[..., list[str]]
) -> None:
    jackfield.done(*HUB)
    before = shown(jackfield, "hub")
    vendor.done = False
    with subprocess.Popen(words("connection", "login", "hub"), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert any("Ctrl-C cancels" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert process.stderr.read().strip() == "jackfield: Interrupted."
    assert shown(jackfield, "hub") == before
