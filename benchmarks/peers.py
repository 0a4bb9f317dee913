"""The peers' side of a round: TRL's SFTTrainer with PEFT, and a plain loop over a Transformers model.

Both get the best setting they have: bfloat16 autocast over a base that is loaded in bfloat16 (full fine-tuning: over
float32 weights), no gradient checkpointing, no logging, no evaluation, no saving, rows sorted by length, torch's
fused AdamW, and the number of rows at once that was found fastest. On CUDA also FlashAttention without padding, and
Liger's layer kernels, where they are installed.
"""

import gc
import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from benchmarks.job import Job, Outcome
from benchmarks.machine import Clock, MemoryWatch
from benchmarks.random_models import first_adapter
from benchmarks.workloads import ROWS_PER_STEP, Row, Tuning, in_steps

CLIP_NORM = 1.0
UNTRAINED = -100
PADDING_ID = 0

Train = Callable[[Job, Tuning, Sequence[Row]], Outcome]


def one_after_another(train: Train, job: Job, rows: Sequence[Sequence[Row]]) -> Outcome:
    """Every tuning on a base that is loaded anew, outside the clock; times add up, the largest peak counts."""
    done: list[Outcome] = []
    for tuning, of_tuning in zip(job.tunings, rows, strict=True):
        done.append(train(job, tuning, of_tuning))
        # What the last trainer and its model hold of each other must not be there when the next is measured.
        gc.collect()
    return Outcome(
        seconds=sum(outcome.seconds for outcome in done),
        cpu_seconds=sum(outcome.cpu_seconds for outcome in done),
        losses=tuple(loss for outcome in done for loss in outcome.losses),
        peak_bytes=max(outcome.peak_bytes for outcome in done),
        rise_bytes=max(outcome.rise_bytes for outcome in done),
        computed_tokens=sum(outcome.computed_tokens for outcome in done),
    )


def load_for_peer(job: Job, tuning: Tuning) -> Any:
    """Transformers' model with torch's own attention, LoRA by PEFT starting from the matrices luthier starts from."""
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(
        job.model, dtype=_stored_dtype(job), attn_implementation=_attention(), local_files_only=True
    )
    model.to(_device())
    if tuning.rank is None:
        return model
    from peft import PeftModel

    model.requires_grad_(False)
    return PeftModel.from_pretrained(model, str(first_adapter(Path(job.model), tuning)), is_trainable=True)


def train_with_trl(job: Job, tuning: Tuning, rows: Sequence[Row]) -> Outcome:
    """The clock runs over `SFTTrainer.train()` alone; making the trainer and its dataset is not counted."""
    from datasets import Dataset
    from transformers import AutoTokenizer, logging
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    logging.set_verbosity_error()
    noted: list[torch.Tensor] = []

    class NotingTrainer(SFTTrainer):
        """Keeps each micro-batch's loss, a scalar, instead of switching logging on."""

        def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
            loss: Any = super().compute_loss(*args, **kwargs)
            noted.append(loss.detach())
            return loss

    table = {"input_ids": [list(row.ids) for row in rows], "labels": [_labels(row) for row in rows]}
    with tempfile.TemporaryDirectory() as scratch:
        trainer = NotingTrainer(
            model=load_for_peer(job, tuning),
            args=SFTConfig(**trl_settings(job, tuning, scratch)),
            train_dataset=Dataset.from_dict(table),
            processing_class=AutoTokenizer.from_pretrained(job.model, local_files_only=True),
        )
        watch = MemoryWatch()
        clock = Clock()
        trainer.train()
        clock.stop()
    return _outcome(clock, noted, watch, job, rows)


