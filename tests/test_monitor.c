/* tests/test_monitor.c - what is observed and what is refused; logs, tables and states on disk. */
#define _GNU_SOURCE
#include <check.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "softneck.h"
#include "softneck/monitor.h"

enum { ROWS = 300, COLS = 16 };

static float weights[ROWS * COLS];
static char folder[] = "/tmp/softneck-monitor-XXXXXX";

static neck_matrix head_at(int64_t step)
{
    uint32_t state = (uint32_t)step * 2654435761u + 1;
    for (int i = 0; i < ROWS * COLS; i++) {
        state = state * 1664525u + 1013904223u;
        weights[i] = ((float)(state >> 8) / (1 << 24) - 0.45f) / (float)(1 + i % COLS);
    }
    return (neck_matrix){.data = weights, .rows = ROWS, .cols = COLS, .dtype = NECK_F32};
}

static void make_folder(void)
{
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

/* Several at once, so they take turns. */
static const char *file(const char *name)
{
    static char paths[4][128];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", folder, name);
    return paths[turn];
}

static char *contents(const char *path)
{
    static char texts[2][1 << 20];
    static int turn;
    char *text = texts[turn = !turn];
    FILE *stream = fopen(path, "rb");
    ck_assert_msg(stream != NULL, "%s", path);
    text[fread(text, 1, (1 << 20) - 1, stream)] = '\0';
    fclose(stream);
    return text;
}

#define OK(call) ck_assert_msg((call) == NECK_OK, "%s", neck_last_error())
#define FAILS(call, expected, words)                                                                    \
    do {                                                                                                \
        ck_assert_int_eq(call, expected);                                                               \
        ck_assert_msg(strstr(neck_last_error(), words) != NULL, "'%s' not in: %s", words, neck_last_error()); \
    } while (0)

static neck_monitor *made(const neck_monitor_options *options)
{
    neck_monitor *monitor = NULL;
    OK(neck_monitor_create(NULL, options, &monitor));
    return monitor;
}

static double last_of(const neck_monitor *monitor, const char *name, double *error)
{
    int64_t index;
    OK(neck_monitor_series_find(monitor, name, &index));
    int64_t last = neck_monitor_series_length(monitor, index) - 1;
    if (error) *error = neck_monitor_series_errors(monitor, index)[last];
    return neck_monitor_series_values(monitor, index)[last];
}

/* Steps [first, last) of a made-up run: a head, states, and numbers with a flattening and a spike in them. */
static void run(neck_monitor *monitor, int64_t first, int64_t last)
{
    for (int64_t step = first; step < last; step++) {
        static const char *const names[] = {"loss", "gradient.suppressed"};
        neck_matrix head = head_at(step), states = {.data = weights, .rows = 40, .cols = COLS, .dtype = NECK_F32};
        OK(neck_monitor_values(monitor, step, names, (double[]){10.0 / (double)(step + 3), 0.1 * (double)step}, 2));
        if (step % 5) continue;
        OK(neck_monitor_head(NULL, monitor, step, &head));
        OK(neck_monitor_states(NULL, monitor, step, &states));
    }
}

/* ---- observing ------------------------------------------------------------------------------------------------- */

START_TEST(a_head_is_measured_as_its_spectrum_is)
{
    neck_monitor *monitor = made(NULL);
    neck_matrix head = head_at(1);
    OK(neck_monitor_head(NULL, monitor, 50, &head));
    static const char *const metrics[] = {"singular_entropy",    "effective_rank",  "stable_rank",
                                          "top_component_share", "w_error_at_half", "condition_number",
                                          "frobenius_norm",      "spectral_norm"};
    ck_assert_int_eq(neck_monitor_series_count(monitor), 16);
    for (int32_t variant = NECK_VARIANT_RAW; variant <= NECK_VARIANT_CENTERED; variant++) {
        neck_spectrum_options options = {sizeof options, .method = NECK_METHOD_QR, .variant = variant};
        neck_spectrum *spectrum = NULL;
        OK(neck_spectrum_compute(NULL, &head, &options, &spectrum));
        for (int i = 0; i < 8; i++) {
            char name[64];
            int64_t metric;
            double error;
            neck_measure measure;
            snprintf(name, sizeof name, "head.%s.%s", neck_variant_name(variant), metrics[i]);
            OK(neck_metric_find(metrics[i], &metric));
            OK(neck_metric_evaluate(metric, spectrum, &measure));
            double value = last_of(monitor, name, &error);
            ck_assert_double_le(fabs(value - measure.value), error + measure.error + 1e-12 * fabs(value));
            ck_assert_double_le(error, 1e-8 * fabs(value)); /* the bound is worth something */
        }
        neck_spectrum_destroy(spectrum);
    }
    ck_assert_double_gt(neck_monitor_seconds(monitor), 0);
    neck_monitor_destroy(monitor);
}
END_TEST

START_TEST(metrics_and_variants_are_chosen)
{
    neck_monitor_options options = {sizeof options, .metrics = (const char *const[]){"gini", "rankme"},
                                    .metric_count = 2, .variants = NECK_MONITOR_CENTERED, .interval = 7};
    neck_monitor *monitor = made(&options);
    neck_matrix head = head_at(1);
    OK(neck_monitor_head(NULL, monitor, 0, &head));
    ck_assert_int_eq(neck_monitor_series_count(monitor), 2);
    ck_assert_str_eq(neck_monitor_series_name(monitor, 0), "head.centered.gini");
    ck_assert_str_eq(neck_monitor_series_name(monitor, 1), "head.centered.rankme");
    ck_assert_ptr_null(neck_monitor_series_name(monitor, 2));
    ck_assert_ptr_null(neck_monitor_series_values(monitor, -1));
    ck_assert_int_eq(neck_monitor_interval(monitor), 7);
    ck_assert_int_eq(neck_monitor_due(monitor, 0) + neck_monitor_due(monitor, 14), 2);
    ck_assert_int_eq(neck_monitor_due(monitor, 15) + neck_monitor_due(monitor, -7), 0);
    neck_monitor_destroy(monitor);
}
END_TEST

START_TEST(states_have_geometry_and_gradients_ranks)
{
    neck_monitor *monitor = made(NULL);
    static const double states[4][3] = {{2, 0, 0}, {0, 1, 0}, {1, 1, 0}, {3, 0, 4}};
    neck_matrix view = {.data = states, .rows = 4, .cols = 3, .dtype = NECK_F64};
    OK(neck_monitor_states(NULL, monitor, 1, &view));
    double cosines = (0 + sqrt(0.5) + 0.6 + sqrt(0.5) + 0 + 0.6 * sqrt(0.5)) / 6; /* of the six pairs */
    ck_assert_double_eq_tol(last_of(monitor, "states.raw.anisotropy", NULL), cosines, 1e-14);
    ck_assert_double_eq_tol(last_of(monitor, "states.mean_norm", NULL), (2 + 1 + sqrt(2) + 5) / 4, 1e-14);
    neck_measure centered;
    OK(neck_matrix_anisotropy(NULL, &view, 1, &centered));
    ck_assert_double_eq(last_of(monitor, "states.centered.anisotropy", NULL), centered.value);
    ck_assert_double_le(last_of(monitor, "states.raw.effective_rank", NULL), 3);
    ck_assert_double_ge(last_of(monitor, "states.centered.effective_rank", NULL), 1);

    static const double one_direction[4][3] = {{1, 2, 3}, {2, 4, 6}, {0, 0, 0}, {-1, -2, -3}};
    view.data = one_direction;
    OK(neck_monitor_gradient(NULL, monitor, 1, &view));
    ck_assert_double_eq_tol(last_of(monitor, "gradient.frobenius_norm", NULL), sqrt(6 * 14), 1e-13);
    ck_assert_double_eq_tol(last_of(monitor, "gradient.stable_rank", NULL), 1, 1e-13);
    ck_assert_double_eq_tol(last_of(monitor, "gradient.top_component_share", NULL), 1, 1e-13);
    neck_monitor_destroy(monitor);
}
END_TEST

START_TEST(what_is_not_defined_is_left_out)
{
    neck_monitor *monitor = made(NULL);
    neck_matrix head = head_at(1);
    memset(weights, 0, sizeof weights); /* some heads start so */
    OK(neck_monitor_head(NULL, monitor, 0, &head));
    ck_assert_int_eq(neck_monitor_series_count(monitor), 4); /* two norms of two variants */
    ck_assert_double_eq(last_of(monitor, "head.raw.frobenius_norm", NULL), 0);
    head = head_at(1);
    OK(neck_monitor_head(NULL, monitor, 50, &head));
    ck_assert_int_eq(neck_monitor_series_count(monitor), 16);
    for (int i = 0; i < ROWS * COLS; i++) weights[i] = 1; /* all states alike: nothing when centered */
    OK(neck_monitor_states(NULL, monitor, 50, &head));
    ck_assert_double_eq_tol(last_of(monitor, "states.raw.anisotropy", NULL), 1, 1e-12);
    int64_t index = 77;
    FAILS(neck_monitor_series_find(monitor, "states.centered.anisotropy", &index), NECK_E_NOT_FOUND,
          "centered.anisotropy");
    ck_assert_int_eq(index, 77);
    neck_monitor_destroy(monitor);
}
END_TEST

/* ---- refusals ---------------------------------------------------------------------------------------------------- */

START_TEST(a_refused_observation_leaves_the_monitor_working)
{
    neck_monitor *monitor = made(NULL);
    OK(neck_monitor_log(monitor, file("log.jsonl")));
    run(monitor, 0, 6);
    OK(neck_monitor_save(NULL, monitor, file("before")));
    char before[20000];
    int64_t lines = (int64_t)strlen(contents(file("log.jsonl")));
    memcpy(before, contents(file("log.jsonl")), (size_t)lines + 1);

    neck_matrix head = head_at(7);
    weights[COLS * 123 + 4] = NAN;
    FAILS(neck_monitor_head(NULL, monitor, 10, &head), NECK_E_NONFINITE, "element (123, 4)");
    weights[COLS * 123 + 4] = INFINITY;
    FAILS(neck_monitor_states(NULL, monitor, 10, &head), NECK_E_NONFINITE, "element (123, 4)");
    FAILS(neck_monitor_gradient(NULL, monitor, 10, &head), NECK_E_NONFINITE, "element (123, 4)");
    head = head_at(7);
    FAILS(neck_monitor_head(NULL, monitor, 5, &head), NECK_E_ARGUMENT, "step 5 is not after 5");
    FAILS(neck_monitor_head(NULL, monitor, -1, &head), NECK_E_ARGUMENT, "step is -1");
    head.rows--;
    FAILS(neck_monitor_head(NULL, monitor, 10, &head), NECK_E_ARGUMENT, "299 x 16, but the head is 300 x 16");
    head.cols--;
    FAILS(neck_monitor_states(NULL, monitor, 10, &head), NECK_E_ARGUMENT, "299 x 15");
    head.cols++;
    head.rows = 1;
    FAILS(neck_monitor_states(NULL, monitor, 10, &head), NECK_E_ARGUMENT, "at least two");
    FAILS(neck_monitor_head(NULL, monitor, 10, NULL), NECK_E_ARGUMENT, "NULL");
    FAILS(neck_monitor_head(NULL, NULL, 10, &head), NECK_E_ARGUMENT, "NULL");

    FAILS(neck_monitor_value(monitor, 10, "loss", NAN), NECK_E_NONFINITE, "loss is nan");
    FAILS(neck_monitor_value(monitor, 10, "loss", -INFINITY), NECK_E_NONFINITE, "loss is -inf");
    FAILS(neck_monitor_value(monitor, 5, "loss", 1), NECK_E_ARGUMENT, "loss: step 5 is not after 5");
    FAILS(neck_monitor_value(monitor, -5, "loss", 1), NECK_E_ARGUMENT, "step is -5");
    FAILS(neck_monitor_value(monitor, 10, "", 1), NECK_E_ARGUMENT, "series name ''");
    FAILS(neck_monitor_value(monitor, 10, "a,b", 1), NECK_E_ARGUMENT, "series name 'a,b'");
    FAILS(neck_monitor_value(monitor, 10, "a\"b", 1), NECK_E_ARGUMENT, "series name");
    FAILS(neck_monitor_value(monitor, 10, "0123456789012345678901234567890123456789012345678901234567890123", 1),
          NECK_E_ARGUMENT, "1 to 63");
    FAILS(neck_monitor_value(monitor, 10, NULL, 1), NECK_E_ARGUMENT, "name 0 is NULL");
    static const char *const twice[] = {"new", "loss", "new"};
    FAILS(neck_monitor_values(monitor, 10, twice, (double[]){1, 2, 3}, 3), NECK_E_ARGUMENT, "new is given twice");
    FAILS(neck_monitor_values(monitor, 5, twice, (double[]){1, 2}, 2), NECK_E_ARGUMENT, "loss: step 5");
    FAILS(neck_monitor_values(monitor, 10, twice, (double[]){1}, 0), NECK_E_ARGUMENT, "count is 0");

    OK(neck_monitor_save(NULL, monitor, file("after")));
    char *one = contents(file("before"));
    ck_assert_mem_eq(one, contents(file("after")), 1000);
    ck_assert_str_eq(before, contents(file("log.jsonl")));
    ck_assert_int_eq(neck_monitor_series_find(monitor, "new", &lines), NECK_E_NOT_FOUND);
    run(monitor, 6, 11);
    ck_assert_double_gt(last_of(monitor, "head.raw.effective_rank", NULL), 1);
    neck_monitor_destroy(monitor);
}
END_TEST

START_TEST(bad_options_are_refused)
{
    static const char *const unknown[] = {"no_such_metric"}, *const twice[] = {"gini", "gini"};
    static const struct {
        neck_monitor_options options;
        neck_status status;
        const char *words;
    } cases[] = {
        {{sizeof(neck_monitor_options), .interval = -1}, NECK_E_ARGUMENT, "negative"},
        {{sizeof(neck_monitor_options), .patience = -1}, NECK_E_ARGUMENT, "negative"},
        {{sizeof(neck_monitor_options), .hidden_size = -1}, NECK_E_ARGUMENT, "negative"},
        {{sizeof(neck_monitor_options), .variants = 4}, NECK_E_ARGUMENT, "variants is 4"},
        {{sizeof(neck_monitor_options), .metric_count = 1}, NECK_E_ARGUMENT, "metric_count is 1"},
        {{sizeof(neck_monitor_options), .metrics = unknown}, NECK_E_ARGUMENT, "metric_count is 0"},
        {{sizeof(neck_monitor_options), .metrics = unknown, .metric_count = 1}, NECK_E_NOT_FOUND, "no_such_metric"},
        {{sizeof(neck_monitor_options), .metrics = twice, .metric_count = 2}, NECK_E_ARGUMENT, "'gini' is given twice"},
        {{sizeof(neck_monitor_options), .flatten_fall = -1}, NECK_E_ARGUMENT, "flatten_fall is -1"},
        {{sizeof(neck_monitor_options), .spike_rise = NAN}, NECK_E_ARGUMENT, "spike_rise is nan"},
        {{sizeof(neck_monitor_options), .anisotropy_rise = INFINITY}, NECK_E_ARGUMENT, "anisotropy_rise is inf"},
        {{sizeof(neck_monitor_options), .spike_release = 0.5}, NECK_E_ARGUMENT, "release is not below"},
        {{.struct_size = 1}, NECK_E_ARGUMENT, "struct_size"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        neck_monitor *monitor = (neck_monitor *)weights;
        FAILS(neck_monitor_create(NULL, &cases[i].options, &monitor), cases[i].status, cases[i].words);
        ck_assert_ptr_eq(monitor, weights);
    }
    FAILS(neck_monitor_create(NULL, NULL, NULL), NECK_E_ARGUMENT, "NULL");
    neck_monitor *small = made(&(neck_monitor_options){sizeof(neck_monitor_options), .spike_rise = 0.1});
    neck_monitor_destroy(small); /* its release follows */
    neck_monitor_destroy(NULL);
}
END_TEST

START_TEST(events_answer_by_struct_size)
{
    neck_monitor *monitor = made(&(neck_monitor_options){sizeof(neck_monitor_options), .patience = 1});
    OK(neck_monitor_value(monitor, 0, "head.raw.singular_entropy", 2));
    OK(neck_monitor_value(monitor, 1, "head.raw.singular_entropy", 1));
    volatile size_t size = offsetof(neck_monitor_event, value); /* unknown to the compiler, as its caller is */
    neck_monitor_event *old = malloc(size); /* of a caller compiled with fewer fields */
    old->struct_size = size;
    OK(neck_monitor_event_at(monitor, 0, old));
    ck_assert_int_eq(old->kind, NECK_EVENT_FLATTEN);
    ck_assert_int_eq(old->step, 1);
    ck_assert_uint_eq(old->struct_size, size);
    FAILS(neck_monitor_event_at(monitor, 1, old), NECK_E_ARGUMENT, "event 1: there are 1");
    old->struct_size = 0;
    FAILS(neck_monitor_event_at(monitor, 0, old), NECK_E_ARGUMENT, "struct_size");
    free(old);
    neck_monitor_destroy(monitor);
}
END_TEST

/* ---- files ------------------------------------------------------------------------------------------------------- */

START_TEST(lines_are_json_and_numbers_come_back)
{
    neck_monitor *monitor = made(&(neck_monitor_options){sizeof(neck_monitor_options), .under_way = 1, .patience = 1});
    static const double values[] = {0.1, 1.0 / 3, -0.0, 4.9406564584124654e-324, 1.7976931348623157e308,
                                    123456789012345678.0};
    static const char *const pair[] = {"loss", "norm/update"};
    for (int i = 0; i < 6; i++) OK(neck_monitor_values(monitor, i, pair, (double[]){values[i], 1}, 2));
    OK(neck_monitor_value(monitor, 10, "head.raw.singular_entropy", 0.5));
    OK(neck_monitor_value(monitor, 11, "head.raw.singular_entropy", 1.25));
    OK(neck_monitor_write_jsonl(monitor, file("all.jsonl")));
    char *text = contents(file("all.jsonl"));
    ck_assert_ptr_nonnull(strstr(text, "{\"step\":0,\"values\":{\"loss\":0.1,\"norm/update\":1}}\n"));
    ck_assert_ptr_nonnull(strstr(text, "{\"step\":11,\"values\":{\"head.raw.singular_entropy\":1.25}}\n"
                                       "{\"step\":11,\"event\":\"spike\",\"series\":\"head.raw.singular_entropy\","
                                       "\"value\":1.25,\"onset_step\":10,\"onset_value\":0.5,\"extreme_step\":10,"
                                       "\"extreme_value\":0.5}\n"));
    int64_t lines = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++) {
        json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        ck_assert_msg(object != NULL, "%s", line);
        if (lines < 6) {
            double value = json_number_value(json_object_get(json_object_get(object, "values"), "loss"));
            ck_assert_double_eq(value, values[lines]);
        }
        json_decref(object);
    }
    ck_assert_int_eq(lines, 9);
    OK(neck_monitor_write_csv(monitor, file("all.csv")));
    text = contents(file("all.csv"));
    const char *begun = "step,loss,norm/update,head.raw.singular_entropy\n0,0.1,1,\n1,0.3333333333333333,1,\n";
    ck_assert_ptr_eq(strstr(text, begun), text);
    ck_assert_ptr_nonnull(strstr(text, "\n10,,,0.5\n11,,,1.25\n"));
    neck_monitor_destroy(monitor);
}
END_TEST

START_TEST(numbers_do_not_follow_the_locale)
{
    static const char *const commas[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE", NULL};
    int i = 0;
    while (commas[i] && !setlocale(LC_NUMERIC, commas[i])) i++;
    neck_monitor *monitor = made(NULL);
    OK(neck_monitor_value(monitor, 0, "loss", 0.5));
    OK(neck_monitor_write_csv(monitor, file("comma.csv")));
    ck_assert_str_eq(contents(file("comma.csv")), "step,loss\n0,0.5\n");
    neck_monitor_destroy(monitor);
    setlocale(LC_NUMERIC, "C");
}
END_TEST

START_TEST(heads_without_full_rank_work)
{
    neck_monitor *monitor = made(NULL);
    static const float deficient[3][2] = {{1, 2}, {2, 4}, {3, 6}};
    neck_matrix head = {.data = deficient, .rows = 3, .cols = 2, .dtype = NECK_F32};
    OK(neck_monitor_head(NULL, monitor, 0, &head));
    OK(neck_monitor_write_jsonl(monitor, file("deficient.jsonl")));
    json_t *object = json_load_file(file("deficient.jsonl"), 0, NULL), *value;
    const char *name;
    ck_assert_ptr_nonnull(object);
    json_object_foreach(json_object_get(object, "values"), name, value)
    {
        double error;
        ck_assert_double_eq(json_number_value(value), last_of(monitor, name, &error));
        json_t *written = json_object_get(json_object_get(object, "errors"), name);
        ck_assert_double_eq(json_number_value(written), error); /* 0 where it is left out */
    }
    json_decref(object);
    OK(neck_monitor_save(NULL, monitor, file("deficient")));
    neck_monitor *again = made(NULL);
    OK(neck_monitor_load(NULL, again, file("deficient")));
    OK(neck_monitor_write_jsonl(again, file("again.jsonl")));
    char *one = contents(file("deficient.jsonl"));
    ck_assert_str_eq(one, contents(file("again.jsonl")));
    neck_monitor_destroy(again);
    neck_monitor_destroy(monitor);
}
END_TEST

START_TEST(empty_monitors_write_and_load)
{
    neck_monitor *monitor = made(NULL), *full = made(NULL);
    OK(neck_monitor_save(NULL, monitor, file("empty")));
    OK(neck_monitor_write_jsonl(monitor, file("empty.jsonl")));
    OK(neck_monitor_write_csv(monitor, file("empty.csv")));
    ck_assert_str_eq(contents(file("empty.jsonl")), "");
    ck_assert_str_eq(contents(file("empty.csv")), "step\n");
    run(full, 0, 3);
    OK(neck_monitor_load(NULL, full, file("empty")));
    ck_assert_int_eq(neck_monitor_series_count(full), 0);
    ck_assert_int_eq(neck_monitor_event_count(full), 0);
    run(full, 0, 3);
    neck_monitor_destroy(monitor);
    neck_monitor_destroy(full);
}
END_TEST

/* An undisturbed run and one that was saved and loaded at every step end with the same bytes. */
START_TEST(resuming_gives_the_same_bits)
{
    neck_monitor_options options = {sizeof options, .patience = 1, .flatten_fall = 0.001, .spike_rise = 0.002};
    neck_monitor *whole = made(&options);
    OK(neck_monitor_log(whole, file("whole.jsonl")));
    run(whole, 0, 40);
    ck_assert_int_gt(neck_monitor_event_count(whole), 1);
    OK(neck_monitor_save(NULL, whole, file("whole")));
    OK(neck_monitor_write_jsonl(whole, file("at_once.jsonl")));
    char *appended = contents(file("whole.jsonl"));
    ck_assert_str_eq(appended, contents(file("at_once.jsonl")));
    for (int64_t step = 0; step < 40; step++) {
        neck_monitor *part = made(&options);
        if (step > 0) OK(neck_monitor_load(NULL, part, file("part")));
        OK(neck_monitor_log(part, file("part.jsonl")));
        run(part, step, step + 1);
        OK(neck_monitor_save(NULL, part, file("part")));
        OK(neck_monitor_value(part, step, "lost", 1)); /* after the state was saved: the next one has not seen it */
        ck_assert_ptr_nonnull(strstr(contents(file("part.jsonl")), "lost"));
        neck_monitor_destroy(part);
    }
    neck_monitor *last = made(&options);
    OK(neck_monitor_load(NULL, last, file("part")));
    OK(neck_monitor_log(last, file("part.jsonl")));
    appended = contents(file("whole.jsonl"));
    ck_assert_str_eq(appended, contents(file("part.jsonl")));
    struct stat one, other;
    ck_assert_int_eq(stat(file("whole"), &one) + stat(file("part"), &other), 0);
    ck_assert_int_eq(one.st_size, other.st_size);
    appended = contents(file("whole"));
    ck_assert_mem_eq(appended, contents(file("part")), (size_t)one.st_size);
    FAILS(neck_monitor_load(NULL, last, file("whole")), NECK_E_STATE, "a log is open");
    FAILS(neck_monitor_rewind(last, 3), NECK_E_STATE, "a log is open");
    OK(neck_monitor_log(last, NULL));
    OK(neck_monitor_rewind(last, 3));
    run(last, 4, 40);
    OK(neck_monitor_save(NULL, last, file("part")));
    appended = contents(file("whole"));
    ck_assert_mem_eq(appended, contents(file("part")), (size_t)one.st_size);
    neck_monitor_destroy(last);
    neck_monitor_destroy(whole);
}
END_TEST

START_TEST(a_killed_run_leaves_whole_lines)
{
    for (int attempt = 0; attempt < 10; attempt++) {
        int told[2];
        ck_assert_int_eq(pipe(told), 0);
        pid_t child = fork();
        if (child == 0) {
            neck_monitor *monitor = NULL;
            neck_monitor_create(NULL, NULL, &monitor);
            neck_monitor_log(monitor, file("killed.jsonl"));
            for (int64_t step = 0;; step++) {
                neck_monitor_value(monitor, step, "loss", 1.0 / (double)(step + 1));
                if (write(told[1], &step, sizeof step) != sizeof step) _exit(1);
            }
        }
        int64_t step = -1;
        while (step < 200 + 37 * attempt) ck_assert_int_eq(read(told[0], &step, sizeof step), sizeof step);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        close(told[1]);
        while (read(told[0], &step, sizeof step) == sizeof step) continue; /* the last one it was sure of */
        close(told[0]);
        int64_t lines = 0;
        char *text = contents(file("killed.jsonl")), *line = text, *end;
        for (; (end = strchr(line, '\n')) != NULL; line = end + 1, lines++) {
            *end = '\0';
            json_t *object = json_loads(line, 0, NULL);
            ck_assert_msg(object != NULL, "%s", line);
            ck_assert_int_eq(json_integer_value(json_object_get(object, "step")), lines);
            json_decref(object);
        }
        ck_assert_int_ge(lines, step + 1);
    }
}
END_TEST

/* A full disk: the observation is refused, the log keeps whole lines, and there is room again later. */
START_TEST(a_log_that_cannot_grow_keeps_whole_lines)
{
    neck_monitor *monitor = made(NULL);
    OK(neck_monitor_log(monitor, file("full.jsonl")));
    OK(neck_monitor_value(monitor, 0, "loss", 1));
    struct rlimit limit, small;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = limit;
    small.rlim_cur = strlen(contents(file("full.jsonl"))) + 10;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    FAILS(neck_monitor_value(monitor, 1, "loss", 2), NECK_E_IO, "full.jsonl");
    ck_assert_int_eq(neck_monitor_series_length(monitor, 0), 1);
    ck_assert_str_eq(contents(file("full.jsonl")), "{\"step\":0,\"values\":{\"loss\":1}}\n");
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    OK(neck_monitor_value(monitor, 1, "loss", 2));
    ck_assert_ptr_nonnull(strstr(contents(file("full.jsonl")), "}}\n{\"step\":1,\"values\":{\"loss\":2}}\n"));
    FAILS(neck_monitor_log(monitor, file("no/such/folder")), NECK_E_IO, "no/such/folder");
    OK(neck_monitor_value(monitor, 2, "loss", 3)); /* still into the first one */
    ck_assert_ptr_nonnull(strstr(contents(file("full.jsonl")), "\"step\":2"));
    neck_monitor_destroy(monitor);
}
END_TEST

/* ---- states that no monitor wrote -------------------------------------------------------------------------------- */

static int64_t shape[2] = {ROWS, COLS}, steps[2] = {1, 2};
static double values[2] = {1, 2}, errors[2];
static int32_t series[2];
static uint8_t first[2] = {1, 1};
static char names[64] = "loss";

static neck_tensor tensors[] = {
    {sizeof(neck_tensor), .name = "shape", .dtype = NECK_I64, .ndim = 1, .shape = {2}, .nbytes = 16, .data = shape},
    {sizeof(neck_tensor), .name = "names", .dtype = NECK_U8, .ndim = 2, .shape = {1, 64}, .nbytes = 64, .data = names},
    {sizeof(neck_tensor), .name = "series", .dtype = NECK_I32, .ndim = 1, .shape = {2}, .nbytes = 8, .data = series},
    {sizeof(neck_tensor), .name = "first", .dtype = NECK_U8, .ndim = 1, .shape = {2}, .nbytes = 2, .data = first},
    {sizeof(neck_tensor), .name = "steps", .dtype = NECK_I64, .ndim = 1, .shape = {2}, .nbytes = 16, .data = steps},
    {sizeof(neck_tensor), .name = "values", .dtype = NECK_F64, .ndim = 1, .shape = {2}, .nbytes = 16, .data = values},
    {sizeof(neck_tensor), .name = "errors", .dtype = NECK_F64, .ndim = 1, .shape = {2}, .nbytes = 16, .data = errors}};

static neck_status load_forged(int64_t count, const char *kind)
{
    static const char *const keys[] = {"softneck"};
    neck_monitor *monitor = made(NULL);
    run(monitor, 0, 3);
    OK(neck_monitor_write_jsonl(monitor, file("old.jsonl")));
    OK(neck_safetensors_write(NULL, file("forged"), tensors, count, keys, &kind, 1));
    neck_status status = neck_monitor_load(NULL, monitor, file("forged"));
    OK(neck_monitor_write_jsonl(monitor, file("new.jsonl")));
    char *old = contents(file("old.jsonl"));
    ck_assert_int_eq(strcmp(old, contents(file("new.jsonl"))) == 0, status != NECK_OK); /* as it was after a failure */
    if (status == NECK_OK) run(monitor, 3, 5);
    neck_monitor_destroy(monitor);
    return status;
}

START_TEST(unknown_errors_are_null)
{
    errors[1] = INFINITY;
    OK(load_forged(7, "monitor 1"));
    ck_assert_str_eq(contents(file("new.jsonl")), "{\"step\":1,\"values\":{\"loss\":1}}\n"
                                                  "{\"step\":2,\"values\":{\"loss\":2},\"errors\":{\"loss\":null}}\n");
}
END_TEST

START_TEST(forged_states_are_refused)
{
    OK(load_forged(7, "monitor 1"));
    FAILS(load_forged(7, "monitor 2"), NECK_E_UNSUPPORTED, "monitor 2");
    FAILS(load_forged(7, "gram 1"), NECK_E_FORMAT, "not the state of a monitor");
    FAILS(load_forged(6, "monitor 1"), NECK_E_FORMAT, "no tensor 'errors'");
    steps[1] = 1;
    FAILS(load_forged(7, "monitor 1"), NECK_E_FORMAT, "step 1 is not after 1");
    steps[1] = 2, first[1] = 0;
    FAILS(load_forged(7, "monitor 1"), NECK_E_FORMAT, "in an observation of step 1");
    first[1] = 1, steps[0] = -1;
    FAILS(load_forged(7, "monitor 1"), NECK_E_FORMAT, "step is -1");
    steps[0] = 1, series[1] = 1;
    FAILS(load_forged(7, "monitor 1"), NECK_E_FORMAT, "is of series 1: there are 1");
    series[1] = -1;
    FAILS(load_forged(7, "monitor 1"), NECK_E_FORMAT, "is of series -1");
    series[1] = 0, values[1] = NAN;
    FAILS(load_forged(7, "monitor 1"), NECK_E_FORMAT, "loss is nan");
    values[1] = 2, errors[1] = -1;
    FAILS(load_forged(7, "monitor 1"), NECK_E_FORMAT, "with error -1");
    errors[1] = 0, names[0] = '"';
    FAILS(load_forged(7, "monitor 1"), NECK_E_FORMAT, "series name");
    memset(names, 'a', sizeof names);
    FAILS(load_forged(7, "monitor 1"), NECK_E_FORMAT, "does not end");
    strcpy(names, "loss");
    tensors[3].shape[0] = tensors[3].nbytes = 1;
    FAILS(load_forged(7, "monitor 1"), NECK_E_FORMAT, "'first' has another length");
    tensors[3].shape[0] = tensors[3].nbytes = 2, tensors[5].dtype = NECK_I64;
    FAILS(load_forged(7, "monitor 1"), NECK_E_FORMAT, "'values' has another type");
    tensors[5].dtype = NECK_F64, shape[1] = -1;
    FAILS(load_forged(7, "monitor 1"), NECK_E_FORMAT, "negative");
    shape[1] = COLS;
    OK(load_forged(7, "monitor 1"));

    neck_monitor *other = made(&(neck_monitor_options){sizeof(neck_monitor_options), .hidden_size = 17});
    FAILS(neck_monitor_load(NULL, other, file("forged")), NECK_E_ARGUMENT, "the monitor's is 0 x 17");
    FAILS(neck_monitor_load(NULL, other, file("missing")), NECK_E_IO, "missing");
    FAILS(neck_monitor_load(NULL, other, NULL), NECK_E_ARGUMENT, "NULL");
    neck_monitor_destroy(other);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("monitor");
    TCase *tests = tcase_create("monitor");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_test(tests, a_head_is_measured_as_its_spectrum_is);
    tcase_add_test(tests, metrics_and_variants_are_chosen);
    tcase_add_test(tests, states_have_geometry_and_gradients_ranks);
    tcase_add_test(tests, what_is_not_defined_is_left_out);
    tcase_add_test(tests, a_refused_observation_leaves_the_monitor_working);
    tcase_add_test(tests, bad_options_are_refused);
    tcase_add_test(tests, events_answer_by_struct_size);
    tcase_add_test(tests, lines_are_json_and_numbers_come_back);
    tcase_add_test(tests, numbers_do_not_follow_the_locale);
    tcase_add_test(tests, heads_without_full_rank_work);
    tcase_add_test(tests, empty_monitors_write_and_load);
    tcase_add_test(tests, resuming_gives_the_same_bits);
    tcase_add_test(tests, a_killed_run_leaves_whole_lines);
    tcase_add_test(tests, a_log_that_cannot_grow_keeps_whole_lines);
    tcase_add_test(tests, unknown_errors_are_null);
    tcase_add_test(tests, forged_states_are_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
