import pytest

from luthier.errors import SandboxError
from luthier.sandbox import GRADER_PACKAGES, find_packages


def test_a_package_comes_with_its_parts_and_what_it_requires():
    found = find_packages(["scikit-learn"])
    assert {"sklearn", "numpy", "scipy", "joblib", "threadpoolctl"} <= found.imports
    assert any(entry.name.startswith("numpy-") for entry in found.entries)
    assert found.missing == ()


def test_what_was_not_asked_for_is_not_shown():
    shown = {entry.name for entry in find_packages(["numpy"]).entries}
    assert "torch" not in shown
    assert not any(name.endswith(".pth") or name in ("..", "__pycache__") for name in shown)


def test_what_is_not_installed_is_named_as_it_was_asked_for():
    assert find_packages(["no-such-package", "numpy"]).missing == ("no-such-package",)


def test_the_list_of_a_python_grader_can_always_be_asked_for():
    found = find_packages(GRADER_PACKAGES)
    assert {"numpy", "pydantic"} <= found.imports
    assert set(found.missing) < set(GRADER_PACKAGES)


@pytest.mark.parametrize("name", ["luthier", "Luthier"])
def test_luthier_itself_is_never_shown(name: str):
    with pytest.raises(SandboxError, match="show luthier"):
        find_packages([name])
