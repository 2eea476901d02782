"""LDAP with ldap3 over a stream of ours: one bind, then reads. No referral is ever followed."""

import asyncio
import contextlib
import re
import secrets
import socket
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from jackfield.model.check import FailureKind
from jackfield.model.secret import Secret
from jackfield.net.failure import NetFailure, SessionEnded, explain
from jackfield.net.network import Route
from jackfield.providers.contract.call import Call
from jackfield.providers.ldap import descriptor
from jackfield.providers.ldap.descriptor import Held, how_held
from jackfield.text import cleaned

Result = TypeVar("Result")
Found = dict[str, list[bytes]]  # attribute in lower case → raw values; "dn" holds the entry's name

_WHO_AM_I: Final = "1.3.6.1.4.1.4203.1.11.3"
_NO_OPERATION: Final = "1.3.6.1.4.1.4203.666.5.2"  # OpenLDAP: judge the request, change nothing
_NO_OPERATION_CODE: Final = 16654
_DESCRIPTOR_FLAGS: Final = ("1.2.840.113556.1.4.801", True, b"\x30\x03\x02\x01\x04")  # the discretionary list alone
_ACTIVE_DIRECTORY: Final = "1.2.840.113556.1.4.800"
_ROOT: Final = (
    "defaultNamingContext", "namingContexts", "supportedControl", "supportedExtension", "supportedCapabilities",
    "vendorName", "dnsHostName", "isGlobalCatalogReady", "objectClass", "structuralObjectClass",
)  # fmt: skip
_OWN: Final = (
    "userPrincipalName", "objectSid", "tokenGroups", "msDS-UserPasswordExpiryTimeComputed", "accountExpires",
    "pwdEndTime", "pwdChangedTime", "pwdPolicySubentry",
)  # fmt: skip
_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)
_NEVER: Final = 0x7FFFFFFFFFFFFFFF
_POWERFUL: Final = {
    "S-1-5-32-544": "Administrators", "S-1-5-32-548": "Account Operators", "S-1-5-32-549": "Server Operators",
    "S-1-5-32-550": "Print Operators", "S-1-5-32-551": "Backup Operators",
}  # fmt: skip
_POWERFUL_IN_DOMAIN: Final = {
    "512": "Domain Admins", "516": "Domain Controllers", "518": "Schema Admins", "519": "Enterprise Admins",
    "520": "Group Policy Creator Owners", "526": "Key Admins", "527": "Enterprise Key Admins",
}  # fmt: skip
_DISABLED: Final = 2  # a bit of userAccountControl
_PAGE: Final = 1000
_PAGES: Final = 5


class _Session:
    """One ldap3 connection, used by one thread at a time; the end of the check cuts its line, so the thread returns."""

    def __init__(self, connection: Any, route: Route) -> None:
        self.connection = connection
        self.root: Found = {}
        self.bound = False
        self._route = route
        self._turn = asyncio.Lock()

    async def do(self, work: Callable[[Any], Result]) -> Result:
        """Run blocking work over the connection. Raises NetFailure where the line breaks or no LDAP is spoken."""
        from ldap3.core.exceptions import LDAPExceptionError
        from pyasn1.error import PyAsn1Error

        async with self._turn:
            try:
                return await asyncio.to_thread(work, self.connection)
            except (LDAPExceptionError, OSError):
                host, port = self._route.host, self._route.port
                raise (SessionEnded(host) if self.bound else explain(EOFError(), host, port)) from None
            except (PyAsn1Error, ValueError, LookupError, TypeError):  # what ldap3 makes of other protocols
                message = f"{self._route.host} does not answer with LDAP on port {self._route.port}."
                raise NetFailure(FailureKind.MISCONFIGURED, message, "Check the host and the port.") from None

    async def find(self, base: str, *attributes: str, controls: Iterable[object] = ()) -> Found | None:
        """One entry by its name; None when it is not there, or not for us."""
        found = await self.search(base, "(objectClass=*)", "BASE", *attributes, controls=controls)
        return found[0] if found else None

    async def search(
        self, base: str, wanted: str, scope: str, *attributes: str, size: int = 0, controls: Iterable[object] = ()
    ) -> list[Found]:
        def work(connection: Any) -> list[Found]:
            connection.search(
                base, wanted, scope, attributes=list(attributes), size_limit=size, controls=list(controls) or None
            )
            return [_found(entry) for entry in connection.response or () if entry["type"] == "searchResEntry"]

        return await self.do(work)

    @property
    def is_active_directory(self) -> bool:
        return _ACTIVE_DIRECTORY in _texts(self.root, "supportedCapabilities")

    @property
    def is_openldap(self) -> bool:
        classes = _texts(self.root, "objectClass") + _texts(self.root, "structuralObjectClass")
        return "OpenLDAProotDSE" in classes

    @property
    def base(self) -> str:
        return _text(self.root, "defaultNamingContext") or _text(self.root, "namingContexts")


