"""Models: the bases this server offers, and what a project has tuned from them."""

from __future__ import annotations

from typing import Any

from luthier.answering import AskedModel
from luthier.recipe import Base
from luthier.server.door.access import Asking, Call
from luthier.server.errors import Refused, no_model
from luthier.server.wire import models as wire
from luthier.server.wire.lists import list_body
from luthier.store import TunedModel, models


def list_all(call: Asking) -> dict[str, Any]:
    """Newest first, tuned models before bases; checkpoints are not listed, but can be retrieved and asked."""
    with call.state.store.database.reading() as connection:
        tuned = models.list_final(connection, call.project_id)
    bases = call.state.bases.items()
    created = call.state.started_at
    listed = [wire.tuned_object(model) for model in reversed(tuned)]
    return list_body([*listed, *(wire.base_object(id, base, created) for id, base in bases)])


def retrieve(call: Asking, model: str) -> dict[str, Any]:
    if model in call.state.bases:
        return wire.base_object(model, call.state.bases[model], call.state.started_at)
    return wire.tuned_object(find_tuned(call, model))


def delete(call: Asking, model: str) -> dict[str, Any]:
    """Gone for everybody at once; the job that made it keeps its record. Only the owner may."""
    if model in call.state.bases:
        raise Refused(403, "A base model cannot be deleted.", code="base_model", param="model")
    with call.state.store.database.writing() as connection:
        if not models.delete(connection, call.project_id, model):
            raise no_model(model)
        call.note(connection, "model.delete", model)
    return {"id": model, "object": "model", "deleted": True}


def find_model(call: Call, id: str) -> AskedModel:
    """What is asked when a client writes ``id``; raises 404 `model_not_found`."""
    if (base := call.state.bases.get(id)) is not None:
        return AskedModel(id, base.id, base.path)
    tuned = find_tuned(call, id)
    base = base_of(call, tuned)
    return AskedModel(id, base.id, base.path, tuned.folder, tuned.kind)


def find_tuned(call: Call, id: str) -> TunedModel:
    """The project's own, or one that another project permitted it to use."""
    with call.state.store.database.reading() as connection:
        found = models.find_permitted(connection, call.project_id, id)
    if found is None:
        raise no_model(id)
    return found


def base_of(call: Call, tuned: TunedModel) -> Base:
    """Raises 404 where this server no longer offers the base that the model was tuned from."""
    found = call.state.bases.get(tuned.base)
    if found is None:
        raise Refused(
            404,
            f"The base model `{tuned.base}` of `{tuned.id}` is not offered by this server any more.",
            code="model_not_found",
            param="model",
        )
    return found
