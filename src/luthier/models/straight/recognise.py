"""Which decoder layers can run straight: found by what hangs in them, and proven on random tokens."""

from typing import Any

import torch
from torch import nn

from luthier.errors import ModelError
from luthier.kernels import Activation, can_attend, is_native
from luthier.models.attention import LayerRules
from luthier.models.kernel_rules import GateRule, NormRule, RotaryRule, rule_of
from luthier.models.straight.layer import Norm, StraightLayer
from luthier.models.tree_attention import TreePlan, plan_tree
from luthier.tokens import Branch, fold
from luthier.tokens.batch import TreeBatch, to_batch

LAYER = {"self_attn", "mlp", "input_layernorm", "post_attention_layernorm"}
ATTENTION = {"q_proj", "k_proj", "v_proj", "o_proj"}
HEAD_NORMS = {"q_norm", "k_norm"}
TOLERANCE = 1e-5


@torch.no_grad()
def straighten(layer: Any) -> bool:
    """Let ``layer`` run straight if it is a layer of this form, in place; its parts must run through kernels already.

    Anything that it does beyond the form (another residual, a factor, a layer without positions) shows in a probe of
    two branches under positions of which no two are alike.
    """
    if not _has_form(layer) or not isinstance(gate := rule_of(layer.mlp), GateRule):
        return False
    probe = _Probe(layer)
    expected = probe.run(layer.forward, recorder := _Recorder(probe.plan))
    if expected is None or recorder.rules is None or recorder.rules.sinks_H is not None:
        return False
    straight = _straight(layer, gate.activation, recorder.rules)
    found = probe.run(straight.forward, probe.plan)
    if straight.parts(**probe.arguments(probe.plan)) is None or not _agree(found, expected):
        return False
    layer.forward = straight.forward
    return True


def straight_of(layer: nn.Module) -> StraightLayer | None:
    """What `straighten` put in the place of the layer's own forward."""
    forward: Any = vars(layer).get("forward")
    owner = getattr(forward, "__self__", None)
    return owner if isinstance(owner, StraightLayer) else None


class _Recorder:
    """Attends as the plan does and notes what the layer asked for."""

    def __init__(self, plan: TreePlan):
        self.plan = plan
        self.rules: LayerRules | None = None

    def attend(self, layer: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, rules: LayerRules) -> Any:
        states = [x[0].transpose(0, 1) for x in (query, key, value)]
        is_compiled = can_attend(states[0], states[1], states[2], rules.scaling)
        self.rules = rules if is_compiled and query.shape[-1] == value.shape[-1] else None
        return self.plan.attend(layer, query, key, value, rules)


class _Probe:
    """Five tokens in two branches, each turned by a position of its own."""

    def __init__(self, layer: Any):
        random = torch.Generator().manual_seed(0)
        kind, width = layer.self_attn.q_proj.weight.dtype, layer.self_attn.head_dim
        batch = _two_branches()
        tokens = len(batch.ids_T)
        self.plan, self.positions_1T = plan_tree(batch), batch.positions_T[None]
        hidden = torch.randn(1, tokens, layer.self_attn.q_proj.in_features, generator=random)
        angles = torch.randn(1, tokens, width // 2, generator=random).repeat(1, 1, 2)
        self.hidden = hidden.to(kind)
        self.turns = angles.cos().to(kind), angles.sin().to(kind)

    def arguments(self, plan: Any) -> dict[str, Any]:
        """As Transformers' decoders hand them to a layer."""
        return {
            "hidden": self.hidden,
            "attention_mask": None,
            "position_embeddings": self.turns,
            "position_ids": self.positions_1T,
            "past_key_values": None,
            "use_cache": False,
            "attention_plan": plan,
            "attention_positions": self.positions_1T,
        }

    def run(self, forward: Any, plan: Any) -> torch.Tensor | None:
        arguments = self.arguments(plan)
        try:
            return forward(arguments.pop("hidden"), **arguments)
        except (ModelError, TypeError, AttributeError, ValueError, RuntimeError):  # takes others, or does other things
            return None


def _two_branches() -> TreeBatch:
    branches = [Branch((1, 2, end), (0.0, 1.0, 1.0)) for end in (3, 4)]
    return to_batch(fold([*branches, Branch((5, 6), (0.0, 1.0))], 1), torch.device("cpu"))


def _has_form(layer: Any) -> bool:
    """Nothing more and nothing less hangs in it, all of one number format."""
    children = dict(layer.named_children())
    if set(children) != LAYER or list(layer.parameters(recurse=False)):
        return False
    attention = children["self_attn"]
    inner = {name for name, _ in attention.named_children()}
    projections = [getattr(attention, name, None) for name in sorted(ATTENTION)]
    norms = [children["input_layernorm"], children["post_attention_layernorm"]]
    norms += [getattr(attention, name) for name in sorted(HEAD_NORMS & inner)]
    if inner - HEAD_NORMS != ATTENTION or list(attention.parameters(recurse=False)):
        return False
    weights = list(layer.parameters())
    return (
        isinstance(rule_of(attention), RotaryRule)
        and all(type(linear) is nn.Linear for linear in projections)
        and all(isinstance(rule_of(norm), NormRule) for norm in norms)
        and all(is_native(weight) and weight.dtype == weights[0].dtype for weight in weights)
        and _has_heads(attention)
    )


def _has_heads(attention: Any) -> bool:
    """Head norms are of one head each, not of all heads together."""
    width = getattr(attention, "head_dim", None)
    norms = [getattr(attention, name, None) for name in HEAD_NORMS]
    return isinstance(width, int) and all(norm is None or norm.weight.shape == (width,) for norm in norms)


def _straight(layer: Any, activation: Activation, rules: LayerRules) -> StraightLayer:
    attention = layer.self_attn
    return StraightLayer(
        layer=layer,
        original=layer.forward,
        before=_norm(layer.input_layernorm),
        after=_norm(layer.post_attention_layernorm),
        query_norm=_norm(attention.q_norm) if hasattr(attention, "q_norm") else None,
        key_norm=_norm(attention.k_norm) if hasattr(attention, "k_norm") else None,
        activation=activation,
        rules=rules,
    )


def _norm(module: nn.Module) -> Norm:
    rule = rule_of(module)
    assert isinstance(rule, NormRule)
    return Norm(module, rule)


def _agree(found: torch.Tensor | None, expected: torch.Tensor) -> bool:
    if found is None or found.shape != expected.shape:
        return False
    tolerance = TOLERANCE if expected.dtype is torch.float32 else 4 * torch.finfo(expected.dtype).eps
    return bool((found.float() - expected.float()).abs().max() <= tolerance * expected.float().abs().max())
