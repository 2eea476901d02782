"""SMB as it is: a Samba server with accounts that may reset passwords, may administer, both, or nothing."""

import contextlib
import socket
import struct
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ClassVar, Self

from jackfield.net.network import Network
from providers.contract import World
from support.servers.room import HOST, ServerRoom, program, require_root, run, unique
from support.servers.sessions import kill_sessions
from support.serving import Place, serves

METHOD = "credentials"
ROTATION, LISTING = "secret-rotation/local-account", "other/list-accounts"
RESET, TOKEN = "USER_FORCE_PASSWORD_CHANGE (0x80) on the target", "unfiltered administrator token over the network"
PASSWORD = "Pw-0f-Samba!"


@dataclass(frozen=True, slots=True)
class Samba:
    """smbd with encryption; `full` may reset and administer, `resetter` and `admin` one of both, `target` nothing.

    Members of the machine's group `administrators` are Administrators, as Windows means it.
    """

    port: int
    full: str
    resetter: str
    admin: str
    target: str
    disabled: str
    administrators: str
    settings: str
    guests: str = "Never"
    host: str = HOST

    @classmethod
    def start(cls, room: ServerRoom) -> "Samba":
        return _start(cls, room)


@dataclass(frozen=True, slots=True)
class GuestSamba(Samba):
    """The same, but a name nobody has becomes a guest."""

    guests: str = "Bad User"

    @classmethod
    def start(cls, room: ServerRoom) -> "GuestSamba":
        return _start(cls, room)


def _start(kind: Any, room: ServerRoom) -> Any:
    require_root("a server that knows accounts needs users of the machine")
    daemon, smbpasswd, net = (
        program("smbd", "samba"),
        *(program(name, "samba-common-bin") for name in ("smbpasswd", "net")),
    )
    groupadd, groupdel = program("groupadd", "passwd"), program("groupdel", "passwd")
    folder, port = room.new_folder("samba"), room.free_port()
    users = [unique("jf") for _ in range(5)]
    group, written = unique("jfg"), folder / "smb.conf"
    server = kind(port, *users, group, str(written))
    for name in ("private", "lock", "state", "cache", "pid", "ncalrpc", "admin"):
        (folder / name).mkdir()
    settings = {
        "server role": "standalone server", "netbios name": "JACK", "interfaces": HOST, "bind interfaces only": "yes",
        "smb ports": port, "disable netbios": "yes", "private dir": folder / "private",
        "lock directory": folder / "lock",
        "state directory": folder / "state", "cache directory": folder / "cache", "pid directory": folder / "pid",
        "ncalrpc dir": folder / "ncalrpc", "log file": folder / "smbd.log", "map to guest": server.guests,
        "load printers": "no", "disable spoolss": "yes", "enable privileges": "yes",
    }  # fmt: skip
    admins = f"{server.full} {server.admin} @{group}"
    written.write_text(
        "[global]\n"
        + "".join(f"{name} = {value}\n" for name, value in settings.items())
        + f"[ADMIN$]\npath = {folder / 'admin'}\nread only = yes\nvalid users = {admins}\n"
    )
    useradd, userdel = program("useradd", "passwd"), program("userdel", "passwd")
    run(groupadd, group)
    room.at_end([groupdel, group])
    builtin = ("sid=S-1-5-32-544", "ntgroup=Administrators", f"unixgroup={group}", "type=builtin")
    run(net, "-s", written, "groupmap", "add", *builtin)
    for user in users:
        run(useradd, "--no-create-home", "--home-dir", "/", "--shell", "/bin/false", user)
        room.at_end([userdel, "--force", user])
        run(smbpasswd, "-c", written, "-s", "-a", user, text=f"{PASSWORD}\n{PASSWORD}\n")
    run(smbpasswd, "-c", written, "-d", server.disabled)
    for user in (server.full, server.resetter):
        run(net, "-s", written, "sam", "rights", "grant", user, "SeAddUsersPrivilege")
    room.start([daemon, "-F", "--no-process-group", "-s", written, "--debug-stdout"], folder=folder, port=port)
    return server


