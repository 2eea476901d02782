"""SSH keeps the contract on a host in miniature, and against sshd; its own traps are told apart."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from jackfield.checks.request import CheckRequest, OnProgress
from jackfield.checks.run import run_check
from jackfield.model.check import CheckResult, FailureKind, GrantState, Outcome
from jackfield.model.connection import IntendedUse
from jackfield.net.network import Network
from jackfield.providers.contract.snippet import merged_snippet
from providers.contract import REGISTRY, ProviderContract, check, once_accepted, rows, told, typed_fields
from providers.ssh.vendor import CERTIFICATES, FILES, PASSWORD, ROTATION, USER, SshWorld
from support.faults import hangs
from support.servers.hosts import OpenSSH
from support.servers.room import program, run, unique
from support.servers.sessions import kill_sessions
from support.serving import HOST

PROVIDER = REGISTRY.get("ssh")
CHPASSWD = "root login, or sudo NOPASSWD for chpasswd"


class TestSsh(ProviderContract):
    slug = "ssh"
    world = SshWorld


@pytest.fixture
def host() -> Iterator[SshWorld]:
    with SshWorld() as world:
        yield world


@pytest.mark.parametrize("method", ["password", "ssh-key"])
async def test_nothing_secret_is_sent_to_a_host_that_is_not_approved(host: SshWorld, method: str) -> None:
    """Without an approved host key the fingerprint is shown, and the server sees no try to log in."""
    result = await check(host, PROVIDER, method, fields={**host.fields(method), "hostKey": ""})

    assert result.failure is not None
    assert host.host_key.get_fingerprint() in result.failure.next_step
    assert host.tries == 0


@pytest.mark.parametrize("form", ["fingerprint", "public key", "known_hosts line", "ssh-keygen -l"])
async def test_host_key_is_taken_in_every_usual_form(host: SshWorld, form: str) -> None:
    line = host.host_key.export_public_key().decode().strip()
    forms = {
        "fingerprint": host.host_key.get_fingerprint(),
        "public key": f"{line} root@host",
        "known_hosts line": f"[{HOST}]:{host.port} {line}",
        "ssh-keygen -l": f"256 {host.host_key.get_fingerprint()} root@host (ED25519)",
    }
    result = await check(
        host, PROVIDER, "password", fields={**host.fields("password"), "hostKey": forms[form]}, uses={}
    )

    assert result.outcome is Outcome.PASSED


async def test_wrong_password_is_tried_once_though_the_server_offers_two_ways(host: SshWorld) -> None:
    """A server that offers password and keyboard-interactive gets a wrong password once, not twice."""
    host.offers_dialogue = True
    result = await check(host, PROVIDER, "password", fields=host.wrong_fields("password"))

    assert result.outcome is Outcome.FAILED
    assert host.tries == 1


async def test_password_is_given_in_a_dialogue_too(host: SshWorld) -> None:
    """A server with keyboard-interactive alone takes the plain password."""
    host.offers_password, host.offers_dialogue = False, True
    result = await check(host, PROVIDER, "password", uses={})

    assert result.outcome is Outcome.PASSED


async def test_keys_of_the_machine_are_not_tried(
    host: SshWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """A wrong password does not log in by a key that happens to lie in the home of whoever runs the program."""
    (tmp_path / ".ssh").mkdir()
    host.key.write_private_key(tmp_path / ".ssh" / "id_ed25519")
    monkeypatch.setenv("HOME", str(tmp_path))
    result = await check(host, PROVIDER, "password", fields=host.wrong_fields("password"))

    assert result.failure is not None
    assert result.failure.rule == "refused"


async def test_server_that_asks_for_nothing_is_unproven(host: SshWorld) -> None:
    """Who is let in without being asked has proven nothing."""
    host.lets_everyone_in = True
    result = await check(host, PROVIDER, "password", uses={})

    assert result.outcome is Outcome.UNPROVEN


@pytest.mark.parametrize("forced", ["true", "echo 0", "exit 1"])
async def test_forced_command_decides_nothing(host: SshWorld, forced: str) -> None:
    """A forced command answers everything alike: the login passes, rights that need a shell stay unknown."""
    host.forced = forced
    result = await check(host, PROVIDER, "ssh-key")

    found = rows(result)
    assert found[ROTATION, CHPASSWD] is GrantState.UNKNOWN
    assert found[FILES, f"write on {host.directory}"] is GrantState.UNKNOWN
    assert found[FILES, "sftp subsystem"] is GrantState.GRANTED
    assert any("no command" in warning for warning in result.warnings)


async def test_chatty_profile_does_not_disturb_answers(host: SshWorld) -> None:
    """What a profile prints before a command is not taken for the command's answer."""
    host.said["ENV"] = ""
    host.said["HOST_USER"] = f"Welcome!\n{USER}"
    result = await check(host, PROVIDER, "password", uses={})

    assert result.identity["account"] == USER


