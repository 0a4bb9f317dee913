"""Alembic migrations, each a small file of versions/, applied in their order when a server or a worker starts."""
