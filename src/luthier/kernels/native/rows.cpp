// Row-wise kernels: normalisation, rotary positions, gated units, and the rows of the language-model head.
// Each reads its inputs once or twice from cache and writes once, where separate operations pass over memory many times.
// Results may stand where an input of the same shape stood, but for those of ``rotate``.

#include <algorithm>
#include <cstddef>
#include <vector>

#include "numbers.h"

namespace {

constexpr int64_t kLeastWork = 1 << 14;  // elements under which waking other threads costs more than it saves

// y = x / rms(x) * (offset + w), Zhang & Sennrich 2019 (arXiv:1910.07467); Gemma's offset is 1. rstd is kept per row.
template <class T>
void rms_norm(const T *x, const T *w, T *y, float *rstd, int64_t rows, int64_t width, float eps, float offset) {
#pragma omp parallel for schedule(static) if (rows * width > kLeastWork)
    for (int64_t r = 0; r < rows; r++) {
        const T *xr = x + r * width;
        T *yr = y + r * width;
        float sum = 0;
        for (int64_t i = 0; i < width; i++) sum += load(xr[i]) * load(xr[i]);
        float scale = 1.0f / std::sqrt(sum / width + eps);
        rstd[r] = scale;
        for (int64_t i = 0; i < width; i++) store(yr[i], load(xr[i]) * scale * (offset + load(w[i])));
    }
}

// One row: dx = d rms_norm / dx * dy, plus ``added``, if there is any. dx may be dy or ``added``.
template <class T>
inline void pull_norm_back(const T *x, const T *w, float scale, const T *dy, T *dx, const T *added, int64_t width,
                           float offset) {
    float dot = 0;
#pragma omp simd reduction(+ : dot)
    for (int64_t i = 0; i < width; i++) dot += load(dy[i]) * (offset + load(w[i])) * load(x[i]);
    float pull = dot * scale * scale * scale / width;
    if (added) {
#pragma omp simd
        for (int64_t i = 0; i < width; i++)
            store(dx[i], load(dy[i]) * (offset + load(w[i])) * scale - load(x[i]) * pull + load(added[i]));
    } else {
#pragma omp simd
        for (int64_t i = 0; i < width; i++)
            store(dx[i], load(dy[i]) * (offset + load(w[i])) * scale - load(x[i]) * pull);
    }
}

template <class T>
void rms_norm_backward(const T *x, const T *w, const float *rstd, const T *dy, const T *added, T *dx, int64_t rows,
                       int64_t width, float offset) {
#pragma omp parallel for schedule(static) if (rows * width > kLeastWork)
    for (int64_t r = 0; r < rows; r++) {
        int64_t at = r * width;
        pull_norm_back(x + at, w, rstd[r], dy + at, dx + at, added ? added + at : nullptr, width, offset);
    }
}

// Gradient of the weight, in float: blocks of rows first, then the blocks in order, whatever the number of threads.
template <class T>
void rms_norm_weight(const T *x, const float *rstd, const T *dy, float *dw, int64_t rows, int64_t width) {
    constexpr int64_t kBlock = 256;
    int64_t blocks = (rows + kBlock - 1) / kBlock;
    std::vector<float> part(size_t(blocks * width), 0.0f);
#pragma omp parallel for schedule(static)
    for (int64_t b = 0; b < blocks; b++) {
        float *sum = part.data() + b * width;
        for (int64_t r = b * kBlock; r < std::min(rows, (b + 1) * kBlock); r++) {
            const T *xr = x + r * width, *dyr = dy + r * width;
            float scale = rstd[r];
            for (int64_t i = 0; i < width; i++) sum[i] += load(dyr[i]) * load(xr[i]) * scale;
        }
    }
    for (int64_t b = 0; b < blocks; b++)
        for (int64_t i = 0; i < width; i++) dw[i] += part[size_t(b * width + i)];
}

// Rotary positions, Su et al. 2021 (arXiv:2104.09864), halves layout. x is read at its strides and y written densely as
// [tokens, heads, width]; cos and sin are [tokens, width]. is_backward turns the other way.
template <class T, bool is_backward>
void rotate(const T *__restrict x, const T *__restrict cos, const T *__restrict sin, T *__restrict y, int64_t tokens, int64_t heads, int64_t width,
            int64_t token_stride, int64_t head_stride) {
    int64_t half = width / 2;
#pragma omp parallel for schedule(static) if (tokens * heads * width > kLeastWork)
    for (int64_t t = 0; t < tokens; t++) {
        const T *c = cos + t * width, *s = sin + t * width;
        for (int64_t h = 0; h < heads; h++) {
            const T *__restrict xr = x + t * token_stride + h * head_stride;
            T *__restrict yr = y + (t * heads + h) * width;
#pragma omp simd
            for (int64_t i = 0; i < half; i++) {
                float a = load(xr[i]), b = load(xr[i + half]);
                float c1 = load(c[i]), c2 = load(c[i + half]), s1 = load(s[i]), s2 = load(s[i + half]);
                store(yr[i], is_backward ? a * c1 + b * s2 : a * c1 - b * s1);
                store(yr[i + half], is_backward ? b * c2 - a * s1 : b * c2 + a * s2);
            }
        }
    }
}

// Heads normalised (w of [width]; null: they are not) and turned, in one pass; x and y are dense [tokens, heads, width],
// and may be one. What lies between is rounded as if it were stored, so that both ways give the same numbers.
template <class T>
void turn_heads(const T *x, const T *w, const T *cos, const T *sin, T *y, float *rstd, int64_t tokens, int64_t heads,
                int64_t width, float eps, float offset) {
    int64_t half = width / 2;
#pragma omp parallel for schedule(static) if (tokens * heads * width > kLeastWork)
    for (int64_t t = 0; t < tokens; t++) {
        const T *c = cos + t * width, *s = sin + t * width;
        for (int64_t at = t * heads; at < (t + 1) * heads; at++) {
            const T *xr = x + at * width;
            T *yr = y + at * width;
            float scale = 1, sum = 0;
            if (w) {
                for (int64_t i = 0; i < width; i++) sum += load(xr[i]) * load(xr[i]);
                rstd[at] = scale = 1.0f / std::sqrt(sum / width + eps);
            }
#pragma omp simd
            for (int64_t i = 0; i < half; i++) {
                float a = load(xr[i]), b = load(xr[i + half]);
                if (w) {
                    a = rounded<T>(a * scale * (offset + load(w[i])));
                    b = rounded<T>(b * scale * (offset + load(w[i + half])));
                }
                store(yr[i], a * load(c[i]) - b * load(s[i]));
                store(yr[i + half], b * load(c[i + half]) + a * load(s[i + half]));
            }
        }
    }
}

template <class T>
void turn_heads_backward(const T *x, const T *w, const float *rstd, const T *cos, const T *sin, const T *dy,
                         T *dx, int64_t tokens, int64_t heads, int64_t width, float offset) {
    int64_t half = width / 2;
#pragma omp parallel for schedule(static) if (tokens * heads * width > kLeastWork)
    for (int64_t t = 0; t < tokens; t++) {
        const T *c = cos + t * width, *s = sin + t * width;
        for (int64_t at = t * heads; at < (t + 1) * heads; at++) {
            const T *dyr = dy + at * width;
            T *dxr = dx + at * width;
#pragma omp simd
            for (int64_t i = 0; i < half; i++) {
                float a = load(dyr[i]), b = load(dyr[i + half]);
                store(dxr[i], a * load(c[i]) + b * load(s[i + half]));
                store(dxr[i + half], b * load(c[i + half]) - a * load(s[i]));
            }
            if (w) pull_norm_back(x + at * width, w, rstd[at], dxr, dxr, static_cast<const T *>(nullptr), width, offset);
        }
    }
}

enum Gate { kSilu = 0, kGeluTanh = 1 };

template <int gate> inline float act(float g, float &slope) {
    if (gate == kSilu) {
        float share = 1.0f / (1.0f + fast_exp(-g));
        slope = share * (1.0f + g * (1.0f - share));
        return g * share;
    }
    // tanh(z) = 1 - 2 / (exp(2 z) + 1)
    constexpr float kRoot = 0.7978845608028654f, kCube = 0.044715f;
    float z = kRoot * (g + kCube * g * g * g);
    float t = 1.0f - 2.0f / (fast_exp(2.0f * z) + 1.0f);
    slope = 0.5f * (1.0f + t) + 0.5f * g * (1.0f - t * t) * kRoot * (1.0f + 3.0f * kCube * g * g);
    return 0.5f * g * (1.0f + t);
}

// y = act(g) * u: Shazeer 2020 (arXiv:2002.05202).
template <class T, int gate> void gated(const T *g, const T *u, T *y, int64_t count) {
#pragma omp parallel for simd schedule(static) if (parallel : count > kLeastWork)
    for (int64_t i = 0; i < count; i++) {
        float slope;
        store(y[i], act<gate>(load(g[i]), slope) * load(u[i]));
    }
}

template <class T, int gate>
void gated_backward(const T *g, const T *u, const T *dy, T *dg, T *du, int64_t count) {
#pragma omp parallel for simd schedule(static) if (parallel : count > kLeastWork)
    for (int64_t i = 0; i < count; i++) {
        float slope, value = act<gate>(load(g[i]), slope), grad = load(dy[i]), up = load(u[i]);
        store(dg[i], grad * up * slope);
        store(du[i], grad * value);
    }
}

// Rows of the head: log_prob = log softmax(cap(scale * (z + bias)))[target]. Where is_gradient, z is overwritten with
// d log_prob / d z, times row_scale where that is given.
template <class T>
void head_rows(T *z, const float *bias, const int64_t *target, const float *row_scale, float *log_prob, int64_t rows,
               int64_t vocabulary, float scale, float cap, bool is_gradient) {
#pragma omp parallel
    {
        std::vector<float> logits(static_cast<size_t>(vocabulary));
        float *l = logits.data();
#pragma omp for schedule(static)
        for (int64_t r = 0; r < rows; r++) {
            T *zr = z + r * vocabulary;
            float top = -INFINITY;
            for (int64_t i = 0; i < vocabulary; i++) l[i] = load(zr[i]);
            if (bias)
                for (int64_t i = 0; i < vocabulary; i++) l[i] += bias[i];
            if (scale != 1.0f)
                for (int64_t i = 0; i < vocabulary; i++) l[i] *= scale;
            if (cap > 0)
                for (int64_t i = 0; i < vocabulary; i++)
                    l[i] = cap * (1.0f - 2.0f / (fast_exp(2.0f * l[i] / cap) + 1.0f));
#pragma omp simd reduction(max : top)
            for (int64_t i = 0; i < vocabulary; i++) top = l[i] > top ? l[i] : top;
            // Sums of 4,096 first: a single float sum over a large vocabulary would lose digits.
            double total = 0;
            bool is_number = true;
            for (int64_t start = 0; start < vocabulary; start += 4096) {
                float sum = 0;
                int64_t end = std::min(vocabulary, start + 4096);
#pragma omp simd reduction(+ : sum)
                for (int64_t i = start; i < end; i++) sum += fast_exp(l[i] - top);
                total += sum;
                is_number = is_number && sum == sum;
            }
            float normaliser = top + float(std::log(total));
            log_prob[r] = is_number ? l[target[r]] - normaliser : NAN;
            if (!is_gradient) continue;
            float weight = row_scale ? row_scale[r] : 1.0f;
            int64_t chosen = target[r];
            float share_of_chosen = std::exp(l[chosen] - normaliser), chosen_logit = l[chosen];
            if (cap > 0) {
                for (int64_t i = 0; i < vocabulary; i++) {
                    float bent = l[i] / cap;
                    store(zr[i], -weight * scale * (1.0f - bent * bent) * fast_exp(l[i] - normaliser));
                }
                float bent = chosen_logit / cap;
                store(zr[chosen], weight * scale * (1.0f - bent * bent) * (1.0f - share_of_chosen));
            } else {
                for (int64_t i = 0; i < vocabulary; i++)
                    store(zr[i], -weight * scale * fast_exp(l[i] - normaliser));
                store(zr[chosen], weight * scale * (1.0f - share_of_chosen));
            }
        }
    }
}

}  // namespace

