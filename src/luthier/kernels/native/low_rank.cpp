// A low-rank term beside a large product, Hu et al. 2021 (arXiv:2106.09685, eq. 3): low = x A^T, y += low B^T, and
// their gradients. Each block of tokens is taken through all its thin products while it is in cache.
// T tokens, I inputs, O outputs, R rank.

#include <omp.h>

#include "thin_products.h"
#include "token_tree.h"

namespace {

constexpr int64_t kLeastWork = 1 << 20;  // products under which waking other threads costs more than it saves

struct Share {
    int64_t begin, end;
};

// Tokens of one thread: whole groups of rows, so that threads differ by one group at most.
Share share_of(int64_t tokens, int thread, int threads) {
    int64_t groups = (tokens + kRows - 1) / kRows, begin = groups * thread / threads * kRows;
    return {std::min(tokens, begin), std::min(tokens, groups * (thread + 1) / threads * kRows)};
}

template <class T>
void forward(const Tokens<const T> &x, const Tokens<T> &y, T *low, const Master &A_RI, const Master &B_OR,
             int64_t tokens, int64_t rank) {
    typedef Thin<T> Op;
    typedef typename Op::U U;
    typedef typename Op::unit unit;
    static thread_local Room<unit> shared;
    Factor<U> down = Factor<U>::across(A_RI, nullptr), up = Factor<U>::across(B_OR, nullptr);
    down.data = shared.take(down.size() + up.size()), up.data = down.data + down.size();
    int64_t squares = down.squares(), all_squares = squares + (y.data ? up.squares() : 0);
#pragma omp parallel if (tokens * rank * (x.width + y.width) > kLeastWork)
    {
        static thread_local Room<unit> own;
        alignas(64) unit units[kRows * kLowStep];
        unit *packed = own.take(kRows * units_of<U>(x.width));
#pragma omp for schedule(static)
        for (int64_t square = 0; square < all_squares; square++)
            square < squares ? down.pack_across(A_RI, square) : up.pack_across(B_OR, square - squares);
        Share share = share_of(tokens, omp_get_thread_num(), omp_get_num_threads());
        for (int64_t token = share.begin; token < share.end; token += kRows) {
            int count = int(std::min<int64_t>(kRows, share.end - token));
            Left<unit> wide = Op::as_left(x.at(token), x.step, count, x.width, packed);
            Op::narrow(wide, down, count, rank, low + token * rank, units);
            if (y.data) Op::spread(units, up, count, y, token);
        }
    }
}

template <class T> class Backward {
    typedef Thin<T> Op;
    typedef typename Op::U U;
    typedef typename Op::unit unit;

  public:
    Backward(const Tokens<const T> &x, const Tokens<const T> &dy, const Tokens<T> &dx, const T *low, T *grad_low,
             int64_t rank)
        : x(x), dy(dy), dx(dx), low(low), kept(grad_low), rank(rank), padded(round_up(rank, kRows)) {
        input_panels = round_up(x.width, kPanel) / kPanel, panels = input_panels + round_up(dy.width, kPanel) / kPanel;
    }

    void run(const Master &A_RI, const Master &B_OR, float *dA, float *dB, int64_t tokens) const {
        static thread_local Room<unit> shared;
        static thread_local Room<float> shared_sums;
        Factor<U> down = Factor<U>::along(B_OR, nullptr), up = Factor<U>::along(A_RI, nullptr);
        down.data = shared.take(down.size() + up.size()), up.data = down.data + down.size();
        bool is_alone = tokens * rank * (x.width + dy.width) <= kLeastWork;
        int64_t squares = down.squares(), size = panels * padded * kPanel;
        float *sums = shared_sums.take((is_alone ? 1 : omp_get_max_threads()) * size);
#pragma omp parallel if (!is_alone)
        {
            int threads = omp_get_num_threads(), thread = omp_get_thread_num();
#pragma omp for schedule(static)
            for (int64_t square = 0; square < squares + up.squares(); square++)
                square < squares ? down.pack_along(B_OR, square) : up.pack_along(A_RI, square - squares);
            add_up(share_of(tokens, thread, threads), down, up, sums + thread * size);
#pragma omp barrier
#pragma omp for schedule(static) nowait
            for (int64_t panel = 0; panel < panels; panel++) {
                // In the threads' order, so that as many threads give the same bits.
                float *total = sums + panel * padded * kPanel;
                for (int t = 1; t < threads; t++)
                    for (int64_t i = 0; i < padded * kPanel; i++) total[i] += total[t * size + i];
                write(panel, total, B_OR.scale, dA, dB);
            }
        }
    }

  private:
    Tokens<const T> x, dy;
    Tokens<T> dx;  // without data where it is not asked for
    const T *low;
    T *kept;  // where the gradient of low goes, if anybody wants it
    int64_t rank, padded, input_panels, panels;

    // One thread's tokens: their part of dx, and sums for A's and B's panels.
    void add_up(const Share &share, const Factor<U> &down, const Factor<U> &up, float *sums) const {
        static thread_local Room<unit> room;
        if (share.begin >= share.end) std::memset(sums, 0, size_t(panels * padded * kPanel) * sizeof(float));
        alignas(64) unit units[kRows * kLowStep], along[kBlock / U::kValues * kMostRank];
        alignas(64) T grad_low[kBlock * kMostRank];
        unit *packed = room.take(kRows * units_of<U>(dy.width));
        for (int64_t token = share.begin; token < share.end; token += kBlock) {
            int count = int(std::min<int64_t>(kBlock, share.end - token));
            for (int i = 0; i < count; i += kRows) {
                int rows = std::min(kRows, count - i);
                Left<unit> wide = Op::as_left(dy.at(token + i), dy.step, rows, dy.width, packed);
                fetch<false>(Rows<const T>{x.data, x.step, 0}, int(token + i), int(token + i + rows), 0, 1, x.width);
                Op::narrow(wide, down, rows, rank, grad_low + i * rank, units);
                if (dx.data) Op::spread(units, up, rows, dx, token + i);
            }
            if (kept) std::memcpy(kept + token * rank, grad_low, size_t(count * rank) * sizeof(T));
            bool is_first = token == share.begin;
            gather(is_first, grad_low, x, token, count, along, sums);
            gather(is_first, low + token * rank, dy, token, count, along, sums + input_panels * padded * kPanel);
        }
    }

    void gather(bool is_first, const T *narrow, const Tokens<const T> &wide, int64_t token, int count, unit *along,
                float *sums) const {
        for (int i = 0, u = 0; i < count; i += U::kValues, u++)
            pack_along(narrow + i * rank, i + 1 < count ? narrow + (i + 1) * rank : nullptr, rank, along + u * padded,
                       padded);
        if (is_first)
            Op::template gather<Start::kZero>(along, padded, wide.at(token), wide.step, wide.width, count, sums);
        else
            Op::template gather<Start::kAdd>(along, padded, wide.at(token), wide.step, wide.width, count, sums);
    }

    // A panel of sums [rank padded, 16]: columns of dA [R, I], or rows of dB [O, R].
    void write(int64_t panel, const float *total, float scaling, float *dA, float *dB) const {
        int64_t column = panel * kPanel, output = column - input_panels * kPanel;
        if (panel < input_panels) {
            int64_t count = std::min<int64_t>(kPanel, x.width - column);
            for (int64_t r = 0; r < rank; r++)
                std::memcpy(dA + r * x.width + column, total + r * kPanel, size_t(count) * sizeof(float));
            return;
        }
        for (int64_t o = 0; o < std::min<int64_t>(kPanel, dy.width - output); o++)
            for (int64_t r = 0; r < rank; r++) dB[(output + o) * rank + r] = scaling * total[r * kPanel + o];
    }
};
}  // namespace