@contextlib.contextmanager
def pasted(server: Samba, lines: str, user: str) -> Iterator[None]:
    """The account that PowerShell lines make: what each of them does on Windows is done to Samba's accounts.

    Samba knows no filtered tokens, so the registry value that lifts the filter has nothing to change there.
    """
    smbpasswd = program("smbpasswd", "samba-common-bin")
    useradd, usermod, userdel = (program(name, "passwd") for name in ("useradd", "usermod", "userdel"))
    done = {
        f"New-LocalUser -Name '{user}' -Password (Read-Host -AsSecureString)": (
            (useradd, "--no-create-home", "--home-dir", "/", "--shell", "/bin/false", user),
            (smbpasswd, "-c", server.settings, "-s", "-a", user),
        ),
        f"Add-LocalGroupMember -Group Administrators -Member '{user}'": (
            (usermod, "--append", "--groups", server.administrators, user),
        ),
    }
    try:
        for line in lines.splitlines():
            if not line.startswith(("#", "New-ItemProperty ")):
                for command in done[line]:
                    run(*command, text=f"{PASSWORD}\n{PASSWORD}\n")
        yield
    finally:
        run(smbpasswd, "-c", server.settings, "-x", user)
        run(userdel, "--force", user)


class SmbWorld(World):
    """An account that may reset passwords and administer; its rights are taken away by taking another account."""

    credentials: ClassVar = {METHOD: {}}
    uses: ClassVar = {ROTATION: {}, LISTING: {}}
    private_allowed = True
    shared = True  # accounts that tests paste

    def __init__(self, server: Samba) -> None:
        self.server = server
        self.user = server.full
        accounts = (server.full, server.resetter, server.admin, server.target, server.disabled)
        self.offers = {"names": ({}, sorted(accounts))}  # type: ignore[misc]  # the names are the server's own
        self.uses = {ROTATION: {"account": server.target}, LISTING: {}}
        self.open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open.close()

    def network(self) -> Network:
        return Network()

    def fields(self, method: str) -> dict[str, Any]:
        return {"host": HOST, "port": self.server.port, "username": self.user, "password": PASSWORD}

    def wrong_fields(self, method: str) -> dict[str, Any]:
        return {**self.fields(method), "password": "pw-of-nobody"}

    def remove(self, method: str, use: str, permission: str) -> None:
        self.user = {RESET: self.server.admin, TOKEN: self.server.resetter}[permission]

    def unneeded(self, method: str, use: str, permission: str) -> bool:
        return permission == "USER_CHANGE_PASSWORD (0x40)"

    def revoke(self, method: str) -> None:
        """As Close-SmbSession does on Windows: the session is gone. The account is others' too, and stays."""
        kill_sessions(self.server.port)

    def fail(self, failure: str, method: str) -> dict[str, Any] | None:
        if failure == "bad-login":
            return self.wrong_fields(method)
        if failure == "disabled":
            self.user = self.server.disabled
            return None
        place = self.open.enter_context(scripted(STATUSES.get(failure, 0), 0x0300 if failure in STATUSES else 0x0210))
        return {**self.fields(method), "port": place.port}


# Failure → the status with which a login ends.
STATUSES = {
    "refused": 0xC0000022, "locked": 0xC0000234, "password-expired": 0xC0000071, "must-change": 0xC0000224,
    "not-over-the-network": 0xC000015B,
}  # fmt: skip


def scripted(status: int, dialect: int) -> AbstractContextManager[Place]:
    """A server that agrees on a dialect, and ends every login with `status`."""

    def talk(client: socket.socket, place: Place) -> None:
        with client.makefile("rb") as stream:
            while head := stream.read(4):
                request = stream.read(int.from_bytes(head, "big"))
                command, number = struct.unpack_from("<H", request, 12)[0], request[24:32]
                body, code = (
                    (negotiated(dialect), 0) if command == 0 else (struct.pack("<HBBIB", 9, 0, 0, 0, 0), status)
                )
                header = struct.pack("<4sHHIHHII", b"\xfeSMB", 64, 1, code, command, 64, 1, 0)
                answer = header + number + struct.pack("<IIQ16x", 0, 0, 1) + body
                client.sendall(len(answer).to_bytes(4, "big") + answer)

    return serves(talk)


def negotiated(dialect: int) -> bytes:
    """The body of an answer to a negotiation: signing and encryption are known."""
    sizes = struct.pack("<IIII", 0x40, 65536, 65536, 65536)
    return struct.pack("<HHHH", 65, 1, dialect, 0) + bytes(16) + sizes + bytes(16) + struct.pack("<HHI", 128, 0, 0)
