"""A recipe file is read whole or refused with advice."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.errors import RecipeError
from luthier.recipe import DataSettings, Full, Lora, Recipe, dump_recipe, load_recipe


def write(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder: Path, text: str, *overrides: str) -> RecipeError:
    with pytest.raises(RecipeError) as caught:
        load_recipe(write(folder, text), overrides)
    return caught.value


def test_a_recipe_needs_nothing_but_training_rows(tmp_path):
    recipe = load_recipe(write(tmp_path, "data:\n  train: rows.jsonl\n"))
    assert recipe == Recipe(data=DataSettings(train=str(tmp_path / "rows.jsonl")))


def test_a_small_learning_rate_is_a_number_and_no_is_a_word(tmp_path):
    text = "data: {train: a.jsonl}\ntraining: {learning_rate: 1e-4}\nrun: {name: no}\n"
    recipe = load_recipe(write(tmp_path, text))
    assert (recipe.training.learning_rate, recipe.run.name) == (1e-4, "no")


def test_a_date_is_a_name_like_any_other(tmp_path):
    assert load_recipe(write(tmp_path, "data: {train: a}\nrun: {name: 2026-13-45}\n")).run.name == "2026-13-45"


def test_a_section_whose_lines_are_all_commented_out_has_its_defaults(tmp_path):
    text = "data:\n  train: a.jsonl\n  columns:\ntraining:\n  #epochs: 1\n"
    assert load_recipe(write(tmp_path, text)).training.epochs == 3


def test_the_kind_of_the_method_may_be_left_out(tmp_path):
    path = write(tmp_path, "data: {train: a}\nmethod: {rank: 8, targets: [q_proj]}\n")
    assert load_recipe(path).method == Lora(rank=8, targets=("q_proj",))
    assert load_recipe(write(tmp_path, "data: {train: a}\nmethod: {kind: full}\n")).method == Full()


def test_paths_in_a_recipe_are_seen_from_its_folder(tmp_path):
    text = "model: {path: ../base, chat_template: plain}\ndata: {train: rows/a.jsonl, golden: /b.jsonl}\n"
    recipe = load_recipe(write(tmp_path, text))
    assert recipe.model.path == str(tmp_path.parent / "base")
    assert (recipe.data.train, recipe.data.golden) == (str(tmp_path / "rows/a.jsonl"), "/b.jsonl")
    assert recipe.model.chat_template == "plain"


def test_paths_in_overrides_are_seen_from_the_current_folder(tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    recipe = load_recipe(write(tmp_path, "data: {train: a.jsonl}\n"), ["data.golden=g.jsonl", "model.path=starter"])
    assert recipe.data.golden == str(elsewhere / "g.jsonl")
    assert recipe.data.train == str(tmp_path / "a.jsonl")
    assert recipe.model.path == "starter"


def test_an_unknown_key_is_told_with_its_line_and_what_was_meant(tmp_path):
    error = refusal(tmp_path, "# mine\ndata:\n  format: chat\n  trian: a.jsonl\n  train: b.jsonl\n")
    assert error.found == f"{tmp_path / 'recipe.yaml'}, line 4: unknown key data.trian"
    assert error.fix == "did you mean data.train?"


def test_an_unknown_key_in_an_override_is_told_as_it_was_typed(tmp_path):
    error = refusal(tmp_path, "data: {train: a}\n", "data.trian=x")
    assert error.found == "--set data.trian=x: unknown key data.trian"
    assert error.fix == "did you mean data.train?"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("trainig: {epochs: 1}", "training"),
        ("epochs: 1", "training.epochs"),
        ("model: {rank: 3}", "method.rank"),
        ("seed: 1", "data.seed or training.seed or evaluation.seed"),
    ],
)
def test_a_key_in_the_wrong_place_is_shown_its_place(tmp_path, text, meant):
    assert refusal(tmp_path, f"data: {{train: a}}\n{text}\n").fix == f"did you mean {meant}?"


def test_a_setting_of_another_kind_says_which_kind_it_belongs_to(tmp_path):
    error = refusal(tmp_path, "data: {train: a}\nmethod:\n  kind: full\n  rank: 8\n")
    assert "line 4: method.rank has no meaning with this method.kind" in error.found
    assert error.fix == "remove it, or choose method.kind: lora"


@pytest.mark.parametrize(
    ("text", "found", "expected"),
    [
        ("training: {epochs: many}", "training.epochs is the text 'many'", "number (greater than 0)"),
        ("training: {batch_examples: '16'}", "training.batch_examples is the text '16'", "whole number (at least 1)"),
        ("training: {batch_examples: 1.5}", "training.batch_examples is the number 1.5", "whole number (at least 1)"),
        ("training: {fold: yes}", "training.fold is the text 'yes'", "`true` or `false`"),
        ("training: {epochs: true}", "training.epochs is true", "number (greater than 0)"),
        ("training: {epochs: .nan}", "training.epochs is the number nan", "number (greater than 0)"),
        ("training: {learning_rate: 0}", "training.learning_rate is the number 0", "`auto` or number (greater than 0)"),
        ("training: [1]", "training is the list [1]", "a section with the keys epochs, batch_examples"),
        ("method: 3", "method is the number 3", "a section with the keys kind, rank"),
        ("method: {kind: null}", "method.kind is nothing (null)", "one of `lora`, `bottleneck`, `full`"),
        ("run: {folder: 3}", "run.folder is the number 3", "text"),
        ("run: {folder: ''}", "run.folder is the text ''", "text"),
        ("objective: {kind: dpo}", "objective.kind is the text 'dpo'", "`sft`"),
        (
            "evaluation: {arms: [tuned, bse]}",
            "evaluation.arms is the text 'bse'",
            "`auto` or list (one of `base`, `prompt`",
        ),
        ("evaluation: {arms: []}", "evaluation.arms is the list []", "`auto` or list (one of `base`"),
        ("model: {path: null}", "model.path is nothing (null)", "`starter` or path"),
    ],
)
def test_a_wrong_value_is_told_with_key_found_and_expected(tmp_path, text, found, expected):
    error = refusal(tmp_path, f"data: {{train: a}}\n{text}\n")
    assert f"line 2: {found}" in error.found
    assert error.expected.startswith(expected)


def test_a_mistyped_word_is_shown_the_right_one(tmp_path):
    assert refusal(tmp_path, "data: {train: a, on_bad_row: skip}\n").fix == "did you mean skip-and-report?"
    assert refusal(tmp_path, "data: {train: a}\nmethod: {kind: LoRA}\n").fix == "did you mean lora?"
    assert refusal(tmp_path, "data: {train: a}\nevaluation: {metrics: exact}\n").fix == "did you mean exact_match?"


def test_all_mistakes_are_told_at_once(tmp_path):
    text = "data:\n  trian: a\ntraining:\n  epochs: -1\nevaluation:\n  arms: [base, prompt]\n"
    error = refusal(tmp_path, text, "training.seed=x")
    places = ["recipe.yaml, line 2", "recipe.yaml, line 4", "recipe.yaml, line 6", "--set training.seed=x"]
    assert "has 5 mistakes" in error.found and "data.train is missing" in error.found
    assert all(place in error.found for place in places)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("data: {train: a.jsonl, golden: ./x/../a.jsonl}", "data.golden"),
        ("data: {train: a.jsonl, validation: a.jsonl}", "data.validation"),
        ("data: {train: a, validation: b, golden: b}", "data.golden"),
        ("data: {train: a, validation_fraction: .5, golden_fraction: .5}", "data.golden_fraction"),
        (
            "data: {train: a}\nevaluation: {metrics: [token_f1], primary_metric: json_valid}",
            "evaluation.primary_metric",
        ),
        ("data: {train: a}\nevaluation: {arms: [base, tuned, base]}", "evaluation.arms"),
        ("data: {train: a}\nevaluation: {arms: [base, prompt]}", "evaluation.arms"),
        ("data: {train: a}\nevaluation: {choices: [yes]}", "evaluation.choices"),
        ("data: {train: a}\nevaluation: {metrics: [token_f1, token_f1]}", "evaluation.metrics"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(tmp_path, text, key):
    error = refusal(tmp_path, text)
    assert f"line {len(text.splitlines())}: {key}: " in error.found


@pytest.mark.parametrize("arms", ["[tuned]", "[base]", "[tuned, base]"])
def test_a_single_arm_or_one_against_the_tuned_is_allowed(tmp_path, arms):
    load_recipe(write(tmp_path, f"data: {{train: a}}\nevaluation: {{arms: {arms}}}\n"))


def test_a_fraction_does_not_count_when_a_file_is_given(tmp_path):
    load_recipe(write(tmp_path, "data: {train: a, golden: b, validation_fraction: .9, golden_fraction: .9}\n"))


def test_what_is_dumped_loads_as_the_same_recipe(tmp_path):
    recipe = Recipe(
        data=DataSettings(train="/rows.jsonl", system_prompt="no\n  # not a comment\tüñ: 'x'\n"),
        method=Lora(alpha=1e-9, targets=("a", "1")),
    )
    assert load_recipe(write(tmp_path, dump_recipe(recipe))) == recipe


@settings(max_examples=25, deadline=None)
@given(text=st.text(st.characters(codec="utf-8"), min_size=1), rate=st.floats(1e-300, 1e300))
def test_any_text_and_number_survive_a_dump(tmp_path_factory, text, rate):
    recipe = Recipe.model_validate(
        {"data": {"train": "/a", "system_prompt": text}, "training": {"learning_rate": rate}, "run": {"name": text}}
    )
    assert load_recipe(write(tmp_path_factory.mktemp("dump"), dump_recipe(recipe))) == recipe


@pytest.mark.parametrize("name", DataSettings.model_fields)
def test_a_recipe_does_not_change_after_it_was_checked(name):
    with pytest.raises(ValueError, match="frozen"):
        setattr(DataSettings(train="a"), name, "b")
