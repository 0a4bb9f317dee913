"""Stories, one file each, and the run folder: the only room where machines meet."""

from luthier.runs.ask import ask
from luthier.runs.finetune import finetune
from luthier.runs.folder import RunFolder

__all__ = ["RunFolder", "ask", "finetune"]
