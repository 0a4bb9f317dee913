"""Chat to tokens, what is trained, the token tree and its packing. `tokens.batch` loads torch, the rest does not."""

from luthier.tokens.branch import Branch
from luthier.tokens.packing import pack
from luthier.tokens.tree import TokenTree, fold

__all__ = ["Branch", "TokenTree", "fold", "pack"]
