/* tests/test_loss_gap.c - the loss gap of a factored head and its bounds: against numpy, against plain sums, and as
 * inequalities wherever they could break. */
#include <stddef.h>

#include "bottleneck_support.h"
#include "runs.h"

typedef struct reduced_head {
    int64_t rank;
    double *a, *b;
    neck_matrix a_view, b_view;
} reduced_head;

static reduced_head reduced_head_of(const neck_truncation *truncation, int64_t vocabulary, int64_t width, int64_t rank)
{
    reduced_head head = {rank, malloc((size_t)(vocabulary * rank) * 8), malloc((size_t)(rank * width) * 8), {0}, {0}};
    ck_assert_msg(neck_head_truncate(NULL, truncation, rank, head.a, head.b) == NECK_OK, "%s", neck_last_error());
    head.a_view = view_of(head.a, vocabulary, rank);
    head.b_view = view_of(head.b, rank, width);
    return head;
}

static void reduced_head_free(reduced_head *head)
{
    free(head->a);
    free(head->b);
}

static neck_loss_gap gap_of(const neck_matrix *weights, const neck_matrix *a, const neck_matrix *b,
                            const neck_matrix *states, const int32_t *targets, double scale)
{
    neck_labeled_states data = {*states, targets};
    neck_loss_gap gap = {.struct_size = sizeof gap};
    ck_assert_msg(neck_loss_gap_measure(NULL, weights, a, b, &data, scale, &gap) == NECK_OK, "%s", neck_last_error());
    return gap;
}

/* The bounds are between the logits as computed, in f32 too: nothing but roundings of doubles may break them. */
static void assert_bounds(const neck_loss_gap *gap, double largest_logit, const char *what)
{
    double slack = 1e-14 * (1 + largest_logit);
    ck_assert_msg(gap->gap <= gap->first_order + gap->range_bound + slack, "%s: gap %g above %g + %g", what, gap->gap,
                  gap->first_order, gap->range_bound);
    ck_assert_msg(gap->range_bound <= gap->quadratic_bound * (1 + 1e-13) + slack * slack,
                  "%s: range %g above quadratic %g", what, gap->range_bound, gap->quadratic_bound);
    ck_assert_msg(gap->gap >= gap->first_order - slack, "%s: gap %g below its tangent %g", what, gap->gap,
                  gap->first_order);
    ck_assert_double_eq_tol(gap->gap, gap->reduced_loss - gap->full_loss, slack);
}

#define FIELD(name) {#name, offsetof(neck_loss_gap, name)}
static const struct {
    const char *name;
    size_t offset;
} fields[] = {FIELD(full_loss),        FIELD(reduced_loss),  FIELD(gap),
              FIELD(full_accuracy),    FIELD(first_order),   FIELD(quadratic_bound),
              FIELD(reduced_accuracy), FIELD(range_bound),   FIELD(frobenius_tail),
              FIELD(w_error),          FIELD(weighted_tail)};
enum { FIELDS = sizeof fields / sizeof *fields };

static double field(const neck_loss_gap *gap, int i)
{
    double value;
    memcpy(&value, (const char *)gap + fields[i].offset, sizeof value);
    return value;
}

START_TEST(gaps_match_numpy)
{
    golden_head g = golden_head_load();
    json_t *expected = json_object_get(g.all, "gap");
    ck_assert_int_eq((int64_t)json_array_size(expected), g.width);
    neck_truncation *truncation = truncation_of(&g.weights_view, NECK_TRUNCATE_PLAIN, 0, NULL);
    for (int64_t rank = 1; rank <= g.width; rank++) {
        json_t *row = json_array_get(expected, (size_t)rank - 1);
        reduced_head head = reduced_head_of(truncation, g.vocabulary, g.width, rank);
        neck_loss_gap gap =
            gap_of(&g.weights_view, &head.a_view, &head.b_view, &g.states_view, g.targets,
                   golden_number(g.all, "scale"));
        ck_assert_int_eq(gap.tokens, (int64_t)golden_number(row, "tokens"));
        for (int i = 0; i < FIELDS; i++)
            ck_assert_msg(fabs(field(&gap, i) - golden_number(row, fields[i].name)) <= 1e-12,
                          "rank %d, %s: %.17g instead of %.17g", (int)rank, fields[i].name, field(&gap, i),
                          golden_number(row, fields[i].name));
        reduced_head_free(&head);
    }
    neck_truncation_destroy(truncation);
    golden_head_free(&g);
}
END_TEST

