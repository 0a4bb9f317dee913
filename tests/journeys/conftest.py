"""Journeys begin where the command line's tests do: an empty folder, small rows, a tiny model, luthier called."""

from cli.conftest import call, here, model_copy, recipe_file, rows_file, tiny_model

__all__ = ["call", "here", "model_copy", "recipe_file", "rows_file", "tiny_model"]
