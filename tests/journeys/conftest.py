"""Journeys begin where the command line's tests do: an empty folder, small rows, a tiny model, luthier called."""

import shutil

from cli.conftest import call, here, model_copy, recipe_file, rows_file, tiny_model

__all__ = ["call", "here", "model_copy", "recipe_file", "rows_file", "tiny_model"]

# Where there is no browser there is nothing to try; the data that it would read is tested all the same.
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
collect_ignore = [] if any(map(shutil.which, BROWSERS)) else ["test_items_browser.py"]