typedef struct plain_sums {
    int64_t tokens, hits[2];
    double losses[2], drift, range, square;
} plain_sums;

/* One token with logits scale * z[0] of the full head, scale * z[1] of the reduced one. */
static void plain_sums_add(plain_sums *sums, int64_t vocabulary, const double *const z[2], int32_t target, double scale)
{
    double low = INFINITY, high = -INFINITY, normalizer[2] = {0, 0}, pull = 0;
    int64_t best[2] = {0, 0};
    for (int64_t v = 0; v < vocabulary; v++) {
        double delta = z[1][v] - z[0][v];
        low = fmin(low, delta);
        high = fmax(high, delta);
        sums->square += delta * delta;
        pull += exp(scale * z[0][v]) * delta * scale;
        for (int h = 0; h < 2; h++) {
            normalizer[h] += exp(scale * z[h][v]);
            if (z[h][v] > z[h][best[h]]) best[h] = v;
        }
    }
    sums->tokens++;
    sums->range += scale * scale * (high - low) * (high - low) / 8;
    sums->drift += pull / normalizer[0] - scale * (z[1][target] - z[0][target]);
    for (int h = 0; h < 2; h++) {
        sums->losses[h] += log(normalizer[h]) - scale * z[h][target];
        sums->hits[h] += best[h] == target;
    }
}

static plain_sums plain_sums_of(int64_t count, int64_t vocabulary, const double *full, const double *reduced,
                                const int32_t *targets, double scale)
{
    plain_sums sums = {0};
    for (int64_t i = 0; i < count; i++)
        if (targets[i] >= 0)
            plain_sums_add(&sums, vocabulary, (const double *const[2]){full + i * vocabulary, reduced + i * vocabulary},
                           targets[i], scale);
    return sums;
}

/* More tokens and more vocabulary than a block holds, against the loss of each head by itself and the sums
 * themselves. */
START_TEST(blocks_add_up)
{
    enum { V = 4700, D = 10, R = 3, N = 1200 };
    double *weights = random_matrix(V, D, 1), *a = random_matrix(V, R, 2), *b = random_matrix(R, D, 3);
    double *states = random_matrix(N, D, 4);
    int32_t targets[N];
    uint64_t seed = 5;
    for (int i = 0; i < N; i++)
        targets[i] = i % 5 == 0 ? (i % 2 ? NECK_NO_TARGET : -100) : (int32_t)(next_bits(&seed) % V);
    int32_t dtype = _i ? NECK_F32 : NECK_F64;
    void *stored[] = {as_dtype(weights, V * D, dtype), as_dtype(a, V * R, dtype), as_dtype(b, R * D, dtype),
                      as_dtype(states, N * D, dtype)};
    neck_matrix views[] = {{stored[0], V, D, 0, dtype, 0}, {stored[1], V, R, 0, dtype, 0},
                           {stored[2], R, D, 0, dtype, 0}, {stored[3], N, D, 0, dtype, 0}};
    neck_loss_gap gap = gap_of(&views[0], &views[1], &views[2], &views[3], targets, 2);
    double *product = plain_product(V, D, R, a, b, 0), *full = plain_product(N, V, D, states, weights, 1);
    double *reduced = plain_product(N, V, D, states, product, 1);
    plain_sums sums = plain_sums_of(N, V, full, reduced, targets, 2);
    double tolerance = _i ? 1e-6 : 1e-12, count = (double)sums.tokens;
    ck_assert_int_eq(gap.tokens, sums.tokens);
    ck_assert_double_eq_tol(gap.full_loss, sums.losses[0] / count, tolerance);
    ck_assert_double_eq_tol(gap.reduced_loss, sums.losses[1] / count, tolerance);
    ck_assert_double_eq_tol(gap.full_accuracy, (double)sums.hits[0] / count, 1e-15);
    ck_assert_double_eq_tol(gap.reduced_accuracy, (double)sums.hits[1] / count, 1e-15);
    ck_assert_double_eq_tol(gap.first_order, sums.drift / count, tolerance);
    ck_assert_double_eq_tol(gap.range_bound / (sums.range / count), 1, tolerance);
    ck_assert_double_eq_tol(gap.weighted_tail / sqrt(sums.square / count), 1, tolerance);
    assert_bounds(&gap, 20, "blocks");
    for (int i = 0; i < 4; i++) free(stored[i]);
    double *owned[] = {weights, a, b, states, product, full, reduced};
    for (int i = 0; i < 7; i++) free(owned[i]);
}
END_TEST

