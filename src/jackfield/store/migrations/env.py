"""Runs the migrations over the connection that `schema` gives, in its transaction."""

from alembic import context

from jackfield.store.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
