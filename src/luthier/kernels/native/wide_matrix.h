// A large matrix [rows, columns] as the right factor of a product: 64 outputs of it, packed in bfloat16 pairs.
#pragma once

#include "packing.h"

constexpr int kTileVectors = 4;
constexpr int kColumns = kTileVectors * kPanel;  // outputs that are packed together

// [rows, columns], dense. Forward its rows become outputs ("across"), backward its columns stay outputs ("along").
struct Matrix {
    const bfloat16 *data;
    int64_t rows, columns;
    bool is_across;

    int64_t outputs() const { return is_across ? rows : columns; }
    int64_t depth() const { return is_across ? columns : rows; }

    // Units first..first+units-1 of up to 64 outputs: [units, 64], filled up with zeros.
    void pack(int64_t output, int64_t first, int64_t units, uint32_t *to) const {
        is_across ? pack_rows(output, first, units, to) : pack_columns(output, first, units, to);
    }

  private:
    void pack_rows(int64_t output, int64_t first, int64_t units, uint32_t *to) const {
        alignas(64) uint32_t square[kPanel * 16];
        int64_t values = std::min(2 * units, columns - 2 * first);
        for (int c = 0; c < kColumns; c += kPanel)
            for (int64_t u = 0; u < units; u += 16) {
                const bfloat16 *from = data + (output + c) * columns + 2 * (first + u);
                int count = int(std::min<int64_t>(16, units - u));
                if (output + c + kPanel <= rows && 2 * u + 32 <= values) {
                    transpose16(from, columns / 2, to + u * kColumns + c, kColumns, count);
                    continue;
                }
                for (int r = 0; r < kPanel; r++)
                    pack_part(output + c + r < rows ? from + r * columns : nullptr,
                              std::min<int64_t>(32, values - 2 * u), square + r * 16);
                transpose16(square, 16, to + u * kColumns + c, kColumns, count);
            }
    }

    void pack_columns(int64_t output, int64_t first, int64_t units, uint32_t *to) const {
        int64_t width = std::min<int64_t>(kColumns, columns - output);
        for (int64_t u = 0; u < units; u++, to += kColumns) {
            const bfloat16 *row = data + 2 * (first + u) * columns + output;
            pack_along(row, 2 * (first + u) + 1 < rows ? row + columns : nullptr, width, to, kColumns);
        }
    }
};
