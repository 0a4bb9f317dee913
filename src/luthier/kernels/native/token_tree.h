// The token tree as kernels see it: segments, each segment's path of key panels, and the pieces that threads share out.
#pragma once

#include <cstdlib>
#include <vector>

#include "packing.h"

// A segment is a run of tokens of which each is the child of the one before. Its path is a list of ranges: beginnings
// of earlier segments, ancestors first, and at last itself. Depth counts tokens from the root; ``lowest`` is, for each
// token, the least depth that it sees (0 without a window), or -1 less that where nobody reads what it sees. Trees
// follow each other; a root has one range.
struct TokenTree {
    int tokens, segments;
    const int *start, *depth, *first_range, *range_segment, *range_tokens, *lowest;
    std::vector<int> panel;  // how many panels lie before a segment, when each segment begins a new one

    // Reads what `tree_ranges` in kernels/attention.py lays end to end.
    TokenTree(const int *plan, const int *lowest_T) : tokens(plan[0]), segments(plan[1]), lowest(lowest_T) {
        start = plan + 2;
        depth = start + segments + 1;
        first_range = depth + segments;
        range_segment = first_range + segments + 1;
        range_tokens = range_segment + first_range[segments];
        panel.assign(size_t(segments) + 1, 0);
        for (int s = 0; s < segments; s++) panel[s + 1] = panel[s] + (start[s + 1] - start[s] + kPanel - 1) / kPanel;
    }

    // Tokens begin..end-1 without those at either end that nobody reads.
    void leave_out_unread(int &begin, int &end) const {
        while (begin < end && lowest[begin] < 0) begin++;
        while (begin < end && lowest[end - 1] < 0) end--;
    }

    int end_of_tree(int segment) const {
        for (segment++; segment < segments && first_range[segment + 1] - first_range[segment] > 1;) segment++;
        return segment;
    }
};

// Tokens begin..end-1, worked on by one thread at a time: some whole trees, or one of several parts of one tree, which
// is cut only where there would be too little to do for all threads. Segments first_segment..end_segment-1 hold them.
struct Piece {
    int first_segment, end_segment, begin, end, part, parts;
};

// A token costs its path, and something of its own.
static inline int64_t cost_of(const TokenTree &tree, int first, int end) {
    constexpr int64_t kTokenCost = 32;
    int64_t cost = 0;
    for (int s = first; s < end; s++) {
        int64_t size = tree.start[s + 1] - tree.start[s];
        cost += size * (tree.depth[s] + size / 2 + kTokenCost);
    }
    return cost;
}

// Cuts one tree into ``parts`` pieces of about equal cost, between panels; fewer where it has too few panels.
static inline void cut_tree(const TokenTree &tree, int first, int end, int parts, std::vector<Piece> &pieces) {
    size_t made = pieces.size();
    int64_t share = cost_of(tree, first, end) / parts + 1, reached = 0;
    int begin = tree.start[first];
    for (int s = first; s < end && parts > 1; s++)
        for (int token = tree.start[s]; token < tree.start[s + 1]; token += kPanel) {
            if (reached >= share * int64_t(pieces.size() - made + 1)) {
                pieces.push_back({first, end, begin, token, int(pieces.size() - made), 0});
                begin = token;
            }
            reached += kPanel * (tree.depth[s] + token - tree.start[s] + 40);
        }
    pieces.push_back({first, end, begin, tree.start[end], int(pieces.size() - made), 0});
    for (size_t i = made; i < pieces.size(); i++) pieces[i].parts = int(pieces.size() - made);
}

// All pieces, each a job for every key head. Depends on the number of threads, never on their timing.
static inline std::vector<Piece> cut(const TokenTree &tree, int key_heads, int threads) {
    std::vector<Piece> pieces;
    int64_t total = cost_of(tree, 0, tree.segments) * key_heads;
    int64_t most = threads == 1 ? total : total / (2 * threads) + 1, enough = most / 4, gathered = 0;
    for (int first = 0, end; first < tree.segments; first = end) {
        end = tree.end_of_tree(first);
        int64_t cost = cost_of(tree, first, end);
        bool is_small = cost < enough;
        if (is_small && gathered > 0 && gathered + cost <= enough) {
            pieces.back().end_segment = end, pieces.back().end = tree.start[end];
            gathered += cost;
        } else {
            cut_tree(tree, first, end, int(std::min<int64_t>((cost + most - 1) / most, threads)), pieces);
            gathered = is_small ? cost : 0;
        }
    }
    return pieces;
}

