"""A Redis in miniature: users, their passwords, and what each may do. It speaks RESP 3 and keeps nothing."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

_LIMIT: Final = 1 << 16
_ENDS: Final = frozenset({"EXEC", "DISCARD"})


class Server:
    """One server. `said` holds its `version` and its `users`: name → `password` (none: any will do) and `rules`."""

    def __init__(self, said: Mapping[str, Any]) -> None:
        self._version: str = said["version"]
        self._users: Mapping[str, Mapping[str, Any]] = said["users"]

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client until it leaves."""
        user: str | None = None
        while words := await _read_command(reader):
            user, answer = self._answer(user, words)
            writer.write(answer)
            await writer.drain()

    def _answer(self, user: str | None, words: list[str]) -> tuple[str | None, bytes]:
        """Who is logged in after a command, and what is said to it."""
        command = words[0].upper()
        if command in {"AUTH", "HELLO"}:
            login = words[1:] if command == "AUTH" else words[3:5] if "AUTH" in map(str.upper, words) else []
            if command == "HELLO" and login:
                login = words[words.index("AUTH") + 1 :]
            if login and not self._knows(*_login(login)):
                return user, b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
            user = _login(login)[0] if login else user
            if user is None:
                return user, b"-NOAUTH HELLO must be called with the client already authenticated.\r\n"
            return user, b"+OK\r\n" if command == "AUTH" else _encode(self._greeting())
        if user is None:
            return user, b"-NOAUTH Authentication required.\r\n"
        return user, self._obey(user, command, words[1:])

    def _knows(self, name: str, password: str) -> bool:
        known = self._users.get(name)
        return known is not None and known.get("password") in (None, password)

    def _greeting(self) -> dict[str, Any]:
        return {
            "server": "redis",
            "version": self._version,
            "proto": 3,
            "id": 7,
            "mode": "standalone",
            "role": "master",
        }

    def _obey(self, user: str, command: str, words: list[str]) -> bytes:
        part = words[0].upper() if words else ""
        if not self._may(user, command, part):
            name = f"{command}|{part}" if command == "ACL" else command
            return f"-NOPERM User {user} has no permissions to run the '{name.lower()}' command\r\n".encode()
        match command, part:
            case "ACL", "WHOAMI":
                return _encode(user)
            case "ACL", "DRYRUN":
                tried, *more = (word.upper() for word in words[2:])
                inner = more[0] if more else ""
                refusal = f"User {user} has no permissions to run the '{tried.lower()}' command"
                return b"+OK\r\n" if self._may(words[1], tried, inner) else _encode(refusal)
            case "ACL", "GETUSER":
                flags = ["on"] if self._users[user].get("password") else ["on", "nopass"]
                rules = " ".join(self._users[user]["rules"])
                return _encode({"flags": flags, "passwords": [], "commands": rules, "keys": "~*", "selectors": []})
            case "ACL", "USERS":
                return _encode(sorted(self._users))
            case "ACL", "SETUSER":
                return b"-ERR Error in ACL SETUSER modifier 'notarule': Syntax error\r\n"
            case "ACL", "DELUSER":
                return b":0\r\n"
            case (("EXEC" | "DISCARD"), _):
                return f"-ERR {command} without MULTI\r\n".encode()
            case "PING", _:
                return b"+PONG\r\n"
        return b"+OK\r\n"

    def _may(self, user: str, command: str, part: str) -> bool:
        """By the last rule that names the command, its part, or everything."""
        names = {"@all", command.lower(), f"{command}|{part}".lower()}
        names |= {"@transaction"} if command in _ENDS | {"MULTI"} else set()
        held = False
        for rule in self._users[user]["rules"]:
            if rule[1:] in names:
                held = rule.startswith("+")
        return held


def _login(words: list[str]) -> tuple[str, str]:
    """User and password; a password alone belongs to `default`."""
    return (words[0], words[1]) if len(words) > 1 else ("default", words[0])


async def _read_command(reader: asyncio.StreamReader) -> list[str]:
    """The next command as words; empty when the client has gone or speaks something else."""
    line = await reader.readline()
    if not line.startswith(b"*"):
        return []
    words = []
    for _ in range(min(int(line[1:]), 64)):
        size = int((await reader.readline())[1:])
        words.append((await reader.readexactly(min(size, _LIMIT) + 2))[:-2].decode("utf-8", "replace"))
    return words


def _encode(value: Any) -> bytes:
    if isinstance(value, dict):
        return b"%%%d\r\n" % len(value) + b"".join(_encode(part) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return b"*%d\r\n" % len(value) + b"".join(map(_encode, value))
    if isinstance(value, int):
        return b":%d\r\n" % value
    data = str(value).encode()
    return b"$%d\r\n%b\r\n" % (len(data), data)
