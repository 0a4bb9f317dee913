"""Attention over blocks equals attention over whole rows, written out."""

import pytest
import torch

from luthier.kernels import BLOCK_TOKENS, BlockPlaces, Blocks, ScoreRules, attend_blocks, can_attend_blocks


def scattered_rows(lengths, heads, width, value_width, dtype):
    """Rows of keys and values, and the same in blocks that lie in no order; the last token of each row is missing."""
    torch.manual_seed(0)
    tables = torch.randperm(40, dtype=torch.int32)[: len(lengths) * 6].view(len(lengths), 6).contiguous()
    blocks = Blocks(
        torch.full((40, heads, width, BLOCK_TOKENS), torch.nan, dtype=dtype),
        torch.full((40, heads, BLOCK_TOKENS, -(-value_width // 16) * 16), torch.nan, dtype=dtype),
    )
    rows = []
    for table, length in zip(tables, lengths, strict=True):
        key = torch.randn(length, heads, width).to(dtype)
        value = torch.randn(length, heads, value_width).to(dtype)
        rows.append((key, value))
        for place in range(length):
            block, offset = int(table[place // BLOCK_TOKENS]), place % BLOCK_TOKENS
            blocks.keys[block, :, :, offset] = key[place]
            blocks.values[block, :, offset] = 0
            blocks.values[block, :, offset, :value_width] = value[place]
    return tables, blocks, rows


def slow_truth(query_HD, key_LKD, value_LKE, lowest, scores):
    group = len(query_HD) // key_LKD.shape[1]
    key_HLD = key_LKD.transpose(0, 1).repeat_interleave(group, 0).double()
    value_HLE = value_LKE.transpose(0, 1).repeat_interleave(group, 0).double()
    logits_HL = (key_HLD @ query_HD.double()[:, :, None])[:, :, 0] * scores.scaling
    if scores.softcap:
        logits_HL = scores.softcap * torch.tanh(logits_HL / scores.softcap)
    logits_HL[:, :lowest] = -torch.inf
    if scores.sinks_H is not None:
        logits_HL = torch.cat([logits_HL, scores.sinks_H.double()[:, None]], dim=1)
    shares_HL = logits_HL.softmax(-1)[:, : key_HLD.shape[1]]
    return (shares_HL[:, None] @ value_HLE)[:, 0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("heads", [(4, 2), (1, 1), (6, 1)])
@pytest.mark.parametrize("rules", ["plain", "softcap", "sinks", "window"])
def test_blocks_give_what_whole_rows_give(dtype, heads, rules):
    lengths, new_tokens, (query_heads, key_heads) = (1, 17, 40, 83), (1, 5, 9, 1), heads
    tables, blocks, rows = scattered_rows(lengths, key_heads, 8, 24, dtype)
    sinks = torch.randn(query_heads) if rules == "sinks" else None
    scores = ScoreRules(0.3, 2.0 if rules == "softcap" else None, sinks)
    row = [r for r, count in enumerate(new_tokens) for _ in range(count)] + [-1, -1]
    position = [length - count + i for length, count in zip(lengths, new_tokens, strict=True) for i in range(count)]
    position += [0, 0]
    lowest = [max(0, place - 11) if rules == "window" else 0 for place in position]
    query = torch.randn(len(row), query_heads, 8).to(dtype)
    new = tuple(torch.stack([rows[max(r, 0)][part][p] for r, p in zip(row, position, strict=True)]) for part in (0, 1))
    places = BlockPlaces(tables, *(torch.tensor(x, dtype=torch.int32) for x in (row, position)))
    for r, p in zip(row[:-2], position[:-2], strict=True):  # what is new is not there yet
        blocks.keys[int(tables[r, p // 16]), :, :, p % 16] = torch.nan
        blocks.values[int(tables[r, p // 16]), :, p % 16] = torch.nan
    assert can_attend_blocks(query, blocks, scores.scaling)
    found = attend_blocks(query, new, blocks, places, torch.tensor(lowest, dtype=torch.int32), scores)
    for token, (r, p) in enumerate(zip(row[:-2], position[:-2], strict=True)):
        key, value = (part[: p + 1] for part in rows[r])
        expected = slow_truth(query[token], key, value, lowest[token], scores)
        torch.testing.assert_close(
            found[token].double(),
            expected,
            rtol=1e-5 if dtype == torch.float32 else 1e-2,
            atol=1e-5 if dtype == torch.float32 else 1e-2,
        )
    assert not found[-2:].any()
