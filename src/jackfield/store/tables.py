"""The tables. Every id is the hex text of a random UUID; a sealed column holds an envelope only the vault can open.

Rows of these classes never leave the store: its functions return the frozen types of `model` or their own.
"""

import re
from datetime import datetime
from typing import Any, Final

from sqlalchemy import JSON, Index, MetaData, Table, UniqueConstraint, text
from sqlalchemy.orm import declared_attr
from sqlmodel import Field, SQLModel

from jackfield.model.connection import State
from jackfield.store.columns import Expiry, Moment, StateCode, Tested

SCHEMA_VERSION: Final = "0001"
METADATA: Final[MetaData] = SQLModel.metadata


def _id() -> Any:
    return Field(primary_key=True)


def _time(*, index: bool = False) -> Any:
    return Field(sa_type=Moment, index=index)


def _of_connection(*, primary_key: bool = False, index: bool = False) -> Any:
    return Field(foreign_key="connection.id", ondelete="CASCADE", primary_key=primary_key, index=index)


class Row(SQLModel):
    """A table named after its class: `CheckRunRow` is `check_run`."""

    @declared_attr.directive
    def __tablename__(cls) -> str:  # noqa: N805  SQLAlchemy calls it on the class
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__.removesuffix("Row")).lower()


class AlembicVersionRow(Row, table=True):
    """The schema this database has; Alembic writes it too."""

    version_num: str = Field(primary_key=True, max_length=32)


class OrganizationRow(Row, table=True):
    """The outermost scope."""

    id: str = _id()
    name: str = Field(unique=True)
    description: str
    created_at: datetime = _time()
    updated_at: datetime = _time()
    version: int


class ProjectRow(Row, table=True):
    """A part of an organization."""

    __table_args__ = (UniqueConstraint("organization_id", "name"),)

    id: str = _id()
    organization_id: str = Field(foreign_key="organization.id")
    name: str
    description: str
    created_at: datetime = _time()
    updated_at: datetime = _time()
    version: int


_FILTERED: Final = ("project_id", "provider", "method", "state", "failure_kind", "expires_at", "name")


class ConnectionRow(Row, table=True):
    """`seq` breaks ties in every order of the list, and names the row in the search index.

    One index for each order, by organization and by project, and one with all that a filter reads: it gives the `seq`s
    that pass in rising order, so that sets of them are made fast.
    """

    __table_args__ = (
        Index("connection_name", "organization_id", "name", unique=True, sqlite_where=text("project_id IS NULL")),
        Index("connection_by_name", "organization_id", "name"),
        Index("connection_by_state", "organization_id", "state", "name"),
        Index("connection_by_expiry", "organization_id", "expires_at", "name"),
        Index("connection_by_test", "organization_id", "tested_at", "name"),
        Index("connection_by_provider", "organization_id", "provider", "name"),
        Index("connection_project_by_name", "project_id", "name", unique=True),
        Index("connection_project_by_state", "project_id", "state", "name"),
        Index("connection_project_by_expiry", "project_id", "expires_at", "name"),
        Index("connection_project_by_test", "project_id", "tested_at", "name"),
        Index("connection_project_by_provider", "project_id", "provider", "name"),
        Index("connection_filter", "organization_id", "seq", *_FILTERED),
    )

    seq: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True)
    organization_id: str = Field(foreign_key="organization.id")
    project_id: str | None = Field(foreign_key="project.id")
    name: str
    description: str
    provider: str
    method: str
    state: State = Field(sa_type=StateCode)
    failure_kind: str | None
    last_outcome: str | None
    tested_at: datetime | None = Field(sa_type=Tested, nullable=False)
    expires_at: datetime | None = Field(sa_type=Expiry, nullable=False)
    expiry_known: str
    test_every_minutes: int | None
    next_test_at: datetime | None = _time(index=True)
    failures_in_row: int
    unverified: int
    automatic_tests_stopped: str
    platform_managed: bool
    attempts_allowed: bool
    private_address_allowed: bool
    tls_unverified: bool
    identity_id: str | None = Field(foreign_key="identity.id", index=True)
    secret_digest: str | None = Field(index=True)
    created_at: datetime = _time()
    updated_at: datetime = _time()
    version: int


class StateTallyRow(Row, table=True):
    """How many connections a place has in each state; `project_id` is empty for the organization's own."""

    organization_id: str = Field(primary_key=True, foreign_key="organization.id", ondelete="CASCADE")
    project_id: str = Field(primary_key=True)
    state: State = Field(sa_type=StateCode, primary_key=True)
    amount: int


