"""SSH with asyncssh: the host key is judged before any secret is sent; one login, then harmless commands and SFTP."""

import asyncio
import base64
import contextlib
import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from jackfield.net.failure import SessionEnded
from jackfield.net.network import Route
from jackfield.providers.contract.call import Call
from jackfield.providers.contract.functions import shell_word
from jackfield.text import cleaned

if TYPE_CHECKING:
    import asyncssh

_OUTPUT_LIMIT: Final = 64 * 1024
_AT_ONCE: Final = 4  # commands; a server allows ten channels a connection
_LISTED: Final = 1000
_PINNED: Final = re.compile(
    r"(?P<digest>SHA256:[A-Za-z0-9+/]{43})"
    r"|(?P<kind>(?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+)\s+(?P<key>AAAA[A-Za-z0-9+/=]+)"
)


class _Refused(Exception):
    """The login did not come about; `code` is what rules read."""

    def __init__(self, code: str, **details: object) -> None:
        super().__init__(code)
        self.code = code
        self.details = details


class _Pin:
    """Host keys the user approved: fingerprints, public keys, or known_hosts lines, also of an authority."""

    def __init__(self, text: str) -> None:
        self.digests: set[str] = set()
        self.authorities: set[str] = set()
        self.kinds: list[str] = []
        for line in text.splitlines():
            for found in _PINNED.finditer(line):
                digest = found["digest"] or _digest(found["key"])
                (self.authorities if line.lstrip().startswith("@cert-authority") else self.digests).add(digest)
                if found["kind"] and digest in self.digests:
                    self.kinds.append(found["kind"])

    def __bool__(self) -> bool:
        return bool(self.digests or self.authorities)

    def algorithms(self) -> str | tuple[()]:
        """What to prefer, so that the server shows the approved key and not another of its own."""
        names = ("rsa-sha2-512,rsa-sha2-256" if kind == "ssh-rsa" else kind for kind in self.kinds)
        return "^" + ",".join(names) if self.kinds else ()


def _digest(key: str) -> str:
    data = base64.b64decode(key + "=" * (-len(key) % 4))
    return "SHA256:" + base64.b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


class _Session:
    """The one connection, and how it came about."""

    def __init__(self, connection: "asyncssh.SSHClientConnection", host: str, *, asked: bool, fingerprint: str) -> None:
        self.connection = connection
        self._host = host
        self.asked = asked
        self.fingerprint = fingerprint
        self.turn = asyncio.Semaphore(_AT_ONCE)

    def check_goes_on(self) -> None:
        """Raises SessionEnded where the server has hung up: what it did not answer then says nothing."""
        if self.connection.is_closed():
            raise SessionEnded(self._host)


def _route(call: Call) -> Route:
    return call.network.route(
        call.text("host"), call.number("port", 22), deadline=call.deadline, trace=call.trace,
        private_allowed=call.private_allowed,
    )  # fmt: skip


async def _session(call: Call) -> _Session:
    return await call.once("session", lambda: _open(call))


async def _open(call: Call) -> _Session:
    """The login. Raises _Refused and NetFailure."""
    import asyncssh

    key = await asyncio.to_thread(_read_key, call)  # a passphrase takes half a second of computing
    pin = _Pin(call.text("hostKey"))
    route = _route(call)
    connection = await route.open_socket()
    call.cleanup.callback(connection.close)
    client = _new_client(pin, call.text("password"), key)
    try:
        session, _ = await asyncssh.create_connection(
            lambda: client, route.host, route.port, sock=connection, username=call.text("username"), config=None,
            known_hosts=([], [], []), server_host_key_algs=pin.algorithms(), client_keys=None, agent_path=None,
            pkcs11_provider=None, gss_host=None, preferred_auth=["publickey"] if key else client.ways,
            x509_trusted_certs=None,
        )  # fmt: skip
    except asyncssh.HostKeyNotVerifiable:
        code = "host-key-changed" if pin else "host-key-unknown"
        raise _Refused(code, fingerprint=client.fingerprint, algorithm=client.algorithm) from None
    except asyncssh.PermissionDenied:
        raise _Refused("password-expired" if client.expired else "refused" if client.asked else "not-offered") from None
    except asyncssh.KeyExchangeFailed:
        raise _Refused("no-common-algorithm") from None
    except (asyncssh.ProtocolError, asyncssh.ProtocolNotSupported):
        raise _Refused("not-ssh") from None
    except (asyncssh.Error, OSError):
        raise _Refused("closed") from None

    async def close() -> None:
        session.close()
        with contextlib.suppress(OSError, asyncssh.Error):
            await session.wait_closed()

    call.cleanup.push_async_callback(close)
    return _Session(session, route.host, asked=client.asked, fingerprint=client.fingerprint)