// Tokens' rows lie ``step`` elements apart. x [T, I], y and dy [T, O], A [R, I], B [O, R]; low [T, R] is dense, as are
// the float32 masters and their gradients. The term is scaling * (x A^T) B^T; low is kept for backward. Without y, or
// without dx, what would be added there is left to the large product (wide_products.cpp), which needs low or its gradient.
#define LOW_RANK(T, NAME)                                                                                             \
    OFFERED void low_rank_forward_##NAME(const T *x, int64_t x_step, T *y, int64_t y_step, T *low, const float *A,    \
                                         const float *B, int64_t tokens, int64_t inputs, int64_t outputs,             \
                                         int64_t rank, float scaling) {                                               \
        forward<T>({x, x_step, inputs}, {y, y_step, outputs}, low, {A, rank, inputs, 1}, {B, outputs, rank, scaling}, \
                   tokens, rank);                                                                                     \
    }                                                                                                                 \
    OFFERED void low_rank_backward_##NAME(const T *x, int64_t x_step, const T *dy, int64_t dy_step, T *dx,            \
                                          int64_t dx_step, const T *low, T *grad_low, const float *A, const float *B, \
                                          float *dA, float *dB, int64_t tokens, int64_t inputs, int64_t outputs,      \
                                          int64_t rank, float scaling) {                                              \
        Backward<T> term({x, x_step, inputs}, {dy, dy_step, outputs}, {dx, dx_step, inputs}, low, grad_low, rank);    \
        term.run({A, rank, inputs, 1}, {B, outputs, rank, scaling}, dA, dB, tokens);                                  \
    }
LOW_RANK(float, float32)
LOW_RANK(bfloat16, bfloat16)
