"""Metadata that lists are filtered by: one row per pair, so that any key and any value is only ever a value."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sqlalchemy import Column, ColumnElement, Connection, String, Table, exists, select

from luthier.store.schema import LONGEST_ID, METADATA

NO_FILTER: Mapping[str, str] = MappingProxyType({})
LABELS = Table(
    "labels",
    METADATA,
    Column("object_id", String(LONGEST_ID), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("value", String(512), nullable=False),
)


def put(connection: Connection, object_id: str, metadata: Mapping[str, str] | None) -> None:
    """Replace the object's labels by ``metadata``."""
    forget(connection, object_id)
    if metadata:
        pairs = [{"object_id": object_id, "key": key, "value": value} for key, value in metadata.items()]
        connection.execute(LABELS.insert(), pairs)


def forget(connection: Connection, object_id: str) -> None:
    connection.execute(LABELS.delete().where(LABELS.c.object_id == object_id))


def labelled(id: ColumnElement[str], wanted: Mapping[str, str] | None) -> tuple[ColumnElement[bool], ...]:
    """Conditions on rows whose column ``id`` has all the ``wanted`` pairs; None asks for rows without any."""
    pairs = select(LABELS.c.key).where(LABELS.c.object_id == id)
    if wanted is None:
        return (~exists(pairs),)
    return tuple(exists(pairs.where(LABELS.c.key == key, LABELS.c.value == value)) for key, value in wanted.items())
