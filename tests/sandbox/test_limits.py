import pytest

from luthier.errors import SandboxError
from luthier.sandbox import SandboxLimits


def test_the_defaults_are_those_of_openais_python_graders():
    limits = SandboxLimits()
    assert (limits.wall_seconds, limits.memory_bytes, limits.processes) == (120, 2 * 2**30, 1)


@pytest.mark.parametrize("name", list(vars(SandboxLimits())))
def test_a_limit_of_nothing_is_refused_by_name(name: str):
    with pytest.raises(SandboxError, match=f"limit {name} is 0"):
        SandboxLimits(**{name: 0})
