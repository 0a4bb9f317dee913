"""A model behind an OpenAI-compatible address, as a callable. The key is named by its environment variable only."""

from luthier.remote.asking import Manner, Question, RemoteAnswer, ask_all, ask_one, ask_remote, embed_remote
from luthier.remote.endpoint import Endpoint, open_client
from luthier.remote.failures import RemoteError

__all__ = [
    "Endpoint",
    "Manner",
    "Question",
    "RemoteAnswer",
    "RemoteError",
    "ask_all",
    "ask_one",
    "ask_remote",
    "embed_remote",
    "open_client",
]
