// Small matrix products on packed operands, the inner loops of attention; in bfloat16 pairs where the processor can.
//
// A *unit* is 32 bits of the dimension that a product sums over: one float, or two neighbouring bfloat16. Left factors
// are read unit by unit and spread over all lanes; right factors are read as whole vectors, 16 columns to a *panel*.
#pragma once

#include "lanes.h"

constexpr int kPanel = 16;  // columns of a panel: keys, or a part of a head's width
constexpr int kRows = 8;    // rows of one product
constexpr int kVectors = kPanel / kLanes;

struct FloatUnits {
    typedef float value;  // whose rows in memory are units already
    typedef float unit;
    static constexpr int kValues = 1;

    static inline floats add_product(floats total, float left, floats right) { return total + left * right; }
    static inline void store(floats row, float *to) { store_lanes(to, row); }

    // Two neighbouring rows as what is summed over, the lanes as columns of a panel.
    static inline void store_along(floats first, floats second, float *to) {
        store_lanes(to, first);
        store_lanes(to + kPanel, second);
    }
};

#if defined(__AVX512BF16__)
struct PairUnits {
    typedef bfloat16 value;
    typedef uint32_t unit;
    static constexpr int kValues = 2;

    static inline floats add_product(floats total, uint32_t left, floats right) {
        return (floats)_mm512_dpbf16_ps((__m512)total, (__m512bh)_mm512_set1_epi32(int(left)), (__m512bh)right);
    }

    static inline void store(floats row, uint32_t *to) {
        _mm256_storeu_si256((__m256i *)to, (__m256i)_mm512_cvtneps_pbh((__m512)row));
    }

    static inline void store_along(floats first, floats second, uint32_t *to) {
        __m512i halves = (__m512i)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first);
        const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22,
                                               6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
        _mm512_storeu_si512(to, _mm512_permutexvar_epi16(order, halves));
    }
};
#endif

// How numbers of format T are multiplied on this processor.
template <class T> struct UnitsOf {
    typedef FloatUnits type;
};
#if defined(__AVX512BF16__)
template <> struct UnitsOf<bfloat16> {
    typedef PairUnits type;
};
#endif

// Left factor: unit u of row r is row[r][u * unit_step].
template <class Unit> struct Left {
    const Unit *row[kRows];
    int64_t unit_step;
};

// Rows that lie ``row_step`` units apart, each dense.
template <class Unit> static inline Left<Unit> left_rows(const Unit *data, int64_t row_step) {
    Left<Unit> left{{}, 1};
    for (int r = 0; r < kRows; r++) left.row[r] = data + r * row_step;
    return left;
}

// Rows side by side: unit u of all of them is found at data + u * unit_step.
template <class Unit> static inline Left<Unit> left_columns(const Unit *data, int64_t unit_step) {
    Left<Unit> left{{}, unit_step};
    for (int r = 0; r < kRows; r++) left.row[r] = data + r;
    return left;
}

// Right factor of WIDE panels: unit u of panel p is the 16 columns at data + place[p] + u * unit_step. What is summed
// over may lie in several blocks of ``block_units`` units, block i at a further block[i] * block_step; the last block
// gives ``last_units``. Without ``block`` there is one.
template <class Unit, int WIDE> struct Right {
    const Unit *data;
    int64_t place[WIDE], unit_step;
    int last_units, blocks = 1, block_units = 0;
    const int *block = nullptr;
    int64_t block_step = 0;
};

// What a product is written to: row r of panel p at data + r * row_step + p * panel_step.
struct Result {
    float *data;
    int64_t row_step, panel_step;
};

enum class Start { kZero, kAdd, kScaled };

// Rows FIRST.. and vectors of one register block of the product below; ``keep`` scales what stood in each row.
template <class U, int ROWS, int WIDTH, int WIDE, Start START>
static inline __attribute__((always_inline)) void multiply_block(const Left<typename U::unit> &left, int first_row,
                                                                 const Right<typename U::unit, WIDE> &right,
                                                                 int first_vector, const Result &result,
                                                                 const float *keep) {
    typedef typename U::unit unit;
    floats total[ROWS][WIDTH];
    int64_t at[WIDTH];
    float *to[WIDTH];
#pragma GCC unroll 4
    for (int w = 0; w < WIDTH; w++) {
        int vector = first_vector + w;
        at[w] = right.place[vector / kVectors] + vector % kVectors * kLanes;
        to[w] = result.data + vector / kVectors * result.panel_step + vector % kVectors * kLanes;
    }
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
        for (int w = 0; w < WIDTH; w++) {
            total[r][w] = START == Start::kZero ? floats{} : load_lanes(to[w] + (first_row + r) * result.row_step);
            if (START == Start::kScaled) total[r][w] *= keep[first_row + r];
        }
    const unit *from[ROWS];
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++) from[r] = left.row[first_row + r];
    int64_t at_unit = 0;
    for (int i = 0; i < right.blocks; i++) {
        const unit *columns = right.data + (right.block ? right.block[i] * right.block_step : 0);
        int units = i + 1 < right.blocks ? right.block_units : right.last_units;
        for (int u = 0; u < units; u++, at_unit += left.unit_step, columns += right.unit_step) {
            floats column[WIDTH];
#pragma GCC unroll 4
            for (int w = 0; w < WIDTH; w++) std::memcpy(&column[w], columns + at[w], sizeof(floats));
#pragma GCC unroll 8
            for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
                for (int w = 0; w < WIDTH; w++)
                    total[r][w] = U::add_product(total[r][w], from[r][at_unit], column[w]);
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
        for (int w = 0; w < WIDTH; w++) store_lanes(to[w] + (first_row + r) * result.row_step, total[r][w]);
}

// result (+)= left * right for kRows rows, in blocks that fit the registers: 32 of them with AVX-512, else often 16.
template <class U, int WIDE, Start START>
static inline __attribute__((always_inline)) void multiply(const Left<typename U::unit> &left,
                                                           const Right<typename U::unit, WIDE> &right,
                                                           const Result &result, const float *keep = nullptr) {
    constexpr int kHeldRows = kLanes == 16 ? kRows : 4, kAll = WIDE * kVectors, kHeld = kAll < 2 ? kAll : 2;
    for (int r = 0; r < kRows; r += kHeldRows)
        for (int v = 0; v < kAll; v += kHeld)
            multiply_block<U, kHeldRows, kHeld, WIDE, START>(left, r, right, v, result, keep);
}
