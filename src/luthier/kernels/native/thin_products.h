// Products of a block of token rows with a thin matrix, in either direction: wide to narrow, narrow added to wide, and
// the gradient of the thin matrix.
#pragma once

#include "thin_factor.h"

constexpr int kBlock = 64;  // tokens between two visits to the sums of the thin gradients
constexpr int kWide = 2 * kPanel;
constexpr int kMostRank = 128;
constexpr int kLowStep = kMostRank;  // units from row to row of what is narrow: fixed, so that addresses need no sums

// Rows of tokens, each dense.
template <class T> struct Tokens {
    T *data;
    int64_t step, width;

    T *at(int64_t token) const { return data + token * step; }
};

template <class T> struct Thin {
    typedef typename UnitsOf<T>::type U;
    typedef typename U::unit unit;

    // Up to 8 rows as a left factor; missing ones repeat the last. ``packed`` has room for 8 rows of units.
    static Left<unit> as_left(const T *rows, int64_t step, int count, int64_t width, unit *packed) {
        if constexpr (std::is_same<T, typename U::value>::value) {
            Left<unit> left{{}, 1};
            for (int r = 0; r < kRows; r++)
                left.row[r] = reinterpret_cast<const unit *>(rows + std::min(r, count - 1) * step);
            return left;
        } else {
            int64_t units = units_of<U>(width);
            for (int r = 0; r < count; r++) pack_row(rows + r * step, width, packed + r * units, units);
            return as_left_units(packed, units, count);
        }
    }

    static Left<unit> as_left_units(const unit *rows, int64_t step, int count) {
        Left<unit> left{{}, 1};
        for (int r = 0; r < kRows; r++) left.row[r] = rows + std::min(r, count - 1) * step;
        return left;
    }

    // wide rows * factor, rounded to ``low`` [count, rank] and kept as units [8, rank padded].
    static void narrow(const Left<unit> &wide, const Factor<U> &factor, int count, int64_t rank, T *low, unit *units) {
        alignas(64) float sums[kRows * kWide];
        int64_t columns = factor.panels * kPanel;
        for (int64_t p = 0; p < factor.panels; p += 2) {
            if (p + 1 < factor.panels)
                multiply<U, 2, Start::kZero>(wide, factor.template right<2>(p), {sums, kWide, kPanel});
            else
                multiply<U, 1, Start::kZero>(wide, factor.template right<1>(p), {sums, kWide, kPanel});
            int64_t first = p * kPanel, values = std::min<int64_t>(kWide, rank - first);
            for (int r = 0; r < kRows; r++) {
                float *row = sums + r * kWide;
                if (r < count) write_row(row, 1, values, low + r * rank + first);
                if constexpr (!std::is_same<T, typename U::value>::value)
                    for (int i = 0; i < values; i++) row[i] = rounded<T>(row[i]);
                for (int i = 0; i < kWide && first + i < columns; i += kLanes)
                    U::store(load_lanes(row + i), units + r * kLowStep + (first + i) / U::kValues);
            }
        }
    }

    // to += narrow rows * factor.
    static void spread(const unit *low, const Factor<U> &factor, int count, const Tokens<T> &to, int64_t token) {
        int64_t p = 0;
        for (; (p + 2) * kPanel <= to.width; p += 2)
            spread_panels<2>(low, factor.template right<2>(p), count, to.at(token) + p * kPanel, to.step, kWide);
        for (; p < factor.panels; p++)
            spread_panels<1>(low, factor.template right<1>(p), count, to.at(token) + p * kPanel, to.step,
                             std::min<int64_t>(kPanel, to.width - p * kPanel));
    }

    template <int WIDE>
    static void spread_panels(const unit *low, const Right<unit, WIDE> &right, int count, T *to, int64_t step,
                              int64_t values) {
        if constexpr (std::is_same<T, bfloat16>::value && U::kValues == 2 && WIDE == 2) {
            add_product_pairs(low, right, count, to, step);
        } else {
            alignas(64) float sums[kRows * kWide];
            multiply<U, WIDE, Start::kZero>(left_rows(low, kLowStep), right, {sums, kWide, kPanel});
            for (int r = 0; r < count; r++) add_row(sums + r * kWide, values, to + r * step);
        }
    }

#if defined(__AVX512BF16__)
    // Two panels without a detour: the sums begin with what stood in ``to``, and are rounded as they leave.
    static void add_product_pairs(const unit *low, const Right<unit, 2> &right, int count, bfloat16 *to,
                                  int64_t step) {
        floats total[kRows][2];
        bfloat16 *row[kRows];
        const unit *row_units = low, *first = right.data + right.place[0], *second = right.data + right.place[1];
#pragma GCC unroll 8
        for (int r = 0; r < kRows; r++) {
            row[r] = to + std::min(r, count - 1) * step;  // missing rows write the last one's numbers again
#pragma GCC unroll 2
            for (int w = 0; w < 2; w++) {
                __m256i stood = _mm256_loadu_si256((__m256i *)(row[r] + w * kPanel));
                total[r][w] = (floats)_mm512_slli_epi32(_mm512_cvtepu16_epi32(stood), 16);
            }
        }
        for (int u = 0; u < right.last_units; u++, row_units++, first += kPanel, second += kPanel) {
            floats column[2];
            std::memcpy(&column[0], first, sizeof(floats)), std::memcpy(&column[1], second, sizeof(floats));
#pragma GCC unroll 8
            for (int r = 0; r < kRows; r++)
#pragma GCC unroll 2
                for (int w = 0; w < 2; w++)
                    total[r][w] = U::add_product(total[r][w], row_units[r * kLowStep], column[w]);
        }
#pragma GCC unroll 8
        for (int r = 0; r < kRows; r++)
            _mm512_storeu_si512(row[r], (__m512i)_mm512_cvtne2ps_pbh((__m512)total[r][1], (__m512)total[r][0]));
    }

    // The first rows of a gather, which bring the columns into pairs and keep these for the rows that follow.
    template <Start START>
    static void gather_first(const unit *low, int64_t padded, const bfloat16 *wide, int64_t step, int units,
                             unit *columns, float *sums) {
        floats total[kRows][2];
        float *to[2] = {sums, sums + padded * kPanel};
#pragma GCC unroll 8
        for (int r = 0; r < kRows; r++)
#pragma GCC unroll 2
            for (int w = 0; w < 2; w++)
                total[r][w] = START == Start::kZero ? floats{} : load_lanes(to[w] + r * kPanel);
        for (int u = 0; u < units; u++, wide += 2 * step, low += padded, columns += kWide) {
            pack_pairs(wide, wide + step, kWide, columns);
            floats column[2];
            std::memcpy(column, columns, sizeof column);
#pragma GCC unroll 8
            for (int r = 0; r < kRows; r++)
#pragma GCC unroll 2
                for (int w = 0; w < 2; w++) total[r][w] = U::add_product(total[r][w], low[r], column[w]);
        }
#pragma GCC unroll 8
        for (int r = 0; r < kRows; r++)
#pragma GCC unroll 2
            for (int w = 0; w < 2; w++) store_lanes(to[w] + r * kPanel, total[r][w]);
    }
#endif

    static void add_row(const float *from, int64_t count, T *to) {
        int64_t i = 0;
#if defined(__AVX512BF16__)
        if constexpr (std::is_same<T, bfloat16>::value)
            for (; i + 16 <= count; i += 16) {
                __m512i stood = _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((__m256i *)(to + i))), 16);
                __m512 total = (__m512)((floats)stood + load_lanes(from + i));
                _mm256_storeu_si256((__m256i *)(to + i), (__m256i)_mm512_cvtneps_pbh(total));
            }
