"""Our models under lm-eval: its tasks and its arithmetic, our forward pass. Needs the extra `luthier[lm-eval]`."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Sequence
from typing import Any

from luthier.errors import ModelError
from luthier.evaluation.tasks import cut_at
from luthier.generation import Decoding, continuation_log_probs, generate
from luthier.runs.opened_model import BATCH_ITEMS, OpenedModel, encode, prefix_id

DEFAULT_ANSWER_TOKENS = 256


def lm_eval_package(module: str = "lm_eval") -> Any:
    """A module of lm-eval; raises ModelError where it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ModelError(
            f"lm-eval is not installed here ({error})",
            expected="the extra lm-eval, which runs public benchmark tasks",
            fix="pip install 'luthier[lm-eval]'",
        ) from None


def as_lm_eval_model(opened: OpenedModel) -> Any:
    """An `lm_eval.api.model.TemplateLM` that `lm_eval.simple_evaluate(model=...)` takes as it is."""
    template: Any = lm_eval_package("lm_eval.api.model").TemplateLM
    windows = lm_eval_package("lm_eval.utils")
    tokenizer_of_model: Any = opened.bench.chat.tokenizer

    class LuthierModel(template):
        """Tokenises as lm-eval's own Hugging Face model does, so that the same texts give the same ids."""

        backend = "causal"
        tokenizer = tokenizer_of_model
        batch_size = BATCH_ITEMS
        max_length = opened.most_tokens
        max_gen_toks = DEFAULT_ANSWER_TOKENS
        eot_token_id = tokenizer_of_model.eos_token_id
        prefix_token_id = prefix_id(opened)
        tokenizer_name = str(tokenizer_of_model.name_or_path).replace("/", "__")

        def tok_encode(self, string: str, add_special_tokens: bool | None = None, **_: Any) -> list[int]:
            return encode(opened, string, add_special_tokens)

        def _loglikelihood_tokens(self, requests: Sequence[Any], **_: Any) -> list[tuple[float, bool]]:
            found = dict(continuation_log_probs(opened.model, [request[1:] for request in requests], self.max_length))
            return [(found[index].log_prob, found[index].is_greedy) for index in range(len(requests))]

        def loglikelihood_rolling(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[float]:
            sums = []
            for request in requests:
                (text,) = request.args
                parts = windows.get_rolling_token_windows(
                    token_list=self.tok_encode(text),
                    prefix_token=self.prefix_token_id,
                    max_seq_len=self.max_length,
                    context_len=1,
                )
                pairs = [(None, *windows.make_disjoint_window(part)) for part in parts]
                sums.append(sum(log_prob for log_prob, _ in self._loglikelihood_tokens(pairs)))
            return sums

        def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[str]:
            return _written(opened, [request.args for request in requests])

        def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
            return tokenizer_of_model.apply_chat_template(
                chat_history,
                tokenize=False,
                add_generation_prompt=add_generation_prompt,
                continue_final_message=not add_generation_prompt,
            )

    return LuthierModel()


def run_public_tasks(
    opened: OpenedModel, tasks: Sequence[str], limit: int | None = None, few_shot: int | None = None
) -> dict[str, Any]:
    """lm-eval's own result dictionary for tasks that it knows by name, or YAML files of its kind.

    lm-eval would download data that are not on this machine; the command line keeps it offline. Raises ModelError
    where it is not installed.
    """
    harness = lm_eval_package()
    logging.getLogger("lm_eval").setLevel(logging.WARNING)
    return harness.simple_evaluate(
        model=as_lm_eval_model(opened), tasks=list(tasks), limit=limit, num_fewshot=few_shot, bootstrap_iters=1000
    )


def _written(opened: OpenedModel, requests: Sequence[tuple[str, dict[str, Any]]]) -> list[str]:
    """Greedy or drawn as each request asks; texts that end an answer are cut off with what follows them."""
    texts: dict[int, str] = {}
    kinds: dict[tuple[int, float], list[int]] = {}
    for index, (_, asked) in enumerate(requests):
        longest = int(asked.get("max_gen_toks") or asked.get("max_new_tokens") or DEFAULT_ANSWER_TOKENS)
        temperature = float(asked.get("temperature") or 0.0) if asked.get("do_sample") else 0.0
        kinds.setdefault((longest, temperature), []).append(index)
    tokenizer = opened.bench.chat.tokenizer
    for (longest, temperature), indices in kinds.items():
        room = opened.most_tokens - longest
        if room <= 0:
            raise ModelError(
                f"a task asks for answers of {longest:,} tokens",
                expected=f"less than the {opened.most_tokens:,} tokens that {opened.name} can read and write",
                fix="use a model with a longer context, or another task",
            )
        prompts = [encode(opened, requests[index][0])[-room:] for index in indices]
        decoding = Decoding(longest, frozenset({tokenizer.eos_token_id}), BATCH_ITEMS, temperature=temperature)
        for written in generate(opened.model, prompts, decoding):
            index = indices[written.index]
            until = requests[index][1].get("until") or []
            stops = [until] if isinstance(until, str) else until
            text = tokenizer.decode(list(written.ids), skip_special_tokens=True)
            texts[index] = cut_at(text, [stop for stop in stops if stop])
    return [texts[index] for index in range(len(requests))]
