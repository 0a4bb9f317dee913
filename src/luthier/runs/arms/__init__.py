"""The contestants of a run: how each asks the model, and its answers graded and written down."""
