// A decoder layer of Llama's form under low-rank adapters, forward and backward in one call each: the kernels beside this
// file in the order of models/straight/forward.py and backward.py, which say what happens and do the same for all other
// cases. Between two kernels nothing is asked of Python, which in a small model costs as much as a kernel.
//
// T tokens, R of them run behind the attention (``rows``; null: all), D width, X all heads, F inner width.

#include <cstdlib>
#include <vector>

#include "thin_products.h"
#include "token_tree.h"

#if defined(__AVX512BF16__) && !defined(__AMX_BF16__)
#define KERNEL extern "C"
KERNEL void rms_norm_bfloat16(const bfloat16 *, const bfloat16 *, bfloat16 *, float *, int64_t, int64_t, float, float);
KERNEL void rms_norm_backward_bfloat16(const bfloat16 *, const bfloat16 *, const float *, const bfloat16 *,
                                       const bfloat16 *, bfloat16 *, int64_t, int64_t, float);
KERNEL void turn_heads_bfloat16(const bfloat16 *, const bfloat16 *, const bfloat16 *, const bfloat16 *, bfloat16 *,
                                float *, int64_t, int64_t, int64_t, float, float);
KERNEL void turn_heads_backward_bfloat16(const bfloat16 *, const bfloat16 *, const float *, const bfloat16 *,
                                         const bfloat16 *, const bfloat16 *, bfloat16 *, int64_t, int64_t, int64_t,
                                         float);
KERNEL void gated_bfloat16(const bfloat16 *, const bfloat16 *, bfloat16 *, int64_t, int64_t);
KERNEL void gated_backward_bfloat16(const bfloat16 *, const bfloat16 *, const bfloat16 *, bfloat16 *, bfloat16 *,
                                    int64_t, int64_t);
KERNEL void low_rank_forward_bfloat16(const bfloat16 *, int64_t, bfloat16 *, int64_t, bfloat16 *, const float *,
                                      const float *, int64_t, int64_t, int64_t, int64_t, float);
KERNEL void low_rank_backward_bfloat16(const bfloat16 *, int64_t, const bfloat16 *, int64_t, bfloat16 *, int64_t,
                                       const bfloat16 *, bfloat16 *, const float *, const float *, float *, float *,
                                       int64_t, int64_t, int64_t, int64_t, float);
KERNEL void wide_product_bfloat16(const bfloat16 *, int64_t, const bfloat16 *, int64_t, int64_t, int64_t,
                                  const bfloat16 *, const bfloat16 *, int64_t, bfloat16 *, int64_t, int64_t,
                                  const int64_t *, int64_t);
KERNEL void attention_forward_bfloat16(const int *, const int *, const bfloat16 *, int64_t, int64_t, const bfloat16 *,
                                       int64_t, int64_t, const bfloat16 *, int64_t, int64_t, const float *,
                                       bfloat16 *, float *, int64_t, int64_t, int64_t, int64_t, int64_t, float, float);
KERNEL void attention_backward_bfloat16(const int *, const int *, const bfloat16 *, int64_t, int64_t,
                                        const bfloat16 *, int64_t, int64_t, const bfloat16 *, int64_t, int64_t,
                                        const bfloat16 *, const float *, const bfloat16 *, int64_t, int64_t,
                                        bfloat16 *, bfloat16 *, bfloat16 *, float *, int64_t, int64_t, int64_t,
                                        int64_t, int64_t, float, float);

namespace {

enum Name { kQuery, kKey, kValue, kOutput, kGate, kUp, kDown, kLinears };

// What models/straight/compiled.py packs: numbers of 64 bits throughout.
struct TermSpec {
    int64_t begin, end, rank;
    const float *A, *B;
    double scaling;
};

struct LinearSpec {
    const bfloat16 *weight, *bias;
    int64_t outputs, inputs, first_term, terms;
};

struct NormSpec {
    const bfloat16 *weight;
    double epsilon, offset;
};

struct LayerSpec {
    int64_t tokens, run, head_width, activation;
    const int64_t *rows;
    const int *plan, *lowest;
    double scaling, softcap;
    const bfloat16 *cos, *sin;
    NormSpec before, query_norm, key_norm, after;
    LinearSpec linear[kLinears];
};

// In the order of `Kept` in models/straight/forward.py; the terms' narrow products stand behind it.
struct Kept {
    const bfloat16 *hidden;
    bfloat16 *normed;
    float *reciprocal;
    bfloat16 *raw_query, *raw_key;  // null where heads are not normalised
    float *query_reciprocal, *key_reciprocal;
    bfloat16 *query, *key, *value, *attended;
    float *log_sums;
    bfloat16 *between, *between_normed;
    float *between_reciprocal;
    bfloat16 *gate, *up, *gated;
    bfloat16 *low[1];
};

struct TermGradients {
    float *A, *B;
};

// Room for what lies between two kernels, which the caller has measured (models/straight/compiled.py).
class Scratch {
  public:
    Scratch(bfloat16 *room, int64_t values) : next(room), left(values) {}

