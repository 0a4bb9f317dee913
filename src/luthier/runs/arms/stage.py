"""The stage in which arms answer: things to look up are opened, ways of asking chosen, and every arm asked."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace

from luthier.data import column_of
from luthier.evaluation import (
    Arm,
    Decoded,
    Found,
    plan_arm,
    remote_generate,
    remote_notes,
    retrieval_quality,
)
from luthier.events import Event, Noticed, Warned
from luthier.recipe import TUNED_ARMS, ArmName, EvaluationSettings, RemoteArm
from luthier.remote import RemoteError
from luthier.retrieval import Retriever
from luthier.runs.arms.arm import Beside, answer_arm, is_answered, obstacle_of, write_obstacle
from luthier.runs.arms.asking import Asking
from luthier.runs.arms.choosing import choices_behind, choose_ways, with_choices
from luthier.runs.arms.lookup import open_documents, open_rows
from luthier.runs.folder import RunFolder


def missing_untuned(folder: RunFolder, settings: EvaluationSettings) -> list[str]:
    """Untuned and remote arms that have not answered. A remote arm that failed may answer next time; a local arm that
    cannot run will not be able to later either."""
    remote = {arm.name for arm in settings.remote_arms}
    names = [name for name in settings.arm_names if name not in TUNED_ARMS and not is_answered(folder, name)]
    return [name for name in names if name in remote or obstacle_of(folder, name) is None]


def missing_tuned(folder: RunFolder, settings: EvaluationSettings) -> list[ArmName]:
    missing: list[ArmName] = [name for name in settings.local_arms if not is_answered(folder, name)]
    return [name for name in missing if name in TUNED_ARMS and obstacle_of(folder, name) is None]


def answer_untuned(asking: Asking, names: Sequence[str]) -> Iterator[Event]:
    """The base's arms, then the remote ones, asked in the ways that did best on validation rows."""
    settings = asking.recipe.evaluation
    local: list[ArmName] = [name for name in settings.local_arms if name in names]
    remote = [arm for arm in settings.remote_arms if arm.name in names]
    solvers = [*local, *(arm.solver for arm in remote)]
    found = yield from _open(asking, solvers)
    found = yield from choose_ways(asking, solvers, found)
    for name in local:
        yield from _answer_local(asking, name, found)
    for arm in remote:
        yield from _answer_remote(asking, arm, found)


def answer_tuned(asking: Asking, names: Sequence[ArmName]) -> Iterator[Event]:
    found = yield from _open(asking, names)
    found = with_choices(asking, found)
    for name in names:
        yield from _answer_local(asking, name, found)


def _open(asking: Asking, solvers: Sequence[str]) -> Generator[Event, None, Found]:
    """Only what the solvers will look things up in."""
    settings, found = asking.recipe.evaluation, Found()
    if "rag" in solvers or "tuned-rag" in solvers:
        for opened in open_documents(asking):
            if isinstance(opened, Retriever):
                found = replace(found, documents=opened)
            else:
                yield opened
    wants_nearest = "few-shot" in solvers and settings.few_shot_selection != "fixed"
    if wants_nearest or ("rag" in solvers and found.documents is None):
        found = replace(found, rows=open_rows(asking))
    return found


def _answer_local(asking: Asking, name: ArmName, found: Found) -> Iterator[Event]:
    arm = _planned(asking, name, found)
    yield from (Noticed(f"arm {name}: {note}") for note in arm.notes)
    if arm.obstacle is not None:
        yield from _tell_obstacle(asking, name, arm.obstacle)
        return
    beside = _beside(asking, arm, name)
    yield from answer_arm(asking.folder, arm, asking.judging, asking.generate, asking.wants_stop, beside)


def _answer_remote(asking: Asking, remote: RemoteArm, found: Found) -> Iterator[Event]:
    """A failure of the network costs this arm, never the run."""
    arm = _planned(asking, remote.solver, found)
    if arm.obstacle is not None:
        yield from _tell_obstacle(asking, remote.name, arm.obstacle)
        return
    named = replace(arm, name=remote.name, notes=(*arm.notes, *remote_notes(remote)))
    beside = replace(_beside(asking, arm, remote.solver), price=remote.price)
    generate = remote_generate(remote, Decoded(asking.max_new_tokens, asking.recipe.evaluation.seed))
    try:
        yield from answer_arm(asking.folder, named, asking.judging, generate, asking.wants_stop, beside)
    except RemoteError as error:
        yield from _tell_obstacle(asking, remote.name, f"{error.found} (fix: {error.fix})")


def _planned(asking: Asking, name: ArmName, found: Found) -> Arm:
    recipe, data = asking.recipe, asking.data
    settings = recipe.evaluation
    return plan_arm(name, data.golden, data.train, settings, recipe.data, data.kind, asking.budget, found)


def _beside(asking: Asking, arm: Arm, solver: str) -> Beside:
    data, column = asking.data, asking.recipe.evaluation.document_column
    named = column_of(data.golden, column, "evaluation.document_column") if column and arm.found else None
    quality = retrieval_quality(arm, data.golden, data.train, named)
    return Beside(retrieval=quality, chosen_on_validation=choices_behind(asking, solver))


def _tell_obstacle(asking: Asking, name: str, reason: str) -> Iterator[Event]:
    write_obstacle(asking.folder, name, reason)
    told = f"the arm {name} does not run: {reason}"
    # That one's own prompt is the best is no trouble.
    yield Noticed(told) if name == "found-prompt" else Warned(told)
