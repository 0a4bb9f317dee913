"""The command line: one file per verb. Nothing imports this room; it composes the others."""
