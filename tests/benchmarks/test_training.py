"""How a peer's setting is chosen."""

from benchmarks.training import settings_of, try_settings


def test_fewer_rows_at_once_are_tried_until_it_gets_slower():
    seconds = {8: 10.0, 4: 7.0, 2: 9.0, 1: 5.0}
    tried = try_settings(settings_of("transformers"), lambda setting: seconds[setting["rows_at_once"]])
    assert [setting["rows_at_once"] for setting, _ in tried] == [8, 4, 2]


def test_trl_is_also_tried_without_padding():
    settings = settings_of("trl")
    assert {"is_padding_free": True} in settings
    assert {"rows_at_once": 8} in settings