// A piece tree by tree.
static inline std::vector<Piece> trees_of(const TokenTree &tree, const Piece &piece) {
    std::vector<Piece> trees;
    for (int first = piece.first_segment, end; first < piece.end_segment; first = end) {
        end = tree.end_of_tree(first);
        int begin = std::max(piece.begin, tree.start[first]), last = std::min(piece.end, tree.start[end]);
        trees.push_back({first, end, begin, last, piece.part, piece.parts});
    }
    return trees;
}

// Memory that only grows and stays with its thread, so that a layer does not ask the system for the same pages again.
template <class N> struct Room {
    N *data = nullptr;
    size_t bytes = 0;

    ~Room() { std::free(data); }

    // Room for ``count`` numbers; what stood in it may be lost.
    N *take(int64_t count) {
        size_t asked = size_t(round_up(count * int64_t(sizeof(N)), 64));
        if (asked > bytes) {
            std::free(data);
            data = static_cast<N *>(std::aligned_alloc(64, asked));
            bytes = asked;
        }
        return data;
    }
};

// How many tokens a tile of about ``most`` takes, so that ``tokens`` are shared out evenly.
static inline int even_share(int tokens, int most) {
    int tiles = std::max(1, (tokens + most / 2) / most);
    return (tokens + tiles - 1) / tiles;
}

// The panels of keys on a segment's path, by depth: each one's number within its tree, first depth, and keys in it.
struct Path {
    std::vector<int> panel, depth, keys;

    void follow(const TokenTree &tree, int segment, int first_segment) {
        panel.clear(), depth.clear(), keys.clear();
        for (int r = tree.first_range[segment]; r < tree.first_range[segment + 1]; r++) {
            int s = tree.range_segment[r], base = tree.panel[s] - tree.panel[first_segment];
            for (int key = 0; key < tree.range_tokens[r]; key += kPanel) {
                panel.push_back(base + key / kPanel);
                depth.push_back(tree.depth[s] + key);
                keys.push_back(std::min(kPanel, tree.range_tokens[r] - key));
            }
        }
    }
};

// Queries of consecutive tokens, all heads that share a key head, token by token, in blocks of kRows rows. A block sees
// panels first..end-1 of the path. The last block is filled up with copies of the last row.
struct QueryTile {
    int rows, blocks;
    std::vector<int> token, head, depth, lowest;  // per row; ``head`` counts all query heads
    std::vector<int> first, end;                  // per block

    void take(const TokenTree &tree, const Path &path, int segment, int begin, int tokens, int first_head, int group) {
        rows = tokens * group, blocks = (rows + kRows - 1) / kRows;
        for (auto column : {&token, &head, &depth, &lowest}) column->resize(size_t(blocks * kRows));
        for (int i = 0, row = 0; i < tokens; i++)
            for (int h = 0; h < group; h++, row++) {
                int least = tree.lowest[begin + i];
                token[row] = begin + i, head[row] = first_head + h, lowest[row] = least < 0 ? -1 - least : least;
                depth[row] = tree.depth[segment] + begin + i - tree.start[segment];
            }
        for (auto column : {&token, &head, &depth, &lowest})
            std::fill(column->begin() + rows, column->end(), (*column)[rows - 1]);
        first.resize(blocks), end.resize(blocks);
        int from = 0, to = 0, count = int(path.panel.size());
        for (int b = 0; b < blocks; b++) {
            while (path.depth[from] + path.keys[from] <= lowest[b * kRows]) from++;
            while (to < count && path.depth[to] <= depth[b * kRows + kRows - 1]) to++;
            first[b] = from, end[b] = to;
        }
    }

    // Whether every row of the block sees every key of the panel.
    bool is_seen_whole(const Path &path, int block, int at) const {
        return path.keys[at] == kPanel && path.depth[at] >= lowest[block * kRows + kRows - 1] &&
               path.depth[at] + kPanel - 1 <= depth[block * kRows];
    }

    // The keys of the panel that a row sees are from(..)..to(..)-1.
    int from(const Path &path, int row, int at) const { return lowest[row] - path.depth[at]; }
    int to(const Path &path, int row, int at) const { return std::min(path.keys[at], depth[row] - path.depth[at] + 1); }
};
