// Attention over a token tree, backward: probabilities are worked out again from the stored log-sums (Dao et al. 2022,
// arXiv:2205.14135, algorithm 4). A piece owns the gradients of the keys it sees, so nothing is added atomically.

#include <memory>

#include "key_sums.h"
#include "tile_queries.h"

namespace {

constexpr int kTileRows = 128;   // query rows that share a chunk of keys while it is in cache
constexpr int kChunkPanels = 8;  // panels of keys whose probabilities are held at a time

template <class U> struct BackwardRoom {
    Room<typename U::unit> square, keys, values, keys_along, shares, changes, change_rows;
    Room<float> query_sums, panel;
    Path path;
    QueryTile tile;
    TileQueries<U> queries;
    KeySums sums;
};

template <class T> class Backward {
    typedef typename UnitsOf<T>::type U;
    typedef typename U::unit unit;
    static constexpr int kUnits = kPanel / U::kValues;

  public:
    Backward(const TokenTree &tree, const Shape &shape, const Inputs<T> &inputs, const Gradients<T> &gradients)
        : tree(tree), shape(shape), inputs(inputs), gradients(gradients) {
        key_units = units_of<U>(shape.width), value_units = units_of<U>(shape.value_width);
        key_columns = round_up(shape.width, kPanel), value_columns = round_up(shape.value_width, kPanel);
    }

    void run(const Piece &piece, int key_head, BackwardRoom<U> &room, KeySums &sums) const {
        int64_t panels = tree.panel[piece.end_segment] - tree.panel[piece.first_segment];
        room.keys.take(panels * key_units * kPanel);
        room.values.take(panels * value_units * kPanel);
        room.keys_along.take(panels * kUnits * key_columns);
        sums.open(piece, panels, key_columns, value_columns);
        int group = shape.group();
        for (int s = piece.first_segment; s < piece.end_segment; s++) {
            int begin = std::max(piece.begin, tree.start[s]), end = std::min(piece.end, tree.start[s + 1]);
            if (begin >= end) continue;
            room.path.follow(tree, s, piece.first_segment);
            pack_path(s, piece.first_segment, key_head, room, sums);
            fetch_keys(s, key_head);
            tree.leave_out_unread(begin, end);
            int tile_tokens = even_share(end - begin, std::max(1, kTileRows / group));
            for (int token = begin; token < end; token += tile_tokens) {
                int count = std::min(tile_tokens, end - token);
                fetch_queries(token + count, std::min(token + count + tile_tokens, tree.tokens), key_head * group);
                room.tile.take(tree, room.path, s, token, count, key_head * group, group);
                differentiate(room, sums);
            }
        }
    }

  private:
    const TokenTree &tree;
    const Shape &shape;
    Inputs<T> inputs;
    Gradients<T> gradients;
    int64_t key_units, value_units, key_columns, value_columns;

    // What this segment will write, and the next one read.
    void fetch_keys(int segment, int key_head) const {
        int begin = tree.start[segment], next = tree.start[segment + 1];
        int end = std::min(next, begin + kFetchedTokens);
        fetch<true>(gradients.key, begin, end, key_head, 1, shape.width);
        fetch<true>(gradients.value, begin, end, key_head, 1, shape.value_width);
        if (segment + 1 == tree.segments) return;
        end = std::min(tree.start[segment + 2], next + kFetchedTokens);
        fetch<false>(inputs.key, next, end, key_head, 1, shape.width);
        fetch<false>(inputs.value, next, end, key_head, 1, shape.value_width);
    }

    void fetch_queries(int begin, int end, int first_head) const {
        fetch<false>(inputs.query, begin, end, first_head, shape.group(), shape.width);
        fetch<false>(gradients.output, begin, end, first_head, shape.group(), shape.value_width);
        fetch<false>(gradients.output_gradient, begin, end, first_head, shape.group(), shape.value_width);
        fetch<true>(gradients.query, begin, end, first_head, shape.group(), shape.width);
    }

    // Keys and values of the path's segments that this piece has not met yet; their gradients begin at zero.
    void pack_path(int segment, int first_segment, int key_head, BackwardRoom<U> &room, KeySums &sums) const {
        unit *square = room.square.take(kPanel * kPanel), *keys = room.keys.data;
        unit *values = room.values.data, *keys_along = room.keys_along.data;
        for (int r = tree.first_range[segment]; r < tree.first_range[segment + 1]; r++) {
            int s = tree.range_segment[r], panel = tree.panel[s] - tree.panel[first_segment];
            if (sums.is_touched[s - first_segment]) continue;
            sums.is_touched[s - first_segment] = 1;
            int64_t numbers = int64_t(tree.panel[s + 1] - tree.panel[s]) * kPanel;
            std::fill_n(sums.key.data + panel * key_columns * kPanel, numbers * key_columns, 0.0f);
            std::fill_n(sums.value.data + panel * value_columns * kPanel, numbers * value_columns, 0.0f);
            for (int token = tree.start[s]; token < tree.start[s + 1]; token += kPanel, panel++) {
                int count = std::min(kPanel, tree.start[s + 1] - token);
                pack_across<U>(inputs.key, token, key_head, count, shape.width, square,
                               keys + panel * key_units * kPanel);
                pack_across<U>(inputs.value, token, key_head, count, shape.value_width, square,
                               values + panel * value_units * kPanel);
                pack_tokens_along<U>(inputs.key, token, key_head, count, kPanel, shape.width, key_columns,
                                     keys_along + panel * kUnits * key_columns);
            }
        }
    }

    void differentiate(BackwardRoom<U> &room, KeySums &sums) const {
        const QueryTile &tile = room.tile;
        int padded = tile.blocks * kRows, path_end = tile.end[tile.blocks - 1];
        room.queries.take(inputs, gradients, tile, shape);
        room.shares.take(kChunkPanels * kUnits * padded), room.changes.take(kChunkPanels * kUnits * padded);
        room.change_rows.take(kChunkPanels * kUnits * padded), room.query_sums.take(padded * key_columns);
        for (int chunk = tile.first[0]; chunk < path_end; chunk += kChunkPanels) {
            int end = std::min(chunk + kChunkPanels, path_end);
            for (int at = chunk; at < end; at += 2)
                for (int b = 0; b < tile.blocks; b++) {
                    int from = std::max(at, tile.first[b]), to = std::min({at + 2, end, tile.end[b]});
                    if (from < to) differentiate_block(b, from, to - from, chunk, room);
                }
            for (int at = chunk; at < end; at += 2) add_to_keys(at, std::min(at + 2, end), chunk, room, sums);
            for (int b = 0; b < tile.blocks; b++) {
                int from = std::max(chunk, tile.first[b]), to = std::min(end, tile.end[b]);
                if (from < to) add_to_queries(b, from, to, chunk, room);
            }
        }
        for (int row = 0; row < tile.rows; row++)
            write_row(room.query_sums.data + row * key_columns, shape.scaling, shape.width,
                      gradients.query.at(tile.token[row], tile.head[row]));
    }

    // Adds to a block's query gradients what panels from..to-1 of its path give them.
    void add_to_queries(int block, int from, int to, int chunk, BackwardRoom<U> &room) const {
        constexpr int kStep = kChunkPanels * kUnits;
        int row = block * kRows, last_keys = room.tile.to(room.path, row + kRows - 1, to - 1);
        const unit *changes = room.change_rows.data + row * kStep + (from - chunk) * kUnits;
        float *sums = room.query_sums.data + row * key_columns;
        if (from == room.tile.first[block])
            multiply_path<U, Start::kZero>(changes, kStep, room.keys_along.data, key_columns, room.path, from,
                                           to - from, last_keys, sums, nullptr);
        else
            multiply_path<U, Start::kAdd>(changes, kStep, room.keys_along.data, key_columns, room.path, from, to - from,
                                          last_keys, sums, nullptr);
    }

    // Probabilities and their changes of one block of rows against one or two panels.
    void differentiate_block(int block, int at, int count, int chunk, BackwardRoom<U> &room) const {
        alignas(64) float scores[kRows * 2 * kPanel], gains[kRows * 2 * kPanel];
        int row = block * kRows;
        int64_t pairs = room.tile.blocks * kRows / U::kValues;
        Left<unit> queries = room.queries.queries.block(block), outputs = room.queries.outputs.block(block);
        multiply_panels<U>(queries, key_units, room.keys.data, room.path, at, count, scores, 2 * kPanel);
        multiply_panels<U>(outputs, value_units, room.values.data, room.path, at, count, gains, 2 * kPanel);
        for (int p = 0; p < count; p++) {
            bool is_whole = room.tile.is_seen_whole(room.path, block, at + p);
            int64_t place = (at + p - chunk) * pairs * kPanel + row / U::kValues * kPanel;
            unit *shares = room.shares.data + place, *changes = room.changes.data + place;
            unit *rows = room.change_rows.data + (row * kChunkPanels + at + p - chunk) * kUnits;
            for (int r = 0; r < kRows; r += 2)
                for (int i = 0; i < kPanel; i += kLanes) {
                    floats share[2], change[2];
                    for (int k = 0; k < 2; k++) {
                        int here = (r + k) * 2 * kPanel + p * kPanel + i;
                        share_and_change(load_lanes(scores + here), load_lanes(gains + here), row + r + k, at + p, i,
                                         is_whole, room, share[k], change[k]);
                        U::store(change[k], rows + (r + k) * kChunkPanels * kUnits + i / U::kValues);
                    }
                    U::store_along(share[0], share[1], shares + r / U::kValues * kPanel + i);
                    U::store_along(change[0], change[1], changes + r / U::kValues * kPanel + i);
                }
        }
    }

    inline __attribute__((always_inline)) void share_and_change(floats score, floats gain, int row, int at, int lane,
                                                                bool is_whole, BackwardRoom<U> &room, floats &share,
                                                                floats &change) const {
        float log_sum = room.queries.log_sums.data[row], delta = room.queries.deltas.data[row];
        if (shape.softcap == 0) {
            share = exp2_lanes(score * (shape.scaling * kLog2E) - log_sum);
            change = share * (gain - delta);
        } else {
            floats bent = tanh_lanes(score * (shape.scaling / shape.softcap));
            share = exp2_lanes(bent * (shape.softcap * kLog2E) - log_sum);
            change = share * (gain - delta) * (1.0f - bent * bent);
        }
        if (is_whole) return;
        int from = room.tile.from(room.path, row, at) - lane, to = room.tile.to(room.path, row, at) - lane;
        share = only_lanes(share, from, to, 0), change = only_lanes(change, from, to, 0);
    }

    // Adds to the gradients of keys and values of panels at..end-1, one or two, what the tile's rows give them.
    void add_to_keys(int at, int end, int chunk, BackwardRoom<U> &room, KeySums &sums) const {
        const QueryTile &tile = room.tile;
        int first[2] = {0, 0}, last[2] = {0, 0};
        for (int p = 0; p < end - at; p++) {
            while (first[p] < tile.blocks && tile.end[first[p]] <= at + p) first[p]++;
            for (last[p] = first[p]; last[p] < tile.blocks && tile.first[last[p]] <= at + p;) last[p]++;
        }
        bool is_pair = end - at == 2 && first[1] < last[0];
        add_blocks<1>(at, first[0], is_pair ? first[1] : last[0], chunk, room, sums);
        if (is_pair) add_blocks<2>(at, first[1], last[0], chunk, room, sums);
        if (end - at == 2) add_blocks<1>(at + 1, is_pair ? last[0] : first[1], last[1], chunk, room, sums);
    }

    template <int WIDE>
    void add_blocks(int at, int first, int last, int chunk, BackwardRoom<U> &room, KeySums &sums) const {
        if (first >= last) return;
        int64_t from = first * kRows / U::kValues, pairs = room.tile.blocks * kRows / U::kValues;
        Right<unit, WIDE> shares{room.shares.data + from * kPanel, {}, kPanel, (last - first) * kRows / U::kValues};
        for (int p = 0; p < WIDE; p++) shares.place[p] = (at + p - chunk) * pairs * kPanel;
        Right<unit, WIDE> changes = shares;
        changes.data = room.changes.data + from * kPanel;
        int64_t panel = room.path.panel[at], next = WIDE == 2 ? room.path.panel[at + 1] - panel : 0;
        float *key_sums = sums.key.data + panel * key_columns * kPanel;
        float *value_sums = sums.value.data + panel * value_columns * kPanel;
        const unit *outputs = room.queries.outputs_along.data + from * value_columns;
        const unit *queries = room.queries.queries_along.data + from * key_columns;
        for (int64_t c = 0; c < shape.value_width; c += kRows)
            multiply<U, WIDE, Start::kAdd>(left_columns(outputs + c, value_columns), shares,
                                           {value_sums + c * kPanel, kPanel, next * value_columns * kPanel});
        for (int64_t c = 0; c < shape.width; c += kRows)
            multiply<U, WIDE, Start::kAdd>(left_columns(queries + c, key_columns), changes,
                                           {key_sums + c * kPanel, kPanel, next * key_columns * kPanel});
    }
};

template <class T>
void backward(const int *plan, const int *lowest_T, const Shape &shape, const Inputs<T> &inputs,
              const Gradients<T> &gradients) {
    TokenTree tree(plan, lowest_T);
    Backward<T> layer(tree, shape, inputs, gradients);
    std::vector<Piece> pieces = cut(tree, shape.key_heads, omp_get_max_threads());
    int64_t jobs = int64_t(pieces.size()) * shape.key_heads;
    // Parts of one tree and head stand together, and are added up when all are done.
    std::unique_ptr<KeySums[]> parts(new KeySums[pieces.size() * shape.key_heads]);
#pragma omp parallel
    {
        static thread_local BackwardRoom<typename UnitsOf<T>::type> own;
        BackwardRoom<typename UnitsOf<T>::type> &room = own;
#pragma omp for schedule(dynamic)
        for (int64_t job = 0; job < jobs; job++) {
            int64_t at = job / shape.key_heads;
            int key_head = int(job % shape.key_heads);
            for (const Piece &piece : trees_of(tree, pieces[at])) {
                bool is_alone = piece.parts == 1;
                int64_t place = (at - piece.part) * shape.key_heads + key_head * piece.parts + piece.part;
                KeySums &sums = is_alone ? room.sums : parts[place];
                layer.run(piece, key_head, room, sums);
                for (int s = piece.first_segment; is_alone && s < piece.end_segment; s++)
                    write_segment(tree, shape, s, piece.first_segment, key_head, &sums, 1, gradients.key,
                                  gradients.value, room.panel);
            }
        }
    }
#pragma omp parallel for schedule(dynamic)
    for (int64_t job = 0; job < jobs; job++) {
        static thread_local Room<float> square;
        const Piece &piece = pieces[job / shape.key_heads];
        int key_head = int(job % shape.key_heads);
        KeySums *sums = &parts[job / shape.key_heads * shape.key_heads + key_head * piece.parts];
        for (int s = piece.first_segment; piece.part == 0 && piece.parts > 1 && s < piece.end_segment; s++)
            write_segment(tree, shape, s, piece.first_segment, key_head, sums, piece.parts, gradients.key,
                          gradients.value, square);
    }
}

template <class T> void clear_padding(const Rows<T> &rows, int64_t begin, int64_t end, int64_t width) {
    std::memset(static_cast<void *>(rows.at(begin, 0)), 0, size_t((end - begin) * width) * sizeof(T));
}
}  // namespace

