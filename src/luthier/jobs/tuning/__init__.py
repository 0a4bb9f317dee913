"""A fine-tuning job: asked for, checked, made a recipe, followed, and what it leaves."""
