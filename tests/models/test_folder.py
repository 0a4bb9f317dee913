"""A model folder is checked before anything is loaded from it, and every refusal says what to do."""

import json
from pathlib import Path

import pytest

from luthier.errors import ModelError
from luthier.models import open_model_folder
from tiny import write_tiny_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The names and sizes of a model folder; nothing in it is ever loaded here."""
    path = tmp_path / "small-model"
    path.mkdir()
    write_config(path, model_type="llama", max_position_embeddings=64)
    (path / "tokenizer.json").write_text("{}")
    (path / "model.safetensors").write_bytes(b"123")
    return path


def write_config(folder: Path, **config: object) -> None:
    (folder / "config.json").write_text(json.dumps(config))


def test_a_whole_folder_tells_its_name_context_and_size(folder):
    opened = open_model_folder(str(folder))
    assert (opened.name, opened.context_tokens, opened.weight_bytes) == ("small-model", 64, 3)


def test_a_saved_model_is_a_whole_folder(tmp_path):
    opened = open_model_folder(str(write_tiny_model(tmp_path / "tiny", context_tokens=96)))
    assert opened.context_tokens == 96
    assert opened.weight_bytes == (tmp_path / "tiny" / "model.safetensors").stat().st_size


def test_the_context_of_a_model_of_many_senses_is_that_of_its_text_part(folder):
    write_config(folder, model_type="llava", text_config={"max_position_embeddings": 32})
    assert open_model_folder(str(folder)).context_tokens == 32


def test_a_model_that_states_no_context_has_none(folder):
    write_config(folder, model_type="llama")
    assert open_model_folder(str(folder)).context_tokens is None


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"model folder not found: .*nowhere") as caught:
        open_model_folder(str(tmp_path / "nowhere"))
    assert "model.path" in caught.value.fix


def test_a_folder_without_configuration_is_refused(folder):
    (folder / "config.json").unlink()
    with pytest.raises(ModelError, match=r"no config\.json"):
        open_model_folder(str(folder))


@pytest.mark.parametrize(
    ("text", "found"),
    [("{half", r"config\.json cannot be read"), ("[]", "no model_type"), ("{}", "no model_type")],
)
def test_a_broken_configuration_is_refused(folder, text, found):
    (folder / "config.json").write_text(text)
    with pytest.raises(ModelError, match=found):
        open_model_folder(str(folder))


def test_a_configuration_that_is_no_text_is_refused(folder):
    (folder / "config.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelError, match=r"config\.json cannot be read"):
        open_model_folder(str(folder))


def test_a_folder_without_tokenizer_is_refused(folder):
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match="no tokenizer"):
        open_model_folder(str(folder))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "pytorch_model-00001-of-00002.bin", "model.pt", "model.ckpt"])
def test_weights_that_are_only_pickles_are_never_opened(folder, name):
    (folder / "model.safetensors").rename(folder / name)
    with pytest.raises(ModelError, match=f"as pickle .{name}"):
        open_model_folder(str(folder))


def test_pickles_beside_safetensors_do_no_harm(folder):
    (folder / "pytorch_model.bin").write_bytes(b"never read")
    assert open_model_folder(str(folder)).weight_bytes == 3


def test_a_folder_without_weights_is_refused(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="no weights"):
        open_model_folder(str(folder))


def test_an_architecture_that_needs_its_own_code_is_refused(folder):
    write_config(folder, model_type="homemade", auto_map={"AutoModelForCausalLM": "modeling.Homemade"})
    with pytest.raises(ModelError, match="needs Python code of its own"):
        open_model_folder(str(folder))


def test_own_code_is_passed_over_where_transformers_carries_the_architecture(folder):
    write_config(folder, model_type="llama", auto_map={"AutoModelForCausalLM": "modeling.Llama"})
    assert open_model_folder(str(folder)).name == "small-model"