    bfloat16 *take(int64_t values) {
        int64_t size = round_up(values, 32);
        if (size > left) std::abort();  // the two sides disagree: anything else would write over somebody's memory
        bfloat16 *found = next;
        next += size, left -= size;
        return found;
    }

  private:
    bfloat16 *next;
    int64_t left;
};

class Layer {
  public:
    Layer(const LayerSpec *spec, const Kept *kept, Scratch scratch)
        : spec(*spec), kept(*kept), lows(kept->low), scratch(scratch) {
        terms = reinterpret_cast<const TermSpec *>(spec + 1);
        tokens = spec->tokens, run = spec->run, is_narrowed = spec->rows != nullptr;
        width = linear(kQuery).inputs, inner = linear(kGate).outputs;
        query_width = linear(kQuery).outputs, key_width = linear(kKey).outputs;
        heads = query_width / spec->head_width, key_heads = key_width / spec->head_width;
    }

    void forward(bfloat16 *output) {
        norm(spec.before, kept.hidden, kept.normed, kept.reciprocal, tokens);
        const bfloat16 *normed = picked(kept.normed, width), *hidden = picked(kept.hidden, width);
        pick_turns();
        bfloat16 *query = is_narrowed ? take(run * query_width) : kept.query;
        bfloat16 *raw_query = kept.raw_query ? kept.raw_query : query;
        bfloat16 *raw_key = kept.raw_key ? kept.raw_key : kept.key;
        product(kQuery, normed, nullptr, raw_query, run);
        product(kKey, kept.normed, nullptr, raw_key, tokens);
        product(kValue, kept.normed, nullptr, kept.value, tokens);
        turn(spec.query_norm, raw_query, run_cos, run_sin, query, kept.query_reciprocal, run, heads);
        turn(spec.key_norm, raw_key, spec.cos, spec.sin, kept.key, kept.key_reciprocal, tokens, key_heads);
        if (is_narrowed) put_back(query, query_width, kept.query);
        attention_forward_bfloat16(spec.plan, spec.lowest, kept.query, query_width, spec.head_width, kept.key,
                                   key_width, spec.head_width, kept.value, key_width, spec.head_width, nullptr,
                                   kept.attended, kept.log_sums, tokens, heads, key_heads, spec.head_width,
                                   spec.head_width, float(spec.scaling), float(spec.softcap));
        product(kOutput, picked(kept.attended, query_width), hidden, kept.between, run);
        norm(spec.after, kept.between, kept.between_normed, kept.between_reciprocal, run);
        product(kGate, kept.between_normed, nullptr, kept.gate, run);
        product(kUp, kept.between_normed, nullptr, kept.up, run);
        gated_bfloat16(kept.gate, kept.up, kept.gated, run * inner, spec.activation);
        bfloat16 *result = is_narrowed ? take(run * width) : output;
        product(kDown, kept.gated, kept.between, result, run);
        if (is_narrowed) put_back(result, width, output);
    }

    // ``output`` null: nobody wants the input's gradient, and nothing is worked out below the lowest adapted matrix.
    void backward(const TermGradients *to, const bfloat16 *grad, bfloat16 *output) {
        gradients = to;
        bool needs_heads = output || count(kQuery) + count(kKey) + count(kValue) > 0;
        bool needs_between = needs_heads || count(kOutput) > 0;
        bool needs_inner = needs_between || count(kGate) + count(kUp) > 0;
        grad = picked(grad, width);
        bfloat16 *grad_between = through_unit(grad, needs_inner, needs_between);
        if (!needs_between) return;
        bfloat16 *grad_attended = needs_heads ? take(run * query_width) : nullptr;
        differentiate(kOutput, grad_between, picked(kept.attended, query_width), nullptr, grad_attended, run);
        if (needs_heads) through_attention(grad_attended, grad_between, output);
    }

  private:
    const LayerSpec &spec;
    const Kept &kept;
    bfloat16 *const *lows;
    const TermSpec *terms;
    const TermGradients *gradients = nullptr;
    int64_t tokens, run, width, inner, query_width, key_width, heads, key_heads;
    bool is_narrowed;
    const bfloat16 *run_cos = nullptr, *run_sin = nullptr;
    Scratch scratch;

    const LinearSpec &linear(Name name) const { return spec.linear[name]; }
    int64_t count(Name name) const { return linear(name).terms; }

