// What a tile of queries brings to the backward pass: its rows and those of the output's gradient, ready for products.
#pragma once

#include "attention.h"

template <class T> struct Gradients {
    Rows<const T> output_gradient, output;
    const float *log_sums_HT;
    Rows<T> query, key, value;
    float *deltas_HT;  // what `TileQueries::deltas` holds, of all rows, for the sinks' gradient; may be null
};

template <class U> struct TileQueries {
    typedef typename U::unit unit;
    QueryRows<U> queries, outputs;               // one row after the other; ``outputs`` are gradients
    Room<unit> queries_along, outputs_along;     // rows as what is summed over
    Room<float> log_sums, deltas;                // deltas: rowsum(output * its gradient)

    template <class T>
    void take(const Inputs<T> &inputs, const Gradients<T> &gradients, const QueryTile &tile, const Shape &shape) {
        int padded = tile.blocks * kRows;
        int64_t units = padded / U::kValues, width = shape.width, value_width = shape.value_width;
        int64_t key_columns = round_up(width, kPanel), value_columns = round_up(value_width, kPanel);
        const Rows<const T> &change = gradients.output_gradient;
        queries.take(inputs.query, tile, width);
        outputs.take(change, tile, value_width);
        pack_queries_along<U>(inputs.query, tile, width, key_columns, queries_along.take(units * key_columns));
        pack_queries_along<U>(change, tile, value_width, value_columns, outputs_along.take(units * value_columns));
        log_sums.take(padded), deltas.take(padded);
        for (int row = 0; row < tile.rows; row++) {
            int64_t token = tile.token[row], head = tile.head[row];
            deltas.data[row] = dot(gradients.output.at(token, head), change.at(token, head), value_width);
            log_sums.data[row] = gradients.log_sums_HT[head * shape.size + token];
            if (gradients.deltas_HT) gradients.deltas_HT[head * shape.size + token] = deltas.data[row];
        }
        // Rows that only fill up the last block have no share in anything.
        for (int row = tile.rows; row < padded; row++) log_sums.data[row] = -kUnseen, deltas.data[row] = 0;
    }
};
