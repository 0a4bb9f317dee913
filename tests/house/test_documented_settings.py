"""The page of settings is the settings."""

from pathlib import Path

from luthier.recipe import settings_page

PAGE = Path(__file__).parents[2] / "docs" / "recipe.md"
REMEDY = """python -c "from luthier.recipe import settings_page; print(settings_page(), end='')" > docs/recipe.md"""


def test_docs_recipe_is_made_from_the_settings():
    assert PAGE.read_text(encoding="utf-8") == settings_page(), f"the settings have changed; run: {REMEDY}"
