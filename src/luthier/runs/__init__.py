"""Stories, one file each, and the run folder: the only room where machines meet."""

from luthier.runs.ask import ask
from luthier.runs.comparing import compare_runs
from luthier.runs.finetune import finetune
from luthier.runs.folder import RunFolder
from luthier.runs.probe import probe
from luthier.runs.probe_folder import ProbeFolder, is_probe
from luthier.runs.probe_plan import refuse_unprobed
from luthier.runs.reporting import rebuild_report
from luthier.runs.sweep import sweep
from luthier.runs.sweep_folder import SweepFolder, is_sweep

__all__ = [
    "ProbeFolder",
    "RunFolder",
    "SweepFolder",
    "ask",
    "compare_runs",
    "finetune",
    "is_probe",
    "is_sweep",
    "probe",
    "rebuild_report",
    "refuse_unprobed",
    "sweep",
]
