"""What a function of a provider.py is given.

    async def NAME(call: Call) -> Mapping[str, object]          a fact: plain data for rules; no secret in it
    def NAME(call: Call) -> httpx.Auth                          an auth that signs requests
    async def NAME(call: Call, new: Secret) -> None             a takeover: set the new secret at the vendor, once
    async def NAME(call: Call) -> Mapping[str, FieldValue]      the same where the vendor issues it: the new fields
    async def NAME(call: Call) -> Mapping[str, FieldValue]      a new credential, made here: its fields
    async def NAME(call: Call, new: Mapping[str, FieldValue]) -> None      have the vendor accept that one as well
    async def NAME(call: Call) -> Sequence[str]                 the names of the credentials that the vendor holds
    async def NAME(call: Call, name: str) -> None               end one of them; nothing to do when it is gone

A fact tells an error that the vendor named by returning it (`{"error": "28P01"}`), so that the provider's rules can
judge it, and raises NetFailure (from `jackfield.net`) for what happened on the way.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TypeVar, cast

from jackfield.model.secret import FieldValue, Secret
from jackfield.net.deadline import Deadline
from jackfield.net.http import HttpClient
from jackfield.net.network import Network
from jackfield.net.tls import TlsOptions
from jackfield.net.trace import Trace

Resource = TypeVar("Resource")


@dataclass(frozen=True)
class Call:
    """One check's surroundings. `arguments` are the fact's own, filled in."""

    fields: Mapping[str, FieldValue]
    target: Mapping[str, object]
    arguments: Mapping[str, object]
    network: Network
    deadline: Deadline
    trace: Trace
    tls: TlsOptions | None
    private_allowed: bool
    organization_id: str
    random: str  # fresh lower-case letters and digits, for names that cannot exist
    cleanup: AsyncExitStack
    kept: dict[str, object] = field(default_factory=dict)  # what this check's calls share, such as one session

    def text(self, name: str) -> str:
        """A field's value as text, secret or not; empty when it was not given."""
        value = self.fields.get(name, "")
        return value.reveal() if isinstance(value, Secret) else str(value)

    def number(self, name: str, default: int) -> int:
        value = self.fields.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else default

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.fields.get(name)
        return value if isinstance(value, bool) else default

    def http(self) -> HttpClient:
        """The HTTP client of this check's calls. Its connections are shared by them, and end with the check."""
        client = self.kept.get("http")
        if not isinstance(client, HttpClient):
            client = self.kept["http"] = HttpClient(
                self.network,
                deadline=self.deadline,
                trace=self.trace,
                tls=self.tls,
                private_allowed=self.private_allowed,
            )
            self.cleanup.push_async_exit(client)
        return client

    async def once(self, key: str, make: Callable[[], Awaitable[Resource]]) -> Resource:
        """The check's one object of this key, made when first asked for. One login serves every fact."""
        if key not in self.kept:
            self.kept[key] = await make()
        return cast("Resource", self.kept[key])