def _found(entry: Mapping[str, Any]) -> Found:
    values = {name.lower(): list(raw) for name, raw in entry["raw_attributes"].items()}
    return {**values, "dn": [entry["dn"].encode()]}


def _texts(entry: Found, name: str) -> list[str]:
    return [value.decode("utf-8", "replace") for value in entry.get(name.lower(), [])]


def _text(entry: Found, name: str) -> str:
    return next(iter(_texts(entry, name)), "")


# --- connecting --------------------------------------------------------------------------------------------------


async def _session(call: Call) -> _Session:
    return await call.once("session", lambda: _open(call))


async def _open(call: Call) -> _Session:
    import ldap3
    from ldap3.core.results import RESULT_CODES

    RESULT_CODES.setdefault(_NO_OPERATION_CODE, "noOperation")  # ldap3 fails on codes it does not know
    place = urlsplit(call.text("url"))
    port = place.port or (389 if call.tls is None else 636)
    route = call.network.route(
        place.hostname or "", port, deadline=call.deadline, trace=call.trace,
        private_allowed=call.private_allowed, tls=call.tls,
    )  # fmt: skip
    if call.tls is None and not await route.is_near():
        message = f"{route.host} is a public host, and ldap:// would send the password there unencrypted."
        raise NetFailure(FailureKind.TLS, message, "Use ldaps:// instead.")
    end = await _blocking_end(call, *await route.open_stream(tls=call.tls is not None))
    connection = ldap3.Connection(
        ldap3.Server("judged.invalid", get_info=ldap3.NONE),  # never looked up: the line is open already
        call.text("dn"), call.text("password"), auto_referrals=False, check_names=False,
    )  # fmt: skip
    connection.socket, connection.closed, connection.listening = end, False, True
    connection.strategy._outstanding = {}  # noqa: SLF001 - ldap3 sets it only when it connects by itself
    session = _Session(connection, route)
    session.root = await session.find("", *_ROOT) or {}
    return session


