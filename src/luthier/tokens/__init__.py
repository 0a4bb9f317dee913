"""Chat to tokens, what is trained, the token tree and its packing. `tokens.batch` loads torch, the rest does not."""

from luthier.tokens.added import add_tokens
from luthier.tokens.branch import Branch
from luthier.tokens.chat import ChatTemplate, load_tokenizer
from luthier.tokens.contract import ContractReport, check_contract
from luthier.tokens.encode import EncodedExample, encode_example, encode_examples
from luthier.tokens.forest import lay_end_to_end, tree_starts
from luthier.tokens.packing import Packing, pack, pack_jointly, plan_packing
from luthier.tokens.sharing import FORK_TOKENS, Fork, Sharing, SharingCost, sharing_cost
from luthier.tokens.show import example_as_json, legend, show_example, wants_color
from luthier.tokens.tree import TokenTree, fold

__all__ = [
    "FORK_TOKENS",
    "Branch",
    "ChatTemplate",
    "ContractReport",
    "EncodedExample",
    "Fork",
    "Packing",
    "Sharing",
    "SharingCost",
    "TokenTree",
    "add_tokens",
    "check_contract",
    "encode_example",
    "encode_examples",
    "example_as_json",
    "fold",
    "lay_end_to_end",
    "legend",
    "load_tokenizer",
    "pack",
    "pack_jointly",
    "plan_packing",
    "sharing_cost",
    "show_example",
    "tree_starts",
    "wants_color",
]
