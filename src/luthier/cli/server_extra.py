"""Whether the libraries of the server are here; said plainly where they are not."""

from __future__ import annotations

import importlib.util

from luthier.errors import LuthierError

LIBRARIES = {
    "fastapi": "fastapi",
    "uvicorn": "uvicorn",
    "sqlalchemy": "sqlalchemy",
    "alembic": "alembic",
    "llguidance": "llguidance",
    "obstore": "obstore",
    "prometheus_client": "prometheus-client",
    "python_multipart": "python-multipart",
}


def need_server_extra() -> None:
    """Raises LuthierError that names what is missing and how to install it."""
    missing = [package for module, package in LIBRARIES.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise LuthierError(
            f"the server's libraries are not installed: {', '.join(missing)}",
            expected="luthier with its extra `server`",
            fix="pip install 'luthier[server]'",
        )
