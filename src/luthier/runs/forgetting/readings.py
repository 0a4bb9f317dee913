"""The same tokens read by the base and by the tuned model: whole distributions compared, a chunk at a time.

Shapes: P trained tokens of all branches, C of them in one chunk, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from luthier.evaluation.forgetting import Passage, Reading
from luthier.examples import Example
from luthier.models import distribution_chunks, hidden_before_trained, next_token_log_probs
from luthier.runs.forgetting.answers_of_both import WrittenTwice
from luthier.runs.forgetting.two_models import TwoModels
from luthier.runs.workbench import Workbench
from luthier.tokens import Branch, fold
from luthier.tokens.batch import TreeBatch, to_batch

READ_TOKENS = 4096
ROWS = 6  # kl, agreement, nats of base and tuned, hits of base and tuned


@torch.inference_mode()
def read_both(models: TwoModels, branches: Sequence[Branch]) -> list[Reading]:
    """One reading per branch, over its tokens of weight above 0; logits exist for one chunk at a time."""
    device = next(models.tuned.parameters()).device
    readings: dict[int, Reading] = {}
    for members in _groups(branches):
        batch = to_batch(fold([branches[index] for index in members]), device)
        counts = [branches[index].trained_tokens for index in members]
        found = np.split(_read_batch(models, batch), np.cumsum(counts)[:-1], axis=1)
        readings |= {index: Reading(*part) for index, part in zip(members, found, strict=True)}
    return [readings[index] for index in range(len(branches))]


def _read_batch(models: TwoModels, batch: TreeBatch) -> np.ndarray:
    """``[6, P]`` in float64."""
    target_P = batch.target_N.index_select(0, batch.node_of_P)
    with models.asking_base() as base:
        base_PD = hidden_before_trained(base, batch)
    with models.asking_tuned() as tuned:
        tuned_PD = hidden_before_trained(tuned, batch)
    parts = [np.zeros((ROWS, 0))]
    for chunk in distribution_chunks(base_PD, models.tuned):
        with models.asking_base() as base:
            base_CV = next_token_log_probs(base, base_PD[chunk])
        with models.asking_tuned() as tuned:
            tuned_CV = next_token_log_probs(tuned, tuned_PD[chunk])
        parts.append(_compare(base_CV, tuned_CV, target_P[chunk]))
    return np.concatenate(parts, axis=1)


def _compare(base_CV: torch.Tensor, tuned_CV: torch.Tensor, target_C: torch.Tensor) -> np.ndarray:
    base_top_C, tuned_top_C = base_CV.argmax(dim=-1), tuned_CV.argmax(dim=-1)
    rows = (
        # A token that the base rules out entirely adds nothing, whatever the tuned model thinks of it.
        (base_CV.exp() * (base_CV - tuned_CV)).nan_to_num(nan=0.0).sum(dim=-1),
        base_top_C == tuned_top_C,
        -base_CV.gather(1, target_C[:, None])[:, 0],
        -tuned_CV.gather(1, target_C[:, None])[:, 0],
        base_top_C == target_C,
        tuned_top_C == target_C,
    )
    return np.stack([row.double().cpu().numpy() for row in rows])


def _groups(branches: Sequence[Branch]) -> list[list[int]]:
    """Branches that have something to read, like lengths together, as many as the budget of tokens allows."""
    groups: list[list[int]] = []
    tokens = 0
    for index in sorted(range(len(branches)), key=lambda i: len(branches[i].ids)):
        size = len(branches[index].ids)
        if groups and tokens + size <= READ_TOKENS:
            groups[-1].append(index)
            tokens += size
        else:
            groups.append([index])
            tokens = size
    return groups


def read_passages(models: TwoModels, bench: Workbench, passages: Sequence[Passage]) -> tuple[Reading, ...]:
    """Plain texts without a template, cut at the end of the context; all but the first token is read."""
    start = [bench.chat.tokenizer.bos_token_id] if bench.chat.tokenizer.bos_token_id is not None else []
    rows = [(start + bench.chat.ids(passage.text))[: bench.context_tokens] for passage in passages]
    return tuple(read_both(models, [_read_from(ids, 1) for ids in rows]))


def read_prompts(
    models: TwoModels, bench: Workbench, examples: Sequence[Example], system_prompt: str | None
) -> tuple[Reading, ...]:
    """What a model sees before it answers these rows; none of it was trained on."""
    seen = [example.with_system(system_prompt) if system_prompt else example for example in examples]
    rows = [bench.chat.prompt_ids(example.prompt, example.tools)[: bench.context_tokens] for example in seen]
    return tuple(read_both(models, [_read_from(ids, 1) for ids in rows]))


def read_own_answers(models: TwoModels, written: WrittenTwice) -> tuple[Reading, ...]:
    """The base's answers, token by token as it wrote them: where it would go, and would the tuned model go there?"""
    pairs = [pair for pair in zip(written.prompt_ids, written.base_ids, strict=True) if pair[1]]
    return tuple(read_both(models, [_read_from((*asked, *answer), len(asked)) for asked, answer in pairs]))


def _read_from(ids: Sequence[int], first: int) -> Branch:
    return Branch(tuple(ids), (0.0,) * first + (1.0,) * (len(ids) - first))
