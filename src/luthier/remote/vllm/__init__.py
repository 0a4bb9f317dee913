"""vLLM as the engine of a server: attached to or started, adapters loaded while it runs, the same API outside."""

from luthier.remote.vllm.inference import VllmInference
from luthier.remote.vllm.opening import open_vllm, vllm_url
from luthier.remote.vllm.process import VllmProcess, start_vllm

__all__ = ["VllmInference", "VllmProcess", "open_vllm", "start_vllm", "vllm_url"]
