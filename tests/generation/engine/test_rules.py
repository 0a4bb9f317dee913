"""A rule that breaks fails its own answer, whenever it does."""

import threading

import numpy as np
import pytest

from luthier.generation import Engine, EngineSettings, Request, RequestRefused
from tiny import tiny_llama

REFUSAL = RequestRefused("the rule broke", expected="one that does not", fix="ask without it")


class Breaks:
    """Allows everything twice, and breaks then; ``meanwhile`` is done before."""

    def __init__(self, meanwhile=lambda: None):
        self.fills, self.begun, self.meanwhile = 0, threading.Event(), meanwhile

    def fill(self, allowed_W: np.ndarray) -> None:
        self.begun.wait(20)
        allowed_W[:] = -1
        self.fills += 1
        if self.fills == 2:
            self.meanwhile()

    def advance(self, token: int) -> None:
        if self.fills == 2:
            raise REFUSAL


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_a_rule_that_breaks_hurts_nobody_else_even_after_its_row_has_left(is_cancelled: bool):
    settings = EngineSettings(rows=4, context_tokens=256, memory_bytes=1 << 20)
    with Engine(tiny_llama().requires_grad_(False), settings) as engine:
        fine = engine.submit(Request((3, 4), 100))
        rule = Breaks(lambda: broken.cancel() if is_cancelled else None)
        broken = engine.submit(Request((3, 4), 50, rule=rule))
        rule.begun.set()

        if is_cancelled:
            assert broken.result()[1].reason == "cancelled"
        else:
            with pytest.raises(RequestRefused):
                broken.result()
        assert fine.result()[1].written_tokens == 100
