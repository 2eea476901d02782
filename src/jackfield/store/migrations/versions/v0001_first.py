"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_SEARCH = (
    "CREATE VIRTUAL TABLE search USING fts5"
    "(name, provider, project, tokenize='trigram', content='', contentless_delete=1)",
    "CREATE TRIGGER search_insert AFTER INSERT ON connection BEGIN "
    "INSERT INTO search(rowid, name, provider, project) VALUES "
    "(new.seq, new.name, new.provider, coalesce((SELECT name FROM project WHERE id = new.project_id), '')); END",
    "CREATE TRIGGER search_update AFTER UPDATE OF name, provider, project_id ON connection BEGIN "
    "INSERT OR REPLACE INTO search(rowid, name, provider, project) VALUES "
    "(new.seq, new.name, new.provider, coalesce((SELECT name FROM project WHERE id = new.project_id), '')); END",
    "CREATE TRIGGER search_delete AFTER DELETE ON connection BEGIN DELETE FROM search WHERE rowid = old.seq; END",
    "CREATE TRIGGER search_project AFTER UPDATE OF name ON project BEGIN "
    "INSERT OR REPLACE INTO search(rowid, name, provider, project) "
    "SELECT seq, name, provider, new.name FROM connection WHERE project_id = new.id; END",
)


def upgrade() -> None:  # one statement for each table and index: long, and nothing to follow
    op.create_table(
        "audit_event",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("object", sa.String(), nullable=False),
        sa.Column("object_name", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("audit_event_object", "audit_event", ["object", "seq"])
    op.create_table(
        "audit_left",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("seq", "name"),
    )
    op.create_index("audit_left_name", "audit_left", ["name", "seq"])
    op.create_table(
        "data_key",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("retired_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_data_key_scope", "data_key", ["scope"])
    op.create_table(
        "lease",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "organization",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "saved_filter",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "setting",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "draft",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"],
            ["data_key.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_draft_key_id", "draft", ["key_id"])
    op.create_table(
        "project",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("organization_id", "name"),
    )
    op.create_table(
        "state_tally",
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("organization_id", "project_id", "state"),
    )
    op.create_table(
        "identity",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"],
            ["data_key.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_index("ix_identity_key_id", "identity", ["key_id"])
    op.create_table(
        "connection",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organization_id", sa.String(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.Column("failure_kind", sa.String(), nullable=True),
        sa.Column("last_outcome", sa.String(), nullable=True),
        sa.Column("tested_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("expiry_known", sa.String(), nullable=False),
        sa.Column("test_every_minutes", sa.Integer(), nullable=True),
        sa.Column("next_test_at", sa.BigInteger(), nullable=True),
        sa.Column("failures_in_row", sa.Integer(), nullable=False),
        sa.Column("unverified", sa.Integer(), nullable=False),
        sa.Column("automatic_tests_stopped", sa.String(), nullable=False),
        sa.Column("platform_managed", sa.Boolean(), nullable=False),
        sa.Column("attempts_allowed", sa.Boolean(), nullable=False),
        sa.Column("private_address_allowed", sa.Boolean(), nullable=False),
        sa.Column("tls_unverified", sa.Boolean(), nullable=False),
        sa.Column("identity_id", sa.String(), nullable=True),
        sa.Column("secret_digest", sa.String(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["identity_id"],
            ["identity.id"],
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
        ),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["project.id"],
        ),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("connection_all_by_expiry", "connection", ["expires_at", "name"])
    op.create_index("connection_all_by_name", "connection", ["name"])
    op.create_index("connection_all_by_provider", "connection", ["provider", "name"])
    op.create_index("connection_all_by_state", "connection", ["state", "name"])
    op.create_index("connection_all_by_test", "connection", ["tested_at", "name"])
    op.create_index("connection_by_expiry", "connection", ["organization_id", "expires_at", "name"])
    op.create_index("connection_by_name", "connection", ["organization_id", "name"])
    op.create_index("connection_by_provider", "connection", ["organization_id", "provider", "name"])
    op.create_index("connection_by_state", "connection", ["organization_id", "state", "name"])
    op.create_index("connection_by_test", "connection", ["organization_id", "tested_at", "name"])
    filtered = [
        "organization_id",
        "seq",
        "project_id",
        "provider",
        "method",
        "state",
        "failure_kind",
        "expires_at",
        "name",
    ]
    op.create_index("connection_filter", "connection", filtered)
    op.create_index(
        "connection_name",
        "connection",
        ["organization_id", "name"],
        unique=True,
        sqlite_where=sa.text("project_id IS NULL"),
    )
    op.create_index("connection_project_by_expiry", "connection", ["project_id", "expires_at", "name"])
    op.create_index("connection_project_by_name", "connection", ["project_id", "name"], unique=True)
    op.create_index("connection_project_by_provider", "connection", ["project_id", "provider", "name"])
    op.create_index("connection_project_by_state", "connection", ["project_id", "state", "name"])
    op.create_index("connection_project_by_test", "connection", ["project_id", "tested_at", "name"])
    op.create_index("ix_connection_identity_id", "connection", ["identity_id"])
    op.create_index("ix_connection_next_test_at", "connection", ["next_test_at"])
    op.create_index("ix_connection_secret_digest", "connection", ["secret_digest"])
    op.create_table(
        "check_run",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("duration_ms", sa.Float(), nullable=False),
        sa.Column("failure_kind", sa.String(), nullable=True),
        sa.Column("failure_message", sa.String(), nullable=False),
        sa.Column("failure_next_step", sa.String(), nullable=False),
        sa.Column("sealed_detail", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["key_id"],
            ["data_key.id"],
        ),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("check_run_history", "check_run", ["connection_id", "seq"])
    op.create_index("ix_check_run_key_id", "check_run", ["key_id"])
    op.create_table(
        "consumer",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("project_id", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("use_count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("connection_id", "project_id", "kind", "name"),
    )
    op.create_index("ix_consumer_project_id", "consumer", ["project_id"])
    op.create_table(
        "credential",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("renewal", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["key_id"],
            ["data_key.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("connection_id", "status"),
    )
    op.create_index("ix_credential_key_id", "credential", ["key_id"])
    op.create_table(
        "grant_verdict",
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("use", sa.String(), nullable=False),
        sa.Column("permission", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=True),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("connection_id", "position"),
    )
    op.create_table(
        "intended_use",
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("use", sa.String(), nullable=False),
        sa.Column("targets", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("connection_id", "position"),
    )
    op.create_table(
        "tag",
        sa.Column("connection_id", sa.String(), nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("connection_id", "tag"),
    )
    op.create_index("ix_tag_tag", "tag", ["tag"])
    for statement in _SEARCH:
        op.execute(statement)