async def test_root_needs_no_sudo_and_is_told_as_root(host: SshWorld) -> None:
    """User id 0 holds every right; where no use asks for root, root is in excess."""
    host.said["HOST_UID"] = "0"
    host.sudo.clear()
    whole = await check(host, PROVIDER, "ssh-key")
    narrow = await check(host, PROVIDER, "ssh-key", uses={FILES: {"directory": str(host.directory)}})

    assert {grant.state for grant in whole.grants} == {GrantState.GRANTED}
    assert rows(narrow)["", "root"] is GrantState.EXCESS


async def test_sudo_that_wants_a_password_decides_only_by_trying(host: SshWorld) -> None:
    """`a password is required` when listing is no answer; the attempt is, and it needs consent."""
    host.sudo = {"(passwd)"}
    without = await check(host, PROVIDER, "ssh-key", attempts=False)
    tried = await check(host, PROVIDER, "ssh-key")

    assert rows(without)[ROTATION, CHPASSWD] is GrantState.UNKNOWN
    assert rows(tried)[ROTATION, CHPASSWD] is GrantState.MISSING


async def test_authority_that_is_installed_needs_root_no_more(host: SshWorld) -> None:
    host.sudo.add("sshd")
    result = await check(host, PROVIDER, "ssh-key")

    assert rows(result)[CERTIFICATES, "root once per host"] is GrantState.GRANTED


@pytest.mark.parametrize(
    ("shell", "state"), [("/bin/bash", GrantState.GRANTED), ("/usr/sbin/nologin", GrantState.MISSING)]
)
async def test_account_that_changes_its_own_password_needs_a_shell(
    host: SshWorld, shell: str, state: GrantState
) -> None:
    host.said["HOST_SHELL"] = shell
    result = await check(host, PROVIDER, "ssh-key", uses={ROTATION: {"account": "app", "rotation": "login-as-target"}})

    assert rows(result)[ROTATION, "an interactive shell with passwd"] is state


async def test_names_of_targets_are_data_and_never_commands(host: SshWorld) -> None:
    """A target with shell characters is quoted: nothing of it is run."""
    trap = host.folder / "trap"
    uses = {
        ROTATION: {"account": f"app; touch {trap}"},
        FILES: {"directory": f"$(touch {trap})", "command": f"x;touch {trap}"},
    }
    result = await check(host, PROVIDER, "ssh-key", uses=uses)

    assert result.failure is None
    assert not trap.exists()


async def test_password_that_never_ends_is_read_as_that(host: SshWorld) -> None:
    host.said["HOST_ENDS"] = "never"
    result = await check(host, PROVIDER, "password", uses={})

    assert result.expiry_known == "never"


