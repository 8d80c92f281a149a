"""Runs the revisions on the connection, and in the transaction, that `Database` gives."""

from alembic import context

from digest.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # ours commits once, at the end: a failed upgrade leaves the old schema whole
    transaction_per_migration=False,
)
context.run_migrations()
