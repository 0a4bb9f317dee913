"""What is wrong with a grader, by its place in the JSON."""

from __future__ import annotations

from luthier.errors import LuthierError


class GraderError(LuthierError):
    """A grader cannot be used as it is written; ``path`` is the place, such as `grader.graders.brief.input`."""

    exit_code = 2

    def __init__(self, path: str, found: str, *, expected: str, fix: str):
        super().__init__(f"{path}: {found}", expected=expected, fix=fix)
        self.path = path
