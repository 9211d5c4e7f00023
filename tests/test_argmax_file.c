/* tests/test_argmax_file.c - verdicts on disk: going on after a cancelled call, refusing what is not theirs; threads,
 * options, wrong calls. */
#include <sys/stat.h>
#include <unistd.h>

#include "argmax_support.h"

enum { V = 260, D = 4 };
static double rows[V * D], bias[V];
static neck_matrix weights;
static char folder[256], path[300];

/* Half of the tokens lie within the others' hull. */
static void make_head(void)
{
    uint64_t state = 12;
    const char *root = getenv("TMPDIR");
    for (int i = 0; i < V; i++) {
        double square = 0;
        for (int k = 0; k < D; k++) {
            rows[i * D + k] = next_number(&state);
            square += rows[i * D + k] * rows[i * D + k];
        }
        for (int k = 0; k < D; k++) rows[i * D + k] *= (i % 2 ? 0.3 : 1) / sqrt(square);
        bias[i] = 0.01 * next_number(&state);
    }
    weights = (neck_matrix){rows, V, D, 0, NECK_F64, 0};
    snprintf(folder, sizeof folder, "%s/softneck-argmax-XXXXXX", root ? root : "/tmp");
    ck_assert(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/verdicts.safetensors", folder);
}

static void remove_files(void)
{
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0); /* nothing else was left */
}

static void assert_same(const neck_argmax *a, const neck_argmax *b)
{
    for (int64_t c = 0; c < V; c++) {
        neck_argmax_verdict x = verdict_on(a, c), y = verdict_on(b, c);
        ck_assert_msg(x.verdict == y.verdict && x.twin == y.twin, "token %lld: %s and %s", (long long)c,
                      neck_argmax_verdict_name(x.verdict), neck_argmax_verdict_name(y.verdict));
    }
}

/* Cancels at one of the search's reports. */
static int32_t cancel_later(void *user, const neck_progress *progress)
{
    ck_assert(progress->done >= 0 && (progress->total < 0 || progress->done <= progress->total));
    return strcmp(progress->unit, "tokens") == 0 && --*(int *)user < 0;
}

START_TEST(a_cancelled_call_goes_on_where_it_was)
{
    make_head();
    neck_argmax_options options = {sizeof options, .bias = bias, .resume = path};
    neck_argmax *whole = argmax_of(&weights, &(neck_argmax_options){sizeof options, .bias = bias}), *made = NULL;
    int cancelled = 0;
    int64_t undecided = V;
    for (int calls = 1;; calls *= 3) {
        neck_context *context;
        int left = calls;
        neck_context_options wanted = {.struct_size = sizeof wanted, .progress = cancel_later, .progress_user = &left};
        ck_assert(neck_context_create(&wanted, &context) == NECK_OK);
        neck_status status = neck_argmax_compute(context, &weights, &options, &made);
        neck_context_destroy(context);
        if (status == NECK_OK) break;
        ck_assert_int_eq(status, NECK_E_CANCELLED);
        ck_assert(made == NULL && access(path, F_OK) == 0);
        /* What the file has by then is taken over: nothing is searched for, nothing else is known. */
        neck_argmax *partial = argmax_of(&weights,
                                         &(neck_argmax_options){sizeof options, .bias = bias, .skip_program = 1});
        ck_assert(neck_argmax_count(partial, NECK_ARGMAX_UNDECIDED, -1) <= undecided);
        neck_argmax_destroy(partial);
        cancelled++;
    }
    ck_assert(cancelled >= 3);
    assert_same(whole, made);
    neck_argmax_destroy(made);

    /* A finished file needs no work: the first report, which would cancel, never comes. */
    neck_context *context;
    int none = 0;
    neck_context_options wanted = {.struct_size = sizeof wanted, .progress = cancel_later, .progress_user = &none};
    ck_assert(neck_context_create(&wanted, &context) == NECK_OK);
    ck_assert_msg(neck_argmax_compute(context, &weights, &options, &made) == NECK_OK, "%s", neck_last_error());
    neck_context_destroy(context);
    assert_same(whole, made);
    for (int64_t c = 0; c < V; c++) {
        const int64_t *tokens;
        const double *shares;
        int64_t count;
        neck_argmax_verdict verdict = verdict_on(made, c);
        ck_assert(neck_argmax_mean(made, c, &tokens, &shares, &count) == NECK_OK);
        ck_assert((count > 0) == (verdict.verdict == NECK_ARGMAX_UNARGMAXABLE) && verdict.probability_bound <= 1);
    }
    ck_assert_int_eq(neck_argmax_count(made, NECK_ARGMAX_UNDECIDED, -1), 0);
    ck_assert(neck_argmax_count(made, NECK_ARGMAX_UNARGMAXABLE, NECK_PROOF_PROGRAM) > 50);
    neck_argmax_destroy(made);
    neck_argmax_destroy(whole);
    remove_files();
}
END_TEST

START_TEST(a_file_of_another_head_is_refused)
{
    make_head();
    neck_argmax *made = NULL;
    neck_argmax_options options = {sizeof options, .resume = path};
    neck_argmax_destroy(argmax_of(&weights, &options));
    options.bias = bias;
    ck_assert_int_eq(neck_argmax_compute(NULL, &weights, &options, &made), NECK_E_STATE);
    ck_assert(strstr(neck_last_error(), path) != NULL);
    options.bias = NULL;
    options.tolerance = 1e-9;
    ck_assert_int_eq(neck_argmax_compute(NULL, &weights, &options, &made), NECK_E_STATE);
    options.tolerance = 0;
    rows[7] += 1;
    ck_assert_int_eq(neck_argmax_compute(NULL, &weights, &options, &made), NECK_E_STATE);
    FILE *file = fopen(path, "w");
    fputs("no verdicts", file);
    fclose(file);
    ck_assert(neck_argmax_compute(NULL, &weights, &options, &made) != NECK_OK && made == NULL);
    neck_matrix other = {rows, 2, 3, 0, NECK_F64, 0};
    ck_assert(neck_npy_write(NULL, path, &other) == NECK_OK);
    ck_assert_int_eq(neck_argmax_compute(NULL, &weights, &options, &made), NECK_E_FORMAT);
    remove_files();
}
END_TEST

