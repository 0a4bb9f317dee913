// Products of token rows with a large matrix, and a thin term added while the sums are still in registers (Hu et al.
// 2021, arXiv:2106.09685, eq. 3): y = x W^T + b + low B^T forward, dx = dy W + low A backward, in bfloat16 pairs. Either
// may begin with rows that the result is added to, a residual or another part of a gradient, for one rounding in all.
// A result depends on its token and on the matrix alone: not on other tokens, their number, or the threads.
//
// A task is 64 outputs of a range of tokens. It packs its part of the matrix just before it multiplies, so that nothing
// is kept beside the matrix itself.

#include <omp.h>

#include "thin_products.h"
#include "token_tree.h"
#include "wide_matrix.h"

// Processors with tiles (AMX) multiply several times as fast through torch's library, which knows them.
#if defined(__AVX512BF16__) && !defined(__AMX_BF16__)
namespace {

constexpr int kTileRows = 6;             // 6 x 4 vectors of sums, 4 of columns, a row's pair: a core's registers
constexpr int64_t kLineUnits = 16;        // pairs in a line of the cache
constexpr int64_t kDepth = 1024;         // units that are packed at a time: 256 KiB, a part of a core's cache
constexpr int64_t kLeastRows = 96;       // tokens of a task; with fewer, packing would weigh too much
constexpr int64_t kTasks = 4;            // per thread, so that one that is held up does not hold up all
constexpr int64_t kLeastWork = 1 << 20;  // products under which waking other threads costs more than it saves

// Tokens begin..end-1 get their rows of ``low`` [end - begin, R] times a master as well; of rank 0: nothing.
struct Term {
    int64_t begin, end, rank;
    const bfloat16 *low;
    Master master;
    Factor<PairUnits> factor;
};

// What a tile sums over: rows of pairs on the left, packed columns on the right, of which vector v of unit u lies at
// u * unit_step + v * vector_step.
struct Part {
    const bfloat16 *left;
    int64_t left_step;
    const uint32_t *right;
    int64_t vector_step, units;
};

// Where a tile's sums come from and go to; rows of sums have 64 columns.
struct Place {
    const float *begun;     // sums over the units before; null: none yet
    const bfloat16 *added;  // rows that the first sums begin with; null: none
    float *kept;            // sums for the units to come; null: the result is rounded to
    bfloat16 *result;
    int64_t added_step, step, width;
};

typedef floats Vectors[kTileVectors];

// Vector ``v`` of a row of which ``width`` columns are there.
inline floats load_columns(const bfloat16 *row, int v, int64_t width) {
    int64_t count = std::max<int64_t>(0, std::min<int64_t>(kLanes, width - v * kLanes));
    __m256i halves = _mm256_maskz_loadu_epi16(__mmask16((1u << count) - 1), row + v * kLanes);
    return (floats)_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16);
}

template <int ROWS, int UNIT_STEP>
inline __attribute__((always_inline)) void add_part(const Part &part, int64_t vector_step, Vectors *total) {
    const char *left[ROWS];
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++) left[r] = reinterpret_cast<const char *>(part.left + r * part.left_step);
    const uint32_t *right = part.right;
    for (int64_t begin = 0; begin < part.units; begin += kLineUnits) {
        // The rows of the next tile, a line each: what waits for them at its start would wait for all.
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++) __builtin_prefetch(left[r] + 4 * begin + 2 * kTileRows * part.left_step);
        int64_t end = std::min(part.units, begin + kLineUnits);
        for (int64_t u = begin; u < end; u++, right += UNIT_STEP) {
            Vectors column;
#pragma GCC unroll 4
            for (int v = 0; v < kTileVectors; v++) std::memcpy(&column[v], right + v * vector_step, sizeof(floats));
#pragma GCC unroll 8
            for (int r = 0; r < ROWS; r++) {
                uint32_t pair;
                std::memcpy(&pair, left[r] + 4 * u, 4);
#pragma GCC unroll 4
                for (int v = 0; v < kTileVectors; v++) total[r][v] = PairUnits::add_product(total[r][v], pair, column[v]);
            }
        }
    }
}