    bfloat16 *take(int64_t values) { return scratch.take(values); }

    // Gradient behind the attention, from the one behind the gated unit; it is part of both branches there.
    bfloat16 *through_unit(const bfloat16 *grad, bool needs_inner, bool needs_between) {
        bfloat16 *grad_between = needs_between ? take(run * width) : nullptr;
        Scratch own = scratch;  // what is taken from it is free again at the end
        bfloat16 *grad_gate = needs_inner ? own.take(run * inner) : nullptr;
        differentiate(kDown, grad, kept.gated, nullptr, grad_gate, run);
        if (!needs_inner) return nullptr;
        bfloat16 *grad_up = own.take(run * inner);
        gated_backward_bfloat16(kept.gate, kept.up, grad_gate, grad_gate, grad_up, run * inner, spec.activation);
        differentiate(kGate, grad_gate, kept.between_normed, nullptr, grad_between, run);
        differentiate(kUp, grad_up, kept.between_normed, grad_between, grad_between, run);
        if (needs_between)
            rms_norm_backward_bfloat16(kept.between, spec.after.weight, kept.between_reciprocal, grad_between, grad,
                                       grad_between, run, width, float(spec.after.offset));
        return grad_between;
    }

    void through_attention(const bfloat16 *grad_run, const bfloat16 *grad_between, bfloat16 *output) {
        const bfloat16 *grad = grad_run;
        if (is_narrowed) grad = put_back(grad_run, query_width, take(tokens * query_width));
        bfloat16 *grad_query = take(tokens * query_width), *grad_key = take(tokens * key_width);
        bfloat16 *grad_value = take(tokens * key_width), *turned = take(run * query_width);
        attention_backward_bfloat16(spec.plan, spec.lowest, kept.query, query_width, spec.head_width, kept.key,
                                    key_width, spec.head_width, kept.value, key_width, spec.head_width, kept.attended,
                                    kept.log_sums, grad, query_width, spec.head_width, grad_query, grad_key,
                                    grad_value, nullptr, tokens, heads, key_heads, spec.head_width, spec.head_width,
                                    float(spec.scaling), float(spec.softcap));
        pick_turns();
        turn_back(spec.query_norm, kept.raw_query, kept.query_reciprocal, run_cos, run_sin,
                  picked(grad_query, query_width), turned, run, heads);
        bfloat16 *turned_key = take(tokens * key_width);
        turn_back(spec.key_norm, kept.raw_key, kept.key_reciprocal, spec.cos, spec.sin, grad_key, turned_key, tokens,
                  key_heads);
        differentiate(kKey, turned_key, kept.normed, nullptr, output, tokens);
        differentiate(kValue, grad_value, kept.normed, output, output, tokens);
        if (!is_narrowed) {
            differentiate(kQuery, turned, kept.normed, output, output, tokens);
        } else {
            bfloat16 *rows = output ? take(run * width) : nullptr;
            differentiate(kQuery, turned, picked(kept.normed, width), nullptr, rows, run);
            if (output) add_rows(rows, output);
        }
        if (!output) return;
        rms_norm_backward_bfloat16(kept.hidden, spec.before.weight, kept.reciprocal, output,
                                   is_narrowed ? nullptr : grad_between, output, tokens, width,
                                   float(spec.before.offset));
        if (is_narrowed) add_rows(grad_between, output);
    }

    void norm(const NormSpec &norm, const bfloat16 *x, bfloat16 *y, float *reciprocal, int64_t rows) const {
        rms_norm_bfloat16(x, norm.weight, y, reciprocal, rows, width, float(norm.epsilon), float(norm.offset));
    }

    void turn(const NormSpec &norm, const bfloat16 *x, const bfloat16 *cos, const bfloat16 *sin, bfloat16 *y,
              float *reciprocal, int64_t rows, int64_t heads) const {
        turn_heads_bfloat16(x, norm.weight, cos, sin, y, reciprocal, rows, heads, spec.head_width,
                            float(norm.epsilon), float(norm.offset));
    }

    void turn_back(const NormSpec &norm, const bfloat16 *x, const float *reciprocal, const bfloat16 *cos,
                   const bfloat16 *sin, const bfloat16 *dy, bfloat16 *dx, int64_t rows, int64_t heads) const {
        turn_heads_backward_bfloat16(x, norm.weight, reciprocal, cos, sin, dy, dx, rows, heads, spec.head_width,
                                     float(norm.offset));
    }

