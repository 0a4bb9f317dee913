import pytest

from luthier.errors import SandboxError
from luthier.sandbox import MOST_SOURCE_BYTES, Packages, check_source


@pytest.mark.parametrize(
    "source",
    [
        "def grade(sample, item): return 1",
        "def grade(sample, item, weight=2): return 1",
        "def grade(*both): return 1",
        "def grade(sample, /, item, *, strict=True): return 1",
        "grade = lambda sample, item: 1",
        "if True:\n    def grade(a, b): return 1",
        "try:\n    import x\nexcept ImportError:\n    def grade(a, b): return 1",
        "from somewhere import grade",
        "grade = make_grader()",
    ],
)
def test_what_can_be_called_with_two_arguments_passes(source: str):
    check_source(source, "grade", 2)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def grade(sample): return 1", "grade(sample)"),
        ("def grade(a, b, c): return 1", "grade(a, b, c)"),
        ("def grade(a, b, *, c): return 1", "grade(a, b, *, c)"),
        ("def score(a, b): return 1", "without a function grade"),
        ("class C:\n    def grade(a, b): return 1", "without a function grade"),
        ("async def grade(a, b): return 1", "async"),
        ("class grade: pass", "class"),
        ("def grade(a, b:\n    return 1", "not Python"),
        ("x = '\0'", "not Python"),
        ("#" * (MOST_SOURCE_BYTES + 1), "256001 bytes"),
    ],
)
def test_what_certainly_cannot_is_refused_with_what_was_found(source: str, found: str):
    with pytest.raises(SandboxError) as refused:
        check_source(source, "grade", 2)
    assert found in refused.value.found


def test_the_advice_shows_the_line_to_write():
    with pytest.raises(SandboxError) as refused:
        check_source("", "grade", 2)
    assert "def grade(sample, item):" in refused.value.fix


def test_a_missing_package_is_named_with_its_line():
    source = "import re\nimport rdkit.Chem\ndef grade(a, b): return 1"
    with pytest.raises(SandboxError, match="line 2 imports rdkit"):
        check_source(source, "grade", 2, Packages(imports=frozenset({"numpy"})))


def test_a_package_that_is_there_or_guarded_or_used_later_passes():
    source = (
        "import numpy.linalg\nfrom json import loads\n"
        "try:\n    import rdkit\nexcept ImportError:\n    rdkit = None\n"
        "def grade(a, b):\n    import nltk\n    return 1"
    )
    check_source(source, "grade", 2, Packages(imports=frozenset({"numpy"})))
