"""What Alembic runs: the migrations, inside the transaction that `luthier.store.migrate` opened."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, render_as_batch=connection.dialect.name == "sqlite")
context.run_migrations()
