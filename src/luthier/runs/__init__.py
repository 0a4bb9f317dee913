"""Stories, one file each, and the run folder: the only room where machines meet."""

from luthier.runs.ask import ask
from luthier.runs.finetune import finetune
from luthier.runs.folder import RunFolder
from luthier.runs.probes.folder import ProbeFolder
from luthier.runs.probes.plan import refuse_unprobed
from luthier.runs.probes.probe import probe
from luthier.runs.reports.comparing import compare_runs
from luthier.runs.reports.reporting import rebuild_report
from luthier.runs.sweeps.folder import SweepFolder
from luthier.runs.sweeps.sweep import sweep

__all__ = [
    "ProbeFolder",
    "RunFolder",
    "SweepFolder",
    "ask",
    "compare_runs",
    "finetune",
    "probe",
    "rebuild_report",
    "refuse_unprobed",
    "sweep",
]
