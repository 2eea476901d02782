"""What the screens say of a source identity."""

from collections.abc import Iterator
from dataclasses import dataclass

from jackfield.model.connection import State
from jackfield.model.errors import JackfieldError
from jackfield.providers.contract.spec import Provider
from jackfield.services.identities import Identity, Said
from jackfield.services.session import Session
from jackfield.tui.symbols import Mark, state_mark
from jackfield.tui.times import ago

PAGE = 256


@dataclass(frozen=True, slots=True)
class Facts:
    """`provider` is None when it is not here any more, or has no such kind."""

    identity: Identity
    provider: Provider | None
    used_by: tuple[str, ...]
    said: Said | None

    @property
    def provider_name(self) -> str:
        return self.provider.name if self.provider is not None else self.identity.provider

    @property
    def kind_name(self) -> str:
        """Its kind in the provider's words."""
        if self.provider is None:
            return self.identity.method
        return self.provider.source_identity(self.identity.method).name

    @property
    def mark(self) -> Mark:
        """What its last test said."""
        if self.said is None:
            return state_mark(State.UNTESTED)
        return state_mark(State(self.said.outcome.value), self.said.failure)

    @property
    def said_ago(self) -> str:
        return ago(self.said.at if self.said else None)


def read_facts(session: Session, identity_id: str) -> Facts:
    """Raises NotFound."""
    return _facts(session, session.identities.find(identity_id))


def all_facts(session: Session) -> Iterator[Facts]:
    """Every source identity by name. Asks the store: call it from a thread."""
    after = ""
    while page := session.identities.page(after=after, limit=PAGE):
        yield from (_facts(session, one) for one in page)
        after = page[-1].name


def _facts(session: Session, identity: Identity) -> Facts:
    provider: Provider | None = None
    try:
        provider = session.identities.provider_and_kind(identity.provider, identity.method)[0]
    except JackfieldError:  # its file is gone or was changed: what is kept is still listed
        provider = None
    return Facts(identity, provider, session.identities.used_by(identity), session.identities.last_said(identity))
