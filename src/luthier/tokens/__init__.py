"""Chat to tokens, what is trained, the token tree and its packing. `tokens.batch` loads torch, the rest does not."""

from luthier.tokens.branch import Branch
from luthier.tokens.chat import ChatTemplate, load_tokenizer
from luthier.tokens.contract import ContractReport, check_contract
from luthier.tokens.encode import EncodedExample, encode_example, encode_examples
from luthier.tokens.packing import pack
from luthier.tokens.show import example_as_json, legend, show_example, wants_color
from luthier.tokens.tree import TokenTree, fold

__all__ = [
    "Branch",
    "ChatTemplate",
    "ContractReport",
    "EncodedExample",
    "TokenTree",
    "check_contract",
    "encode_example",
    "encode_examples",
    "example_as_json",
    "fold",
    "legend",
    "load_tokenizer",
    "pack",
    "show_example",
    "wants_color",
]
