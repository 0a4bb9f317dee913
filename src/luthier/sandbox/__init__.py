"""Runs untrusted Python in a contained process: graders, tests of generated code, rewards."""

from luthier.sandbox.limits import Outcome, SandboxLimits, Strength
from luthier.sandbox.packages import GRADER_PACKAGES, Packages, find_packages
from luthier.sandbox.pool import SandboxPool
from luthier.sandbox.source import MOST_SOURCE_BYTES, check_source
from luthier.sandbox.strength import sandbox_strength

__all__ = [
    "GRADER_PACKAGES",
    "MOST_SOURCE_BYTES",
    "Outcome",
    "Packages",
    "SandboxLimits",
    "SandboxPool",
    "Strength",
    "check_source",
    "find_packages",
    "sandbox_strength",
]
