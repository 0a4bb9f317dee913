// Attention over a token tree, forward: each query looks at its own path, a chunk of keys at a time, under a running
// softmax (Milakov & Gimelshein 2018, arXiv:1805.02867; Dao et al. 2022, arXiv:2205.14135, algorithm 1).

#include "attention.h"

namespace {

constexpr int kTileRows = 64;     // query rows that share a chunk of keys while it is in cache
constexpr int kChunkPanels = 16;  // panels of keys under one running maximum
constexpr int kChunk = kChunkPanels * kPanel;

template <class U> struct ForwardRoom {
    Room<typename U::unit> square, keys, values;
    Room<float> outputs, sums, maxima;
    QueryRows<U> queries;
    std::vector<char> is_packed;
    Path path;
    QueryTile tile;
};

template <class T> class Forward {
    typedef typename UnitsOf<T>::type U;
    typedef typename U::unit unit;

  public:
    Forward(const TokenTree &tree, const Shape &shape, const Inputs<T> &inputs, Rows<T> output, float *log_sums_HT)
        : tree(tree), shape(shape), inputs(inputs), output(output), log_sums_HT(log_sums_HT) {
        width_units = units_of<U>(shape.width), columns = round_up(shape.value_width, kPanel);
    }

    void run(const Piece &piece, int key_head, ForwardRoom<U> &room) const {
        int64_t panels = tree.panel[piece.end_segment] - tree.panel[piece.first_segment];
        room.is_packed.assign(size_t(piece.end_segment - piece.first_segment), 0);
        room.keys.take(panels * width_units * kPanel);
        room.values.take(panels * kPanel / U::kValues * columns);
        int group = shape.group();
        for (int s = piece.first_segment; s < piece.end_segment; s++) {
            int begin = std::max(piece.begin, tree.start[s]), end = std::min(piece.end, tree.start[s + 1]);
            if (begin >= end) continue;
            room.path.follow(tree, s, piece.first_segment);
            pack_path(s, piece.first_segment, key_head, room);
            if (s + 1 < tree.segments) {
                int next = std::min(tree.start[s + 2], tree.start[s + 1] + kFetchedTokens);
                fetch<false>(inputs.key, tree.start[s + 1], next, key_head, 1, shape.width);
                fetch<false>(inputs.value, tree.start[s + 1], next, key_head, 1, shape.value_width);
            }
            tree.leave_out_unread(begin, end);
            int tile_tokens = even_share(end - begin, std::max(1, kTileRows / group));
            for (int token = begin; token < end; token += tile_tokens) {
                int count = std::min(tile_tokens, end - token);
                int next = token + count, next_end = std::min(next + tile_tokens, tree.tokens);
                fetch<false>(inputs.query, next, next_end, key_head * group, group, shape.width);
                fetch<true>(output, next, next_end, key_head * group, group, shape.value_width);
                room.tile.take(tree, room.path, s, token, count, key_head * group, group);
                attend(room);
            }
        }
    }

  private:
    const TokenTree &tree;
    const Shape &shape;
    Inputs<T> inputs;
    Rows<T> output;
    float *log_sums_HT;
    int64_t width_units, columns;

    // Keys and values of the path's segments that this piece has not met yet.
    void pack_path(int segment, int first_segment, int key_head, ForwardRoom<U> &room) const {
        unit *keys = room.keys.data, *values = room.values.data;
        unit *square = room.square.take(kPanel * kPanel);
        for (int r = tree.first_range[segment]; r < tree.first_range[segment + 1]; r++) {
            int s = tree.range_segment[r], panel = tree.panel[s] - tree.panel[first_segment];
            if (room.is_packed[s - first_segment]) continue;
            room.is_packed[s - first_segment] = 1;
            for (int token = tree.start[s]; token < tree.start[s + 1]; token += kPanel, panel++) {
                int count = std::min(kPanel, tree.start[s + 1] - token);
                pack_across<U>(inputs.key, token, key_head, count, shape.width, square,
                               keys + panel * width_units * kPanel);
                pack_tokens_along<U>(inputs.value, token, key_head, count, kPanel, shape.value_width, columns,
                                     values + panel * (kPanel / U::kValues) * columns);
            }
        }
    }

    void attend(ForwardRoom<U> &room) const {
        const QueryTile &tile = room.tile;
        int padded = tile.blocks * kRows;
        float *outputs = room.outputs.take(padded * columns);
        float *sums = room.sums.take(padded * kPanel), *maxima = room.maxima.take(padded);
        room.queries.take(inputs.query, tile, shape.width);
        std::memset(sums, 0, size_t(padded) * kPanel * 4);
        for (int row = 0; row < padded; row++) {
            maxima[row] = inputs.sinks_H ? inputs.sinks_H[tile.head[row]] * kLog2E : kNothingYet;
            sums[row * kPanel] = inputs.sinks_H ? 1 : 0;
        }
        for (int chunk = tile.first[0]; chunk < tile.end[tile.blocks - 1]; chunk += kChunkPanels)
            for (int b = 0; b < tile.blocks; b++) {
                int from = std::max(chunk, tile.first[b]), to = std::min(chunk + kChunkPanels, tile.end[b]);
                if (from < to) attend_block(b, from, to, room);
            }
        for (int row = 0; row < tile.rows; row++) {
            float total = sum(load_lanes(sums + row * kPanel));
            int64_t token = tile.token[row], head = tile.head[row];
            write_row(outputs + row * columns, 1 / total, shape.value_width, output.at(token, head));
            log_sums_HT[head * shape.size + token] = maxima[row] + std::log2(total);
        }
    }

    // One block of rows against panels from..to-1 of its path.
    void attend_block(int block, int from, int to, ForwardRoom<U> &room) const {
        alignas(64) float scores[kRows * kChunk], keep[kRows];
        alignas(64) unit shares[kRows * kChunk / U::kValues];
        int row = block * kRows, count = (to - from) * kPanel;
        const unit *keys = room.keys.data, *values = room.values.data;
        Left<unit> queries = room.queries.block(block);
        for (int at = from; at < to; at += 2)
            multiply_panels<U>(queries, width_units, keys, room.path, at, std::min(2, to - at),
                               scores + (at - from) * kPanel, kChunk);
        if (shape.softcap != 0)
            for (int r = 0; r < kRows; r++) cap(scores + r * kChunk, count);
        hide_unseen(room, block, from, to, scores);
        float factor = shape.softcap != 0 ? kLog2E : shape.scaling * kLog2E;
        float *maxima = room.maxima.data + row;
        float *sums = room.sums.data + row * kPanel;
        raise_maxima(scores, count, factor, maxima, keep);
        for (int r = 0; r < kRows; r++)
            share(scores + r * kChunk, count, factor, maxima[r], keep[r], sums + r * kPanel,
                  shares + r * kChunk / U::kValues);
        float *outputs = room.outputs.data + row * columns;
        int last_keys = room.tile.to(room.path, row + kRows - 1, to - 1);
        constexpr int kStep = kChunk / U::kValues;
        if (from == room.tile.first[block])
            multiply_path<U, Start::kZero>(shares, kStep, values, columns, room.path, from, to - from, last_keys,
                                           outputs, nullptr);
        else
            multiply_path<U, Start::kScaled>(shares, kStep, values, columns, room.path, from, to - from, last_keys,
                                             outputs, keep);
    }

    void cap(float *scores, int count) const {
        float inside = shape.scaling / shape.softcap;
        for (int i = 0; i < count; i += kLanes)
            store_lanes(scores + i, tanh_lanes(load_lanes(scores + i) * inside) * shape.softcap);
    }

    static void hide_unseen(const ForwardRoom<U> &room, int block, int from, int to, float *scores) {
        for (int at = from; at < to; at++) {
            if (room.tile.is_seen_whole(room.path, block, at)) continue;
            for (int r = 0; r < kRows; r++) {
                int first = room.tile.from(room.path, block * kRows + r, at);
                int end = room.tile.to(room.path, block * kRows + r, at);
                float *part = scores + r * kChunk + (at - from) * kPanel;
                for (int i = 0; i < kPanel; i += kLanes)
                    store_lanes(part + i, only_lanes(load_lanes(part + i), first - i, end - i, kUnseen));
            }
        }
    }

    // ``keep``: what earlier sums of each row must shrink by, because a larger score has been met.
    static void raise_maxima(const float *scores, int count, float factor, float *maxima, float *keep) {
        alignas(64) float change[16] = {};
        for (int r = 0; r < kRows; r++) {
            floats most = load_lanes(scores + r * kChunk);
            for (int i = kLanes; i < count; i += kLanes) most = larger(most, load_lanes(scores + r * kChunk + i));
            float now = std::max(maxima[r], largest(most) * factor);
            change[r] = maxima[r] - now, maxima[r] = now;
        }
        for (int i = 0; i < kRows; i += kLanes) store_lanes(change + i, exp2_lanes(load_lanes(change + i)));
        std::memcpy(keep, change, kRows * sizeof(float));
    }

    // Probabilities of one row's chunk, relative to the largest score so far.
    static void share(const float *scores, int count, float factor, float maximum, float keep, float *sums,
                      unit *shares) {
        floats total = load_lanes(sums) * keep;
        for (int i = 0; i < count; i += kLanes) {
            floats part = exp2_lanes(load_lanes(scores + i) * factor - maximum);
            total += part;
            U::store(part, shares + i / U::kValues);
        }
        store_lanes(sums, total);
    }
};

template <class T>
void forward(const int *plan, const int *lowest_T, const Shape &shape, const Inputs<T> &inputs, Rows<T> output,
             float *log_sums_HT) {
    TokenTree tree(plan, lowest_T);
    Forward<T> layer(tree, shape, inputs, output, log_sums_HT);
    std::vector<Piece> pieces = cut(tree, shape.key_heads, omp_get_max_threads());
    int64_t jobs = int64_t(pieces.size()) * shape.key_heads;
#pragma omp parallel
    {
        static thread_local ForwardRoom<typename UnitsOf<T>::type> own;
        ForwardRoom<typename UnitsOf<T>::type> &room = own;
#pragma omp for schedule(dynamic)
        for (int64_t job = 0; job < jobs; job++)
            for (const Piece &piece : trees_of(tree, pieces[job / shape.key_heads]))
                layer.run(piece, int(job % shape.key_heads), room);
    }
    for (int64_t token = tree.tokens; token < shape.size; token++)
        for (int64_t head = 0; head < shape.heads; head++) {
            std::memset(output.at(token, head), 0, size_t(shape.value_width) * sizeof(T));
            log_sums_HT[head * shape.size + token] = 0;
        }
}
}  // namespace

