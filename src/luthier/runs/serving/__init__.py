"""Models of this machine, served: what the server's `Inference` asks for, answered by the engine in this process."""

from luthier.runs.serving.embedded import EmbeddedInference
from luthier.runs.serving.host import Host

__all__ = ["EmbeddedInference", "Host"]
