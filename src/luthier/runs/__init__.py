"""Stories, one file each, and the run folder: the only room where machines meet."""

from luthier.runs.ask import ask
from luthier.runs.finetune import finetune
from luthier.runs.folder import RunFolder
from luthier.runs.sweep import sweep
from luthier.runs.sweep_folder import SweepFolder, is_sweep

__all__ = ["RunFolder", "SweepFolder", "ask", "finetune", "is_sweep", "sweep"]