class IdentityRow(Row, table=True):
    """A source identity that connections start from; the version is part of what its seal binds."""

    id: str = _id()
    name: str = Field(unique=True)
    provider: str
    method: str
    sealed: bytes
    key_id: str = Field(foreign_key="data_key.id", index=True)
    created_at: datetime = _time()
    updated_at: datetime = _time()
    version: int


class CredentialRow(Row, table=True):
    """The sealed JSON of the fields: one current, and one pending while a platform-managed credential is replaced.

    `renewal` says how far a refresh of its tokens came.
    """

    __table_args__ = (UniqueConstraint("connection_id", "status"),)

    id: str = _id()
    connection_id: str = _of_connection()
    status: str
    renewal: str
    sealed: bytes
    key_id: str = Field(foreign_key="data_key.id", index=True)
    version: int


class IntendedUseRow(Row, table=True):
    """What a connection is for, in the user's order."""

    connection_id: str = _of_connection(primary_key=True)
    position: int = Field(primary_key=True)
    use: str
    targets: dict[str, str] = Field(sa_type=JSON)


class TagRow(Row, table=True):
    """A word a user put on a connection."""

    connection_id: str = _of_connection(primary_key=True)
    tag: str = Field(primary_key=True, index=True)


class CheckRunRow(Row, table=True):
    """One test of a connection; the newest few hundred are kept."""

    __table_args__ = (Index("check_run_history", "connection_id", "seq"),)

    seq: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True)
    connection_id: str = _of_connection()
    outcome: str
    started_at: datetime = _time()
    duration_ms: float
    failure_kind: str | None
    failure_message: str
    failure_next_step: str
    sealed_detail: bytes
    key_id: str = Field(foreign_key="data_key.id", index=True)
    version: int


class GrantVerdictRow(Row, table=True):
    """The latest verdict on one permission, in the order the check gave them."""

    connection_id: str = _of_connection(primary_key=True)
    position: int = Field(primary_key=True)
    use: str
    permission: str
    state: str
    evidence: str | None
    detail: str
    why: str
    facts: list[str] = Field(sa_type=JSON)
    seen_at: datetime = _time()


class ConsumerRow(Row, table=True):
    """Something that uses a connection."""

    __table_args__ = (UniqueConstraint("connection_id", "project_id", "kind", "name"),)

    id: str = _id()
    connection_id: str = _of_connection()
    project_id: str | None = Field(foreign_key="project.id", ondelete="CASCADE", index=True)
    kind: str
    name: str
    created_at: datetime = _time()
    last_used_at: datetime | None = _time()
    use_count: int


class AuditEventRow(Row, table=True):
    """One entry of the trail. It outlives what it is about, so nothing here is a foreign key."""

    __table_args__ = (Index("audit_event_object", "object", "seq"),)

    seq: int = Field(primary_key=True)
    at: datetime = _time()
    actor: str
    host: str
    action: str
    object: str
    object_name: str
    outcome: str
    reason: str
    previous: bytes
    mac: bytes


class DataKeyRow(Row, table=True):
    """A key that seals values, itself wrapped by the vault; the one not retired seals new values of its scope."""

    id: str = _id()
    scope: str = Field(index=True)
    wrapped: bytes
    created_at: datetime = _time()
    retired_at: datetime | None = _time()


class LeaseRow(Row, table=True):
    """What only one process may do, and which does it."""

    name: str = Field(primary_key=True)
    holder: str
    until: datetime = _time()


class DraftRow(Row, table=True):
    """A form that was not finished."""

    id: str = _id()
    sealed: bytes
    key_id: str = Field(foreign_key="data_key.id", index=True)
    version: int
    updated_at: datetime = _time()


class SettingRow(Row, table=True):
    """A setting of this store."""

    key: str = Field(primary_key=True)
    value: Any = Field(sa_type=JSON)


class SavedFilterRow(Row, table=True):
    """A filter line kept under a name."""

    name: str = Field(primary_key=True)
    text: str


def _table(name: str) -> Table:
    return METADATA.tables[name]


alembic_version = _table("alembic_version")
organization = _table("organization")
project = _table("project")
connection = _table("connection")
state_tally = _table("state_tally")
identity = _table("identity")
credential = _table("credential")
intended_use = _table("intended_use")
tag = _table("tag")
check_run = _table("check_run")
grant_verdict = _table("grant_verdict")
consumer = _table("consumer")
audit_event = _table("audit_event")
data_key = _table("data_key")
lease = _table("lease")
draft = _table("draft")
setting = _table("setting")
saved_filter = _table("saved_filter")