/* Heads that are no minimisers of anything, from tiny to extreme logits, with rows in equal pairs (tied maxima), and
 * factors that have nothing to do with them. */
START_TEST(bounds_hold_for_any_head)
{
    enum { V = 61, D = 8, N = 50 };
    static const double sizes[] = {1e-6, 1e-2, 1, 30, 1e4, 1e8};
    int32_t targets[N], dtype = _i & 1 ? NECK_F64 : NECK_F32;
    double size = sizes[_i / 2];
    for (uint64_t seed = 0; seed < (is_slow_build() ? 1 : 6); seed++) {
        uint64_t numbers = seed + 100;
        double *weights = random_matrix(V, D, seed), *states = random_matrix(N, D, seed + 50);
        for (int64_t i = 0; i < V * D; i++) weights[i] *= size;
        memcpy(weights + D, weights, D * 8);
        for (int i = 0; i < N; i++) targets[i] = (int32_t)(next_bits(&numbers) % V);
        void *stored[] = {as_dtype(weights, V * D, dtype), as_dtype(states, N * D, dtype)};
        neck_matrix view = {stored[0], V, D, 0, dtype, 0}, states_view = {stored[1], N, D, 0, dtype, 0};
        neck_gram *moments = moments_of(&states_view);
        for (int kind = 0; kind < 4; kind++)
            for (int64_t rank = 1; rank <= D; rank++) {
                neck_truncation *truncation = truncation_of(&view, kind & 1, kind / 2, kind & 1 ? moments : NULL);
                reduced_head head = reduced_head_of(truncation, V, D, rank);
                for (int64_t i = 0; seed % 3 == 2 && i < V * rank; i++) head.a[i] = size * next_number(&numbers);
                neck_loss_gap gap = gap_of(&view, &head.a_view, &head.b_view, &states_view, targets,
                                           seed % 2 ? 0 : -0.5);
                assert_bounds(&gap, 10 * size, "any head");
                reduced_head_free(&head);
                neck_truncation_destroy(truncation);
            }
        neck_gram_destroy(moments);
        double *owned[] = {weights, states};
        for (int i = 0; i < 2; i++) {
            free(stored[i]);
            free(owned[i]);
        }
    }
}
END_TEST

/* Of two tokens at even odds a small step costs what the bounds say: neither has a constant to spare. */
START_TEST(bounds_are_attained)
{
    double weights[2] = {1, 1}, a[2] = {1 + 1e-4, 1 - 1e-4}, one = 1, state = 1;
    neck_matrix w = view_of(weights, 2, 1), a_view = view_of(a, 2, 1), b = view_of(&one, 1, 1),
        x = view_of(&state, 1, 1);
    int32_t target = 0;
    neck_loss_gap gap = gap_of(&w, &a_view, &b, &x, &target, 1);
    ck_assert_double_eq_tol((gap.gap - gap.first_order) / gap.range_bound, 1, 1e-6);
    ck_assert_double_eq_tol((gap.gap - gap.first_order) / gap.quadratic_bound, 1, 1e-6);
}
END_TEST

/* All logits are equal: the lowest token is the best, and the loss that of a guess. */
START_TEST(of_equals_the_lowest_is_best)
{
    enum { V = 3, N = 4 };
    double weights[V] = {0}, a[V] = {0}, one = 1, states[N] = {1, 2, 3, 4};
    int32_t targets[N] = {0, 1, 2, 0};
    neck_matrix w = view_of(weights, V, 1), a_view = view_of(a, V, 1), b = view_of(&one, 1, 1),
        x = view_of(states, N, 1);
    neck_loss_gap gap = gap_of(&w, &a_view, &b, &x, targets, 1);
    ck_assert(gap.full_accuracy == 0.5 && gap.reduced_accuracy == 0.5);
    ck_assert_double_eq_tol(gap.full_loss, log(3), 1e-15);
    ck_assert(gap.gap == 0 && gap.quadratic_bound == 0 && gap.frobenius_tail == 0 && gap.w_error == 0);
}
END_TEST