inline void store_rounded(const Vectors &total, bfloat16 *to, int64_t width) {
#pragma GCC unroll 2
    for (int v = 0; v < kTileVectors; v += 2) {
        __m512i values = (__m512i)_mm512_cvtne2ps_pbh((__m512)total[v + 1], (__m512)total[v]);
        int64_t count = std::max<int64_t>(0, std::min<int64_t>(32, width - v * kLanes));
        _mm512_mask_storeu_epi16(to + v * kLanes, __mmask32((uint64_t(1) << count) - 1), values);
    }
}

template <int ROWS> void multiply_tile(const Part &wide, const Part &thin, const Vectors &bias, const Place &place) {
    Vectors total[ROWS];
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
        for (int v = 0; v < kTileVectors; v++)
            total[r][v] = place.begun ? load_lanes(place.begun + r * kColumns + v * kLanes) : bias[v];
    if (place.added) {
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
            for (int v = 0; v < kTileVectors; v++)
                total[r][v] += load_columns(place.added + r * place.added_step, v, place.width);
    }
    add_part<ROWS, kColumns>(wide, kLanes, total);
    if (thin.units) add_part<ROWS, kPanel>(thin, thin.vector_step, total);
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++) {
        if (!place.kept) {
            store_rounded(total[r], place.result + r * place.step, place.width);
            continue;
        }
#pragma GCC unroll 4
        for (int v = 0; v < kTileVectors; v++) store_lanes(place.kept + r * kColumns + v * kLanes, total[r][v]);
    }
}

typedef void (*Tile)(const Part &, const Part &, const Vectors &, const Place &);
constexpr Tile kTiles[] = {nullptr,          multiply_tile<1>, multiply_tile<2>, multiply_tile<3>,
                           multiply_tile<4>, multiply_tile<5>, multiply_tile<kTileRows>};

class Product {
  public:
    Product(const Tokens<const bfloat16> &x, const Matrix &matrix, const bfloat16 *bias,
            const Tokens<const bfloat16> &added, const Tokens<bfloat16> &y, int64_t tokens)
        : x(x), matrix(matrix), bias(bias), added(added), y(y), tokens(tokens) {}

    // ``terms`` in rising order; together they are all tokens.
    void run(std::vector<Term> &terms) const {
        std::vector<std::pair<const Term *, int64_t>> squares = place_factors(terms);
        int64_t panels = (y.width + kColumns - 1) / kColumns, threads = omp_get_max_threads();
        int64_t most = std::max<int64_t>(1, tokens / kLeastRows);
        int64_t cuts = std::min(most, (kTasks * threads + panels - 1) / panels);
        int64_t rows = round_up((tokens + cuts - 1) / cuts, kTileRows);
#pragma omp parallel if (tokens * x.width * y.width > kLeastWork)
        {
#pragma omp for schedule(static)
            for (size_t i = 0; i < squares.size(); i++) {
                const Term &term = *squares[i].first;
                matrix.is_across ? term.factor.pack_across(term.master, squares[i].second)
                                 : term.factor.pack_along(term.master, squares[i].second);
            }
#pragma omp for schedule(dynamic) collapse(2)
            for (int64_t cut = 0; cut < cuts; cut++)
                for (int64_t panel = 0; panel < panels; panel++)
                    run_task(terms, cut * rows, std::min(tokens, (cut + 1) * rows), panel * kColumns);
        }
    }

  private:
    Tokens<const bfloat16> x;
    Matrix matrix;
    const bfloat16 *bias;
    Tokens<const bfloat16> added;  // of no place: nothing
    Tokens<bfloat16> y;
    int64_t tokens;

    // Room for the terms' factors, and the squares that are still to be packed into it.
    std::vector<std::pair<const Term *, int64_t>> place_factors(std::vector<Term> &terms) const {
        static thread_local Room<uint32_t> room;
        std::vector<std::pair<const Term *, int64_t>> squares;
        std::vector<int64_t> begins;
        int64_t size = 0;
        for (Term &term : terms) {
            term.factor = matrix.is_across ? Factor<PairUnits>::across(term.master, nullptr)
                                           : Factor<PairUnits>::along(term.master, nullptr);
            for (int64_t square = 0; square < term.factor.squares(); square++) squares.push_back({&term, square});
            begins.push_back(size);
            // A task's last vectors may lie behind the last panel.
            size += term.factor.size() + (kTileVectors - 1) * term.factor.units * kPanel;
        }
        uint32_t *data = room.take(size);
        for (size_t i = 0; i < terms.size(); i++) terms[i].factor.data = data + begins[i];
        return squares;
    }

