"""Ask the model of a finished run one thing."""

from __future__ import annotations

from luthier.errors import StorageError
from luthier.evaluation import Prompt
from luthier.examples import Message
from luthier.runs.folder import RunFolder
from luthier.runs.tuning import is_tuned, load_tuned
from luthier.runs.workbench import answer_prompts, load_base, set_up


def ask(folder: RunFolder, messages: tuple[Message, ...], max_new_tokens: int, tuned: bool = True) -> str:
    """The greedy answer of the tuned model (or its base) under the recipe's system prompt, unless one is given."""
    recipe = folder.recipe
    if tuned and not is_tuned(folder):
        raise StorageError(
            f"{folder.path} has no tuned model yet",
            expected="a run whose training is finished",
            fix=f"luthier resume {folder.path}",
        )
    bench = set_up(recipe)
    model = load_tuned(recipe, bench, folder) if tuned else load_base(bench, recipe)
    if tuned and recipe.data.system_prompt and messages[0].role != "system":
        messages = (Message("system", recipe.data.system_prompt), *messages)
    answers = dict(answer_prompts(model, bench, [Prompt(messages)], max_new_tokens, 1, recipe.evaluation.seed))
    return answers[0].text
