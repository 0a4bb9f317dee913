// Number formats and vector-friendly arithmetic shared by all kernels. Everything is computed in float.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#define OFFERED extern "C" __attribute__((visibility("default")))

struct bfloat16 {
    uint16_t bits;
};

static inline float as_float(uint32_t bits) {
    float value;
    std::memcpy(&value, &bits, 4);
    return value;
}

static inline uint32_t as_bits(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, 4);
    return bits;
}

static inline float load(float value) { return value; }
static inline float load(bfloat16 value) { return as_float(uint32_t(value.bits) << 16); }

static inline void store(float &place, float value) { place = value; }

// Round to nearest, ties to even, as torch does; NaN stays NaN.
static inline void store(bfloat16 &place, float value) {
    uint32_t bits = as_bits(value);
    uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    place.bits = uint16_t((bits & 0x7fffffff) > 0x7f800000 ? 0x7fc0 : rounded);
}

// A value as it would be after being kept in format T: kernels round where the operations they replace round.
template <class T> static inline float rounded(float value) {
    T place;
    store(place, value);
    return load(place);
}

// exp to about one unit in the last place of float (Cephes' polynomial), without branches, so that loops vectorise.
static inline float fast_exp(float x) {
    x = x < -87.33654f ? -87.33654f : x;
    x = x > 88.72283f ? 88.72283f : x;
    float n = std::floor(x * 1.44269504f + 0.5f);
    float r = x - n * 0.693359375f;
    r += n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    return p * as_float(uint32_t(int32_t(n) + 127) << 23);
}