#define OFFER_ROWS(T, suffix)                                                                                          \
    OFFERED void rms_norm_##suffix(const T *x, const T *w, T *y, float *rstd, int64_t rows, int64_t width, float eps,  \
                                   float offset) {                                                                     \
        rms_norm(x, w, y, rstd, rows, width, eps, offset);                                                             \
    }                                                                                                                  \
    OFFERED void rms_norm_backward_##suffix(const T *x, const T *w, const float *rstd, const T *dy, const T *added,    \
                                            T *dx, int64_t rows, int64_t width, float offset) {                        \
        rms_norm_backward(x, w, rstd, dy, added, dx, rows, width, offset);                                             \
    }                                                                                                                  \
    OFFERED void rms_norm_weight_##suffix(const T *x, const float *rstd, const T *dy, float *dw, int64_t rows,         \
                                          int64_t width) {                                                             \
        rms_norm_weight(x, rstd, dy, dw, rows, width);                                                                 \
    }                                                                                                                  \
    OFFERED void rotate_##suffix(const T *x, const T *cos, const T *sin, T *y, int64_t tokens, int64_t heads,          \
                                 int64_t width, int64_t token_stride, int64_t head_stride, int64_t is_backward) {      \
        (is_backward ? rotate<T, true> : rotate<T, false>)(x, cos, sin, y, tokens, heads, width, token_stride,         \
                                                           head_stride);                                               \
    }                                                                                                                  \
    OFFERED void turn_heads_##suffix(const T *x, const T *w, const T *cos, const T *sin, T *y, float *rstd,            \
                                     int64_t tokens, int64_t heads, int64_t width, float eps, float offset) {          \
        turn_heads(x, w, cos, sin, y, rstd, tokens, heads, width, eps, offset);                                        \
    }                                                                                                                  \
    OFFERED void turn_heads_backward_##suffix(const T *x, const T *w, const float *rstd, const T *cos, const T *sin,   \
                                              const T *dy, T *dx, int64_t tokens, int64_t heads, int64_t width,        \
                                              float offset) {                                                          \
        turn_heads_backward(x, w, rstd, cos, sin, dy, dx, tokens, heads, width, offset);                               \
    }                                                                                                                  \
    OFFERED void gated_##suffix(const T *g, const T *u, T *y, int64_t count, int64_t gate) {                           \
        (gate == kSilu ? gated<T, kSilu> : gated<T, kGeluTanh>)(g, u, y, count);                                       \
    }                                                                                                                  \
    OFFERED void gated_backward_##suffix(const T *g, const T *u, const T *dy, T *dg, T *du, int64_t count,             \
                                         int64_t gate) {                                                               \
        (gate == kSilu ? gated_backward<T, kSilu> : gated_backward<T, kGeluTanh>)(g, u, dy, dg, du, count);            \
    }                                                                                                                  \
    OFFERED void head_rows_##suffix(T *z, const float *bias, const int64_t *target, const float *row_scale,            \
                                    float *log_prob, int64_t rows, int64_t vocabulary, float scale, float cap,         \
                                    int64_t is_gradient) {                                                             \
        head_rows(z, bias, target, row_scale, log_prob, rows, vocabulary, scale, cap, is_gradient != 0);               \
    }

OFFER_ROWS(float, float32)
OFFER_ROWS(bfloat16, bfloat16)
