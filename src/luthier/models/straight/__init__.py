"""Decoder layers of Llama's form run straight, as one step of autograd: the same kernels in the same order as through
Transformers' modules, without what modules, views and small steps of autograd cost, and with residuals and sums of
gradients added where the products still hold their sums.

Only for layers that are known to be exactly this, each proven on random tokens beside the model's own code; all other
layers go through that code.
"""

from luthier.models.straight.layer import StraightLayer
from luthier.models.straight.recognise import straight_of, straighten

__all__ = ["StraightLayer", "straight_of", "straighten"]
