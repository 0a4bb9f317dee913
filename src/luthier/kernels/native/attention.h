// What one layer's attention is given, and the queries' side that forward and backward share.
#pragma once

#include <omp.h>

#include "token_tree.h"

constexpr float kLog2E = 1.44269504f;
// A score that is never seen, and a maximum below all real scores, far enough apart that their difference gives 0.
constexpr float kUnseen = -1e30f, kNothingYet = -1e20f;

constexpr int kFetchedTokens = 256;  // how far keys and values are asked for ahead

struct Shape {
    int size, heads, key_heads, width, value_width;
    float scaling, softcap;  // no soft cap: 0

    int group() const { return heads / key_heads; }
};

// Tokens and heads of what attention reads; sinks_H may be null.
template <class T> struct Inputs {
    Rows<const T> query, key, value;
    const float *sinks_H;
};

// A tile's rows of a tensor [tokens, heads, width] as left factors: where they stand, if they are units as they stand,
// else packed into ``packed``.
template <class U> struct QueryRows {
    std::vector<const typename U::unit *> row;
    Room<typename U::unit> packed;

    template <class T> void take(const Rows<const T> &source, const QueryTile &tile, int64_t width) {
        int64_t step = units_of<U>(width), rows = tile.blocks * kRows;
        row.resize(rows);
        if constexpr (std::is_same<T, typename U::value>::value) {
            for (int64_t r = 0; r < rows; r++)
                row[r] = reinterpret_cast<const typename U::unit *>(source.at(tile.token[r], tile.head[r]));
        } else {
            auto *to = packed.take(rows * step);
            for (int64_t r = 0; r < rows; r++, to += step)
                pack_row(source.at(tile.token[r], tile.head[r]), width, to, step), row[r] = to;
        }
    }

    Left<typename U::unit> block(int block) const {
        Left<typename U::unit> left{{}, 1};
        for (int r = 0; r < kRows; r++) left.row[r] = row[block * kRows + r];
        return left;
    }
};

// The same rows as what is summed over: [units of rows, columns]. Rows that only fill up count as zeros.
template <class U, class T>
static inline void pack_queries_along(const Rows<const T> &source, const QueryTile &tile, int64_t width,
                                      int64_t columns, typename U::unit *to) {
    for (int r = 0; r < tile.blocks * kRows; r += U::kValues, to += columns)
        pack_along(r < tile.rows ? source.at(tile.token[r], tile.head[r]) : nullptr,
                   r + 1 < tile.rows ? source.at(tile.token[r + 1], tile.head[r + 1]) : nullptr, width, to, columns);
}

// Scores of one block against panels at..at+count-1 of the path, ``count`` 1 or 2.
template <class U>
static inline void multiply_panels(const Left<typename U::unit> &left, int64_t width_units,
                                   const typename U::unit *panels, const Path &path, int at, int count, float *to,
                                   int64_t to_step) {
    typedef typename U::unit unit;
    int64_t size = width_units * kPanel;
    Result result{to, to_step, kPanel};
    if (count == 2)
        multiply<U, 2, Start::kZero>(
            left, Right<unit, 2>{panels, {path.panel[at] * size, path.panel[at + 1] * size}, kPanel, int(width_units)},
            result);
    else
        multiply<U, 1, Start::kZero>(left, Right<unit, 1>{panels, {path.panel[at] * size}, kPanel, int(width_units)},
                                     result);
}

// Sums over the keys of panels at..at+count-1: ``rows`` (probabilities, or their gradients) times ``panels`` (values or
// keys, tokens packed along), ``columns`` of them. The last panel counts only up to ``last_keys`` keys.
template <class U, Start START>
static inline void multiply_path(const typename U::unit *rows, int64_t row_step, const typename U::unit *panels,
                                 int64_t columns, const Path &path, int at, int count, int last_keys, float *to,
                                 const float *keep) {
    typedef typename U::unit unit;
    constexpr int kUnits = kPanel / U::kValues;
    Left<unit> left = left_rows(rows, row_step);
    int last = int(units_of<U>(last_keys));
    for (int64_t c = 0; c < columns; c += 2 * kPanel) {
        Result result{to + c, columns, kPanel};
        if (c + kPanel < columns)
            multiply<U, 2, START>(left,
                                  Right<unit, 2>{panels, {c, c + kPanel}, columns, last, count, kUnits,
                                                 path.panel.data() + at, columns * kUnits},
                                  result, keep);
        else
            multiply<U, 1, START>(left,
                                  Right<unit, 1>{panels, {c}, columns, last, count, kUnits, path.panel.data() + at,
                                                 columns * kUnits},
                                  result, keep);
    }
}
