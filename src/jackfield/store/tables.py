"""The tables. Every id is the hex text of a random UUID; a sealed column holds an envelope only the vault can open.

Rows never leave the store: its functions return the frozen types of `model` or their own.
"""

from typing import Any, Final

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeEngine

from jackfield.store.columns import Expiry, Moment, StateCode, Tested

SCHEMA_VERSION: Final = "0001"
METADATA: Final = MetaData()


def _column(
    name: str,
    kind: type[TypeEngine[Any]] | TypeEngine[Any] = String,
    *reference: ForeignKey,
    key: bool = False,
    null: bool = False,
    unique: bool | None = None,
    index: bool | None = None,
) -> Column[Any]:
    """A column that holds text and is never null, where nothing else is said."""
    return Column(name, kind, *reference, primary_key=key, nullable=null, unique=unique, index=index)


def _of_connection(*, key: bool = False) -> Column[Any]:
    return _column("connection_id", String, ForeignKey("connection.id", ondelete="CASCADE"), key=key)


def _sealed(name: str = "sealed") -> tuple[Column[Any], Column[Any], Column[Any]]:
    """An envelope, the data key that sealed it, and the version that its seal binds."""
    key = _column("key_id", String, ForeignKey("data_key.id"), index=True)
    return _column(name, LargeBinary), key, _column("version", Integer)


def _made() -> tuple[Column[Any], Column[Any]]:
    return _column("created_at", Moment), _column("updated_at", Moment)


# The schema this database has; Alembic writes it too.
alembic_version = Table("alembic_version", METADATA, _column("version_num", String(32), key=True))

# The outermost scope.
organization = Table(
    "organization",
    METADATA,
    _column("id", key=True),
    _column("name", unique=True),
    _column("description"),
    *_made(),
    _column("version", Integer),
)

# A part of an organization.
project = Table(
    "project",
    METADATA,
    _column("id", key=True),
    _column("organization_id", String, ForeignKey("organization.id")),
    _column("name"),
    _column("description"),
    *_made(),
    _column("version", Integer),
    UniqueConstraint("organization_id", "name"),
)

