import json

from luthier.data import original_rows, read_examples
from luthier.examples import Example, Message, Origin
from luthier.recipe import DataSettings


def test_rows_keep_the_keys_that_no_layout_uses(tmp_path):
    file = tmp_path / "rows.jsonl"
    rows = [{"prompt": f"q{i}", "completion": f"a{i}", "label": i, "nested": {"x": [i]}} for i in range(3)]
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    examples = read_examples(file, DataSettings(train=str(file))).examples
    found = original_rows(examples[1:])
    assert found == {Origin(str(file), 2): rows[1], Origin(str(file), 3): rows[2]}


def test_a_file_that_is_gone_has_no_rows(tmp_path):
    example = Example((Message("user", "q"), Message("assistant", "a")), origin=Origin(str(tmp_path / "gone.jsonl"), 1))
    assert original_rows([example]) == {}
