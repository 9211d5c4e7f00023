/* tests/test_failmalloc.c - every allocation of every operation fails once. Whatever fails: the call says
 * NECK_E_NOMEM, leaves its outputs and files as they were, and keeps nothing. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "softneck.h"

/* ---- an allocator that fails on demand ---- */

static struct {
    int64_t calls, live;
    int64_t fail_at;  /* the number of the call that fails; -1: none */
    int keeps_failing; /* and every one after it */
    int failures;
    pthread_t caller;
} heap;

static void *failing_alloc(void *user, size_t alignment, size_t size)
{
    (void)user;
    ck_assert(pthread_equal(pthread_self(), heap.caller)); /* promised in context.h */
    int64_t call = heap.calls++;
    if (heap.fail_at >= 0 && (heap.keeps_failing ? call >= heap.fail_at : call == heap.fail_at)) {
        heap.failures++;
        return NULL;
    }
    heap.live++;
    return aligned_alloc(alignment, size);
}

static void counting_release(void *user, void *memory)
{
    (void)user;
    heap.live--;
    free(memory);
}

/* ---- what the operations work on ---- */

enum { ROWS = 300, COLS = 12 };
static float entries[ROWS * COLS];
static uint16_t halves[ROWS * COLS]; /* bf16: the upper half of an f32 */
static double weights[ROWS], shift[COLS];
static neck_matrix tall, wide, half;
static char folder[] = "/tmp/softneck-failmalloc-XXXXXX", target[128];

static void make_inputs(void)
{
    uint32_t state = 1;
    for (int i = 0; i < ROWS * COLS; i++) {
        state = state * 1664525u + 1013904223u;
        entries[i] = (float)(state >> 8) / (1 << 24) - 0.5f;
        uint32_t bits;
        memcpy(&bits, &entries[i], sizeof bits);
        halves[i] = (uint16_t)(bits >> 16);
    }
    for (int i = 0; i < ROWS; i++) weights[i] = 1 + i % 5;
    for (int i = 0; i < COLS; i++) shift[i] = 0.01 * i;
    tall = (neck_matrix){.data = entries, .rows = ROWS, .cols = COLS, .dtype = NECK_F32};
    wide = (neck_matrix){.data = entries, .rows = COLS, .cols = ROWS, .dtype = NECK_F32};
    half = (neck_matrix){.data = halves, .rows = ROWS, .cols = COLS, .dtype = NECK_BF16};
}

/* Outputs of an operation, filled with a pattern that a failure must leave in place. */
typedef union outputs {
    neck_gram *gram;
    neck_spectrum *spectrum;
    neck_checkpoint *checkpoint;
    neck_series *series;
    neck_measure measure;
    double numbers[2 * ROWS * COLS];
} outputs;

typedef struct operation {
    const char *name;
    neck_status (*run)(neck_context *context, const struct operation *self, outputs *out);
    void (*finish)(outputs *out); /* releases what a success made; may be NULL */
    int32_t method, variant;
    const neck_matrix *matrix;
    const char *path; /* read by the operation */
} operation;

static void drop_gram(outputs *out) { neck_gram_destroy(out->gram); }
static void drop_spectrum(outputs *out) { neck_spectrum_destroy(out->spectrum); }
static void drop_checkpoint(outputs *out) { neck_checkpoint_destroy(out->checkpoint); }
static void drop_series(outputs *out) { neck_series_destroy(out->series); }

/* ---- operations ---- */

static neck_status make_gram(neck_context *context, const operation *self, outputs *out)
{
    (void)self;
    neck_gram_options options = {sizeof options, .shift = shift};
    return neck_gram_create(context, COLS, &options, &out->gram);
}

static neck_status filled_gram(neck_context *context, neck_gram **out)
{
    neck_gram *gram;
    neck_status status = neck_gram_create(context, COLS, NULL, &gram);
    if (status == NECK_OK && (status = neck_gram_push(context, gram, &tall)) != NECK_OK) neck_gram_destroy(gram);
    if (status == NECK_OK) *out = gram;
    return status;
}

static neck_status fill_gram(neck_context *context, const operation *self, outputs *out)
{
    (void)self;
    return filled_gram(context, &out->gram);
}

/* All or nothing: a failed push leaves the sums of the first one. */
static neck_status push_again(neck_context *context, const operation *self, outputs *out)
{
    neck_gram *gram;
    neck_status status = filled_gram(context, &gram);
    if (status != NECK_OK) return status;
    double data[COLS * COLS], sum[COLS];
    memcpy(data, neck_gram_data(gram), sizeof data);
    memcpy(sum, neck_gram_sum(gram), sizeof sum);
    int64_t count = neck_gram_count(gram);
    status = neck_gram_push(context, gram, self->matrix);
    if (status != NECK_OK) {
        ck_assert_int_eq(neck_gram_count(gram), count);
        ck_assert_mem_eq(neck_gram_data(gram), data, sizeof data);
        ck_assert_mem_eq(neck_gram_sum(gram), sum, sizeof sum);
        neck_gram_destroy(gram);
        return status;
    }
    out->gram = gram;
    return NECK_OK;
}

