"""The HTTP door: OpenAI's fine-tuning platform as an app that receives the store, the settings and what answers."""

from luthier.server.app import make_app
from luthier.server.door.access import Asking, Call
from luthier.server.inference.protocol import Inference
from luthier.server.routes import ROUTES, Route
from luthier.server.state import ServerState

__all__ = ["ROUTES", "Asking", "Call", "Inference", "Route", "ServerState", "make_app"]