async def _blocking_end(call: Call, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> socket.socket:
    """A plain local socket for a library that blocks; what passes through it goes over the stream."""
    near, far = socket.socketpair()
    call.cleanup.callback(near.close)
    far_reader, far_writer = await asyncio.open_connection(sock=far)
    pumps = [asyncio.create_task(_pump(reader, far_writer)), asyncio.create_task(_pump(far_reader, writer))]

    async def cut() -> None:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        for end in (far_writer, writer):
            end.close()
            with contextlib.suppress(OSError):
                await end.wait_closed()

    call.cleanup.push_async_callback(cut)
    return near


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    sink.close()


# --- the login ---------------------------------------------------------------------------------------------------


async def bind(call: Call) -> Mapping[str, object]:
    """The one simple bind: `code` (LDAP result), `sub` (Active Directory's reason), `directory`, `host`, `base`."""
    if not call.text("password"):
        return {"code": 53, "sub": "", "error": "empty password"}  # it would be an anonymous login
    session = await _session(call)

    def work(connection: Any) -> tuple[int, str]:
        connection.fast_decoder = False  # the fast one fails on a bind answered by a referral
        connection.bind()
        connection.fast_decoder = True
        return connection.result["result"], connection.result["message"] or ""

    code, message = await session.do(work)
    session.bound = code == 0
    reason = re.search(r"\bdata ([0-9a-f]+)", message)
    return {
        "code": code,
        "sub": reason[1] if reason else "",
        "directory": _directory(session),
        "host": cleaned(_text(session.root, "dnsHostName"), limit=200),
        "base": cleaned(session.base, limit=200),
    }


def _directory(session: _Session) -> str:
    if session.is_active_directory:
        return "active-directory"
    return "openldap" if session.is_openldap else "other"


async def find_self(call: Call) -> Mapping[str, object]:
    """Who the server says this is: `name`, `anonymous`, `entry` (its DN, if it may be read), `groups`, `expires`."""
    session = await _session(call)
    name, anonymous = "", False
    if _WHO_AM_I in _texts(session.root, "supportedExtension"):
        said = await session.do(lambda connection: connection.extend.standard.who_am_i() or "")
        name, anonymous = re.sub(r"^(?:dn|u):", "", str(said)), not said
    own = await _own_entry(session, call.text("dn")) or {}
    call.kept["own"] = own
    told: dict[str, object] = {
        "name": cleaned(name or _text(own, "dn"), limit=300),
        "anonymous": anonymous,
        "entry": cleaned(_text(own, "dn"), limit=300),
    }
    if session.is_active_directory and own:
        told["groups"] = _powerful_groups(own)
    return told | await _end_of_password(session, own)


async def find_self_again(call: Call) -> Mapping[str, object]:
    """What has become of the own entry meanwhile: `entry` (its DN, empty when it is gone), `disabled`."""
    session, own = await _session(call), call.kept["own"]
    assert isinstance(own, dict)
    found = await session.find(_text(own, "dn"), "userAccountControl") or {}
    return {
        "entry": cleaned(_text(found, "dn"), limit=300),
        "disabled": bool(int(_text(found, "userAccountControl") or 0) & _DISABLED),
    }


async def _own_entry(session: _Session, name: str) -> Found | None:
    if "=" in name:
        return await session.find(name, *_OWN)
    found = await _named(session, name)
    return await session.find(_text(found, "dn"), *_OWN) if found else None  # tokenGroups needs a search of one entry


async def _named(session: _Session, name: str) -> Found | None:
    """The entry with this distinguished or principal name; None unless there is just one."""
    from ldap3.utils.conv import escape_filter_chars

    if "=" in name:
        return await session.find(name, "objectSid")
    wanted = f"(userPrincipalName={escape_filter_chars(name)})"
    found = await session.search(session.base, wanted, "SUBTREE", "objectSid", size=2)
    return found[0] if len(found) == 1 else None


def _powerful_groups(own: Found) -> list[str]:
    """Names of the well-known administrative groups the account is in, nested ones too."""
    names = set()
    for sid in _sids(own):
        in_domain = _POWERFUL_IN_DOMAIN.get(sid.rpartition("-")[2]) if sid.startswith("S-1-5-21-") else None
        names |= {name for name in (_POWERFUL.get(sid), in_domain) if name}
    return sorted(names)


def _sids(entry: Found) -> set[str]:
    """The entry's own identifier and those of all its groups."""
    return {descriptor.read_sid(raw) for raw in (*entry.get("objectsid", []), *entry.get("tokengroups", []))}


async def _end_of_password(session: _Session, own: Found) -> dict[str, object]:
    """`expires`: ISO 8601, or None when the server says never; nothing when it does not say."""
    if session.is_active_directory:
        ends = [
            int(text)
            for name in ("msDS-UserPasswordExpiryTimeComputed", "accountExpires")
            for text in _texts(own, name)
        ]
        if not ends:
            return {}
        first = min((end for end in ends if 0 < end < _NEVER), default=0)
        return {"expires": (_EPOCH + timedelta(microseconds=first // 10)).isoformat() if first else None}
    end = _generalized_time(_text(own, "pwdEndTime"))
    changed = _generalized_time(_text(own, "pwdChangedTime"))
    policy = await session.find(_text(own, "pwdPolicySubentry"), "pwdMaxAge") if own.get("pwdpolicysubentry") else None
    age = int(_text(policy, "pwdMaxAge") or 0) if policy is not None else None
    if changed and age:
        end = min(filter(None, (end, changed + timedelta(seconds=age))))
    if end:
        return {"expires": end.isoformat()}
    return {"expires": None} if age == 0 else {}


def _generalized_time(text: str) -> datetime | None:
    """LDAP's 20250102030405Z; None for anything else."""
    found = re.match(r"\d{14}(?=(?:\.\d+)?Z$)", text)
    return datetime.strptime(found[0], "%Y%m%d%H%M%S").replace(tzinfo=UTC) if found else None


# --- taking the password over -----------------------------------------------------------------------------------


async def change_password(call: Call, new: Secret) -> None:
    """Set the login's own password by saying the old one, which needs no right over others. Raises NetFailure."""
    login, session = await bind(call), await _session(call)
    own = await _own_entry(session, call.text("dn")) if login["code"] == 0 else None
    if call.tls is None or own is None:
        message = "The directory takes a new password only over TLS, from a user who may read its own entry."
        raise NetFailure(FailureKind.MISCONFIGURED, message, "Enter the address with ldaps://, then test again.")
    name, old = _text(own, "dn"), call.text("password")

    def work(connection: Any) -> int:
        if session.is_active_directory:
            connection.extend.microsoft.modify_password(name, new.reveal(), old)
        else:
            connection.extend.standard.modify_password(name, old, new.reveal())
        return int(connection.result["result"])

    if code := await session.do(work):
        message = f"The directory did not change the password (LDAP result {code})."
        raise NetFailure(FailureKind.FORBIDDEN, message, "Its password policy may ask for more, or for a day between.")


# --- rights ------------------------------------------------------------------------------------------------------


async def read_user(call: Call) -> Mapping[str, object]:
    """`found`, and in Active Directory how `reset` and `change` of the user's password are held."""
    session = await _session(call)
    entry = await _named(session, str(call.arguments["user"]))
    if entry is None:
        return {"found": False}
    told: dict[str, object] = {"found": True}
    acl = await _access_list(session, _text(entry, "dn"))
    if acl is not None:
        ours = _our_sids(call)
        themselves = {*_sids(entry), descriptor.EVERYONE, descriptor.AUTHENTICATED_USERS, descriptor.SELF}
        told["reset"] = how_held(acl[0], ours, descriptor.CONTROL_ACCESS, descriptor.RESET_PASSWORD).value
        told["change"] = how_held(acl[0], themselves, descriptor.CONTROL_ACCESS, descriptor.CHANGE_PASSWORD).value
    return told


async def read_unit(call: Call) -> Mapping[str, object]:
    """`found`, and in Active Directory: `children` that may be made, and how `delete`, `reset`, `enable` are held."""
    session = await _session(call)
    name = str(call.arguments["unit"])
    entry = await session.find(name, "allowedChildClassesEffective")
    if entry is None:
        return {"found": False}
    told: dict[str, object] = {"found": True}
    if not session.is_active_directory:
        return told
    told["children"] = [cleaned(child.lower(), limit=100) for child in _texts(entry, "allowedChildClassesEffective")]
    acl = await _access_list(session, name)
    if acl is not None:
        ours = _our_sids(call)
        child = how_held(acl[0], ours, descriptor.DELETE_CHILD, descriptor.USER_CLASS)
        each = how_held(acl[0], ours, descriptor.DELETE, by_new_users=True)
        told["delete"] = (each if child is Held.NO else child).value
        reset = (descriptor.CONTROL_ACCESS, descriptor.RESET_PASSWORD)
        enable = (descriptor.WRITE_PROPERTY, descriptor.USER_ACCOUNT_CONTROL, descriptor.ACCOUNT_RESTRICTIONS)
        told["reset"] = how_held(acl[0], ours, *reset, by_new_users=True).value
        told["enable"] = how_held(acl[0], ours, *enable, by_new_users=True).value
    return told


async def read_group(call: Call) -> Mapping[str, object]:
    """`found`, and in Active Directory the `attributes` of the group that may be written."""
    session = await _session(call)
    entry = await session.find(str(call.arguments["group"]), "allowedAttributesEffective")
    if entry is None:
        return {"found": False}
    told: dict[str, object] = {"found": True}
    if session.is_active_directory:
        told["attributes"] = [name.lower() for name in _texts(entry, "allowedAttributesEffective")]
    return told


async def _access_list(session: _Session, name: str) -> tuple[tuple[descriptor.Entry, ...] | None] | None:
    """The entry's access list in a tuple of its own; None where it may not be read."""
    entry = await session.find(name, "nTSecurityDescriptor", controls=[_DESCRIPTOR_FLAGS])
    raw = entry.get("ntsecuritydescriptor") if entry else None
    return (descriptor.read_entries(raw[0]),) if raw else None


def _our_sids(call: Call) -> set[str]:
    own = call.kept.get("own")
    known = _sids(own) if isinstance(own, dict) else set()
    return {*known, descriptor.EVERYONE, descriptor.AUTHENTICATED_USERS}


# --- attempts that OpenLDAP judges and does not carry out --------------------------------------------------------


async def rehearse(call: Call) -> Mapping[str, object]:
    """`code` of one change under the critical No-Op control: 16654 would be allowed, 50 is denied.

    `change` is password (of `user`), member (of `group`), add or delete (below `unit`). A server that does not know
    the control must refuse the request as it stands (RFC 4511, 4.1.11).
    """
    session = await _session(call)
    arguments = {name: str(value) for name, value in call.arguments.items()}
    match arguments["change"]:
        case "password":
            entry = await _named(session, arguments["user"])
            new = {"userPassword": [("MODIFY_REPLACE", [secrets.token_urlsafe(24)])]}
            return await _rehearsed(session, "modify", _text(entry, "dn"), new) if entry else {}
        case "member":
            new = {"member": [("MODIFY_ADD", [call.text("dn")])]}
            return await _rehearsed(session, "modify", arguments["group"], new)
    name = f"cn=probe-{call.random},{arguments['unit']}"
    person = {"cn": f"probe-{call.random}", "sn": "probe"}
    added = await _rehearsed(session, "add", name, ["inetOrgPerson"], person)
    if arguments["change"] == "add" or added["code"] != _NO_OPERATION_CODE:
        return added
    # Only where the control has just been seen to work is the deletion of an entry that exists rehearsed.
    below = await session.search(arguments["unit"], "(objectClass=person)", "LEVEL", "1.1", size=1)
    return await _rehearsed(session, "delete", _text(below[0], "dn")) if below else {}


async def _rehearsed(session: _Session, verb: str, *what: object) -> dict[str, object]:
    def work(connection: Any) -> int:
        getattr(connection, verb)(*what, controls=[(_NO_OPERATION, True, None)])
        return int(connection.result["result"])

    return {"code": await session.do(work)}


# --- listings for forms ------------------------------------------------------------------------------------------


async def list_entries(call: Call) -> Mapping[str, object]:
    """`names`: distinguished names below the base that match `filter`; `complete` is false when there are more."""
    session = await _session(call)
    wanted, base = str(call.arguments["filter"]), session.base

    def work(connection: Any) -> tuple[list[str], bool]:
        names: list[str] = []
        cookie: bytes | None = None
        for _ in range(_PAGES):
            connection.search(base, wanted, "SUBTREE", attributes=["1.1"], paged_size=_PAGE, paged_cookie=cookie)
            names += [entry["dn"] for entry in connection.response or () if entry["type"] == "searchResEntry"]
            paging = (connection.result.get("controls") or {}).get("1.2.840.113556.1.4.319")
            cookie = paging["value"]["cookie"] if paging else None
            if not cookie:
                return names, True
        return names, False

    names, complete = await session.do(work)
    return {"names": sorted(cleaned(name, limit=300) for name in names), "complete": complete}
