"""luthier fine-tunes language models on your own machines and says, with evidence, whether it helped."""

__version__ = "0.2.0"
