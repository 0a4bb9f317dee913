import pytest

from luthier.evaluation.graders import UnknownVariable, parse_template

VARIABLES = {
    "item": {"a": {"b": ["first", {"c": 2.0}]}, "odd key.x": "yes", "empty": "", "none": None, "list": [1, "é"]},
    "sample": {"output_text": "hello {{item.a}}", "output_tools": [{"function": {"name": "f"}}]},
}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{{sample.output_text}}", "hello {{item.a}}"),
        ("{{ item.a.b[0] }} and {{item.a.b[1].c}}", "first and 2.0"),
        ("{{sample.output_tools[0].function.name}}", "f"),
        ("{{item.list}}", '[1, "é"]'),
        ("{{item.list[1]}}{{item.none}}{{item.empty}}", "énull"),
        ('{{item["odd key.x"]}}', "yes"),
        ("{{item.list.0}}", "1"),
        ("no places, {single} braces", "no places, {single} braces"),
    ],
)
def test_strings_stand_as_they_are_and_other_values_as_json(text, filled):
    assert parse_template(text).fill(VARIABLES) == filled


@pytest.mark.parametrize("text", ["{{item.missing}}", "{{item.list[2]}}", "{{item.a.b.c}}", "{{sample.output_json.x}}"])
def test_a_path_that_leads_nowhere_is_told(text):
    with pytest.raises(UnknownVariable):
        parse_template(text).fill(VARIABLES)


@pytest.mark.parametrize(
    "text", ["{{row.x}}", "{{}}", "{{item.}}", "{{item.x + 1}}{{item..y}}", "{{itemx}}", "{{item.a[b]}}"]
)
def test_a_place_that_names_no_variable_is_refused_before_grading(text):
    with pytest.raises(ValueError, match=r"item|read"):
        parse_template(text)


def test_code_in_a_place_is_a_name_and_never_run():
    template = parse_template("{{item.__class__}}")
    with pytest.raises(UnknownVariable):
        template.fill({"item": {}, "sample": {}})


def test_a_lone_variable_gives_its_value_and_not_its_text():
    assert parse_template("{{item.list}}").value(VARIABLES) == [1, "é"]