/* W itself, factored: no gap, and no difference but roundings. What is the same for all tokens costs nothing. */
START_TEST(what_softmax_does_not_see_is_free)
{
    golden_head g = golden_head_load();
    neck_truncation *whole = truncation_of(&g.weights_view, NECK_TRUNCATE_PLAIN, 0, NULL);
    neck_truncation *centered = truncation_of(&g.weights_view, NECK_TRUNCATE_PLAIN, 1, NULL);
    reduced_head all = reduced_head_of(whole, g.vocabulary, g.width, g.width);
    reduced_head moved = reduced_head_of(centered, g.vocabulary, g.width, g.width);
    neck_loss_gap none = gap_of(&g.weights_view, &all.a_view, &all.b_view, &g.states_view, g.targets, 1);
    neck_loss_gap shifted = gap_of(&g.weights_view, &moved.a_view, &moved.b_view, &g.states_view, g.targets, 1);
    ck_assert_double_le(none.frobenius_tail, 1e-12);
    ck_assert_double_ge(shifted.frobenius_tail, 1);
    ck_assert_double_eq_tol(none.gap, 0, 1e-13);
    ck_assert_double_eq_tol(shifted.gap, 0, 1e-13);
    ck_assert_double_eq_tol(shifted.first_order, 0, 1e-13);
    ck_assert_double_le(shifted.quadratic_bound, 1e-25);
    reduced_head_free(&all);
    reduced_head_free(&moved);
    neck_truncation_destroy(whole);
    neck_truncation_destroy(centered);
    golden_head_free(&g);
}
END_TEST

START_TEST(threads_do_not_show)
{
    enum { V = 3000, D = 20, R = 5, N = 700 };
    double *weights = random_matrix(V, D, 1), *a = random_matrix(V, R, 2), *b = random_matrix(R, D, 3);
    double *states = random_matrix(N, D, 4);
    float *rounded = as_dtype(states, N * D, NECK_F32);
    int32_t targets[N];
    for (int i = 0; i < N; i++) targets[i] = i;
    neck_matrix w = view_of(weights, V, D), a_view = view_of(a, V, R), b_view = view_of(b, R, D);
    neck_labeled_states data = {{rounded, N, D, 0, NECK_F32, 0}, targets};
    neck_loss_gap gaps[2];
    memset(gaps, 0, sizeof gaps);
    for (int i = 0; i < 2; i++) {
        neck_context_options options = {sizeof options, .threads = i ? 5 : 1};
        neck_context *context;
        ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
        gaps[i].struct_size = sizeof *gaps;
        ck_assert_int_eq(neck_loss_gap_measure(context, &w, &a_view, &b_view, &data, 1, &gaps[i]), NECK_OK);
        neck_context_destroy(context);
    }
    ck_assert_mem_eq(&gaps[0], &gaps[1], sizeof *gaps);
    double *owned[] = {weights, a, b, states};
    for (int i = 0; i < 4; i++) free(owned[i]);
    free(rounded);
}
END_TEST

/* ---- a trained model and real text ---- */

enum { DOCUMENTS = 6, MOST_TOKENS = 4096 };

typedef struct trained {
    neck_model *model;
    neck_matrix head;
    int64_t width, count, layers;
    float *states;
    int32_t targets[MOST_TOKENS];
    double nll_sum;
} trained;

static int32_t take_states(void *user, const neck_states *block)
{
    trained *t = user;
    if (block->layer != block->count - 1) return 0;
    memcpy(t->states + (t->count + block->first_row) * t->width, block->matrix.data,
           (size_t)(block->matrix.rows * t->width) * sizeof *t->states);
    return 0;
}

