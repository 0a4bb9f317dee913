"""lm-eval's rules for one row."""

import pytest

from luthier.errors import DataError
from luthier.evaluation.tasks.lm_eval_documents import choices_of, gold_choices, target_of, text_of

ROW = {"q": "why?", "label": "1", "names": ["x", "y"]}


def test_a_fields_name_stands_for_the_field_and_other_text_is_a_template():
    assert text_of({"doc_to_text": "q"}, ROW, "here") == "why?"
    assert text_of({"doc_to_text": "{{q}}!"}, ROW, "here") == "why?!"


def test_a_list_that_is_written_as_text_is_that_list():
    assert target_of({"doc_to_target": "{{ names }}"}, ROW, "here") == ["x", "y"]
    assert target_of({"doc_to_target": "[not a list]"}, ROW, "here") == "[not a list]"


def test_digits_are_a_number_only_where_there_are_choices():
    assert target_of({"doc_to_target": "{{label}}"}, ROW, "here") == "1"
    assert target_of({"doc_to_target": "{{label}}", "doc_to_choice": "names"}, ROW, "here") == 1


def test_choices_may_be_a_mapping():
    assert choices_of({"doc_to_choice": {"0": "no", "1": "yes"}}, ROW, "here") == ("no", "yes")


def test_several_choices_may_be_right():
    assert gold_choices([0, "y"], ("x", "y"), "here") == (0, 1)


def test_code_in_the_place_of_choices_is_not_run():
    with pytest.raises(DataError, match="doc_to_choice"):
        choices_of({"doc_to_choice": "__import__('os').listdir('/')"}, ROW, "here")