static neck_status save_gram(neck_context *context, const operation *self, outputs *out)
{
    (void)self, (void)out;
    neck_gram *gram;
    neck_status status = filled_gram(context, &gram);
    if (status != NECK_OK) return status;
    status = neck_gram_save(context, gram, target);
    neck_gram_destroy(gram);
    return status;
}

static neck_status load_gram(neck_context *context, const operation *self, outputs *out)
{
    return neck_gram_load(context, self->path, &out->gram);
}

static neck_status spectrum_of_gram(neck_context *context, const operation *self, outputs *out)
{
    neck_gram *gram;
    neck_status status = filled_gram(context, &gram);
    if (status != NECK_OK) return status;
    neck_spectrum_options options = {sizeof options, .variant = self->variant};
    status = neck_gram_spectrum(context, gram, &options, &out->spectrum);
    neck_gram_destroy(gram);
    return status;
}

static neck_status compute_spectrum(neck_context *context, const operation *self, outputs *out)
{
    neck_spectrum_options options = {sizeof options, .method = self->method, .variant = self->variant,
                                     .tolerance = self->method == NECK_METHOD_AUTO ? 1e-15 : 0};
    if (self->variant == NECK_VARIANT_FREQUENCY_CENTERED) options.row_weights = weights;
    return neck_spectrum_compute(context, self->matrix, &options, &out->spectrum);
}

static neck_status take_values(neck_context *context, const operation *self, outputs *out)
{
    (void)self;
    static const double values[] = {3, 2, 1};
    return neck_spectrum_from_values(context, values, 3, 10, 3, -1, 0, &out->spectrum);
}

static neck_status evaluate_metrics(neck_context *context, const operation *self, outputs *out)
{
    neck_spectrum_options options = {sizeof options, .method = NECK_METHOD_GRAM};
    neck_spectrum *spectrum;
    neck_status status = neck_spectrum_compute(context, self->matrix, &options, &spectrum);
    if (status != NECK_OK) return status;
    neck_measure measure = {0, 0};
    for (int64_t i = 0; i < neck_metric_count() && status == NECK_OK; i++)
        status = neck_metric_evaluate(i, spectrum, &measure);
    neck_spectrum_destroy(spectrum);
    if (status == NECK_OK) out->measure = measure;
    return status;
}

static neck_status compute_svd(neck_context *context, const operation *self, outputs *out)
{
    double *u = out->numbers, *s = u + ROWS * COLS - COLS * COLS, *vt = u + ROWS * COLS;
    neck_svd_options options = {sizeof options, .variant = self->variant};
    if (self->matrix == &tall) s = u + ROWS * COLS, vt = s + COLS;
    if (self->matrix == &wide) s = u + COLS * COLS, vt = s + COLS;
    return neck_svd_compute(context, self->matrix, &options, u, s, vt, NULL);
}

static neck_status average_columns(neck_context *context, const operation *self, outputs *out)
{
    return neck_matrix_column_mean(context, self->matrix, weights, out->numbers);
}

static neck_status widen(neck_context *context, const operation *self, outputs *out)
{
    return neck_matrix_to_f64(context, self->matrix, out->numbers);
}

static neck_status measure_anisotropy(neck_context *context, const operation *self, outputs *out)
{
    return neck_matrix_anisotropy(context, self->matrix, 1, &out->measure);
}

static neck_status measure_isoscore(neck_context *context, const operation *self, outputs *out)
{
    (void)self;
    neck_gram *gram;
    neck_status status = filled_gram(context, &gram);
    if (status != NECK_OK) return status;
    status = neck_isoscore(context, gram, &out->measure);
    neck_gram_destroy(gram);
    return status;
}

static neck_status measure_partition(neck_context *context, const operation *self, outputs *out)
{
    neck_gram *gram;
    neck_status status = filled_gram(context, &gram);
    if (status != NECK_OK) return status;
    status = neck_partition_isotropy(context, gram, self->matrix, &out->measure);
    neck_gram_destroy(gram);
    return status;
}

static neck_status write_npy(neck_context *context, const operation *self, outputs *out)
{
    (void)out;
    return neck_npy_write(context, target, self->matrix);
}

