// Low-rank terms of many adapters in one call, for answers: y += (x A^T) B^T on each adapter's range of tokens (Hu et
// al. 2021, arXiv:2106.09685, eq. 3). Matrices that no longer change lie as they are read, A [R, I] and B^T [R, O] with
// its scale, so that nothing is packed: with a few tokens per adapter packing would cost as much as the products.

#include <algorithm>
#include <vector>

#include "lanes.h"

namespace {

constexpr int kTile = 4;
constexpr int64_t kLeastWork = 1 << 18;  // products under which waking other threads costs more than it saves

inline floats load_values(const float *from) { return load_lanes(from); }

inline floats load_values(const bfloat16 *from) {
    ints wide;
    for (int i = 0; i < kLanes; i++) wide[i] = int32_t(uint32_t(from[i].bits) << 16);
    return (floats)wide;
}

inline void store_values(float *to, floats value) { store_lanes(to, value); }

inline void store_values(bfloat16 *to, floats value) {
    for (int i = 0; i < kLanes; i++) store(to[i], value[i]);
}

// One adapter's matrices and its tokens begin..end-1.
struct Term {
    int64_t down, up, rank, begin, end;
};

template <class T> struct Rows {
    T *data;
    int64_t step, width;
};

template <class T, int N>
void add_tile(const Rows<const T> &x, const Rows<T> &y, const Term &term, int64_t token, float *low) {
    const T *down = reinterpret_cast<const T *>(term.down), *up = reinterpret_cast<const T *>(term.up);
    const T *from = x.data + token * x.step;
    int64_t inputs = x.width / kLanes * kLanes, outputs = y.width / kLanes * kLanes;
    for (int64_t r = 0; r < term.rank; r++) {
        const T *row = down + r * x.width;
        floats total[N] = {};
        for (int64_t i = 0; i < inputs; i += kLanes) {
            floats weight = load_values(row + i);
#pragma GCC unroll 4
            for (int n = 0; n < N; n++) total[n] += weight * load_values(from + n * x.step + i);
        }
        for (int n = 0; n < N; n++) {
            float all = sum(total[n]);
            for (int64_t i = inputs; i < x.width; i++) all += load(row[i]) * load(from[n * x.step + i]);
            low[n * term.rank + r] = rounded<T>(all);
        }
    }
    T *to = y.data + token * y.step;
    for (int64_t o = 0; o < outputs; o += kLanes) {
        floats total[N];
        for (int n = 0; n < N; n++) total[n] = load_values(to + n * y.step + o);
        for (int64_t r = 0; r < term.rank; r++) {
            floats weight = load_values(up + r * y.width + o);
#pragma GCC unroll 4
            for (int n = 0; n < N; n++) total[n] += low[n * term.rank + r] * weight;
        }
        for (int n = 0; n < N; n++) store_values(to + n * y.step + o, total[n]);
    }
    for (int64_t o = outputs; o < y.width; o++)
        for (int n = 0; n < N; n++) {
            float all = load(to[n * y.step + o]);
            for (int64_t r = 0; r < term.rank; r++) all += low[n * term.rank + r] * load(up[r * y.width + o]);
            store(to[n * y.step + o], all);
        }
}

template <class T> void serve(const Rows<const T> &x, const Rows<T> &y, const Term *terms, int64_t count) {
    std::vector<std::pair<int32_t, int64_t>> tiles;
    int64_t work = 0, most_rank = 0;
    for (int32_t t = 0; t < count; t++) {
        for (int64_t token = terms[t].begin; token < terms[t].end; token += kTile) tiles.push_back({t, token});
        work += (terms[t].end - terms[t].begin) * terms[t].rank * (x.width + y.width);
        most_rank = std::max(most_rank, terms[t].rank);
    }
#pragma omp parallel if (work > kLeastWork)
    {
        std::vector<float> low(size_t(kTile * most_rank));
#pragma omp for schedule(static)
        for (size_t i = 0; i < tiles.size(); i++) {
            const Term &term = terms[tiles[i].first];
            int64_t token = tiles[i].second;
            if (token + kTile <= term.end) {
                add_tile<T, kTile>(x, y, term, token, low.data());
                continue;
            }
            for (; token < term.end; token++) add_tile<T, 1>(x, y, term, token, low.data());
        }
    }
}
}  // namespace

// ``terms``: five numbers each, the addresses of A and B^T, the rank, and the range of tokens. Rows lie ``step`` apart.
#define OFFER_SERVED(T, NAME)                                                                                      \
    OFFERED void served_low_rank_##NAME(const T *x, int64_t x_step, T *y, int64_t y_step, const int64_t *terms,    \
                                        int64_t count, int64_t inputs, int64_t outputs) {                          \
        serve<T>({x, x_step, inputs}, {y, y_step, outputs}, reinterpret_cast<const Term *>(terms), count);         \
    }
OFFER_SERVED(float, float32)
OFFER_SERVED(bfloat16, bfloat16)