#endif
        for (; i < count; i++) store(to[i], load(to[i]) + from[i]);
    }

    // sums (+)= low^T * wide over up to kBlock tokens, in panels [rank padded, 16]; ``low`` is packed along.
    template <Start START>
    static void gather(const unit *low, int64_t padded, const T *wide, int64_t step, int64_t width, int count,
                       float *sums) {
        alignas(64) unit columns[kBlock / U::kValues * kWide];
        int units = int(units_of<U>(count));
        for (int64_t c = 0; c < width; c += kWide) {
            int64_t values = std::min<int64_t>(kWide, width - c), r = 0;
            if constexpr (std::is_same<T, bfloat16>::value && U::kValues == 2)
                if (values == kWide && count % 2 == 0)
                    gather_first<START>(low, padded, wide + c, step, units, columns, sums + c * padded), r = kRows;
            for (int u = 0, t = 0; u < units && r == 0; u++, t += U::kValues)
                pack_along(wide + t * step + c, t + 1 < count ? wide + (t + 1) * step + c : nullptr, values,
                           columns + u * kWide, kWide);
            for (; r < padded; r += kRows) {
                Left<unit> left = left_columns(low + r, padded);
                Result result{sums + c * padded + r * kPanel, kPanel, padded * kPanel};
                if (values > kPanel)
                    multiply<U, 2, START>(left, Right<unit, 2>{columns, {0, kPanel}, kWide, units}, result);
                else
                    multiply<U, 1, START>(left, Right<unit, 1>{columns, {0}, kWide, units}, result);
            }
        }
    }
};
