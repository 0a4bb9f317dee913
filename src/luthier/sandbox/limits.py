"""What a call of user code may use, what comes of it, and how strong the wall around it is."""

from dataclasses import dataclass
from typing import Any, Literal

from luthier.errors import SandboxError

Kind = Literal["namespaces", "landlock", "weak"]
ErrorKind = Literal["exception", "timeout", "memory", "killed", "result"]


@dataclass(frozen=True)
class SandboxLimits:
    """Held by each call. The defaults are those of OpenAI's python graders, but for their 1 GB of disk.

    ``memory_bytes`` counts addresses, of each process; files in /tmp are memory too, at most ``file_bytes`` in all.
    ``output_bytes`` holds for the answer, and again for what is printed. More than one of ``processes`` may be asked
    for in namespaces only.
    """

    wall_seconds: float = 120.0
    cpu_seconds: int = 120
    memory_bytes: int = 2 * 2**30
    processes: int = 1
    file_bytes: int = 256 * 2**20
    output_bytes: int = 2**20

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise SandboxError(
                    found=f"the sandbox limit {name} is {value}",
                    expected="a number above 0",
                    fix=f"leave {name} out for the default, {SandboxLimits.__dataclass_fields__[name].default}",
                )


@dataclass(frozen=True)
class Outcome:
    """What one call gave: a plain JSON ``value``, or the kind of error and its ``details``; never an exception.

    ``exception`` the code raised; ``timeout`` it used up its wall or processor seconds; ``memory`` it ran out of
    memory and noticed; ``killed`` its process ended before it answered; ``result`` the answer was no JSON or too long.
    ``output`` is what was printed, cut at ``output_bytes``.
    """

    value: Any
    error_kind: ErrorKind | None
    details: str
    seconds: float
    output: str = ""

    @property
    def has_value(self) -> bool:
        """True also where the code returned None."""
        return self.error_kind is None


@dataclass(frozen=True)
class Strength:
    """The kind of wall in use, and in words what it keeps apart and why a stronger one is not used."""

    kind: Kind
    sentence: str

    @property
    def is_weak(self) -> bool:
        return self.kind == "weak"
