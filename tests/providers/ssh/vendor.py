"""A host in miniature: a real SSH server in this process, a real shell, and tools of its own such as sudo."""

import asyncio
import os
import shutil
import socket
import struct
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import asyncssh
from asyncssh.process import SSHServerProcess

from jackfield.net.network import Network
from providers.contract import World
from support.faults import answers
from support.serving import HOST, Place, serves

USER, PASSWORD, PASSPHRASE = "kms", "pw-Of-Kms-1", "phrase-Of-Kms"
ROTATION, FILES, CERTIFICATES = (
    "secret-rotation/local-account",
    "pki/certificate-files",
    "dynamic-secret/ssh-certificates",
)
CHPASSWD, CHOWN = "/usr/sbin/chpasswd", "chown"

# The host's tools. `sudo` knows what its list allows; with -l it only tells so.
TOOLS = {
    "id": 'case "$1" in -un) echo "$HOST_USER";; -u) echo "$HOST_UID";; -Gn) echo "$HOST_GROUPS";; esac',
    "sudo": """
[ "$1" = -n ] && shift
list=no; [ "$1" = -l ] && list=yes && shift
case "$HOST_SUDO" in
  *"<$1>"*)
    [ $list = yes ] && echo "$*" && exit 0
    [ "$1" = sshd ] && echo "trustedusercakeys /etc/ssh/ca.pub"
    exit 0;;
  *"(passwd)"*) echo "sudo: a password is required" >&2; exit 1;;
esac
[ $list = yes ] || echo "Sorry, user kms is not allowed to execute '$1' as root." >&2
exit 1""",
    "getent": '[ "$2" = ghost ] && exit 2; echo "${2:-app}:x:1001:1001::/home/app:$HOST_SHELL"',
    "chage": 'printf "Password expires\\t: %s\\nAccount expires\\t: never\\n" "$HOST_ENDS"',
    "passwd": "exit 1",
}


class Host(asyncssh.SSHServer):
    """What the host asks of who logs in, and what it gives."""

    def __init__(self, world: "SshWorld") -> None:
        self.world = world

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.world.connections.append(conn)

    def begin_auth(self, username: str) -> bool:
        self.user = username
        return not self.world.lets_everyone_in

    def password_auth_supported(self) -> bool:
        return self.world.offers_password and not (self.user == "app" and not self.world.target_password)

    def validate_password(self, username: str, password: str) -> bool:
        self.world.tries += 1
        if self.world.password_expired:
            raise asyncssh.PasswordChangeRequired("Password expired")
        return (username, password) == (USER, PASSWORD)

    def kbdint_auth_supported(self) -> bool:
        return self.world.offers_dialogue

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Any:
        return "", "", "", [("Password: ", False)]

    def validate_kbdint_response(self, username: str, responses: Any) -> bool:
        self.world.tries += 1
        return (username, list(responses)) == (USER, [PASSWORD])

    def public_key_auth_supported(self) -> bool:
        return self.world.offers_keys

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == USER and key.public_data == self.world.key.public_data

    def session_requested(self) -> Any:
        sftp = asyncssh.SFTPServer if self.world.has_sftp else None
        return SSHServerProcess(self.world.carry_out, sftp, 3, False)


