// Gradients of keys and values while they are being summed: in float, by panels, one set for each part of a tree.
#pragma once

#include "attention.h"

// One piece's sums, [width, 16 keys] per panel; only those of touched segments mean anything.
struct KeySums {
    Room<float> key, value;
    std::vector<char> is_touched;

    void open(const Piece &piece, int64_t panels, int64_t key_columns, int64_t value_columns) {
        key.take(panels * key_columns * kPanel), value.take(panels * value_columns * kPanel);
        is_touched.assign(size_t(piece.end_segment - piece.first_segment), 0);
    }
};

// Sums begin..end-1 of ``more``, counted in panels of ``columns`` columns, added to ``sums``.
static inline void add_panels(Room<float> &sums, const Room<float> &more, int begin, int end, int64_t columns) {
    for (int64_t i = begin * columns * kPanel; i < end * columns * kPanel; i++) sums.data[i] += more.data[i];
}

// One panel's sums as rows of the gradient. ``square`` is room for 16 rows.
template <class T>
static inline void write_panel(const float *sums, int64_t columns, float scale, int64_t width, const Rows<T> &target,
                               int64_t token, int keys, int key_head, float *square) {
    for (int64_t c = 0; c < columns; c += kPanel)
        transpose16(sums + c * kPanel, kPanel, square + c, columns, kPanel);
    for (int key = 0; key < keys; key++)
        write_row(square + key * columns, scale, width, target.at(token + key, key_head));
}

// The gradients of one segment's keys and values: the sums of all parts of its tree that saw it, in their order.
template <class T>
static inline void write_segment(const TokenTree &tree, const Shape &shape, int segment, int first_segment,
                                 int key_head, KeySums *parts, int count, const Rows<T> &key, const Rows<T> &value,
                                 Room<float> &room) {
    int64_t key_columns = round_up(shape.width, kPanel), value_columns = round_up(shape.value_width, kPanel);
    int panel = tree.panel[segment] - tree.panel[first_segment];
    int end = tree.panel[segment + 1] - tree.panel[first_segment];
    KeySums *sums = nullptr;
    for (KeySums *part = parts; part < parts + count; part++) {
        if (!part->is_touched[segment - first_segment]) continue;
        if (sums) {
            add_panels(sums->key, part->key, panel, end, key_columns);
            add_panels(sums->value, part->value, panel, end, value_columns);
        } else {
            sums = part;
        }
    }
    float *square = room.take(kPanel * std::max(key_columns, value_columns));
    for (int token = tree.start[segment]; panel < end; token += kPanel, panel++) {
        int keys = std::min(kPanel, tree.start[segment + 1] - token);
        write_panel(sums->key.data + panel * key_columns * kPanel, key_columns, shape.scaling, shape.width, key, token,
                    keys, key_head, square);
        write_panel(sums->value.data + panel * value_columns * kPanel, value_columns, 1, shape.value_width, value,
                    token, keys, key_head, square);
    }
}
