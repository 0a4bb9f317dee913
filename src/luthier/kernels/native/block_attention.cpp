// Attention of new tokens over keys and values that are kept in blocks of 16 tokens, wherever in memory those lie: what
// an engine of many growing answers runs at every step. New keys and values are written first, then everybody looks.
//
// A block of keys is [K, D, 16], so that 16 scores are one vector; a block of values is [K, 16, E rounded up to 16].

#include <algorithm>
#include <vector>

#include "lanes.h"

namespace {

constexpr int kBlockTokens = 16;
constexpr int kParts = kBlockTokens / kLanes;
constexpr int kTileRows = 8;  // query rows that read a block while it is in registers' reach
constexpr float kUnseen = -1e30f;
constexpr float kLog2E = 1.44269504f;

inline floats load_values(const float *from) { return load_lanes(from); }

inline floats load_values(const bfloat16 *from) {
    ints wide;
    for (int i = 0; i < kLanes; i++) wide[i] = int32_t(uint32_t(from[i].bits) << 16);
    return (floats)wide;
}

template <class T> struct Rows {
    const T *data;
    int64_t token_step, head_step;

    const T *at(int64_t token, int64_t head) const { return data + token * token_step + head * head_step; }
};

struct Sizes {
    int64_t tokens, heads, key_heads, width, value_width, table_width;
    float scaling, softcap;

    int64_t group() const { return heads / key_heads; }
    int64_t value_step() const { return (value_width + 15) / 16 * 16; }
};

// Which blocks a row of the table names, and where each new token stands in its row; row -1 is padding.
struct Places {
    const int32_t *tables, *row, *position, *lowest;
    int64_t width;

    int64_t block(int64_t token, int64_t place) const { return tables[row[token] * width + place / kBlockTokens]; }
};

// The blocks that some tokens of one row look at; of the last one only the first tokens count.
struct Span {
    int64_t token, first_block, end_block;
    int last_tokens;