static void add_document(trained *t, const neck_tokenizer *tokenizer, const char *text)
{
    int32_t ids[4096];
    int64_t count = 0;
    ck_assert_int_eq(neck_document_encode(NULL, tokenizer, text, (int64_t)strlen(text), ids, 4096, &count), NECK_OK);
    count = count < neck_model_context_length(t->model) ? count : neck_model_context_length(t->model);
    ck_assert_int_le(t->count + count, MOST_TOKENS);
    neck_forward_options options = {.struct_size = sizeof options, .states = take_states, .states_user = t};
    neck_loss loss = {.struct_size = sizeof loss};
    ck_assert_msg(neck_model_loss(NULL, t->model, ids, 1, count, &options, &loss) == NECK_OK, "%s", neck_last_error());
    for (int64_t i = 0; i < count; i++) t->targets[t->count + i] = i + 1 < count ? ids[i + 1] : NECK_NO_TARGET;
    t->nll_sum += loss.nll_sum;
    t->count += count;
}

static const char *source_path(char *path, size_t size, const char *name)
{
    const char *root = getenv("SOFTNECK_SOURCE_DIR");
    snprintf(path, size, "%s/examples/data/%s", root ? root : ".", name);
    return path;
}

static void trained_open(trained *t)
{
    char path[4096], line[16384];
    neck_tokenizer *tokenizer;
    memset(t, 0, sizeof *t);
    source_path(path, sizeof path, "stories260K/stories260K.bin");
    ck_assert_msg(neck_model_open(NULL, path, NULL, &t->model) == NECK_OK, "%s", neck_last_error());
    source_path(path, sizeof path, "stories260K/tok512.bin");
    ck_assert_msg(neck_tokenizer_open(NULL, path, NULL, &tokenizer) == NECK_OK, "%s", neck_last_error());
    ck_assert_int_eq(neck_model_head(t->model, &t->head, NULL), NECK_OK);
    t->width = t->head.cols;
    t->states = malloc((size_t)(MOST_TOKENS * t->width) * sizeof *t->states);
    FILE *file = fopen(source_path(path, sizeof path, "text/tinystories-100.jsonl"), "r");
    ck_assert_ptr_nonnull(file);
    for (int i = 0; i < DOCUMENTS && fgets(line, sizeof line, file); i++) {
        json_t *document = json_loads(line, 0, NULL);
        add_document(t, tokenizer, json_string_value(json_object_get(document, "text")));
        json_decref(document);
    }
    fclose(file);
    neck_tokenizer_destroy(tokenizer);
    ck_assert_int_gt(t->count, 1000);
}

/* Every rank of a trained head on its own states: the bounds hold, in single and double precision; the data-weighted
 * head is the nearer one on the data at every rank, and from rank 2 on its loss is lower; at full rank it is the
 * model. */
START_TEST(a_trained_head_at_every_rank)
{
    trained t;
    trained_open(&t);
    neck_matrix states = {t.states, t.count, t.width, 0, NECK_F32, 0};
    neck_gram *moments = moments_of(&states);
    double *wide = malloc((size_t)(t.count * t.width) * sizeof *wide), tails[2][128];
    neck_matrix_to_f64(NULL, &states, wide);
    if (_i) states = view_of(wide, t.count, t.width);
    neck_truncation *truncations[2];
    for (int kind = 0; kind < 2; kind++) {
        truncations[kind] = truncation_of(&t.head, kind, 0, kind ? moments : NULL);
        neck_truncation_tails(truncations[kind], tails[kind]);
    }
    for (int64_t rank = _i ? 7 : 1; rank <= t.width; rank += _i || is_slow_build() ? 19 : 1) {
        neck_loss_gap gaps[2];
        for (int kind = 0; kind < 2; kind++) {
            reduced_head head = reduced_head_of(truncations[kind], t.head.rows, t.width, rank);
            gaps[kind] = gap_of(&t.head, &head.a_view, &head.b_view, &states, t.targets, 1);
            assert_bounds(&gaps[kind], 100, "stories260K");
            reduced_head_free(&head);
        }
        ck_assert_double_eq_tol(gaps[0].frobenius_tail, tails[0][rank], 1e-6 * tails[0][0]);
        ck_assert_double_le(gaps[1].weighted_tail, gaps[0].weighted_tail + 1e-6 * tails[1][0]);
        ck_assert_double_eq_tol(gaps[0].full_loss, t.nll_sum / (double)gaps[0].tokens, 1e-5);
        if (rank > 1 && rank < t.width) ck_assert_double_lt(gaps[1].gap, gaps[0].gap);
        if (rank == t.width) ck_assert_double_eq_tol(gaps[1].gap, 0, 1e-6);
    }
    for (int kind = 0; kind < 2; kind++) neck_truncation_destroy(truncations[kind]);
    neck_gram_destroy(moments);
    neck_model_destroy(t.model);
    free(t.states);
    free(wide);
}
END_TEST