    // y = x W^T + bias + terms + added.
    void product(Name name, const bfloat16 *x, const bfloat16 *added, bfloat16 *y, int64_t rows) {
        const LinearSpec &layer = linear(name);
        std::vector<int64_t> records;
        for (int64_t i = layer.first_term; i < layer.first_term + layer.terms; i++) {
            const TermSpec &term = terms[i];
            low_rank_forward_bfloat16(x + term.begin * layer.inputs, layer.inputs, nullptr, 0, lows[i], term.A, term.B,
                                      term.end - term.begin, layer.inputs, layer.outputs, term.rank,
                                      float(term.scaling));
            add_record(term, lows[i], term.B, float(term.scaling), records);
        }
        wide_product_bfloat16(x, layer.inputs, layer.weight, layer.outputs, layer.inputs, 1, layer.bias, added,
                              layer.outputs, y, layer.outputs, rows, records.data(), layer.terms);
    }

    // Gradients of the terms' masters, and dx = dy W + terms + added where ``dx`` is asked for.
    void differentiate(Name name, const bfloat16 *dy, const bfloat16 *x, const bfloat16 *added, bfloat16 *dx,
                       int64_t rows) {
        static thread_local Room<bfloat16> grad_lows;
        const LinearSpec &layer = linear(name);
        std::vector<int64_t> records;
        int64_t size = 0;
        for (int64_t i = 0; i < layer.terms; i++) {
            const TermSpec &term = terms[layer.first_term + i];
            size += (term.end - term.begin) * term.rank;
        }
        bfloat16 *grad_low = grad_lows.take(size);
        for (int64_t i = layer.first_term; i < layer.first_term + layer.terms; i++) {
            const TermSpec &term = terms[i];
            low_rank_backward_bfloat16(x + term.begin * layer.inputs, layer.inputs, dy + term.begin * layer.outputs,
                                       layer.outputs, nullptr, 0, lows[i], grad_low, term.A, term.B, gradients[i].A,
                                       gradients[i].B, term.end - term.begin, layer.inputs, layer.outputs, term.rank,
                                       float(term.scaling));
            add_record(term, grad_low, term.A, 1, records);
            grad_low += (term.end - term.begin) * term.rank;
        }
        if (dx)
            wide_product_bfloat16(dy, layer.outputs, layer.weight, layer.outputs, layer.inputs, 0, nullptr, added,
                                  layer.inputs, dx, layer.inputs, rows, records.data(), layer.terms);
    }

    // As wide_products.cpp reads it.
    static void add_record(const TermSpec &term, const bfloat16 *low, const float *master, float scale,
                           std::vector<int64_t> &records) {
        auto address = [](const void *place) { return int64_t(reinterpret_cast<intptr_t>(place)); };
        for (int64_t number : {term.begin, term.end, term.rank, address(low), address(master), int64_t(as_bits(scale))})
            records.push_back(number);
    }

    void pick_turns() {
        run_cos = picked(spec.cos, spec.head_width), run_sin = picked(spec.sin, spec.head_width);
    }

    const bfloat16 *picked(const bfloat16 *whole, int64_t width) {
        if (!is_narrowed) return whole;
        bfloat16 *rows = take(run * width);
        for (int64_t r = 0; r < run; r++)
            std::memcpy(rows + r * width, whole + spec.rows[r] * width, size_t(width) * sizeof(bfloat16));
        return rows;
    }

    bfloat16 *put_back(const bfloat16 *rows, int64_t width, bfloat16 *whole) const {
        std::memset(static_cast<void *>(whole), 0, size_t(tokens * width) * sizeof(bfloat16));
        for (int64_t r = 0; r < run; r++)
            std::memcpy(whole + spec.rows[r] * width, rows + r * width, size_t(width) * sizeof(bfloat16));
        return whole;
    }

    void add_rows(const bfloat16 *rows, bfloat16 *whole) const {
        for (int64_t r = 0; r < run; r++) {
            bfloat16 *to = whole + spec.rows[r] * width;
            for (int64_t i = 0; i < width; i++) store(to[i], load(to[i]) + load(rows[r * width + i]));
        }
    }
};
}  // namespace

// ``room`` has space for ``values`` numbers.
OFFERED void decoder_forward_bfloat16(const void *spec, const void *kept, bfloat16 *room, int64_t values,
                                      bfloat16 *output) {
    Layer layer(static_cast<const LayerSpec *>(spec), static_cast<const Kept *>(kept), {room, values});
    layer.forward(output);
}

// ``gradients``: where those of each term's A and B go, in the order of the terms.
OFFERED void decoder_backward_bfloat16(const void *spec, const void *kept, bfloat16 *room, int64_t values,
                                       const void *gradients, const bfloat16 *grad, bfloat16 *output) {
    Layer layer(static_cast<const LayerSpec *>(spec), static_cast<const Kept *>(kept), {room, values});
    layer.backward(static_cast<const TermGradients *>(gradients), grad, output);
}
#endif
