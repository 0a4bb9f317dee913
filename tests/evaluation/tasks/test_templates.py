"""Templates render as Jinja does, and reach nothing but the item."""

import pytest

from luthier.errors import DataError
from luthier.evaluation.tasks.templates import render


def test_fields_are_put_in():
    assert render("Q: {{ question }}\nA:", {"question": "why?"}, "prompt, item 1") == "Q: why?\nA:"


def test_lm_evals_filter_is_known():
    assert render("{{ text | regex_replace('[0-9]+', '#') }}", {"text": "a1b22"}, "here") == "a#b#"


def test_a_newline_at_the_end_stays():
    assert render("{{ a }}\n", {"a": 1}, "here") == "1\n"


def test_a_field_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(DataError, match=r"prompt, item 3: 'answer' is undefined[\s\S]*question"):
        render("{{ answer }}", {"question": ""}, "prompt, item 3")


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ item.update({'a': 2}) }}",
        "{{ cycler.__init__.__globals__.os.system('true') }}",
        "{{ 'x'.format.__globals__ }}",
    ],
)
def test_a_template_cannot_leave_its_sandbox(template: str):
    with pytest.raises(DataError):
        render(template, {"item": {"a": 1}}, "here")


def test_broken_braces_are_told_with_their_line():
    with pytest.raises(DataError, match="its line 2"):
        render("one\n{{ two", {}, "here")


@pytest.mark.parametrize("template", ["{{ 1 / 0 }}", "{{ a + 1 }}", "{{ a.b.c }}"])
def test_a_template_that_fails_is_the_users_to_mend(template: str):
    with pytest.raises(DataError):
        render(template, {"a": "text"}, "here")
