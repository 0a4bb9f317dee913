"""A kind of object: its table and the frozen dataclass of its rows. Every query takes the project it may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Table, select

from luthier.store.pages import Asked, Page, page_of

Record = TypeVar("Record")


@dataclass(frozen=True)
class Kind(Generic[Record]):
    """The queries that all kinds share. ``record`` has one field per column of ``table``, of the same name."""

    table: Table
    record: type[Record]

    def make(self, row: Row[Any]) -> Record:
        return self.record(**row._mapping)

    def insert(self, connection: Connection, record: Record) -> Record:
        values = {name: getattr(record, name) for name in (column.name for column in self.table.columns)}
        connection.execute(self.table.insert().values(**values))
        return record

    def find(self, connection: Connection, project_id: str, id: str) -> Record | None:
        """None where it does not exist, and where it is another project's."""
        row = connection.execute(select(self.table).where(*self.mine(project_id), self.table.c.id == id)).first()
        return None if row is None else self.make(row)

    def change(self, connection: Connection, project_id: str, id: str, **values: Any) -> Record | None:
        """The record with the new ``values``; None where there is none."""
        rows = self.table.update().where(*self.mine(project_id), self.table.c.id == id)
        row = connection.execute(rows.values(**values).returning(self.table)).first()
        return None if row is None else self.make(row)

    def remove(self, connection: Connection, project_id: str, id: str) -> bool:
        """Whether there was one."""
        rows = self.table.delete().where(*self.mine(project_id), self.table.c.id == id)
        return connection.execute(rows).rowcount > 0

    def page(
        self,
        connection: Connection,
        project_id: str,
        asked: Asked,
        *conditions: ColumnElement[bool],
        keys: Sequence[str] = ("created_at", "id"),
    ) -> Page[Record]:
        listed = select(self.table).where(*self.mine(project_id), *conditions)
        return page_of(connection, listed, [self.table.c[key] for key in keys], asked, self.make)

    def all(
        self, connection: Connection, project_id: str, *conditions: ColumnElement[bool], order: Sequence[str] = ("id",)
    ) -> tuple[Record, ...]:
        """For lists that are short by nature."""
        listed = select(self.table).where(*self.mine(project_id), *conditions)
        rows = connection.execute(listed.order_by(*(self.table.c[key] for key in order)))
        return tuple(self.make(row) for row in rows)

    def mine(self, project_id: str) -> tuple[ColumnElement[bool], ...]:
        return (self.table.c.project_id == project_id,)
