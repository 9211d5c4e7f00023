/* tests/test_unargmaxable.c - which tokens can win: against exact hulls, on a thousand planted heads, on real ones. */
#include <jansson.h>

#include "argmax_support.h"
#include "runs.h"

static const char *source(void)
{
    const char *root = getenv("SOFTNECK_SOURCE_DIR");
    return root ? root : ".";
}

/* ---- hulls ------------------------------------------------------------------------------------------------------- */

static double *numbers_of(const json_t *object, const char *key, int64_t *count)
{
    const json_t *array = json_object_get(object, key);
    *count = (int64_t)json_array_size(array);
    double *numbers = malloc((size_t)(*count + 1) * sizeof *numbers);
    for (int64_t i = 0; i < *count; i++) numbers[i] = json_number_value(json_array_get(array, (size_t)i));
    return numbers;
}

START_TEST(verdicts_are_those_of_exact_hulls)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/tests/golden/unargmaxable.json", source());
    json_t *all = json_load_file(path, 0, NULL), *one;
    ck_assert_msg(all != NULL, "no %s", path);
    size_t index;
    json_array_foreach(json_object_get(all, "cases"), index, one)
    {
        const char *name = json_string_value(json_object_get(one, "name"));
        int64_t d = json_integer_value(json_object_get(one, "width")), size, vocabulary;
        double *rows = numbers_of(one, "rows", &size), *bias = numbers_of(one, "bias", &vocabulary);
        neck_matrix weights = {rows, vocabulary, d, 0, NECK_F64, 0};
        neck_argmax_options options = {sizeof options, .bias = bias, .keep_witnesses = 1};
        neck_argmax *argmax = argmax_of(&weights, &options);
        for (int64_t c = 0; c < vocabulary; c++) {
            int wins = json_is_true(json_array_get(json_object_get(one, "wins"), (size_t)c));
            int32_t verdict = verdict_on(argmax, c).verdict;
            ck_assert_msg(verdict != NECK_ARGMAX_UNDECIDED && wins == (verdict == NECK_ARGMAX_ARGMAXABLE),
                          "%s: token %lld is %s", name, (long long)c, neck_argmax_verdict_name(verdict));
        }
        check_evidence(argmax, rows, bias, vocabulary, d, name);
        neck_argmax_destroy(argmax);
        free(rows);
        free(bias);
    }
    ck_assert(index > 10);
    json_decref(all);
}
END_TEST

/* ---- planted heads ----------------------------------------------------------------------------------------------- */

typedef struct planted {
    int64_t vocabulary, width, core; /* the width without combinations of others */
    double *rows, *bias;
    int32_t *truth; /* verdict of each */
} planted;

static double on_grid(double x, double step)
{
    return nearbyint(x / step) * step;
}

/* Points of a sphere win; dyadic means of a few of them, exact on the grid, do not, nor do means whose bias is at most
 * that mean of biases; equal rows tie. More coordinates, integer combinations of the others, change nothing. */