    // 64 outputs of tokens begin..end-1.
    void run_task(const std::vector<Term> &terms, int64_t begin, int64_t end, int64_t output) const {
        static thread_local Room<uint32_t> packed;
        static thread_local Room<float> sums;
        int64_t units = matrix.depth() / 2, width = std::min<int64_t>(kColumns, y.width - output);
        uint32_t *right = packed.take(std::min(units, kDepth) * kColumns);
        float *kept = units > kDepth ? sums.take(std::max<int64_t>(0, end - begin) * kColumns) : nullptr;
        Vectors start = {};
        for (int64_t i = 0; bias && i < width; i++) start[i / kLanes][i % kLanes] = load(bias[output + i]);
        for (int64_t first = 0; first < units && begin < end; first += kDepth) {
            int64_t count = std::min(kDepth, units - first);
            bool is_last = first + count == units;
            matrix.pack(output, first, count, right);
            for (const Term &term : terms) {
                const uint32_t *factor = term.factor.data + output * term.factor.units;
                int64_t thin_units = is_last ? term.factor.units : 0;
                int64_t stop = std::min(end, term.end);
                for (int64_t token = std::max(begin, term.begin); token < stop; token += kTileRows) {
                    Part wide{x.at(token) + 2 * first, x.step, right, kLanes, count};
                    Part thin{term.low + (token - term.begin) * term.rank, term.rank, factor,
                              term.factor.units * kPanel, thin_units};
                    float *here = kept + (token - begin) * kColumns;
                    const bfloat16 *before = added.data && !first ? added.at(token) + output : nullptr;
                    Place place{first ? here : nullptr, before, is_last ? nullptr : here, y.at(token) + output,
                                added.step,             y.step, width};
                    kTiles[std::min<int64_t>(kTileRows, stop - token)](wide, thin, start, place);
                }
            }
        }
    }
};

Term none(int64_t begin, int64_t end, const Matrix &matrix) {
    int64_t rows = matrix.is_across ? matrix.rows : 0, columns = matrix.is_across ? 0 : matrix.columns;
    return {begin, end, 0, nullptr, {nullptr, rows, columns, 0}, {}};
}

// All tokens, in order: those of the given terms, and between them those that get none.
std::vector<Term> with_gaps(const int64_t *given, int64_t count, const Matrix &matrix, int64_t tokens) {
    std::vector<Term> terms;
    int64_t at = 0;
    for (; count > 0; count--, given += 6) {
        int64_t rank = given[2];
        if (given[0] > at) terms.push_back(none(at, given[0], matrix));
        auto low = reinterpret_cast<const bfloat16 *>(given[3]);
        auto master = reinterpret_cast<const float *>(given[4]);
        int64_t rows = matrix.is_across ? matrix.rows : rank, columns = matrix.is_across ? rank : matrix.columns;
        terms.push_back({given[0], given[1], rank, low, {master, rows, columns, as_float(uint32_t(given[5]))}, {}});
        at = given[1];
    }
    if (at < tokens) terms.push_back(none(at, tokens, matrix));
    return terms;
}
}  // namespace

// W [rows, columns] is dense, rows of x and y lie ``step`` elements apart; the width that is summed over is even.
// Forward (``is_across``) y = x W^T + bias, else y = x W, each with ``added`` [tokens, outputs] if there is one, which may
// be y itself. ``terms``, six numbers each, in the tokens' order: the range of
// tokens, the rank R (even), the addresses of ``low`` [range, R] and of a float32 master, [rows, R] forward and
// [R, columns] backward, and the scale that the master is rounded with, as a float in the lower half.
OFFERED void wide_product_bfloat16(const bfloat16 *x, int64_t x_step, const bfloat16 *W, int64_t rows, int64_t columns,
                                   int64_t is_across, const bfloat16 *bias, const bfloat16 *added,
                                   int64_t added_step, bfloat16 *y, int64_t y_step, int64_t tokens,
                                   const int64_t *given, int64_t count) {
    Matrix matrix{W, rows, columns, is_across != 0};
    std::vector<Term> terms = with_gaps(given, count, matrix, tokens);
    Tokens<const bfloat16> begun{added, added_step, matrix.outputs()};
    Product({x, x_step, matrix.depth()}, matrix, bias, begun, {y, y_step, matrix.outputs()}, tokens).run(terms);
}
#endif
