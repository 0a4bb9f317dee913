// Vectors as wide as this processor's registers: loads, exponentials and transposition for the attention kernels.
#pragma once

#include "numbers.h"

#if defined(__AVX512F__)
#include <immintrin.h>
constexpr int kLanes = 16;
#elif defined(__AVX__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

typedef float floats __attribute__((vector_size(4 * kLanes)));
typedef int32_t ints __attribute__((vector_size(4 * kLanes)));

static inline floats splat(float value) { return floats{} + value; }

static inline floats load_lanes(const float *from) {
    floats value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

static inline void store_lanes(float *to, floats value) { std::memcpy(to, &value, sizeof value); }

static inline floats larger(floats a, floats b) {
#if defined(__AVX512F__)
    return (floats)_mm512_max_ps((__m512)a, (__m512)b);
#else
    return a < b ? b : a;
#endif
}

static inline float largest(floats value) {
#if defined(__AVX512F__)
    return _mm512_reduce_max_ps((__m512)value);
#else
    float most = value[0];
    for (int lane = 1; lane < kLanes; lane++) most = most < value[lane] ? value[lane] : most;
    return most;
#endif
}

static inline float sum(floats value) {
    float total = 0;
    for (int lane = 0; lane < kLanes; lane++) total += value[lane];
    return total;
}

// ``value`` in lanes from..to-1 (lanes counted from 0), ``otherwise`` in the rest.
static inline floats only_lanes(floats value, int from, int to, float otherwise) {
    ints lane;
    for (int i = 0; i < kLanes; i++) lane[i] = i;
    return ((lane >= from) & (lane < to)) ? value : splat(otherwise);
}

// 2^x for x <= 0 or barely above it, as softmax asks, to about two units in the last place; 0 below 2^-126.
// The polynomial has the least relative error of its degree on [-1/2, 1/2].
static inline floats exp2_lanes(floats x) {
#if defined(__AVX512F__)
    floats whole = (floats)_mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#else
    floats inside = x < -126.0f ? splat(-126.0f) : x;
    // Cutting off the fraction of x - 1/2 rounds a negative x to the nearest integer.
    ints exponent = __builtin_convertvector(inside - 0.5f, ints);
    floats whole = __builtin_convertvector(exponent, floats);
#endif
    floats part = x - whole;
    floats p = splat(1.3276472e-3f);
    p = p * part + 9.6755414e-3f;
    p = p * part + 5.5507133e-2f;
    p = p * part + 2.4022120e-1f;
    p = p * part + 6.9314697e-1f;
    p = p * part + 1.0f;
#if defined(__AVX512F__)
    return (floats)_mm512_scalef_ps((__m512)p, (__m512)whole);
#else
    return x < -126.0f ? floats{} : p * (floats)((exponent + 127) << 23);
#endif
}

// tanh without cancellation near 0 (Cephes' polynomial there, exponentials elsewhere).
static inline floats tanh_lanes(floats x) {
    constexpr float kTwiceLog2E = 2.88539008f;
    floats size = x < 0.0f ? -x : x, square = x * x;
    floats shrunk = exp2_lanes(size * -kTwiceLog2E);
    floats far = (1.0f - shrunk) / (1.0f + shrunk);
    floats p = splat(-5.70498872745e-3f);
    p = p * square + 2.06390887954e-2f;
    p = p * square - 5.37397155531e-2f;
    p = p * square + 1.33314422036e-1f;
    p = p * square - 3.33332819422e-1f;
    return size < 0.625f ? x + x * square * p : (x < 0.0f ? -far : far);
}

// A 16 x 16 square of 32-bit words, rows to columns; steps count words. Only ``rows`` rows of the result are written.
static inline void transpose16(const void *source, int64_t from_step, void *target, int64_t to_step, int rows) {
    const uint32_t *from = static_cast<const uint32_t *>(source);
    uint32_t *to = static_cast<uint32_t *>(target);
#if defined(__AVX512F__)
    __m512i a[16], b[16];
    for (int i = 0; i < 16; i++) a[i] = _mm512_loadu_si512(from + i * from_step);
    for (int i = 0; i < 16; i += 2) {
        b[i] = _mm512_unpacklo_epi32(a[i], a[i + 1]);
        b[i + 1] = _mm512_unpackhi_epi32(a[i], a[i + 1]);
    }
    for (int i = 0; i < 16; i += 4)
        for (int j = 0; j < 2; j++) {
            a[i + 2 * j] = _mm512_unpacklo_epi64(b[i + j], b[i + j + 2]);
            a[i + 2 * j + 1] = _mm512_unpackhi_epi64(b[i + j], b[i + j + 2]);
        }
    for (int j = 0; j < 4; j++) {
        __m512i even = _mm512_shuffle_i32x4(a[j], a[4 + j], 0x88), odd = _mm512_shuffle_i32x4(a[j], a[4 + j], 0xdd);
        __m512i even2 = _mm512_shuffle_i32x4(a[8 + j], a[12 + j], 0x88);
        __m512i odd2 = _mm512_shuffle_i32x4(a[8 + j], a[12 + j], 0xdd);
        b[j] = _mm512_shuffle_i32x4(even, even2, 0x88);
        b[4 + j] = _mm512_shuffle_i32x4(odd, odd2, 0x88);
        b[8 + j] = _mm512_shuffle_i32x4(even, even2, 0xdd);
        b[12 + j] = _mm512_shuffle_i32x4(odd, odd2, 0xdd);
    }
    for (int i = 0; i < 16; i++)
        if (i < rows) _mm512_storeu_si512(to + i * to_step, b[i]);
#else
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < 16; j++) to[i * to_step + j] = from[j * from_step + i];
#endif
}
