"""The JSON schema and the settings page say what the models say."""

import json

from luthier.recipe import json_schema, settings_table
from luthier.recipe.catalogue import catalogue, type_in_words


def test_the_schema_refuses_unknown_keys_in_every_group():
    schema = json_schema()
    groups = [schema, *schema["$defs"].values()]
    assert all(group["additionalProperties"] is False for group in groups)
    json.dumps(schema)


def test_every_setting_has_one_sentence():
    for entry in catalogue().entries:
        assert entry.description[0].isupper() and entry.description.endswith("."), entry.key
        assert ". " not in entry.description, entry.key


def test_every_setting_has_its_row():
    table = settings_table()
    assert all(f"| `{entry.key}` |" in table for entry in catalogue().entries)


def test_only_the_training_rows_are_required():
    assert [entry.key for entry in catalogue().entries if entry.is_required] == ["data.train"]


def test_paths_are_marked_for_forms():
    paths = [entry.key for entry in catalogue().entries if entry.schema.get("format") == "path"]
    files = ["data.train", "data.validation", "data.golden", "evaluation.documents"]
    files += ["evaluation.prices", "evaluation.forgetting.regression_file"]
    assert paths == ["model.path", "model.adapter", "model.chat_template", *files]


def test_a_type_reads_like_words():
    words = {entry.key: type_in_words(entry.schema) for entry in catalogue().entries}
    assert words["training.learning_rate"] == "`auto` or number (greater than 0)"
    assert words["model.chat_template"] == "`auto` or `plain` or path"
    assert words["data.golden"] == "path or `null`"
    assert words["method.targets"] == "`all-linear` or list (text)"


def test_a_setting_of_one_kind_says_so():
    kinds = {entry.key: entry.kind for entry in catalogue().entries}
    assert (kinds["method.kind"], kinds["method.rank"], kinds["training.epochs"]) == (None, "lora", None)
