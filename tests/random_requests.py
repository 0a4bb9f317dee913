"""Requests drawn from an OpenAPI document: mostly of the right shape, often wrong somewhere, always repeatable."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

STRANGE_IDS = (
    "x", "../../etc/passwd", "%00", "é", "a" * 300, "null", "-1", "file-", "ft:starter:a::b", "a/b", "%2F",
    "\u202e", " ", "'; DROP TABLE jobs;--", "\N{GRINNING FACE}",
)  # fmt: skip
STRANGE_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**31, 2**63, 2**64, 10**30, 1.5, -0.0, 1e308, "", "x", "auto", "starter", "\0",
    "a" * 600, "fine-tune", "24h", [], {}, [[]], {"a": "b"},
)  # fmt: skip


@dataclass(frozen=True)
class RandomRequest:
    method: str
    path: str
    query: dict[str, str]
    content: bytes
    headers: dict[str, str]


@dataclass
class Drawing:
    """``known_ids``: ids that exist by now; the caller adds to them."""

    document: dict[str, Any]
    dice: random.Random
    known_ids: list[str] = field(default_factory=list)

    def requests(self) -> Iterator[RandomRequest]:
        operations = [
            (path, method, operation)
            for path, methods in self.document["paths"].items()
            for method, operation in methods.items()
        ]
        while True:
            yield self._request(*self.dice.choice(operations))

    def _request(self, path: str, method: str, operation: dict[str, Any]) -> RandomRequest:
        query = {}
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path":
                path = path.replace("{" + parameter["name"] + "}", self._id())
            elif parameter["in"] == "query" and self._is(0.4):
                query[parameter["name"]] = str(self._value(parameter["schema"]))
        content, kind = self._body(operation.get("requestBody", {}).get("content", {}))
        return RandomRequest(method.upper(), path, query, content, {"content-type": kind})

    def _body(self, kinds: dict[str, Any]) -> tuple[bytes, str]:
        if "application/json" in kinds:
            body = json.dumps(self._value(kinds["application/json"]["schema"])).encode()
            cut = self.dice.randint(0, len(body)) if self._is(0.03) else len(body)
            return body[:cut], "text/plain" if self._is(0.03) else "application/json"
        if "multipart/form-data" in kinds:
            names = [*kinds["multipart/form-data"]["schema"]["properties"], "other"]
            return b"".join(map(self._part, self.dice.choices(names, k=3))) + b"--x--\r\n", (
                "multipart/form-data; boundary=x"
            )
        return b"", "application/json"

    def _part(self, name: str) -> bytes:
        file = self.dice.choice(['; filename="a.jsonl"', '; filename="../b"', "", ""])
        content = self.dice.choice(["{}\n", "", "fine-tune", "batch", "3600", "created_at"])
        return f'--x\r\ncontent-disposition: form-data; name="{name}"{file}\r\n\r\n{content}\r\n'.encode()

    def _id(self) -> str:
        pool: Sequence[str] = self.known_ids if self.known_ids and self._is(0.6) else STRANGE_IDS
        return quote(self.dice.choice(pool), safe="" if self._is(0.7) else "/:")

    def _value(self, schema: dict[str, Any], depth: int = 0) -> Any:
        if "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        if self._is(0.07) or depth > 6:
            return self.dice.choice([*STRANGE_VALUES, self.dice.choice(STRANGE_IDS)])
        if choices := schema.get("anyOf") or schema.get("oneOf"):
            return self._value(self.dice.choice(choices), depth + 1)
        match schema:
            case {"const": value}:
                return value
            case {"enum": values}:
                return self.dice.choice(values)
            case {"type": "object"}:
                return self._object(schema, depth)
            case {"type": "array"}:
                return [self._value(schema.get("items", {}), depth + 1) for _ in range(self.dice.choice([0, 1, 2]))]
            case {"type": "integer"}:
                return self.dice.choice([0, 1, 2, -1, schema.get("minimum", 1), schema.get("maximum", 5), 10**12])
            case {"type": "number"}:
                return self.dice.choice([0, 0.5, 1, 2, -3, 1e300])
            case {"type": "boolean"}:
                return self._is(0.5)
            case {"type": "string"}:
                return self.dice.choice(["x", "starter", "user", "", "fine-tune", *self.known_ids[-3:]])
            case _:
                return self.dice.choice(STRANGE_VALUES)

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        required, found = schema.get("required", []), {}
        for name, below in schema.get("properties", {}).items():
            if self._is(0.97 if name in required else 0.35):
                found[name] = self._value(below, depth + 1)
        if not found:
            names = ["type", "supervised", "hyperparameters", "grader", "name", "schema", "$ref", "k" * 70]
            found = {name: self.dice.choice(STRANGE_VALUES) for name in self.dice.sample(names, 3)}
        return found

    def _is(self, chance: float) -> bool:
        return self.dice.random() < chance
