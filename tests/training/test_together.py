"""Several trainings at once end where each ends alone, whatever the others do."""

import dataclasses

import pytest
import torch

from luthier.adapters import put_on
from luthier.errors import TrainingError
from luthier.events import StepFinished, TrainingFailed, Validated
from luthier.models import folding_of
from luthier.models.shapes import TOKENS, round_up
from luthier.objectives import sft_loss_sum
from luthier.recipe import Full, Lora, TrainingSettings
from luthier.tokens import lay_end_to_end
from luthier.tokens.batch import to_batch
from luthier.training import (
    Cadence,
    NamedAdamW,
    Schedule,
    StepPlan,
    Training,
    TrainingExample,
    make_step,
    save_now,
    train,
    train_together,
)
from luthier.training.joint_step import plan_jointly
from luthier.training.memory.live import LiveBytes
from luthier.training.together import compute_joint_gradients
from tiny import random_branches, tiny_llama
from tiny_training import are_equal, tiny_training, values

# Nothing is alike: rank, targets, learning rate, rows, order, epochs (steps) and row counts.
KINDS = {
    "one": {"method": Lora(rank=4), "rate": 5e-3, "rows": 24, "seed": 1, "epochs": 2.0},
    "two": {"method": Lora(rank=16, targets=("q_proj", "v_proj")), "rate": 1e-3, "rows": 40, "seed": 2, "epochs": 1.0},
    "three": {"method": Lora(rank=2, targets=("down_proj",)), "rate": 2e-2, "rows": 16, "seed": 3, "epochs": 3.0},
    "four": {"method": Lora(rank=8), "rate": 3e-3, "rows": 9, "seed": 4, "epochs": 2.0},
}
BUDGET = 300


def job(name, model, folder, budget=BUDGET, rank=None):
    kind = KINDS[name]
    adapter = put_on(Lora(rank=rank) if rank else kind["method"], model, "base", seed=kind["seed"], slot=name)
    rows = [
        TrainingExample((branch,), f"row {i}") for i, branch in enumerate(random_branches(kind["rows"], kind["seed"]))
    ]
    plan = StepPlan(rows[4:], 8, kind["epochs"], seed=kind["seed"], budget_tokens=budget)
    return Training(
        adapter=adapter,
        plan=plan,
        validation=[make_step(rows[:4], budget, True)],
        loss_sum=sft_loss_sum,
        optimizer=NamedAdamW(adapter.parameters(), TrainingSettings()),
        schedule=Schedule("cosine", kind["rate"], plan.steps, 1),
        cadence=Cadence(validate_steps=plan.steps_per_epoch, checkpoint_steps=4, keep_checkpoints=2),
        clip_norm=1.0,
        compute_dtype=torch.float32,
        checkpoints=folder / name,
    )


def base():
    return tiny_llama().requires_grad_(False)


def jobs_on(model, folder, names=tuple(KINDS)):
    return {name: job(name, model, folder) for name in names}


def alone(name, folder):
    """The truth: the job by itself on a base of its own."""
    single = job(name, base(), folder)
    return single, list(train(single))


def relative_error(left, right):
    """Of all parameters as one vector."""
    difference = sum(float((left[name] - right[name]).norm() ** 2) for name in right) ** 0.5
    return difference / sum(float(p.norm() ** 2) for p in right.values()) ** 0.5


def events_of(told, name, kind):
    return [event for teller, event in told if teller == name and isinstance(event, kind)]


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """All four in one process, to their ends."""
    jobs = jobs_on(base(), tmp_path_factory.mktemp("together"))
    return jobs, list(train_together(jobs))


@pytest.mark.parametrize("name", KINDS)
def test_each_job_ends_where_it_ends_alone(tmp_path, together, name):
    """In float32 within 1e-6 of the whole adapter's length; the rounding of a product depends on its row count."""
    jobs, told = together
    single, events = alone(name, tmp_path)
    assert relative_error(values(jobs[name]), values(single)) <= 1e-6
    for kind in (StepFinished, Validated):
        expected = [(e.step, e.loss) for e in events if isinstance(e, kind)]
        found = [(e.step, e.loss) for e in events_of(told, name, kind)]
        assert [step for step, _ in found] == [step for step, _ in expected]
        assert [loss for _, loss in found] == pytest.approx([loss for _, loss in expected], rel=1e-6)


def test_jobs_end_at_different_times(together):
    jobs, told = together
    steps = {name: len(events_of(told, name, StepFinished)) for name in jobs}
    assert steps == {name: job.plan.steps for name, job in jobs.items()} and len(set(steps.values())) > 2