static planted plant(uint64_t seed, int with_bias)
{
    uint64_t state = seed * 77 + 1;
    int64_t core = 2 + (int64_t)(next_bits(&state) % 7), extra = (int64_t)(next_bits(&state) % 3);
    int64_t winners = core + 2 + (int64_t)(next_bits(&state) % 30), inner = 1 + (int64_t)(next_bits(&state) % 10);
    int64_t ties = (int64_t)(next_bits(&state) % 3), d = core + extra, vocabulary = winners + inner + ties;
    planted made = {vocabulary, d, core, calloc((size_t)(vocabulary * d), 8), calloc((size_t)vocabulary, 8),
                    calloc((size_t)vocabulary, sizeof(int32_t))};
    for (int64_t i = 0; i < winners; i++) {
        double square = 0, *row = made.rows + i * d;
        for (int64_t k = 0; k < core; k++) {
            row[k] = next_number(&state);
            square += row[k] * row[k];
        }
        for (int64_t k = 0; k < core; k++) row[k] = on_grid(row[k] / sqrt(square), 0x1p-20);
        made.bias[i] = with_bias ? on_grid(next_number(&state), 0x1p-8) : 0;
        made.truth[i] = NECK_ARGMAX_ARGMAXABLE;
    }
    for (int64_t i = winners; i < winners + inner; i++) {
        int64_t parts = 2 + (int64_t)(next_bits(&state) % 3), left = 16;
        for (int64_t p = 0; p < parts; p++) {
            int64_t of = (int64_t)(next_bits(&state) % (uint64_t)winners), share = p == parts - 1 ? left : left / 2;
            if (p == 1 && parts == 2) of = (of + 1) % winners;
            left -= share;
            for (int64_t k = 0; k < core; k++) made.rows[i * d + k] += made.rows[of * d + k] * (double)share / 16;
            made.bias[i] += made.bias[of] * (double)share / 16;
        }
        if (with_bias && next_bits(&state) % 2) made.bias[i] -= 0x1p-6;
        made.truth[i] = NECK_ARGMAX_UNARGMAXABLE;
        /* All parts may be one token: then it is a twin, or an equal row with less bias. */
        for (int64_t j = 0; j < winners; j++)
            if (memcmp(made.rows + i * d, made.rows + j * d, (size_t)d * 8) == 0 && made.bias[i] == made.bias[j])
                made.truth[i] = made.truth[j] = NECK_ARGMAX_TIED;
    }
    for (int64_t i = winners + inner; i < vocabulary; i++) {
        int64_t of = (int64_t)(next_bits(&state) % (uint64_t)winners);
        memcpy(made.rows + i * d, made.rows + of * d, (size_t)d * 8);
        made.bias[i] = made.bias[of];
        made.truth[i] = made.truth[of] = NECK_ARGMAX_TIED;
    }
    for (int64_t i = 0; i < vocabulary; i++)
        for (int64_t k = core; k < d; k++)
            made.rows[i * d + k] = 2 * made.rows[i * d] - made.rows[i * d + 1] + (double)k;
    return made;
}

static void planted_free(planted *made)
{
    free(made->rows);
    free(made->bias);
    free(made->truth);
}

START_TEST(a_thousand_planted_heads_have_no_false_verdict)
{
    int64_t seen[NECK_ARGMAX_VERDICTS] = {0}, heads = runs_of(1000);
    neck_context *context; /* of one thread: so small heads would wait for their workers more than they compute */
    neck_context_options alone = {.struct_size = sizeof alone, .threads = 1};
    ck_assert(neck_context_create(&alone, &context) == NECK_OK);
    for (int64_t seed = 0; seed < heads; seed++) {
        char what[64];
        planted head = plant((uint64_t)seed, seed % 3 == 2);
        neck_matrix weights = {head.rows, head.vocabulary, head.width, 0, NECK_F64, 0};
        neck_argmax_options options = {sizeof options, .bias = seed % 3 == 2 ? head.bias : NULL, .keep_witnesses = 1,
                                       .reflections = seed % 2 ? 3 : 0};
        void *narrow = NULL;
        if (seed % 3 == 1 && head.width == head.core) { /* then all numbers are multiples of 2^-24 below 1: floats */
            weights.dtype = NECK_F32;
            weights.data = narrow = as_dtype(head.rows, head.vocabulary * head.width, NECK_F32);
        }
        snprintf(what, sizeof what, "head %d", (int)seed);
        neck_argmax *argmax = NULL;
        ck_assert_msg(neck_argmax_compute(context, &weights, &options, &argmax) == NECK_OK, "%s", neck_last_error());
        for (int64_t c = 0; c < head.vocabulary; c++) {
            neck_argmax_verdict verdict = verdict_on(argmax, c);
            ck_assert_msg(verdict.verdict == head.truth[c], "%s (%lld x %lld): token %lld is %s by %s, planted %s",
                          what, (long long)head.vocabulary, (long long)head.width, (long long)c,
                          neck_argmax_verdict_name(verdict.verdict), neck_argmax_proof_name(verdict.proof),
                          neck_argmax_verdict_name(head.truth[c]));
            seen[verdict.verdict]++;
        }
        check_evidence(argmax, head.rows, options.bias, head.vocabulary, head.width, what);
        neck_argmax_destroy(argmax);
        planted_free(&head);
        free(narrow);
    }
    neck_context_destroy(context);
    ck_assert_int_eq(seen[NECK_ARGMAX_UNDECIDED], 0);
    ck_assert_int_gt(seen[NECK_ARGMAX_ARGMAXABLE], 5 * heads);
    ck_assert_int_gt(2 * seen[NECK_ARGMAX_TIED], heads);
    ck_assert_int_gt(seen[NECK_ARGMAX_UNARGMAXABLE], 4 * heads);
}
END_TEST

/* ---- bounds and ties --------------------------------------------------------------------------------------------- */

