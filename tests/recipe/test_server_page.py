"""The page of the server's settings is the settings."""

from pathlib import Path

from luthier.recipe.server_page import server_settings_page

PAGE = Path(__file__).parents[2] / "docs" / "server-settings.md"
REMEDY = (
    "python -c \"from luthier.recipe.server_page import server_settings_page as page; print(page(), end='')\""
    " > docs/server-settings.md"
)


def test_docs_server_settings_is_made_from_the_settings():
    assert PAGE.read_text(encoding="utf-8") == server_settings_page(), f"the settings have changed; run: {REMEDY}"
