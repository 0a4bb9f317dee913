"""Pages of a list: `after` (exclusive), `limit`, `order`; the order is total, so equal times lose nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from sqlalchemy import Column, Connection, Row, Select, and_, or_

from luthier.errors import StorageError

Item = TypeVar("Item")
Order = Literal["asc", "desc"]


class UnknownCursor(StorageError):
    """`after` names nothing in this list."""


@dataclass(frozen=True)
class Asked:
    """What the client asked for; the room at the door has checked the bounds."""

    limit: int = 20
    after: str | None = None
    order: Order = "desc"


@dataclass(frozen=True)
class Page(Generic[Item]):
    items: tuple[Item, ...]
    has_more: bool


def page_of(
    connection: Connection,
    listed: Select[Any],
    keys: Sequence[Column[Any]],
    asked: Asked,
    make: Callable[[Row[Any]], Item],
) -> Page[Item]:
    """One page of ``listed``, ordered by ``keys``, of which the last is the unique id that `after` names.

    Raises UnknownCursor where `after` is not in ``listed``: another project's id is as unknown as none.
    """
    is_rising = asked.order == "asc"
    within = listed
    if asked.after is not None:
        cursor = connection.execute(listed.with_only_columns(*keys).where(keys[-1] == asked.after)).first()
        if cursor is None:
            raise UnknownCursor(
                f"after: no such id in this list: {asked.after[:80]!r}",
                expected="the id of the last element of the page before",
                fix="start again without after",
            )
        within = within.where(_beyond(keys, tuple(cursor), is_rising))
    ordered = within.order_by(*(key.asc() if is_rising else key.desc() for key in keys))
    rows = connection.execute(ordered.limit(asked.limit + 1)).all()
    return Page(tuple(make(row) for row in rows[: asked.limit]), len(rows) > asked.limit)


def _beyond(keys: Sequence[Column[Any]], cursor: Sequence[Any], is_rising: bool) -> Any:
    """(a, b) > (x, y), written out: a > x or (a = x and b > y)."""
    cases = []
    for place, key in enumerate(keys):
        equal = [earlier == value for earlier, value in zip(keys[:place], cursor, strict=False)]
        cases.append(and_(*equal, key > cursor[place] if is_rising else key < cursor[place]))
    return or_(*cases)