def test_jobs_share_forwards_under_one_budget(tmp_path):
    jobs = jobs_on(base(), tmp_path)
    sizes = []
    model = jobs["one"].adapter.model
    handle = model.model.register_forward_pre_hook(
        lambda _, args, given: sizes.append(given["input_ids"].numel()), with_kwargs=True
    )
    compute_joint_gradients(jobs, plan_jointly(jobs))
    handle.remove()
    assert len(sizes) < sum(len(job.plan(0).trees) for job in jobs.values())
    assert max(sizes) <= -(-BUDGET // 64) * 64


def test_the_last_layer_works_out_what_some_job_reads(tmp_path):
    jobs = jobs_on(base(), tmp_path)
    joint = plan_jointly(jobs)
    rows = []
    network = jobs["one"].adapter.model.model.layers[-1].mlp
    handle = network.gate_proj.register_forward_pre_hook(lambda _, inputs: rows.append(inputs[0].shape[1]))
    compute_joint_gradients(jobs, joint)
    handle.remove()
    trees = [[tree for _, tree in parts] for parts in joint.micro_batches]
    read = [len(torch.unique(to_batch(lay_end_to_end(each)).read_at_N)) for each in trees]
    assert rows == [round_up(count, TOKENS) for count in read]
    assert sum(rows) < sum(tree.computed_tokens for each in trees for tree in each)


def test_a_job_that_breaks_does_not_take_the_others_with_it(tmp_path, together):
    jobs = jobs_on(base(), tmp_path)
    with torch.no_grad():
        next(iter(jobs["two"].adapter.parameters().values())).fill_(float("nan"))
    told = list(train_together(jobs))
    (failed,) = events_of(told, "two", TrainingFailed)
    assert failed.step == 1 and "loss is nan" in failed.found and failed.fix
    assert events_of(told, "two", StepFinished) == []
    for name in ("one", "three", "four"):
        assert len(events_of(told, name, StepFinished)) == jobs[name].plan.steps
        assert relative_error(values(jobs[name]), values(together[0][name])) <= 1e-6


def test_stopped_between_rounds_and_gone_on_with_nothing_changes(tmp_path, together):
    first = jobs_on(base(), tmp_path)
    list(train_together(first, lambda names: [name for name in names if first[name].progress.step < 2]))
    for stopped in first.values():
        if stopped.progress.saved_step != stopped.progress.step:
            save_now(stopped, stopped.progress.step)
    again = jobs_on(base(), tmp_path)
    list(train_together(again))
    assert all(are_equal(values(again[name]), values(together[0][name])) for name in KINDS)


def test_jobs_that_stand_at_different_steps_go_on_from_their_own_checkpoints(tmp_path, together):
    """As after a kill: one job is ahead of the others."""
    ahead = jobs_on(base(), tmp_path, ("three",))
    list(train_together(ahead, lambda names: [name for name in names if ahead[name].progress.step < 2]))
    again = jobs_on(base(), tmp_path)
    list(train_together(again))
    assert all(relative_error(values(again[name]), values(together[0][name])) <= 1e-6 for name in KINDS)


def test_a_model_that_cannot_fold_trains_its_jobs_one_after_another(tmp_path, together):
    model = base()
    model.folding = dataclasses.replace(folding_of(model), path="rows")
    jobs = jobs_on(model, tmp_path)
    list(train_together(jobs))
    assert all(relative_error(values(jobs[name]), values(together[0][name])) <= 1e-5 for name in KINDS)


def test_four_jobs_take_at_most_1_4_times_the_memory_of_one(tmp_path):
    """Every tensor alive in two rounds, counted at each operation; the base, which all share, was made before.

    Micro-batches are full alone and together, since that is what the budget bounds.
    """

    def peak(names):
        model = base()
        jobs = {name: job(name, model, tmp_path / str(len(names)), budget=128, rank=2) for name in names}
        with LiveBytes() as live:
            list(train_together(jobs, lambda names: [name for name in names if jobs[name].progress.step < 2]))
        return sum(p.numel() * p.element_size() for p in model.parameters()) + max(live.peaks.values())

    assert peak(tuple(KINDS)) <= 1.4 * peak(("one",))


def test_one_job_may_be_of_any_method(tmp_path):
    whole = tiny_training(tmp_path / "a", Full())
    list(train(whole))
    joined = tiny_training(tmp_path / "b", Full())
    list(train_together({"only": joined}))
    assert are_equal(values(joined), values(whole))


def test_jobs_on_different_bases_are_refused(tmp_path):
    jobs = {name: job(name, base(), tmp_path) for name in ("one", "two")}
    with pytest.raises(TrainingError, match="do not share one frozen base"):
        list(train_together(jobs))
