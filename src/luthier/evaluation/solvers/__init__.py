"""How an item is put to a model, whichever model it is: alone, under a prompt, with examples, with passages."""

from luthier.evaluation.solvers.examples import fixed_examples, nearest_examples
from luthier.evaluation.solvers.passages import with_passages
from luthier.evaluation.solvers.plain import alone, under_prompt
from luthier.evaluation.solvers.plan import Arm, PromptBudget, fits, noting_length

__all__ = [
    "Arm",
    "PromptBudget",
    "alone",
    "fits",
    "fixed_examples",
    "nearest_examples",
    "noting_length",
    "under_prompt",
    "with_passages",
]
