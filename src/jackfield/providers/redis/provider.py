"""Redis over one connection of ours: one login, then harmless commands. Password hashes never leave this file."""

import asyncio
import contextlib
import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from jackfield.model.check import FailureKind
from jackfield.model.secret import Secret
from jackfield.net.failure import NetFailure, SessionEnded, explain
from jackfield.providers.contract.call import Call
from jackfield.providers.contract.sql import find_route
from jackfield.text import cleaned

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection

# What the server says → the word that rules read. First match counts; anything else is told by its first word.
_SAYINGS: Final = (
    (r"no permissions? to|^NOPERM", "NOPERM"),
    (r"without any password configured|no password is set", "NO-PASSWORD-SET"),
    (r"^ERR invalid password", "WRONGPASS"),
    (r"max number of clients", "MAX-CLIENTS"),
    (r"Error in ACL SETUSER modifier", "BAD-MODIFIER"),
    (r"^ERR (?:EXEC|DISCARD) without MULTI", "NO-MULTI"),
    (r"unknown (?:sub)?command", "UNKNOWN-COMMAND"),
    (r"wrong number of arguments", "ARGUMENTS"),
    (r"^-?DENIED", "DENIED"),
)
# Redis 7.0 sums up `+multi +exec +discard` as `+@transaction -watch -unwatch`.
_TRANSACTION: Final = ("multi", "exec", "discard", "watch", "unwatch")
_FIRST_WORD: Final = re.compile(r"-?([A-Z][A-Z-]*)\b")