START_TEST(damaged_files_do_no_harm)
{
    make_head();
    neck_argmax_options options = {sizeof options, .resume = path, .reflections = 1, .skip_program = 1};
    neck_argmax *whole = argmax_of(&weights, &(neck_argmax_options){sizeof options, .resume = path});
    neck_argmax_destroy(whole);
    FILE *file = fopen(path, "rb");
    static unsigned char good[1 << 20], bad[1 << 20];
    size_t size = fread(good, 1, sizeof good, file);
    fclose(file);
    ck_assert(size > 1000 && size < sizeof good);
    uint64_t state = 1;
    int refused = 0;
    for (int trial = 0; trial < 300; trial++) {
        size_t cut = trial % 10 ? size : (size_t)(next_bits(&state) % size);
        memcpy(bad, good, size);
        for (int i = 0; i < 3; i++) bad[next_bits(&state) % size] = (unsigned char)next_bits(&state);
        file = fopen(path, "wb");
        fwrite(bad, 1, cut, file);
        fclose(file);
        neck_argmax *made = NULL;
        neck_status status = neck_argmax_compute(NULL, &weights, &options, &made);
        refused += status != NECK_OK;
        for (int64_t c = 0; status == NECK_OK && c < V; c++) {
            const int64_t *tokens;
            const double *shares;
            int64_t count;
            ck_assert(neck_argmax_mean(made, c, &tokens, &shares, &count) == NECK_OK);
            for (int64_t i = 0; i < count; i++) ck_assert(tokens[i] >= 0 && tokens[i] < V && shares[i] >= 0);
        }
        if (status == NECK_OK) neck_argmax_destroy(made);
    }
    ck_assert(refused > 100);
    remove_files();
}
END_TEST

START_TEST(threads_do_not_show)
{
    make_head();
    neck_argmax *made[2];
    for (int i = 0; i < 2; i++) {
        neck_context *context;
        neck_context_options wanted = {.struct_size = sizeof wanted, .threads = 1 + 2 * i};
        neck_argmax_options options = {sizeof options, .bias = bias};
        ck_assert(neck_context_create(&wanted, &context) == NECK_OK);
        ck_assert(neck_argmax_compute(context, &weights, &options, &made[i]) == NECK_OK);
        neck_context_destroy(context);
    }
    assert_same(made[0], made[1]);
    neck_argmax_destroy(made[0]);
    neck_argmax_destroy(made[1]);
    remove_files();
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
    make_head();
    neck_argmax *made = NULL;
    neck_argmax_verdict verdict = {.struct_size = sizeof verdict}, unset = {0};
    const double *state;
    static const struct {
        neck_argmax_options options;
        const char *says;
    } cases[] = {{{sizeof cases[0].options, .reflections = -1}, "reflections"},
                 {{sizeof cases[0].options, .tolerance = 1}, "tolerance"},
                 {{sizeof cases[0].options, .tolerance = NAN}, "tolerance"},
                 {{sizeof cases[0].options, .keep_witnesses = 1, .resume = "x"}, "exclude"},
                 {{sizeof cases[0].options, .reserved = 1}, "reserved"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(neck_argmax_compute(NULL, &weights, &cases[i].options, &made), NECK_E_ARGUMENT);
        ck_assert_msg(strstr(neck_last_error(), cases[i].says) != NULL, "%s", neck_last_error());
    }
    ck_assert_int_eq(neck_argmax_compute(NULL, &weights, NULL, NULL), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_argmax_compute(NULL, NULL, NULL, &made), NECK_E_ARGUMENT);
    bias[3] = INFINITY;
    neck_argmax_options with_bias = {sizeof with_bias, .bias = bias};
    ck_assert_int_eq(neck_argmax_compute(NULL, &weights, &with_bias, &made), NECK_E_NONFINITE);
    rows[5] = NAN;
    ck_assert_int_eq(neck_argmax_compute(NULL, &weights, NULL, &made), NECK_E_NONFINITE);
    rows[5] = 1e200;
    ck_assert_int_eq(neck_argmax_compute(NULL, &weights, NULL, &made), NECK_E_OVERFLOW);
    rows[5] = 0;
    ck_assert(made == NULL);
    made = argmax_of(&weights, &(neck_argmax_options){sizeof(neck_argmax_options), .skip_program = 1});
    ck_assert(neck_argmax_count(made, NECK_ARGMAX_UNDECIDED, NECK_PROOF_NONE) > 0);
    ck_assert_int_eq(neck_argmax_size(made), V);
    ck_assert_int_eq(neck_argmax_token(made, V, &verdict), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_argmax_token(made, -1, &verdict), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_argmax_token(made, 0, &unset), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_argmax_witness(made, 0, &state), NECK_E_STATE);
    ck_assert_str_eq(neck_argmax_verdict_name(4), "?");
    ck_assert_str_eq(neck_argmax_proof_name(-1), "?");
    neck_argmax_destroy(made);
    neck_argmax_destroy(NULL);
    remove_files();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("argmax_file");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_cancelled_call_goes_on_where_it_was);
    tcase_add_test(tests, a_file_of_another_head_is_refused);
    tcase_add_test(tests, damaged_files_do_no_harm);
    tcase_add_test(tests, threads_do_not_show);
    tcase_add_test(tests, what_makes_no_sense_is_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
