"""Lists as the platform sends them, and what may be asked of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from luthier.server.errors import invalid
from luthier.store import Asked, Page

Item = TypeVar("Item")
ORDERS: dict[str, Literal["asc", "desc"]] = {"asc": "asc", "ascending": "asc", "desc": "desc", "descending": "desc"}


def asked_page(
    limit: int | None,
    after: str | None,
    order: str | None = None,
    *,
    default_limit: int = 20,
    highest_limit: int = 100,
    default_order: Literal["asc", "desc"] = "desc",
) -> Asked:
    """Raises 400 for a limit out of bounds or an order of another name."""
    if limit is not None and not 1 <= limit <= highest_limit:
        raise invalid(f"Invalid value for 'limit': expected an integer from 1 to {highest_limit}.", "limit")
    if order is not None and order not in ORDERS:
        raise invalid("Invalid value for 'order': expected 'asc' or 'desc'.", "order")
    return Asked(limit or default_limit, after or None, ORDERS[order] if order else default_order)


def list_of(page: Page[Item], wire: Callable[[Item], dict[str, Any]]) -> dict[str, Any]:
    return list_body([wire(item) for item in page.items], page.has_more)


def list_body(items: Sequence[dict[str, Any]], has_more: bool = False) -> dict[str, Any]:
    return {
        "object": "list",
        "data": list(items),
        "has_more": has_more,
        "first_id": items[0]["id"] if items else None,
        "last_id": items[-1]["id"] if items else None,
    }


def asked_labels(query: Mapping[str, str]) -> Mapping[str, str] | None:
    """`metadata[k]=v`, any number of them, all of which must match; `metadata=null` for what has no metadata."""
    if query.get("metadata") == "null":
        return None
    names = ((name, value) for name, value in query.items() if name.startswith("metadata[") and name.endswith("]"))
    return {name.removeprefix("metadata[")[:-1]: value for name, value in names}