class _Refused(Exception):
    """The server answered with an error; `code` is its word, as in `_SAYINGS`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Session:
    """One connection, one command at a time. `hello` is what the login answered."""

    def __init__(self, connection: "AbstractConnection", host: str, port: int) -> None:
        self.hello: dict[str, Any] = {}
        self.logged_in = False
        self._connection = connection
        self._place = host, port
        self._turn = asyncio.Lock()

    async def run(self, *words: str | int) -> Any:
        """The answer to one command. Raises _Refused for an error the server named, NetFailure for a broken line."""
        from redis.exceptions import ConnectionError as Broken
        from redis.exceptions import InvalidResponse, RedisError, ResponseError

        async with self._turn:
            try:
                await self._connection.send_command(*words)
                return await self._connection.read_response()
            except InvalidResponse:
                raise _Refused("NOT-REDIS") from None
            except (ResponseError, Broken) as error:
                code = _code(error)
                if code:
                    raise _Refused(code) from None
                raise self._broken(error) from None
            except (RedisError, OSError) as error:
                raise self._broken(error) from None

    def _broken(self, error: Exception) -> NetFailure:
        host, port = self._place
        return SessionEnded(host) if self.logged_in else explain(error.__cause__ or EOFError(), host, port)


def _code(error: Exception) -> str:
    """The word for an error of the server; empty for one of the line to it."""
    text = " ".join(filter(None, (getattr(error, "status_code", None), *map(str, error.args))))
    for pattern, code in _SAYINGS:
        if re.search(pattern, text):
            return code
    word = _FIRST_WORD.match(text)
    return word[1] if word else ""


async def _session(call: Call) -> _Session:
    return await call.once("session", lambda: _open(call))


async def _open(call: Call) -> _Session:
    """A connected session over an address that was judged and TLS that was verified; nobody is logged in yet."""
    from redis.asyncio.connection import AbstractConnection
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    route = await find_route(call, 6379)
    host, port = route.host, route.port
    reader, writer = await route.open_stream(tls=call.tls is not None)

    class Connection(AbstractConnection):
        """Speaks over the stream that is open already, says nothing of its own, and never connects again."""

        def __init__(self) -> None:
            super().__init__(
                protocol=3,
                decode_responses=True,
                encoding_errors="replace",
                socket_timeout=None,  # the check's own deadline holds
                retry=Retry(NoBackoff(), 0),
            )
            self._reader, self._writer = reader, writer
            self._parser.on_connect(self)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped

        async def _connect(self) -> None:
            raise EOFError

        def _host_error(self) -> str:
            return f"{host}:{port}"

        def repr_pieces(self) -> list[tuple[str, str | int]]:
            return [("host", host), ("port", port)]

    connection = Connection()
    call.cleanup.push_async_callback(_close, connection, writer)
    return _Session(connection, host, port)


async def _close(connection: "AbstractConnection", writer: asyncio.StreamWriter) -> None:
    """Close the stream and wait for it; after an error redis-py has let go of it without waiting."""
    from redis.exceptions import RedisError

    with contextlib.suppress(RedisError, OSError):
        await connection.disconnect(nowait=True)
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


# --- the login ---------------------------------------------------------------------------------------------------


async def log_in(call: Call) -> Mapping[str, object]:
    """The one login: `error` (empty when it worked), `version`, `mode`, `role`, and `nopass` for a user who needs none.

    Redis never locks a user out, so asking once more with a password that cannot be right costs nothing; without it any
    password of a `nopass` user, such as `default` on a fresh server, would look right.
    """
    session = await _session(call)
    username, password = call.text("username") or "default", call.text("password")
    try:
        hello = await _greet(session, username, password)
    except _Refused as refused:
        return {"error": refused.code}
    except NetFailure:
        if call.tls is None:
            return {"error": "CLOSED"}
        raise
    session.hello, session.logged_in = hello, True
    open_to_all = await _takes_any_password(call, username) if password and hello else not password
    return {
        "error": "",
        "nopass": open_to_all,
        "username": username,
        **{name: cleaned(str(hello.get(name, "")), limit=60) for name in ("server", "version", "mode", "role")},
    }


async def _greet(session: _Session, username: str, password: str) -> dict[str, Any]:
    """What HELLO says of the server. Servers before 6 do not know it: there AUTH takes the password alone."""
    credential = ("AUTH", username, password) if password or username != "default" else ()
    try:
        answer = await session.run("HELLO", 3, *credential)
    except _Refused as refused:
        if refused.code != "UNKNOWN-COMMAND":
            raise
        if username != "default":
            raise _Refused("NO-USERS") from None
        if password:
            await session.run("AUTH", password)
        else:
            await session.run("PING")
        return {}
    if not isinstance(answer, dict) or "version" not in answer:
        raise _Refused("NOT-REDIS")
    return answer


async def _takes_any_password(call: Call, username: str) -> bool:
    """Whether a password that cannot be right is accepted as well, asked on a connection of its own: the user is
    `nopass`."""
    session = await _open(call)
    try:
        await session.run("AUTH", username, secrets.token_urlsafe(24))
    except _Refused:
        return False
    return True


async def who_am_i(call: Call) -> Mapping[str, object]:
    """`name`: the user of this connection; the name that the login took where ACL WHOAMI may not be asked."""
    session = await _session(call)
    try:
        name = str(await session.run("ACL", "WHOAMI"))
    except _Refused:
        name = call.text("username") or "default"
    return {"name": cleaned(name, limit=200)}


# --- rights ------------------------------------------------------------------------------------------------------


async def attempt(call: Call) -> Mapping[str, object]:
    """One command that can do no harm, given as `words`: `said` is the server's word for its error, or OK."""
    words = call.arguments["words"]
    return {"said": await _said(await _session(call), *(words if isinstance(words, list) else []))}


async def transaction(call: Call) -> Mapping[str, object]:
    """`may`: multi, exec and discard → whether the user may. MULTI is only sent where one of the others can end it."""
    session = await _session(call)
    may: dict[str, bool] = {}
    for command in ("exec", "discard"):
        said = await _said(session, command.upper())
        if said in {"NO-MULTI", "NOPERM"}:
            may[command] = said == "NO-MULTI"
    ending = next((command for command, held in may.items() if held), None)
    if ending is not None:
        said = await _said(session, "MULTI")
        if said == "OK":
            await _said(session, ending.upper())
        if said in {"OK", "NOPERM"}:
            may["multi"] = said == "OK"
    return {"may": may}


async def _said(session: _Session, *words: str) -> str:
    try:
        await session.run(*words)
    except _Refused as refused:
        return refused.code
    return "OK"


async def rehearse(call: Call) -> Mapping[str, object]:
    """`may`: command → what ACL DRYRUN says of this user; empty where DRYRUN is not allowed or not known (before 7)."""
    session = await _session(call)
    may: dict[str, bool] = {}
    commands = call.arguments["commands"]
    for command in commands if isinstance(commands, list) else []:
        words = [*command.upper().split("|"), *(["x"] if command in {"acl|setuser", "acl|deluser"} else [])]
        try:
            answer = await session.run("ACL", "DRYRUN", call.text("username") or "default", *words)
        except _Refused:
            break
        if answer == "OK":
            may[command] = True
        elif isinstance(answer, str) and "no permissions to run" in answer:
            may[command] = False
    return {"may": may}