    int64_t keys() const { return (end_block - first_block) * kBlockTokens; }
};

struct Room {
    std::vector<float> query, scores, output;
};

template <class T> class Attention {
  public:
    Attention(const Sizes &sizes, const Places &places, const Rows<T> &query, const T *keys, const T *values,
              const float *sinks, T *output)
        : sizes(sizes), places(places), query(query), keys(keys), values(values), sinks(sinks), output(output) {}

    // Tokens begin..begin+count-1 stand one behind the other in one row.
    void run(int64_t begin, int64_t count, int64_t key_head, Room &room) const {
        int64_t group = sizes.group(), rows = count * group, last = places.position[begin + count - 1];
        int64_t lowest = *std::min_element(places.lowest + begin, places.lowest + begin + count);
        Span span{begin, lowest / kBlockTokens, last / kBlockTokens + 1, int(last % kBlockTokens) + 1};
        int64_t held = span.keys(), value_step = sizes.value_step(), first_head = key_head * group;
        room.query.resize(size_t(rows * sizes.width)), room.scores.resize(size_t(rows * held));
        room.output.resize(size_t(rows * value_step));
        float *rows_query = room.query.data(), *scores = room.scores.data(), *sums = room.output.data();
        for (int64_t r = 0; r < rows; r++) {
            const T *from = query.at(begin + r / group, first_head + r % group);
            for (int64_t d = 0; d < sizes.width; d++) rows_query[r * sizes.width + d] = load(from[d]) * sizes.scaling;
        }
        for (int64_t b = span.first_block; b < span.end_block; b++) {
            int64_t place = places.block(begin, b * kBlockTokens) * sizes.key_heads + key_head;
            const T *block = keys + place * sizes.width * kBlockTokens;
            float *to = scores + (b - span.first_block) * kBlockTokens;
            by_rows(rows, [&](int64_t r, auto n) {
                score<n.value>(block, rows_query + r * sizes.width, to + r * held, held);
            });
        }
        for (int64_t r = 0; r < rows; r++)
            weigh(scores + r * held, held, span.first_block * kBlockTokens, begin + r / group, first_head + r % group);
        for (int64_t e = 0; e < sizes.value_width; e += kLanes)
            by_rows(rows, [&](int64_t r, auto n) {
                gather<n.value>(span, key_head, e, scores + r * held, sums + r * value_step + e);
            });
        for (int64_t r = 0; r < rows; r++) {
            T *to = output + ((begin + r / group) * sizes.heads + first_head + r % group) * sizes.value_width;
            for (int64_t e = 0; e < sizes.value_width; e++) store(to[e], sums[r * value_step + e]);
        }
    }

  private:
    Sizes sizes;
    Places places;
    Rows<T> query;
    const T *keys, *values;
    const float *sinks;
    T *output;

    template <int N> struct Count { static constexpr int value = N; };

    template <class F> static void by_rows(int64_t rows, F run) {
        int64_t r = 0;
        for (; r + 4 <= rows; r += 4) run(r, Count<4>{});
        if (r + 2 <= rows) run(r, Count<2>{}), r += 2;
        if (r < rows) run(r, Count<1>{});
    }

    // N query rows against the 16 keys of a block.
    template <int N> void score(const T *block, const float *rows, float *to, int64_t step) const {
        floats total[N][kParts] = {};
        for (int64_t d = 0; d < sizes.width; d++)
            for (int part = 0; part < kParts; part++) {
                floats key = load_values(block + d * kBlockTokens + part * kLanes);
#pragma GCC unroll 4
                for (int n = 0; n < N; n++) total[n][part] += rows[n * sizes.width + d] * key;
            }
        for (int n = 0; n < N; n++)
            for (int part = 0; part < kParts; part++) store_lanes(to + n * step + part * kLanes, total[n][part]);
    }

    // Scores of one query row to shares, in place.
    void weigh(float *scores, int64_t count, int64_t first, int64_t token, int64_t head) const {
        if (sizes.softcap > 0)
            for (int64_t j = 0; j < count; j += kLanes)
                store_lanes(scores + j, sizes.softcap * tanh_lanes(load_lanes(scores + j) / sizes.softcap));
        int64_t lowest = places.lowest[token] - first, end = places.position[token] + 1 - first;
        for (int64_t j = 0; j < lowest; j++) scores[j] = kUnseen;
        for (int64_t j = end; j < count; j++) scores[j] = kUnseen;
        floats most = splat(sinks ? sinks[head] : kUnseen);
        for (int64_t j = 0; j < count; j += kLanes) most = larger(most, load_lanes(scores + j));
        float top = largest(most);
        floats sums{};
        for (int64_t j = 0; j < count; j += kLanes) {
            floats share = exp2_lanes((load_lanes(scores + j) - top) * kLog2E);
            sums += share;
            store_lanes(scores + j, share);
        }
        float total = sum(sums) + (sinks ? std::exp(sinks[head] - top) : 0.0f), scale = 1.0f / total;
        for (int64_t j = 0; j < count; j += kLanes) store_lanes(scores + j, load_lanes(scores + j) * scale);
    }

    // One vector of the output of N query rows.
    template <int N>
    void gather(const Span &span, int64_t key_head, int64_t e, const float *shares, float *to) const {
        floats total[N] = {};
        int64_t value_step = sizes.value_step();
        for (int64_t b = span.first_block; b < span.end_block; b++, shares += kBlockTokens) {
            int64_t place = places.block(span.token, b * kBlockTokens) * sizes.key_heads + key_head;
            const T *block = values + place * kBlockTokens * value_step + e;
            int count = b + 1 < span.end_block ? kBlockTokens : span.last_tokens;  // what lies behind may be anything
            for (int j = 0; j < count; j++) {
                floats value = load_values(block + j * value_step);
#pragma GCC unroll 4
                for (int n = 0; n < N; n++) total[n] += shares[n * span.keys() + j] * value;
            }
        }
        for (int n = 0; n < N; n++) store_lanes(to + n * value_step, total[n]);
    }
};

template <class T>
void write(const Rows<T> &new_keys, const Rows<T> &new_values, const Places &places, const Sizes &sizes, T *keys,
           T *values) {
    int64_t value_step = sizes.value_step();
    for (int64_t t = 0; t < sizes.tokens; t++) {
        if (places.row[t] < 0) continue;
        int64_t block = places.block(t, places.position[t]), place = places.position[t] % kBlockTokens;
        for (int64_t k = 0; k < sizes.key_heads; k++) {
            const T *key = new_keys.at(t, k), *value = new_values.at(t, k);
            T *key_to = keys + (block * sizes.key_heads + k) * sizes.width * kBlockTokens + place;
            for (int64_t d = 0; d < sizes.width; d++) key_to[d * kBlockTokens] = key[d];
            std::memcpy(values + ((block * sizes.key_heads + k) * kBlockTokens + place) * value_step, value,
                        size_t(sizes.value_width) * sizeof(T));
        }
    }
}

template <class T>
void attend(const Rows<T> &query, const Rows<T> &new_keys, const Rows<T> &new_values, T *keys, T *values,
            const Places &places, const float *sinks, T *output, const Sizes &sizes) {
    write(new_keys, new_values, places, sizes, keys, values);
    int64_t most = std::max<int64_t>(1, kTileRows / sizes.group());
    std::vector<int32_t> begins;
    for (int64_t t = 0; t < sizes.tokens; t++) {
        if (places.row[t] < 0) {
            int64_t numbers = sizes.heads * sizes.value_width;
            for (int64_t i = 0; i < numbers; i++) store(output[t * numbers + i], 0);
            continue;
        }
        bool goes_on = !begins.empty() && t > 0 && places.row[t] == places.row[t - 1] && t - begins.back() < most;
        if (!goes_on) begins.push_back(int32_t(t));
    }
    Attention<T> attention(sizes, places, query, keys, values, sinks, output);
    int64_t pieces = int64_t(begins.size()) * sizes.key_heads;
#pragma omp parallel if (pieces > 1)
    {
        Room room;
#pragma omp for schedule(dynamic, 4)
        for (int64_t p = 0; p < pieces; p++) {
            int64_t begin = begins[size_t(p / sizes.key_heads)], end = begin + 1;
            while (end < sizes.tokens && end - begin < most && places.row[end] == places.row[begin]) end++;
            attention.run(begin, end - begin, p % sizes.key_heads, room);
        }
    }
}
}  // namespace

#define OFFER_BLOCKS(T, NAME)                                                                                              \
    OFFERED void block_attention_##NAME(const T *query, int64_t query_step, int64_t query_head, const T *key,              \
                                        int64_t key_step, int64_t key_head, const T *value, int64_t value_step,            \
                                        int64_t value_head, T *keys, T *values, const int32_t *tables, const int32_t *row, \
                                        const int32_t *position, const int32_t *lowest, const float *sinks, T *output,     \
                                        int64_t tokens, int64_t heads, int64_t key_heads, int64_t width,                   \
                                        int64_t value_width, int64_t table_width, float scaling, float softcap) {          \
        attend<T>({query, query_step, query_head}, {key, key_step, key_head}, {value, value_step, value_head}, keys,       \
                  values, {tables, row, position, lowest, table_width}, sinks, output,                                     \
                  {tokens, heads, key_heads, width, value_width, table_width, scaling, softcap});                          \
    }
OFFER_BLOCKS(float, float32)
OFFER_BLOCKS(bfloat16, bfloat16)
