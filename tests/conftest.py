"""Settings for all property tests: no deadline, since machines are shared; the same examples on every CI run."""

import os

from hypothesis import settings

settings.register_profile("luthier", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("luthier")
