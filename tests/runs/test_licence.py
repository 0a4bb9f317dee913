"""Only what a model card states counts as a licence."""

import pytest

from luthier.runs.licence import stated_licence


@pytest.mark.parametrize("line", ["license: apache-2.0", "license:apache-2.0", "license: 'apache-2.0'"])
def test_the_front_matter_states_the_licence(tmp_path, line):
    (tmp_path / "README.md").write_text(f"---\nlanguage: en\n{line}\n---\n# A model\n")
    assert stated_licence(tmp_path) == "apache-2.0"


@pytest.mark.parametrize(
    "card",
    [
        "",
        "# A model\nlicense: mit\n",
        "---\nlanguage: en\n---\nlicense: mit\n",
        "---\nlicense:\n---\n",
        "---\nbase_license: mit\n---\n",
    ],
)
def test_nothing_else_does(tmp_path, card):
    (tmp_path / "README.md").write_text(card)
    assert stated_licence(tmp_path) is None


def test_a_model_without_a_card_states_nothing(tmp_path):
    assert stated_licence(tmp_path) is None


def test_a_card_that_is_not_utf8_can_still_be_read(tmp_path):
    (tmp_path / "README.md").write_bytes(b"---\nauthor: Andr\xe9\nlicense: mit\n---\n")
    assert stated_licence(tmp_path) == "mit"