START_TEST(no_state_gives_a_token_more_than_its_bound)
{
    uint64_t state = 5;
    for (uint64_t seed = 0; seed < (is_slow_build() ? 4 : 30); seed++) {
        planted head = plant(seed, seed % 2);
        neck_matrix weights = {head.rows, head.vocabulary, head.width, 0, NECK_F64, 0};
        neck_argmax_options options = {sizeof options, .bias = seed % 2 ? head.bias : NULL};
        neck_argmax *argmax = argmax_of(&weights, &options);
        double *x = malloc((size_t)head.width * 8), *z = malloc((size_t)head.vocabulary * 8);
        for (int trial = 0; trial < 200; trial++) {
            double top = -INFINITY, sum = 0, scale = exp(4 * next_number(&state));
            for (int64_t k = 0; k < head.width; k++) x[k] = scale * next_number(&state);
            for (int64_t j = 0; j < head.vocabulary; j++) {
                z[j] = (double)logit(head.rows + j * head.width, x, head.width, options.bias ? head.bias[j] : 0);
                top = fmax(top, z[j]);
            }
            for (int64_t j = 0; j < head.vocabulary; j++) sum += exp(z[j] - top);
            for (int64_t j = 0; j < head.vocabulary; j++)
                ck_assert(exp(z[j] - top) / sum <= verdict_on(argmax, j).probability_bound * (1 + 1e-9));
        }
        free(x);
        free(z);
        neck_argmax_destroy(argmax);
        planted_free(&head);
    }
}
END_TEST

START_TEST(the_bound_is_reached)
{
    /* 0 is the middle of n corners: at x = 0 each has 1 / (n + 1). Of three equal rows each has a third at most. */
    double rows[6] = {-1, 1, 0, 3, 3, 3}, square[10] = {1, 1, 1, -1, -1, 1, -1, -1, 0, 0};
    neck_matrix line = {rows, 3, 1, 0, NECK_F64, 0}, flat = {square, 5, 2, 0, NECK_F64, 0},
        tied = {rows, 6, 1, 0, NECK_F64, 0};
    neck_argmax *argmax = argmax_of(&line, NULL);
    ck_assert_double_eq_tol(verdict_on(argmax, 2).probability_bound, 1.0 / 3, 1e-12);
    neck_argmax_destroy(argmax);
    argmax = argmax_of(&flat, NULL);
    double bound = verdict_on(argmax, 4).probability_bound; /* two opposite corners, or four: the program's choice */
    ck_assert(bound <= 1.0 / 3 + 1e-12 && bound >= 0.2 - 1e-12);
    neck_argmax_destroy(argmax);
    argmax = argmax_of(&tied, NULL);
    for (int64_t c = 3; c < 6; c++) {
        neck_argmax_verdict verdict = verdict_on(argmax, c);
        ck_assert(verdict.verdict == NECK_ARGMAX_TIED && verdict.twin == (c == 3 ? 4 : 3));
        ck_assert_double_eq(verdict.probability_bound, 1.0 / 3);
    }
    ck_assert_int_eq(neck_argmax_count(argmax, NECK_ARGMAX_TIED, -1), 3);
    ck_assert_int_eq(neck_argmax_count(argmax, NECK_ARGMAX_TIED, NECK_PROOF_PROGRAM), 0);
    neck_argmax_destroy(argmax);
}
END_TEST

START_TEST(equal_rows_with_less_bias_never_win)
{
    double rows[8] = {1, 0, 1, 0, 0, 1, 0, -1}, bias[4] = {0.5, 1.5, 0, 0};
    neck_matrix weights = {rows, 4, 2, 0, NECK_F64, 0};
    neck_argmax_options options = {sizeof options, .bias = bias};
    neck_argmax *argmax = argmax_of(&weights, &options);
    neck_argmax_verdict behind = verdict_on(argmax, 0);
    ck_assert(behind.verdict == NECK_ARGMAX_UNARGMAXABLE && behind.proof == NECK_PROOF_EQUAL_ROW && behind.twin == 1);
    ck_assert_double_eq_tol(behind.probability_bound, 1 / (1 + exp(1)), 1e-12);
    ck_assert_int_eq(verdict_on(argmax, 1).verdict, NECK_ARGMAX_ARGMAXABLE);
    neck_argmax_destroy(argmax);
}
END_TEST