def _read_key(call: Call) -> "asyncssh.SSHKey | None":
    import asyncssh

    text, passphrase = call.text("privateKey"), call.text("passphrase")
    if not text:
        return None
    try:
        return asyncssh.import_private_key(text, passphrase or None)
    except asyncssh.KeyEncryptionError:
        raise _Refused("passphrase-wrong" if passphrase else "passphrase-needed") from None
    except asyncssh.KeyImportError as error:
        raise _Refused("passphrase-needed" if "assphrase must be" in str(error) else "key-unreadable") from None


def _new_client(pin: _Pin, password: str, key: "asyncssh.SSHKey | None") -> Any:  # a class that needs asyncssh to exist
    import asyncssh

    class Client(asyncssh.SSHClient):
        """Judges the host key, and gives the one secret at most once."""

        ways: Sequence[str] = ("password", "keyboard-interactive")
        fingerprint = ""
        algorithm = ""
        asked = False
        expired = False

        def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
            del host, addr, port
            self.fingerprint, self.algorithm = key.get_fingerprint(), key.get_algorithm()
            return self.fingerprint in pin.digests

        def validate_host_ca_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
            del host, addr, port
            self.fingerprint, self.algorithm = key.get_fingerprint(), key.get_algorithm()
            return self.fingerprint in pin.authorities

        def public_key_auth_requested(self) -> asyncssh.SSHKey | None:
            return None if self._is_used() else key

        def password_auth_requested(self) -> str | None:
            return None if self._is_used() else password

        def password_change_requested(self, prompt: str, lang: str) -> Any:
            self.expired = True
            return super().password_change_requested(prompt, lang)

        def kbdint_auth_requested(self) -> str | None:
            return None if self.asked else ""

        def kbdint_challenge_received(
            self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
        ) -> list[str] | None:
            del name, instructions, lang
            if not prompts:
                return []
            return None if len(prompts) > 1 or self._is_used() else [password]

        def _is_used(self) -> bool:
            used, self.asked = self.asked, True
            return used

    return Client()


# --- facts about the login ---------------------------------------------------------------------------------------


async def log_in(call: Call) -> Mapping[str, object]:
    """`error` (empty when it worked), `fingerprint` of the host key, the server's `version`, and whether it `asked`."""
    try:
        session = await _session(call)
    except _Refused as refused:
        return {"error": refused.code, "fingerprint": "", "algorithm": "", **refused.details}
    version = session.connection.get_extra_info("server_version", "")
    return {
        "error": "",
        "asked": session.asked,
        "fingerprint": session.fingerprint,
        "version": cleaned(str(version), limit=100),
    }


async def read_login_methods(call: Call) -> Mapping[str, object]:
    """`methods` the server offers to the `user`, asked without any secret over a connection of its own."""
    import asyncssh

    route = _route(call)
    connection = await route.open_socket()
    try:
        methods = await asyncssh.get_server_auth_methods(
            route.host, route.port, str(call.arguments["user"]), sock=connection, config=None
        )
    except (asyncssh.Error, OSError):
        return {"undecided": True}
    finally:
        connection.close()
    return {"methods": [cleaned(method, limit=60) for method in methods]}


# --- commands ----------------------------------------------------------------------------------------------------


