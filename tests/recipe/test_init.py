"""The recipe room is light: every door opens through it."""

import subprocess
import sys


def test_importing_the_recipe_loads_nothing_heavy():
    program = (
        "import sys, time, luthier.recipe; "
        "heavy = {'torch', 'transformers', 'numpy', 'pyarrow', 'sklearn'} & set(sys.modules); "
        "assert not heavy, heavy; print(time.process_time())"
    )
    seconds = [float(subprocess.check_output([sys.executable, "-c", program])) for _ in range(3)]
    assert min(seconds) < 0.3