static neck_status write_safetensors(neck_context *context, const operation *self, outputs *out)
{
    (void)self, (void)out;
    static const char *const keys[] = {"format"}, *const values[] = {"pt"};
    neck_tensor tensors[2] = {{sizeof(neck_tensor), .name = "head", .dtype = NECK_F32, .ndim = 2, .shape = {ROWS, COLS},
                               .nbytes = sizeof entries, .data = entries},
                              {sizeof(neck_tensor), .name = "mean", .dtype = NECK_F64, .ndim = 1, .shape = {COLS},
                               .nbytes = sizeof shift, .data = shift}};
    return neck_safetensors_write(context, target, tensors, 2, keys, values, 1);
}

static neck_status open_checkpoint(neck_context *context, const operation *self, outputs *out)
{
    return neck_checkpoint_open(context, self->path, NULL, &out->checkpoint);
}

static neck_status find_head(neck_context *context, const operation *self, outputs *out)
{
    neck_checkpoint *checkpoint;
    neck_status status = neck_checkpoint_open(context, self->path, NULL, &checkpoint);
    if (status != NECK_OK) return status;
    int64_t index;
    neck_matrix head;
    neck_spectrum *spectrum = NULL;
    status = neck_checkpoint_head(checkpoint, &index, NULL);
    if (status == NECK_OK) status = neck_checkpoint_matrix(context, checkpoint, index, &head);
    if (status == NECK_OK) status = neck_spectrum_compute(context, &head, NULL, &spectrum);
    neck_checkpoint_destroy(checkpoint);
    if (status == NECK_OK) out->spectrum = spectrum;
    return status;
}

static neck_status open_series(neck_context *context, const operation *self, outputs *out)
{
    return neck_series_open(context, self->path, &out->series);
}

#define DATA "examples/data/"
#define CORPUS "tests/corpus/"

static const operation operations[] = {
    {"gram create", make_gram, drop_gram, 0, 0, NULL, NULL},
    {"gram fill", fill_gram, drop_gram, 0, 0, NULL, NULL},
    {"gram push again", push_again, drop_gram, 0, 0, &half, NULL},
    {"gram save", save_gram, NULL, 0, 0, NULL, NULL},
    {"gram load", load_gram, drop_gram, 0, 0, NULL, "gram.safetensors"},
    {"gram spectrum", spectrum_of_gram, drop_spectrum, 0, NECK_VARIANT_RAW, NULL, NULL},
    {"gram spectrum centered", spectrum_of_gram, drop_spectrum, 0, NECK_VARIANT_CENTERED, NULL, NULL},
    {"spectrum by gram", compute_spectrum, drop_spectrum, NECK_METHOD_GRAM, NECK_VARIANT_RAW, &tall, NULL},
    {"spectrum by QR", compute_spectrum, drop_spectrum, NECK_METHOD_QR, NECK_VARIANT_RAW, &tall, NULL},
    {"spectrum refined", compute_spectrum, drop_spectrum, NECK_METHOD_AUTO, NECK_VARIANT_RAW, &half, NULL},
    {"spectrum centered", compute_spectrum, drop_spectrum, NECK_METHOD_GRAM, NECK_VARIANT_CENTERED, &tall, NULL},
    {"spectrum by frequency", compute_spectrum, drop_spectrum, NECK_METHOD_QR, NECK_VARIANT_FREQUENCY_CENTERED, &tall,
     NULL},
    {"spectrum without top", compute_spectrum, drop_spectrum, NECK_METHOD_GRAM, NECK_VARIANT_DROP_TOP, &tall, NULL},
    {"spectrum of wide", compute_spectrum, drop_spectrum, NECK_METHOD_GRAM, NECK_VARIANT_RAW, &wide, NULL},
    {"spectrum of wide by QR", compute_spectrum, drop_spectrum, NECK_METHOD_QR, NECK_VARIANT_CENTERED, &wide, NULL},
    {"spectrum from values", take_values, drop_spectrum, 0, 0, NULL, NULL},
    {"metrics", evaluate_metrics, NULL, 0, 0, &tall, NULL},
    {"svd", compute_svd, NULL, 0, NECK_VARIANT_RAW, &tall, NULL},
    {"svd centered", compute_svd, NULL, 0, NECK_VARIANT_CENTERED, &tall, NULL},
    {"svd of wide", compute_svd, NULL, 0, NECK_VARIANT_RAW, &wide, NULL},
    {"column mean", average_columns, NULL, 0, 0, &half, NULL},
    {"to f64", widen, NULL, 0, 0, &half, NULL},
    {"anisotropy", measure_anisotropy, NULL, 0, 0, &tall, NULL},
    {"isoscore", measure_isoscore, NULL, 0, 0, NULL, NULL},
    {"partition isotropy", measure_partition, NULL, 0, 0, &tall, NULL},
    {"write npy", write_npy, NULL, 0, 0, &half, NULL},
    {"write safetensors", write_safetensors, NULL, 0, 0, NULL, NULL},
    {"open npy", open_checkpoint, drop_checkpoint, 0, 0, NULL, "matrix.npy"},
    {"open safetensors", open_checkpoint, drop_checkpoint, 0, 0, NULL, "gram.safetensors"},
    {"open torch", open_checkpoint, drop_checkpoint, 0, 0, NULL, DATA "hybridstories/step_2000.pt"},
    {"open llama2.c", open_checkpoint, drop_checkpoint, 0, 0, NULL, DATA "stories260K/stories260K.bin"},
    {"head of torch", find_head, drop_spectrum, 0, 0, NULL, DATA "hybridstories/step_2000.pt"},
    {"head of llama2.c", find_head, drop_spectrum, 0, 0, NULL, DATA "stories260K/stories260K.bin"},
    {"head of npy", find_head, drop_spectrum, 0, 0, NULL, "matrix.npy"},
    {"series", open_series, drop_series, 0, 0, NULL, DATA "hybridstories"},
};