// As attention_forward; gradients are dense tensors [tokens, heads, width].
#define ATTENTION_BACKWARD(T, NAME)                                                                                   \
    OFFERED void attention_backward_##NAME(                                                                           \
        const int *plan, const int *lowest_T, const T *query, int64_t query_token, int64_t query_head, const T *key,  \
        int64_t key_token, int64_t key_head, const T *value, int64_t value_token, int64_t value_head,                 \
        const T *output, const float *log_sums_HT, const T *output_gradient, int64_t gradient_token,                  \
        int64_t gradient_head, T *query_gradient, T *key_gradient, T *value_gradient, float *deltas_HT, int64_t size, \
        int64_t heads, int64_t key_heads, int64_t width, int64_t value_width, float scaling, float softcap) {         \
        Shape shape{int(size), int(heads), int(key_heads), int(width), int(value_width), scaling, softcap};           \
        Inputs<T> inputs{{query, query_token, query_head}, {key, key_token, key_head},                                \
                         {value, value_token, value_head}, nullptr};                                                  \
        Gradients<T> gradients{{output_gradient, gradient_token, gradient_head},                                      \
                               {output, heads * value_width, value_width}, log_sums_HT,                               \
                               {query_gradient, heads * width, width}, {key_gradient, key_heads * width, width},      \
                               {value_gradient, key_heads * value_width, value_width}, deltas_HT};                    \
        backward<T>(plan, lowest_T, shape, inputs, gradients);                                                        \
        clear_padding(gradients.query, plan[0], size, heads * width);                                                 \
        clear_padding(gradients.key, plan[0], size, key_heads * width);                                               \
        clear_padding(gradients.value, plan[0], size, key_heads * value_width);                                       \
    }
ATTENTION_BACKWARD(float, float32)
ATTENTION_BACKWARD(bfloat16, bfloat16)