def trl_settings(job: Job, tuning: Tuning, scratch: str) -> dict[str, Any]:
    on_gpu = torch.cuda.is_available()
    return {
        "output_dir": scratch,
        "use_cpu": not on_gpu,
        "bf16": job.precision == "bfloat16",
        "gradient_checkpointing": False,
        "per_device_train_batch_size": job.rows_at_once,
        "gradient_accumulation_steps": ROWS_PER_STEP // job.rows_at_once,
        "num_train_epochs": 1,
        "learning_rate": tuning.learning_rate,
        "lr_scheduler_type": "constant",
        "optim": "adamw_torch_fused",
        "weight_decay": 0.0,
        "max_grad_norm": CLIP_NORM,
        "train_sampling_strategy": "sequential",
        "shuffle_dataset": False,
        "max_length": None,
        "padding_free": job.is_padding_free,
        "dataset_kwargs": {"skip_prepare_dataset": True},
        "dataloader_num_workers": 0,
        "dataloader_pin_memory": on_gpu,
        "use_liger_kernel": on_gpu and find_spec("liger_kernel") is not None,
        "logging_strategy": "no",
        "save_strategy": "no",
        "eval_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "seed": tuning.seed,
    }


def train_with_transformers(job: Job, tuning: Tuning, rows: Sequence[Row]) -> Outcome:
    """The loop of many a tutorial: right-padded rows, the model's own loss, gradients added up over a step."""
    model = load_for_peer(job, tuning)
    model.train()
    device = _device()
    noted: list[torch.Tensor] = []
    watch = MemoryWatch()
    clock = Clock()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=tuning.learning_rate, weight_decay=0.0, fused=True)
    is_rounded = job.precision == "bfloat16"
    for step in in_steps(rows):
        tokens = sum(row.trained_tokens for row in step)
        for inputs in padded_batches(step, job.rows_at_once, device):
            with torch.autocast(device.type, torch.bfloat16, enabled=is_rounded):
                loss = model(**inputs, num_items_in_batch=tokens, use_cache=False).loss
            loss.backward()
            noted.append(loss.detach())
        torch.nn.utils.clip_grad_norm_(trained, CLIP_NORM)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    clock.stop()
    return _outcome(clock, noted, watch, job, rows)


def padded_batches(step: Sequence[Row], rows_at_once: int, device: torch.device) -> Iterator[dict[str, torch.Tensor]]:
    for start in range(0, len(step), rows_at_once):
        rows = step[start : start + rows_at_once]
        width = max(len(row.ids) for row in rows)
        ids = [list(row.ids) + [PADDING_ID] * (width - len(row.ids)) for row in rows]
        mask = [[1] * len(row.ids) + [0] * (width - len(row.ids)) for row in rows]
        labels = [_labels(row) + [UNTRAINED] * (width - len(row.ids)) for row in rows]
        yield {
            "input_ids": torch.tensor(ids, device=device),
            "attention_mask": torch.tensor(mask, device=device),
            "labels": torch.tensor(labels, device=device),
        }


def _labels(row: Row) -> list[int]:
    return [UNTRAINED] * row.trained_from + list(row.ids[row.trained_from :])


def _outcome(clock: Clock, noted: list[torch.Tensor], watch: MemoryWatch, job: Job, rows: Sequence[Row]) -> Outcome:
    """Every micro-batch's loss is divided by the whole step's trained tokens already, so a step's is their sum."""
    parts = ROWS_PER_STEP // job.rows_at_once
    losses = [float(loss) for loss in noted]
    at_once = [rows[start : start + job.rows_at_once] for start in range(0, len(rows), job.rows_at_once)]
    lengths = [[len(row.ids) for row in batch] for batch in at_once]
    return Outcome(
        seconds=clock.seconds,
        cpu_seconds=clock.cpu_seconds,
        losses=tuple(sum(losses[start : start + parts]) for start in range(0, len(losses), parts)),
        peak_bytes=watch.peak_bytes(),
        rise_bytes=watch.rise_bytes(),
        computed_tokens=sum(sum(each) if job.is_padding_free else len(each) * max(each) for each in lengths),
    )


def _stored_dtype(job: Job) -> torch.dtype:
    return torch.float32 if job.is_full else getattr(torch, job.precision)


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _attention() -> str:
    return "flash_attention_2" if torch.cuda.is_available() and find_spec("flash_attn") else "sdpa"