class TestOpenSsh:
    async def check(
        self,
        server: OpenSSH,
        method: str,
        uses: dict[str, dict[str, str]] | None = None,
        *,
        on_progress: OnProgress = lambda _: None,
        **fields: Any,
    ) -> CheckResult:
        known = {"host": HOST, "port": server.port, "username": server.user, "hostKey": server.host_key}
        return await run_check(request(method, {**known, **fields}, uses), Network(), on_progress)

    async def test_password_key_and_sealed_key_pass(self, openssh: OpenSSH) -> None:
        """What sshd takes, passes; it is the user, by name."""
        sealed = {"privateKey": openssh.sealed_key_pem, "passphrase": openssh.passphrase}
        results = [
            await self.check(openssh, "password", password=openssh.password),
            await self.check(openssh, "ssh-key", privateKey=openssh.key_pem),
            await self.check(openssh, "ssh-key", **sealed),
        ]

        assert [result.outcome for result in results] == [Outcome.PASSED] * 3
        assert {result.identity["account"] for result in results} == {openssh.user}
        assert "OpenSSH" in results[0].identity["server"]

    async def test_session_that_is_killed_in_the_middle_is_told(self, openssh: OpenSSH) -> None:
        """No right is said to be missing, since the process that would have answered was killed."""
        result = await self.check(
            openssh,
            "password",
            {CERTIFICATES: {}},
            password=openssh.password,
            on_progress=once_accepted(lambda: kill_sessions(openssh.port)),
        )

        assert result.failure is not None
        assert "ended the session" in result.failure.message
        assert set(rows(result).values()) <= {GrantState.UNKNOWN, GrantState.UNREADABLE}

    async def test_wrong_secrets_are_refused(self, openssh: OpenSSH) -> None:
        results = [
            await self.check(openssh, "password", password="pw-of-nobody"),
            await self.check(openssh, "ssh-key", privateKey=openssh.other_key_pem),
        ]

        assert [result.failure.rule for result in results if result.failure] == ["refused"] * 2
        assert "pw-of-nobody" not in told(results[0])

    async def test_one_right_factor_of_two_is_never_green(self, openssh: OpenSSH) -> None:
        """The key is right and not enough: what is told must not blame the key alone."""
        server = replace(openssh, port=openssh.two_factor_port)

        result = await self.check(server, "ssh-key", privateKey=openssh.key_pem)

        assert result.outcome is Outcome.FAILED
        assert result.failure is not None
        assert "second factor" in result.failure.next_step

    async def test_snippet_gives_just_what_is_needed(self, openssh: OpenSSH) -> None:
        """A user of the machine, the shown lines pasted as root, and real sudo: no row missing, none in excess."""
        with pasting(openssh) as (uses, paste):
            before = rows(await self.check(openssh, "password", uses, password=openssh.password))
            paste()
            after = await self.check(openssh, "password", uses, password=openssh.password)

        needed = [
            (ROTATION, CHPASSWD),
            (FILES, "root or passwordless sudo for chown"),
            (FILES, f"write on {uses[FILES]['directory']}"),
        ]
        assert [before[row] for row in needed] == [GrantState.MISSING] * 3
        assert after.outcome is Outcome.PASSED
        assert {row: state for row, state in rows(after).items() if state is not GrantState.GRANTED} == {
            (FILES, "sudo NOPASSWD for the one reload command"): GrantState.UNREADABLE,
            (CERTIFICATES, "root once per host"): GrantState.UNREADABLE,
        }

    async def test_another_host_key_is_never_accepted(self, openssh: OpenSSH) -> None:
        other = asyncssh.generate_private_key("ssh-ed25519").get_fingerprint()
        result = await self.check(openssh, "password", password=openssh.password, hostKey=other)

        assert result.failure is not None
        assert result.failure.kind is FailureKind.TLS

    async def test_approved_key_of_a_kind_the_host_has_not(self, openssh: OpenSSH) -> None:
        """A pinned key of another kind is a changed host key, not a lack of algorithms."""
        line = asyncssh.generate_private_key("ecdsa-sha2-nistp256").export_public_key().decode()
        result = await self.check(openssh, "password", password=openssh.password, hostKey=line)

        assert result.failure is not None
        assert result.failure.rule == "host-key-changed"


async def test_silent_server_ends_with_the_deadline() -> None:
    """A server that accepts and says nothing costs no more than the time of the check."""
    with hangs() as place:
        fields = {"host": HOST, "port": place.port, "username": USER, "password": PASSWORD}
        result = await run_check(request("password", fields, total_seconds=0.3), Network())

    assert result.failure is not None
    assert result.failure.kind is FailureKind.UNREACHABLE


@contextlib.contextmanager
def pasting(server: OpenSSH) -> Iterator[tuple[dict[str, dict[str, str]], Callable[[], None]]]:
    """Targets of all uses, and what pastes the lines shown for them: commands as root, sudo's lines into a file."""
    visudo, name = program("visudo", "sudo"), unique("jackfield-")
    written = Path("/etc/sudoers.d") / name
    folder = Path("/tmp") / name
    uses = {
        ROTATION: {"account": "daemon"},
        FILES: {"directory": str(folder / "certs"), "owner": "yes", "command": "/usr/bin/sync"},
        CERTIFICATES: {},
    }

    def paste() -> None:
        chosen = [IntendedUse(use, targets) for use, targets in uses.items()]
        lines = merged_snippet(PROVIDER, chosen, {"username": server.user}).splitlines()
        rules = [line for line in lines if " ALL=(root) " in line]
        (made,) = [line for line in lines if line.startswith("install ")]
        run("/bin/sh", "-c", made)
        written.write_text("\n".join([*rules, ""]))
        written.chmod(0o440)
        run(visudo, "-cf", written)

    folder.mkdir(mode=0o711)
    (folder / "certs").mkdir(mode=0o700)
    try:
        yield uses, paste
    finally:
        written.unlink(missing_ok=True)
        shutil.rmtree(folder)


def request(
    method: str, fields: dict[str, Any], uses: dict[str, dict[str, str]] | None = None, **options: float
) -> CheckRequest:
    return CheckRequest(
        provider=PROVIDER,
        method=PROVIDER.method(method),
        fields=typed_fields(PROVIDER.method(method), fields),
        uses=tuple(IntendedUse(use, targets) for use, targets in (uses or {}).items()),
        attempts_allowed=True,
        function=lambda name: REGISTRY.function("ssh", name),
        private_allowed=True,
        **options,
    )