/* ---- refusals ---- */

static void assert_refused(neck_status expected, const neck_matrix *views, const int32_t *targets, double scale,
                           const char *why)
{
    neck_labeled_states data = {views[3], targets};
    neck_loss_gap gap = {.struct_size = sizeof gap, .gap = 7};
    ck_assert_int_eq(neck_loss_gap_measure(NULL, &views[0], &views[1], &views[2], &data, scale, &gap), expected);
    ck_assert_msg(strstr(neck_last_error(), why) != NULL, "%s", neck_last_error());
    ck_assert_double_eq(gap.gap, 7);
}

START_TEST(refusals)
{
    enum { V = 6, D = 4, R = 2, N = 3 };
    double *weights = random_matrix(V, D, 1), *a = random_matrix(V, R, 2), *b = random_matrix(R, D, 3);
    double *states = random_matrix(N, D, 4);
    const int32_t targets[N] = {0, -1, 5}, outside[N] = {0, 6, 1}, negative[N] = {0, 1, -2}, none[N] = {-1, -100, -1};
    const neck_matrix good[] = {view_of(weights, V, D), view_of(a, V, R), view_of(b, R, D), view_of(states, N, D)};
    neck_matrix views[4];
    neck_loss_gap part;
    memset(&part, 0xa5, sizeof part);
    part.struct_size = offsetof(neck_loss_gap, reduced_loss);
    neck_labeled_states data = {good[3], targets};
    ck_assert_int_eq(neck_loss_gap_measure(NULL, &good[0], &good[1], &good[2], &data, 1, &part), NECK_OK);
    ck_assert_int_eq(part.tokens, 2);
    ck_assert_mem_eq(&part.reduced_loss, &part.gap, sizeof(double)); /* beyond what the caller knows */
    assert_refused(NECK_E_ARGUMENT, good, outside, 1, "targets[1] is 6");
    assert_refused(NECK_E_ARGUMENT, good, negative, 1, "targets[2] is -2");
    assert_refused(NECK_E_ARGUMENT, good, none, 1, "no token is scored");
    assert_refused(NECK_E_ARGUMENT, good, NULL, 1, "targets");
    assert_refused(NECK_E_ARGUMENT, good, targets, NAN, "scale");
    for (int i = 0; i < 4; i++) {
        memcpy(views, good, sizeof views);
        views[i].cols--;
        assert_refused(NECK_E_ARGUMENT, views, targets, 1, i == 3 ? "the states have 3" : "no factors");
        double kept = ((double *)(uintptr_t)good[i].data)[1];
        ((double *)(uintptr_t)good[i].data)[1] = NAN;
        assert_refused(NECK_E_NONFINITE, good, targets, 1, "(0, 1)");
        ((double *)(uintptr_t)good[i].data)[1] = kept;
    }
    for (int i = 0; i < V * D; i++) weights[i] = 1e300;
    for (int i = 0; i < N * D; i++) states[i] = 1e300;
    assert_refused(NECK_E_NONFINITE, good, targets, 1, "overflow");
    ck_assert_int_eq(neck_loss_gap_measure(NULL, &good[0], &good[1], &good[2], &data, 1, NULL), NECK_E_ARGUMENT);
    double *owned[] = {weights, a, b, states};
    for (int i = 0; i < 4; i++) free(owned[i]);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_test(tests, gaps_match_numpy);
    tcase_add_loop_test(tests, blocks_add_up, 0, 2);
    tcase_add_loop_test(tests, bounds_hold_for_any_head, 0, 12);
    tcase_add_test(tests, bounds_are_attained);
    tcase_add_test(tests, of_equals_the_lowest_is_best);
    tcase_add_test(tests, what_softmax_does_not_see_is_free);
    tcase_add_test(tests, threads_do_not_show);
    tcase_add_loop_test(tests, a_trained_head_at_every_rank, 0, 2);
    tcase_add_test(tests, refusals);
}

int main(void) { return run_suite("loss_gap", add, 120); }