# `seq` breaks ties in every order of the list, and names the row in the search index. There is one index for each
# order: of all, of an organization's and of a project's; and one with all that a filter reads: it gives the `seq`s that
# pass in rising order, so that sets of them are made fast.
_FILTERED: Final = ("project_id", "provider", "method", "state", "failure_kind", "expires_at", "name")
connection = Table(
    "connection",
    METADATA,
    _column("seq", Integer, key=True),
    _column("id", unique=True),
    _column("organization_id", String, ForeignKey("organization.id")),
    _column("project_id", String, ForeignKey("project.id"), null=True),
    _column("name"),
    _column("description"),
    _column("provider"),
    _column("method"),
    _column("state", StateCode),
    _column("failure_kind", null=True),
    _column("last_outcome", null=True),
    _column("tested_at", Tested),
    _column("expires_at", Expiry),
    _column("expiry_known"),
    _column("test_every_minutes", Integer, null=True),
    _column("next_test_at", Moment, null=True, index=True),
    _column("failures_in_row", Integer),
    _column("unverified", Integer),
    _column("automatic_tests_stopped"),
    _column("platform_managed", Boolean),
    _column("attempts_allowed", Boolean),
    _column("private_address_allowed", Boolean),
    _column("tls_unverified", Boolean),
    _column("identity_id", String, ForeignKey("identity.id"), null=True, index=True),
    _column("secret_digest", null=True, index=True),
    *_made(),
    _column("version", Integer),
    Index("connection_name", "organization_id", "name", unique=True, sqlite_where=text("project_id IS NULL")),
    Index("connection_all_by_name", "name"),
    Index("connection_all_by_state", "state", "name"),
    Index("connection_all_by_expiry", "expires_at", "name"),
    Index("connection_all_by_test", "tested_at", "name"),
    Index("connection_all_by_provider", "provider", "name"),
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

# How many connections a place has in each state; `project_id` is empty for the organization's own.
state_tally = Table(
    "state_tally",
    METADATA,
    _column("organization_id", String, ForeignKey("organization.id", ondelete="CASCADE"), key=True),
    _column("project_id", key=True),
    _column("state", StateCode, key=True),
    _column("amount", Integer),
)

# A source identity that connections start from.
identity = Table(
    "identity",
    METADATA,
    _column("id", key=True),
    _column("name", unique=True),
    _column("provider"),
    _column("method"),
    *_sealed(),
    *_made(),
)

# The sealed JSON of the fields: one current, and one pending while a platform-managed credential is replaced.
# `renewal` says how far a refresh of its tokens came.
credential = Table(
    "credential",
    METADATA,
    _column("id", key=True),
    _of_connection(),
    _column("status"),
    _column("renewal"),
    *_sealed(),
    UniqueConstraint("connection_id", "status"),
)

# What a connection is for, in the user's order.
intended_use = Table(
    "intended_use",
    METADATA,
    _of_connection(key=True),
    _column("position", Integer, key=True),
    _column("use"),
    _column("targets", JSON),
)

# A word a user put on a connection.
tag = Table("tag", METADATA, _of_connection(key=True), _column("tag", key=True, index=True))

# One test of a connection; the newest few hundred are kept.
check_run = Table(
    "check_run",
    METADATA,
    _column("seq", Integer, key=True),
    _column("id", unique=True),
    _of_connection(),
    _column("outcome"),
    _column("started_at", Moment),
    _column("duration_ms", Float),
    _column("failure_kind", null=True),
    _column("failure_message"),
    _column("failure_next_step"),
    *_sealed("sealed_detail"),
    Index("check_run_history", "connection_id", "seq"),
)

# The latest verdict on one permission, in the order the check gave them.
grant_verdict = Table(
    "grant_verdict",
    METADATA,
    _of_connection(key=True),
    _column("position", Integer, key=True),
    _column("use"),
    _column("permission"),
    _column("state"),
    _column("evidence", null=True),
    _column("detail"),
    _column("why"),
    _column("facts", JSON),
    _column("seen_at", Moment),
)

# Something that uses a connection.
consumer = Table(
    "consumer",
    METADATA,
    _column("id", key=True),
    _of_connection(),
    _column("project_id", String, ForeignKey("project.id", ondelete="CASCADE"), null=True, index=True),
    _column("kind"),
    _column("name"),
    _column("created_at", Moment),
    _column("last_used_at", Moment, null=True),
    _column("use_count", Integer),
    UniqueConstraint("connection_id", "project_id", "kind", "name"),
)

# One entry of the trail. It outlives what it is about, so nothing here is a foreign key.
audit_event = Table(
    "audit_event",
    METADATA,
    _column("seq", Integer, key=True),
    _column("at", Moment),
    _column("actor"),
    _column("host"),
    _column("action"),
    _column("object"),
    _column("object_name"),
    _column("outcome"),
    _column("reason"),
    _column("previous", LargeBinary),
    _column("mac", LargeBinary),
    Index("audit_event_object", "object", "seq"),
)

# What an entry of the trail says that rows were left as, under a name that stands for them; see left.py.
audit_left = Table(
    "audit_left",
    METADATA,
    _column("seq", Integer, key=True),
    _column("name", key=True),
    _column("what"),
    _column("version", Integer),
    Index("audit_left_name", "name", "seq"),
)

# A key that seals values, itself wrapped by the vault; the one not retired seals new values of its scope.
data_key = Table(
    "data_key",
    METADATA,
    _column("id", key=True),
    _column("scope", index=True),
    _column("wrapped", LargeBinary),
    _column("created_at", Moment),
    _column("retired_at", Moment, null=True),
)

# What only one process may do, and which does it.
lease = Table("lease", METADATA, _column("name", key=True), _column("holder"), _column("until", Moment))

# A form that was not finished.
draft = Table("draft", METADATA, _column("id", key=True), *_sealed(), _column("updated_at", Moment))

# A setting of this store.
setting = Table("setting", METADATA, _column("key", key=True), _column("value", JSON))

# A filter line kept under a name.
saved_filter = Table("saved_filter", METADATA, _column("name", key=True), _column("text"))