async def run(call: Call) -> Mapping[str, object]:
    """One `command` in a POSIX shell: `ran`, and if so `status`, the last line of its output `out`, and `err`.

    A mark behind the command shows that a shell carried it out: a forced command or another shell does not know it.
    """
    done = await _run(call, str(call.arguments["command"]))
    if done is None:
        return {"ran": False}
    status, out, err = done
    last = next((line for line in reversed(out.splitlines()) if line.strip()), "")
    return {"ran": True, "status": status, "out": cleaned(last, limit=300), "err": cleaned(err, limit=300)}


async def _run(call: Call, command: str) -> tuple[int, str, str] | None:
    import asyncssh

    session = await _session(call)
    marked = f"LC_ALL=C; export LC_ALL; ({command}) </dev/null; printf '\\n%s:%s' {call.random} $?"
    async with session.turn:
        try:
            async with session.connection.create_process(marked, errors="replace") as process:
                out = await _read(process.stdout)
                err = await _read(process.stderr)
        except (asyncssh.Error, OSError):
            out = ""
    session.check_goes_on()
    before, mark, status = out.rpartition(f"{call.random}:")
    return (int(status), before, err) if mark and status.strip().isdigit() else None


async def _read(stream: Any) -> str:
    """What a stream of a command says, up to a limit."""
    text = ""
    while len(text) < _OUTPUT_LIMIT and (part := await stream.read(_OUTPUT_LIMIT)):
        text += part
    return text


async def read_aging(call: Call) -> Mapping[str, object]:
    """`expires` of the account's password or of the account, by chage: ISO 8601, or None when it says never."""
    done = await _run(call, f"chage -l {shell_word(call.text('username'))}")
    if done is None or done[0] != 0:
        return {}
    said = re.findall(r"^(?:Password|Account) expires\s*: *(.+?)\s*$", done[1], re.MULTILINE)
    ends = [end for text in said if (end := _date(text))]
    if ends:
        return {"expires": min(ends).isoformat()}
    return {"expires": None} if said and all(text == "never" for text in said) else {}


def _date(text: str) -> datetime | None:
    for form in ("%b %d, %Y", "%Y-%m-%d"):
        with contextlib.suppress(ValueError):
            return datetime.strptime(text, form).replace(tzinfo=UTC)
    return None


# --- files and listings ------------------------------------------------------------------------------------------


async def read_folder(call: Call) -> Mapping[str, object]:
    """Over SFTP: `sftp` whether the subsystem answers, `folder` whether the `path` is one, and the `names` below it."""
    import asyncssh
    import asyncssh.sftp

    session = await _session(call)
    path = str(call.arguments["path"])
    try:
        async with session.turn, session.connection.start_sftp_client() as sftp:
            try:
                folder = await sftp.isdir(path)
                listed = await _folders(sftp, path) if folder and call.arguments.get("list") else []
            except asyncssh.SFTPError:
                folder, listed = False, []
    except (asyncssh.SFTPError, asyncssh.ChannelOpenError):
        session.check_goes_on()
        return {"sftp": False}
    except (asyncssh.Error, OSError):
        session.check_goes_on()
        return {"undecided": True}
    return {"sftp": True, "folder": folder, "names": listed}


async def _folders(sftp: "asyncssh.SFTPClient", path: str) -> list[str]:
    names: list[str] = []
    async for entry in sftp.scandir(path):
        if entry.attrs.type == 2 and str(entry.filename) not in {".", ".."}:
            names.append(cleaned(str(entry.filename), limit=200))
        if len(names) == _LISTED:
            break
    return sorted(names)


async def list_accounts(call: Call) -> Mapping[str, object]:
    """`names` of the accounts of people on the host: user ids from 1000 with a login shell."""
    done = await _run(call, "getent passwd")
    if done is None or done[0] != 0:
        return {}
    accounts = [line.split(":") for line in done[1].splitlines() if line.count(":") == 6]
    people = (
        account[0]
        for account in accounts
        if account[2].isdigit() and int(account[2]) >= 1000 and not account[6].endswith(("nologin", "false"))
    )
    return {"names": sorted(cleaned(name, limit=100) for name in people)[:_LISTED]}