async def read_account(call: Call) -> Mapping[str, object]:
    """The user's own rules without its password hashes: `flags`, `rules` (what is granted), `exact` and `wider`.

    `exact` and `wider` tell of each of the `commands` whether a rule names it, or a wider rule allows it; a command
    that a category other than @all may decide stands in neither.
    """
    session = await _session(call)
    try:
        answer = await session.run("ACL", "GETUSER", call.text("username") or "default")
    except _Refused as refused:
        return {"error": refused.code}
    if not isinstance(answer, dict):
        return {"error": "UNKNOWN"}
    parts = [answer, *(part for part in answer.get("selectors", []) if isinstance(part, dict))]
    lists = [_spelled_out(str(part.get("commands", "")).split()) for part in parts]
    commands = call.arguments["commands"]
    exact, wider = _judge(lists, commands if isinstance(commands, list) else [])
    granted = sorted({rule for rules in lists for rule in rules if rule.startswith("+")})
    return {
        "error": "",
        "flags": [cleaned(str(flag), limit=60) for flag in answer.get("flags", [])],
        "rules": [cleaned(rule, limit=200) for rule in granted],
        "exact": exact,
        "wider": wider,
    }


def _spelled_out(rules: Iterable[str]) -> list[str]:
    """Command rules with @transaction replaced by its commands, and without grants that are taken back."""
    done: list[str] = []
    for rule in rules:
        if rule[1:] == "@transaction":
            done += [rule[0] + command for command in _TRANSACTION]
            continue
        if rule[0] == "-" and "+" + rule[1:] in done:
            done.remove("+" + rule[1:])
        done.append(rule)
    return done


def _judge(lists: list[list[str]], commands: Iterable[str]) -> tuple[dict[str, bool], dict[str, bool]]:
    """`exact` and `wider` over the root rules and every selector: one list that allows a command is enough."""
    exact: dict[str, bool] = {}
    wider: dict[str, bool] = {}
    for command in commands:
        verdicts = [_last_word(rules, command) for rules in lists]
        if None in verdicts:
            continue
        exact[command] = f"+{command}" in verdicts
        wider[command] = any(verdict for verdict in verdicts if verdict and verdict.startswith("+"))
    return exact, wider


def _last_word(rules: Iterable[str], command: str) -> str | None:
    """The last rule about a command; empty without one, None when a category that is not @all may come after it."""
    names = {command, command.partition("|")[0], "@all"}
    last: str | None = ""
    for rule in rules:
        if rule[1:] in names:
            last = rule
        elif rule[1:2] == "@":
            last = None
    return last


async def change_password(call: Call, new: Secret) -> None:
    """Exchange the user's own password and save the ACL file, in one transaction. Raises NetFailure.

    The server is told hashes, and refuses to take away one that is not there. Nothing is changed where nothing could be
    saved: the old password would be back after a restart.
    """
    session = await _session(call)
    try:
        await _exchange(session, call.text("username") or "default", call.text("password"), new.reveal())
    except _Refused:
        message = "Redis did not change the password."
        hint = "Test the connection; the user needs +acl|setuser, +acl|save, +multi and +exec, the server an ACL file."
        raise NetFailure(FailureKind.FORBIDDEN, message, hint) from None


async def _exchange(session: _Session, username: str, old: str, new: str) -> None:
    before, after = _hashed(old), _hashed(new)
    hello = await _greet(session, username, old)
    if hello.get("mode") != "standalone":
        raise _Refused("MODE")
    await session.run("ACL", "SAVE")
    await session.run("MULTI")
    await session.run("ACL", "SETUSER", username, f"#{after}", f"!{before}")
    await session.run("ACL", "SAVE")
    changed, saved = await session.run("EXEC")
    if changed == "OK" != saved:
        await session.run("ACL", "SETUSER", username, f"#{before}", f"!{after}")
    if (changed, saved) != ("OK", "OK"):
        raise _Refused("EXEC")


def _hashed(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


async def list_users(call: Call) -> Mapping[str, object]:
    """`names` of the server's users, for a form; absent where ACL USERS is not allowed."""
    session = await _session(call)
    try:
        names = await session.run("ACL", "USERS")
    except _Refused as refused:
        return {"error": refused.code}
    return {"names": sorted(cleaned(str(name), limit=200) for name in names)}
