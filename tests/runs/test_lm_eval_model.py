"""Our model under lm-eval's interface; lm-eval's own numbers were compared by hand (docs/golden-sets.md)."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from luthier.errors import ModelError
from luthier.runs import lm_eval_model as file_under_test
from luthier.runs.lm_eval_model import as_lm_eval_model, lm_eval_package
from luthier.runs.opened_model import encode_pair, open_model


class TemplateOfTests:
    """The one method of lm-eval's template that scoring goes through."""

    def loglikelihood(self, requests):
        return self._loglikelihood_tokens([((), *request.args) for request in requests])


@pytest.fixture
def model(tiny_model, monkeypatch: pytest.MonkeyPatch):
    template, windows = ModuleType("lm_eval.api.model"), ModuleType("lm_eval.utils")
    vars(template)["TemplateLM"] = TemplateOfTests
    vars(windows)["make_disjoint_window"] = lambda window: window
    vars(windows)["get_rolling_token_windows"] = lambda token_list, prefix_token, max_seq_len, context_len: [
        ([prefix_token], token_list)
    ]
    known = {"lm_eval.api.model": template, "lm_eval.utils": windows}
    monkeypatch.setattr(file_under_test, "lm_eval_package", known.__getitem__)
    opened = open_model(str(tiny_model), precision="float32")
    return opened, as_lm_eval_model(opened)


def test_requests_are_scored_in_their_order(model):
    opened, under_test = model
    pairs = [encode_pair(opened, "card lost", end) for end in (" bill", " app", " bill")]
    first, second, third = under_test.loglikelihood([SimpleNamespace(args=pair) for pair in pairs])
    assert first == third != second
    assert first[0] < 0


def test_a_whole_text_is_as_likely_as_its_tokens_together(model):
    opened, under_test = model
    whole = under_test.loglikelihood_rolling([SimpleNamespace(args=("card lost bill",))])
    (alone,) = under_test.loglikelihood([SimpleNamespace(args=encode_pair(opened, "", "card lost bill"))])
    assert whole == [pytest.approx(alone[0], rel=1e-5)]


def test_answers_end_where_a_task_says(model):
    _, under_test = model
    asked = [("Question: x", {"until": [], "max_gen_toks": tokens}) for tokens in (6, 3)]
    longer, shorter = under_test.generate_until([SimpleNamespace(args=args) for args in asked])
    assert longer.startswith(shorter)
    stop = longer[-1]
    (cut,) = under_test.generate_until([SimpleNamespace(args=("Question: x", {"until": [stop], "max_gen_toks": 6}))])
    assert cut == longer[: longer.index(stop)]


def test_without_lm_eval_the_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    with pytest.raises(ModelError, match=r"luthier\[lm-eval\]"):
        lm_eval_package()
