// A thin matrix (one side is an adapter's rank) as the right factor of products.h, rounded and packed from its master.
#pragma once

#include "packing.h"

// A float32 master [rows, columns], dense; what is multiplied is ``scale`` times it.
struct Master {
    const float *data;
    int64_t rows, columns;
    float scale;
};

// Up to 16 values of one row, filled up with zeros; a row beyond the last is all zeros.
static inline void scaled_part(const Master &from, int64_t row, int64_t column, float *to) {
    int64_t count = row < from.rows ? std::min<int64_t>(kPanel, from.columns - column) : 0;
    const float *values = from.data + row * from.columns + column;
    if (count == kPanel) {
        for (int i = 0; i < kPanel; i += kLanes) store_lanes(to + i, load_lanes(values + i) * from.scale);
        return;
    }
    for (int i = 0; i < kPanel; i++) to[i] = i < count ? values[i] * from.scale : 0;
}

// Panels of 16 columns, each [units, 16]. Columns beyond the last are zeros.
template <class U> struct Factor {
    typedef typename U::unit unit;
    unit *data = nullptr;
    int64_t units = 0, panels = 0;

    int64_t size() const { return panels * units * kPanel; }
    int64_t squares() const { return panels * ((units + 15) / 16); }

    template <int WIDE> Right<unit, WIDE> right(int64_t panel) const {
        Right<unit, WIDE> found{data, {}, kPanel, int(units)};
        for (int i = 0; i < WIDE; i++) found.place[i] = (panel + i) * units * kPanel;
        return found;
    }

    // Rows of the master become columns, its columns are what is summed over. Squares may be packed in any order.
    static Factor across(const Master &from, unit *data) {
        return {data, units_of<U>(from.columns), round_up(from.rows, kPanel) / kPanel};
    }

    void pack_across(const Master &from, int64_t square) const {
        int64_t in_panel = (units + 15) / 16, panel = square / in_panel, first = square % in_panel * 16;
        alignas(64) float row[kPanel];
        alignas(64) unit rows[kPanel * 16];
        for (int r = 0; r < kPanel; r++)
            for (int part = 0; part < U::kValues; part++) {
                scaled_part(from, panel * kPanel + r, std::min(first * U::kValues + part * kPanel, from.columns), row);
                for (int i = 0; i < kPanel; i += kLanes)
                    U::store(load_lanes(row + i), rows + r * 16 + (part * kPanel + i) / U::kValues);
            }
        unit *to = data + (panel * units + first) * kPanel;
        transpose16(rows, 16, to, kPanel, int(std::min<int64_t>(16, units - first)));
    }

    // Columns stay columns, the master's rows are what is summed over.
    static Factor along(const Master &from, unit *data) {
        return {data, units_of<U>(from.rows), round_up(from.columns, kPanel) / kPanel};
    }

    void pack_along(const Master &from, int64_t square) const {
        int64_t in_panel = (units + 15) / 16, panel = square / in_panel, first = square % in_panel * 16;
        alignas(64) float row[2 * kPanel];
        for (int64_t u = first; u < std::min(units, first + 16); u++) {
            unit *to = data + (panel * units + u) * kPanel;
            for (int i = 0; i < U::kValues; i++)
                scaled_part(from, u * U::kValues + i, panel * kPanel, row + i * kPanel);
            for (int i = 0; i < kPanel; i += kLanes) {
                if constexpr (U::kValues == 2)
                    U::store_along(load_lanes(row + i), load_lanes(row + kPanel + i), to + i);
                else
                    U::store(load_lanes(row + i), to + i);
            }
        }
    }
};