class SshWorld(World):
    """One user of the host, who holds what the uses need: sudo for two commands, a directory, SFTP."""

    credentials: ClassVar = {"password": {}, "ssh-key": {}}
    uses: ClassVar = {ROTATION: {}, FILES: {}, CERTIFICATES: {}}
    offers: ClassVar = {"accounts": ({}, ["app"]), "folders": ({}, ["/etc", "/usr"])}
    private_allowed = True
    shared = True  # the folders are those of the machine

    def __init__(self) -> None:
        self.key, self.host_key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
        self.sealed = self.key.export_private_key(
            "openssh", passphrase=PASSPHRASE, rounds=2, ignore_few_rounds=True
        ).decode()
        self.tries = 0
        self.connections: list[asyncssh.SSHServerConnection] = []
        self.offers_password = self.offers_keys = self.has_sftp = self.target_password = True
        self.offers_dialogue = self.lets_everyone_in = self.password_expired = False
        self.forced = ""
        self.sudo = {CHPASSWD, CHOWN, "/usr/bin/systemctl"}
        self.said = {
            "HOST_USER": USER, "HOST_UID": "1000", "HOST_GROUPS": USER, "HOST_SHELL": "/bin/bash",
            "HOST_ENDS": "Jan 02, 2031",
        }  # fmt: skip
        self._open = ExitStack()
        self._loop = asyncio.new_event_loop()

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="jackfield-host-"))
        self._open.callback(shutil.rmtree, self.folder)
        self.directory = self.folder / "certificates"
        self.directory.mkdir()
        self.uses = {
            ROTATION: {"account": "app"},
            FILES: {"directory": str(self.directory), "owner": "yes", "command": "/usr/bin/systemctl reload nginx"},
            CERTIFICATES: {},
        }
        for name, script in TOOLS.items():
            tool = self.folder / name
            tool.write_text(f"#!/bin/sh\n{script}\n")
            tool.chmod(0o755)
        thread = threading.Thread(target=self._loop.run_forever, name="host", daemon=True)
        thread.start()
        self._open.callback(self._loop.close)
        self._open.callback(thread.join, 10)
        self._open.callback(self._loop.call_soon_threadsafe, self._loop.stop)
        listening = asyncssh.listen(
            HOST, 0, server_factory=lambda: Host(self), server_host_keys=[self.host_key], keepalive_interval=0
        )
        self.acceptor = self._do(listening)
        self.port = self.acceptor.get_port()
        self._open.callback(self._stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def _do(self, work: Any) -> Any:
        """The result of something awaitable, run in the host's own thread."""

        async def done() -> Any:
            return await work

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result(10)

    def _stop(self) -> None:
        async def stop() -> None:
            self.acceptor.close()
            await self.acceptor.wait_closed()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            await asyncio.wait(others, timeout=5) if others else None

        self._do(stop())

    async def carry_out(self, process: asyncssh.SSHServerProcess[str]) -> None:
        """Run a command in a real shell with the host's tools first in its path."""
        allowed = "".join(f"<{command}>" for command in self.sudo)
        environment = {"PATH": f"{self.folder}:{os.defpath}", "HOST_SUDO": allowed, **self.said}
        shell = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", self.forced or process.command or "", env=environment,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await shell.communicate()
        process.stdout.write(out.decode())
        process.stderr.write(err.decode())
        process.exit(shell.returncode or 0)

    def network(self) -> Network:
        return Network()

    def fields(self, method: str) -> dict[str, Any]:
        known = {"host": HOST, "port": self.port, "username": USER, "hostKey": self.host_key.get_fingerprint()}
        if method == "password":
            return {**known, "password": PASSWORD}
        return {**known, "privateKey": self.sealed, "passphrase": PASSPHRASE}

    def wrong_fields(self, method: str) -> dict[str, Any]:
        if method == "password":
            return {**self.fields(method), "password": "pw-of-nobody"}
        other = asyncssh.generate_private_key("ssh-ed25519").export_private_key("openssh").decode()
        return {**self.fields(method), "privateKey": other, "passphrase": ""}

    def remove(self, method: str, use: str, permission: str) -> None:
        match permission:
            case "root login, or sudo NOPASSWD for chpasswd":
                self.sudo.discard(CHPASSWD)
            case "root or passwordless sudo for chown":
                self.sudo.discard(CHOWN)
            case "sftp subsystem":
                self.has_sftp = False
            case "write on {target.directory}":
                self.directory.rmdir()
            case "password login for the target":
                self.target_password = False
            case _:
                raise AssertionError(permission)

    def unneeded(self, method: str, use: str, permission: str) -> bool:
        return permission == "an interactive shell with passwd"

    def revoke(self, method: str) -> None:
        """As after passwd -l, an emptied authorized_keys and pkill -u: no new login, and no session goes on."""
        self.offers_password = self.offers_keys = False

        async def kill() -> None:
            for connection in self.connections:
                connection.abort()

        self._do(kill())

    def add_excess(self, method: str) -> str:
        self.said["HOST_GROUPS"] = f"{USER} docker"
        return "docker"

    def methods_for_failure(self, failure: str) -> list[str]:
        if failure == "password-expired":
            return ["password"]
        return ["ssh-key"] if failure.startswith(("passphrase", "key-")) else ["password", "ssh-key"]

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        fields = self.fields(method)
        match failure:
            case "refused":
                return self.wrong_fields(method)
            case "not-offered":
                self.offers_password = self.offers_keys = False
                self.offers_dialogue = method == "ssh-key"
                return None
            case "password-expired":
                self.password_expired = True
                return None
            case "host-key-unknown":
                return {**fields, "hostKey": ""}
            case "host-key-changed":
                return {**fields, "hostKey": self.key.get_fingerprint()}
            case "passphrase-needed":
                return {**fields, "passphrase": ""}
            case "passphrase-wrong":
                return {**fields, "passphrase": "phrase-of-nobody"}
            case "key-unreadable":
                broken = "-----BEGIN OPENSSH PRIVATE KEY-----\nbm90IGEga2V5\n-----END OPENSSH PRIVATE KEY-----"
                return {**fields, "privateKey": broken, "passphrase": ""}
            case "closed":
                return {**fields, "port": self._another(b"")}
            case "not-ssh":
                return {**fields, "port": self._another(b"SSH-1.5-old\r\n")}
            case "no-common-algorithm":
                return {**fields, "port": self._old_server()}
        raise AssertionError(failure)

    def _another(self, says: bytes) -> int:
        place = self._open.enter_context(answers(says))
        place.received += b"\r\n\r\n"  # it answers at once
        return place.port

    def _old_server(self) -> int:
        """A server that offers only what is broken today, and waits for the client to leave."""
        offers = [
            b"diffie-hellman-group1-sha1",
            b"ssh-dss",
            *[b"3des-cbc"] * 2,
            *[b"hmac-md5"] * 2,
            *[b"none"] * 2,
            b"",
            b"",
        ]
        lists = b"".join(struct.pack(">I", len(offer)) + offer for offer in offers)
        payload = bytes([20]) + bytes(16) + lists + bytes(5)
        padding = 16 - (len(payload) + 5) % 8
        packet = struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding)

        def talk(client: socket.socket, place: Place) -> None:
            client.sendall(b"SSH-2.0-old\r\n" + packet)
            while client.recv(65536):
                pass

        return self._open.enter_context(serves(talk)).port
