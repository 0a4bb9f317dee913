"""Libraries are silent and offline."""

import subprocess
import sys

from luthier.cli.quiet import hush_libraries

WARN = (
    "import os, warnings; from luthier.cli.quiet import hush_libraries; hush_libraries(os.environ); warnings.warn('w')"
)


def test_nothing_is_ever_downloaded():
    environment = {"HF_HUB_OFFLINE": "0"}
    hush_libraries(environment)
    assert environment["HF_HUB_OFFLINE"] == "1"


def test_what_the_user_set_is_kept():
    environment = {"TRANSFORMERS_VERBOSITY": "debug"}
    hush_libraries(environment)
    assert environment["TRANSFORMERS_VERBOSITY"] == "debug"
    assert environment["TOKENIZERS_PARALLELISM"] == "false"


def test_warnings_for_programmers_are_not_shown_unless_asked_for():
    silent = subprocess.run([sys.executable, "-c", WARN], capture_output=True, text=True, check=True)
    asked = subprocess.run([sys.executable, "-Wdefault", "-c", WARN], capture_output=True, text=True, check=True)
    assert silent.stderr == "" and "UserWarning: w" in asked.stderr
