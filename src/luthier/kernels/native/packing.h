// Bringing rows of tokens into the order in which products read them; see products.h for units and panels.
#pragma once

#include <algorithm>
#include <type_traits>

#include "products.h"

static inline int64_t round_up(int64_t count, int64_t unit) { return (count + unit - 1) / unit * unit; }

// A head's rows of a tensor [tokens, heads, width]: steps in elements, the last dimension dense.
template <class T> struct Rows {
    T *data;
    int64_t token_step, head_step;

    T *at(int64_t token, int64_t head) const { return data + token * token_step + head * head_step; }
};

// One row as units, followed by zeros up to ``units``.
template <class T> static inline void pack_row(const T *from, int64_t width, float *to, int64_t units) {
    for (int64_t i = 0; i < width; i++) to[i] = load(from[i]);
    for (int64_t i = width; i < units; i++) to[i] = 0;
}

// Asks for rows of a few heads before they are needed: they lie too far apart for the processor to foresee.
template <bool IS_WRITTEN, class T>
static inline void fetch(const Rows<T> &rows, int begin, int end, int first_head, int heads, int64_t width) {
    int64_t bytes = width * int64_t(sizeof(T));
    asm volatile("");  // or GCC takes a function that only fetches for one without effect, and drops calls of it
    for (int token = begin; token < end; token++)
        for (int head = first_head; head < first_head + heads; head++) {
            const char *row = reinterpret_cast<const char *>(rows.at(token, head));
            for (int64_t byte = 0; byte < bytes; byte += 64) __builtin_prefetch(row + byte, IS_WRITTEN, 2);
        }
}

// How many units hold ``values`` values.
template <class U> static inline int64_t units_of(int64_t values) { return (values + U::kValues - 1) / U::kValues; }

// Up to 16 units of one row, filled up with zeros. A null row counts as zeros, here and below.
template <class T> static inline void pack_part(const T *from, int64_t width, float *to) {
    pack_row(from, from ? width : 0, to, 16);
}

static inline void pack_part(const bfloat16 *from, int64_t width, uint32_t *to) {
    if (from && width == 32) {
        std::memcpy(to, from, 64);
        return;
    }
    std::memset(to, 0, 64);
    if (from) std::memcpy(to, from, size_t(width) * 2);
}

// Two rows interleaved to pairs: first[0], second[0], first[1]...
static inline void pack_pairs(const bfloat16 *first, const bfloat16 *second, int64_t width, uint32_t *to) {
    int64_t i = 0;
#if defined(__AVX512BF16__)
    const __m512i low = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6, 37,
                                         5, 36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
    const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
    for (; i + 32 <= width; i += 32) {
        __m512i a = first ? _mm512_loadu_si512(first + i) : _mm512_setzero_si512();
        __m512i b = second ? _mm512_loadu_si512(second + i) : _mm512_setzero_si512();
        _mm512_storeu_si512(to + i, _mm512_permutex2var_epi16(a, low, b));
        _mm512_storeu_si512(to + i + 16, _mm512_permutex2var_epi16(a, high, b));
    }
#endif
    for (; i < width; i++) to[i] = (first ? first[i].bits : 0) | uint32_t(second ? second[i].bits : 0) << 16;
}

// Tokens as what is summed over, the width as columns: one unit of them, [columns].
template <class T>
static inline void pack_along(const T *first, const T *, int64_t width, float *to, int64_t columns) {
    pack_row(first, first ? width : 0, to, columns);
}

static inline void pack_along(const bfloat16 *first, const bfloat16 *second, int64_t width, uint32_t *to,
                              int64_t columns) {
    pack_pairs(first, second, width, to);
    for (int64_t i = width; i < columns; i++) to[i] = 0;
}

// Up to 16 tokens as columns, the width as what is summed over: [units, 16]. ``square`` is room for 16 x 16 units.
template <class U, class T>
static inline void pack_across(const Rows<const T> &source, int64_t token, int64_t head, int keys, int64_t width,
                               typename U::unit *square, typename U::unit *to) {
    int64_t units = units_of<U>(width), whole = std::is_same<T, typename U::value>::value && keys == kPanel ? units : 0;
    int64_t row_units = source.token_step / U::kValues, u = 0;
    if (source.token_step % U::kValues == 0)
        for (; u + 16 <= whole; u += 16)
            transpose16(source.at(token, head) + u * U::kValues, row_units, to + u * kPanel, kPanel, 16);
    for (; u < units; u += 16) {
        int64_t values = std::min<int64_t>(16 * U::kValues, width - u * U::kValues);
        for (int key = 0; key < kPanel; key++)
            pack_part(key < keys ? source.at(token + key, head) + u * U::kValues : nullptr, values, square + key * 16);
        transpose16(square, 16, to + u * kPanel, kPanel, int(std::min<int64_t>(16, units - u)));
    }
}

// ``tokens`` tokens as what is summed over, the width as columns: [units of padded_tokens, columns].
template <class U, class T>
static inline void pack_tokens_along(const Rows<const T> &source, int64_t token, int64_t head, int tokens,
                                     int padded_tokens, int64_t width, int64_t columns, typename U::unit *to) {
    for (int i = 0; i < padded_tokens; i += U::kValues, to += columns)
        pack_along(i < tokens ? source.at(token + i, head) : nullptr,
                   i + 1 < tokens ? source.at(token + i + 1, head) : nullptr, width, to, columns);
}

// A row of sums in format T. ``scale`` is applied before the one rounding.
template <class T> static inline void write_row(const float *from, float scale, int64_t width, T *to) {
    for (int64_t i = 0; i < width; i++) store(to[i], from[i] * scale);
}

#if defined(__AVX512BF16__)
static inline void write_row(const float *from, float scale, int64_t width, bfloat16 *to) {
    int64_t i = 0;
    for (; i + 16 <= width; i += 16)
        _mm256_storeu_si256((__m256i *)(to + i), (__m256i)_mm512_cvtneps_pbh((__m512)(load_lanes(from + i) * scale)));
    for (; i < width; i++) store(to[i], from[i] * scale);
}
#endif

// Sum of the products of two rows.
template <class T> static inline float dot(const T *a, const T *b, int64_t width) {
    float total = 0;
    for (int64_t i = 0; i < width; i++) total += load(a[i]) * load(b[i]);
    return total;
}
