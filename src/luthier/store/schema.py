"""Words that all tables share: the list of tables, columns that every kind has, and the type of JSON columns."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Float, ForeignKey, Index, Integer, MetaData, String

# Constraints have names, so that a later migration can drop them on either database.
METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
LONGEST_ID = 64
# A fine-tuned model's name holds the base, the organisation, the suffix (64) and perhaps a step.
LONGEST_MODEL = 512


def key_column(length: int = LONGEST_ID) -> Column[str]:
    return Column("id", String(length), primary_key=True)


def project_column() -> Column[str]:
    return Column("project_id", String(LONGEST_ID), ForeignKey("projects.id"), nullable=False)


def seconds_column(name: str, is_required: bool = False) -> Column[int]:
    """A moment in whole Unix seconds."""
    return Column(name, BigInteger, nullable=not is_required)


def json_column(name: str) -> Column[Any]:
    """JSON, where Python's None is the database's NULL."""
    return Column(name, JSON(none_as_null=True))


def text_column(name: str, length: int = 255, is_required: bool = False) -> Column[str]:
    return Column(name, String(length), nullable=not is_required)


def lease_columns() -> tuple[Column[Any], ...]:
    """Who works on a row and until when (Unix seconds of the database's clock), and how often it was claimed."""
    return (
        Column("owner", String(128)),
        Column("attempt", Integer, nullable=False, default=0),
        Column("lease_until", Float),
    )


def listing_index(table: str, *, by: str = "project_id") -> Index:
    """What every list needs: one project's rows in the order of their making."""
    return Index(f"ix_{table}_listing", by, "created_at", "id")
