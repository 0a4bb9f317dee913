"""The recipe room is light: every door opens through it."""

import subprocess
import sys


def test_importing_the_recipe_loads_nothing_heavy():
    program = (
        "import sys, luthier.recipe; "
        "heavy = {'torch', 'transformers', 'numpy', 'pyarrow', 'sklearn'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