// Heads stand beside each other in tensors [tokens, heads, width]; steps count elements. Output is dense, as are the
// log-sums [heads, tokens], in base 2, that backward needs. Tokens from the tree's end up to ``size`` are padding and
// get zeros.
#define ATTENTION_FORWARD(T, NAME)                                                                                    \
    OFFERED void attention_forward_##NAME(                                                                            \
        const int *plan, const int *lowest_T, const T *query, int64_t query_token, int64_t query_head, const T *key,  \
        int64_t key_token, int64_t key_head, const T *value, int64_t value_token, int64_t value_head,                 \
        const float *sinks_H, T *output, float *log_sums_HT, int64_t size, int64_t heads, int64_t key_heads,          \
        int64_t width, int64_t value_width, float scaling, float softcap) {                                           \
        Shape shape{int(size), int(heads), int(key_heads), int(width), int(value_width), scaling, softcap};           \
        Inputs<T> inputs{{query, query_token, query_head}, {key, key_token, key_head},                                \
                         {value, value_token, value_head}, sinks_H};                                                  \
        forward<T>(plan, lowest_T, shape, inputs, {output, heads * value_width, value_width}, log_sums_HT);           \
    }
ATTENTION_FORWARD(float, float32)
ATTENTION_FORWARD(bfloat16, bfloat16)