START_TEST(one_token_wins_and_equal_ones_tie)
{
    double rows[4] = {2, 0, 2, 0};
    neck_matrix one = {rows, 1, 2, 0, NECK_F64, 0}, two = {rows, 2, 2, 0, NECK_F64, 0};
    neck_argmax *argmax = argmax_of(&one, NULL);
    ck_assert(verdict_on(argmax, 0).verdict == NECK_ARGMAX_ARGMAXABLE && isinf(verdict_on(argmax, 0).margin));
    neck_argmax_destroy(argmax);
    argmax = argmax_of(&two, NULL);
    ck_assert_int_eq(neck_argmax_count(argmax, NECK_ARGMAX_TIED, -1), 2);
    neck_argmax_destroy(argmax);
}
END_TEST

/* ---- near the border --------------------------------------------------------------------------------------------- */

START_TEST(what_doubles_cannot_tell_is_not_told)
{
    /* A token beyond the edge between two others by 2^-e: a witness is found, or nothing is claimed. */
    for (int e = 4; e <= 52; e++) {
        double rows[8] = {-1, 0, 1, 0, 0, ldexp(1, -e), 0, -1};
        neck_matrix weights = {rows, 4, 2, 0, NECK_F64, 0};
        neck_argmax *argmax = argmax_of(&weights, NULL);
        neck_argmax_verdict verdict = verdict_on(argmax, 2);
        ck_assert_msg(verdict.verdict != NECK_ARGMAX_UNARGMAXABLE || verdict.residual >= ldexp(0.5, -e), "2^-%d is %s",
                      e, neck_argmax_verdict_name(verdict.verdict));
        ck_assert_msg(e > 24 || verdict.verdict == NECK_ARGMAX_ARGMAXABLE, "2^-%d is %s", e,
                      neck_argmax_verdict_name(verdict.verdict));
        neck_argmax_destroy(argmax);
    }
}
END_TEST

/* ---- real heads -------------------------------------------------------------------------------------------------- */

static neck_checkpoint *open_head(const char *name, neck_matrix *head)
{
    char path[4096];
    int64_t index;
    neck_checkpoint *file = NULL;
    snprintf(path, sizeof path, "%s/examples/data/%s", source(), name);
    ck_assert_msg(neck_checkpoint_open(NULL, path, NULL, &file) == NECK_OK, "%s", neck_last_error());
    ck_assert(neck_checkpoint_head(file, &index, NULL) == NECK_OK);
    ck_assert(neck_checkpoint_matrix(NULL, file, index, head) == NECK_OK);
    return file;
}

START_TEST(real_heads_are_decided)
{
    neck_matrix head;
    neck_checkpoint *file = open_head("stories260K/stories260K.bin", &head);
    neck_argmax_options options = {sizeof options, .keep_witnesses = 1};
    neck_argmax *argmax = argmax_of(&head, &options);
    ck_assert_int_eq(neck_argmax_count(argmax, NECK_ARGMAX_ARGMAXABLE, -1), 512);
    neck_argmax_destroy(argmax);
    neck_checkpoint_destroy(file);
    if (is_slow_build()) return; /* the other one's linear programs take a while */

    file = open_head("hybridstories/step_20000.pt", &head);
    argmax = argmax_of(&head, &options);
    double *rows = malloc((size_t)(head.rows * head.cols) * 8);
    ck_assert(neck_matrix_to_f64(NULL, &head, rows) == NECK_OK);
    ck_assert_int_eq(neck_argmax_count(argmax, NECK_ARGMAX_UNARGMAXABLE, -1), 222); /* as GLPK has it on the same head */
    ck_assert_int_eq(neck_argmax_count(argmax, NECK_ARGMAX_ARGMAXABLE, -1), 2048 - 222);
    check_evidence(argmax, rows, NULL, head.rows, head.cols, "hybridstories");
    free(rows);
    neck_argmax_destroy(argmax);
    neck_checkpoint_destroy(file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("unargmaxable");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, verdicts_are_those_of_exact_hulls);
    tcase_add_test(tests, a_thousand_planted_heads_have_no_false_verdict);
    tcase_add_test(tests, no_state_gives_a_token_more_than_its_bound);
    tcase_add_test(tests, the_bound_is_reached);
    tcase_add_test(tests, equal_rows_with_less_bias_never_win);
    tcase_add_test(tests, one_token_wins_and_equal_ones_tie);
    tcase_add_test(tests, what_doubles_cannot_tell_is_not_told);
    tcase_add_test(tests, real_heads_are_decided);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