/* ---- the loop ---- */

/* Paths without a folder are files that the fixture made. */
static const char *locate(const char *path, char *buffer, size_t size)
{
    if (!path) return NULL;
    if (strchr(path, '/')) {
        const char *root = getenv("SOFTNECK_SOURCE_DIR");
        snprintf(buffer, size, "%s/%s", root ? root : ".", path);
    } else
        snprintf(buffer, size, "%s/%s", folder, path);
    return buffer;
}

static void fail_each_allocation(const operation *given, int32_t threads, int keeps_failing)
{
    char path[512];
    operation self = *given;
    self.path = locate(given->path, path, sizeof path);
    heap.caller = pthread_self();
    heap.fail_at = -1;
    heap.keeps_failing = keeps_failing;
    neck_context_options options = {sizeof options, .threads = threads, .alloc = failing_alloc,
                                    .release = counting_release};
    neck_context *context;
    ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
    int64_t live_before = heap.live;

    static outputs out, pattern;
    memset(&pattern, 0xa5, sizeof pattern);
    for (int64_t k = 0;; k++) {
        ck_assert_int_lt(k, 100000);
        memcpy(&out, &pattern, sizeof out);
        heap.calls = heap.failures = 0;
        heap.fail_at = k;
        neck_status status = self.run(context, &self, &out);
        if (heap.failures == 0) { /* fewer than k allocations: all have had their turn */
            ck_assert_msg(status == NECK_OK, "%s: %s", self.name, neck_last_error());
            if (self.finish) self.finish(&out);
            unlink(target);
            ck_assert_msg(heap.live == live_before, "%s: a success keeps %lld blocks", self.name,
                          (long long)(heap.live - live_before));
            break;
        }
        ck_assert_msg(status == NECK_E_NOMEM, "%s, allocation %lld: %s (%s)", self.name, (long long)k,
                      neck_status_name(status), neck_last_error());
        ck_assert_msg(strstr(neck_last_error(), "out of memory"), "%s: %s", self.name, neck_last_error());
        ck_assert_msg(heap.live == live_before, "%s, allocation %lld: %lld blocks leak", self.name, (long long)k,
                      (long long)(heap.live - live_before));
        ck_assert_msg(memcmp(&out, &pattern, sizeof out) == 0, "%s, allocation %lld: outputs were touched", self.name,
                      (long long)k);
        ck_assert_msg(access(target, F_OK) != 0, "%s, allocation %lld: a file was left", self.name, (long long)k);
    }
    neck_context_destroy(context);
    ck_assert_int_eq(heap.live, 0);
}

START_TEST(each_allocation_fails_once)
{
    fail_each_allocation(&operations[_i], 1, 0);
}
END_TEST

START_TEST(memory_stays_short)
{
    fail_each_allocation(&operations[_i], 2, 1);
}
END_TEST

static void setup(void)
{
    make_inputs();
    ck_assert_ptr_nonnull(mkdtemp(folder));
    char path[128];
    snprintf(path, sizeof path, "%s/matrix.npy", folder);
    ck_assert_int_eq(neck_npy_write(NULL, path, &tall), NECK_OK);
    snprintf(path, sizeof path, "%s/gram.safetensors", folder);
    neck_gram *gram;
    ck_assert_int_eq(filled_gram(NULL, &gram), NECK_OK);
    ck_assert_int_eq(neck_gram_save(NULL, gram, path), NECK_OK);
    neck_gram_destroy(gram);
    snprintf(target, sizeof target, "%s/target", folder);
}

static void teardown(void)
{
    static const char *const files[] = {"matrix.npy", "gram.safetensors", "target"};
    char path[128];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    ck_assert_int_eq(rmdir(folder), 0); /* no temporary file is left either */
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
}

int main(void)
{
    int count = (int)(sizeof operations / sizeof *operations);
    Suite *suite = suite_create("failmalloc");
    TCase *tests = tcase_create("failmalloc");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, each_allocation_fails_once, 0, count);
    tcase_add_loop_test(tests, memory_stays_short, 0, count);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
