/* tests/test_gram_file.c - grams come back from disk bit for bit; files that are no grams do not. */
#include "format_support.h"

#include <locale.h>
#include <math.h>

#include "linalg/gram.h"

static char folder[PATH_CAPACITY], path[PATH_CAPACITY];

static void setup(void)
{
    scratch_make(folder);
    scratch_file(path, folder, "gram.safetensors");
}

static void teardown(void) { scratch_remove(folder); }

enum { ROWS = 40, COLS = 7 };

static const double shift[COLS] = {0.1, -2, 3e-300, 0, 1e10, 5, -0.25};

/* Numbers of very different size; row 5 is zero. */
static void fill(float data[ROWS * COLS], int seed)
{
    for (int i = 0; i < ROWS * COLS; i++)
        data[i] = i / COLS == 5 ? 0 : (float)((i * 7919 + seed) % 1009 - 500) * exp2f((float)(i % 60 - 30));
}

static neck_gram *make_gram(const double *shifted_by, int32_t moments_only, int seed)
{
    neck_gram_options options = {.struct_size = sizeof options, .shift = shifted_by, .moments_only = moments_only};
    float data[ROWS * COLS];
    fill(data, seed);
    neck_matrix matrix = {data, ROWS, COLS, 0, NECK_F32, 0};
    neck_gram *gram = NULL;
    ck_assert_int_eq(neck_gram_create(NULL, COLS, &options, &gram), NECK_OK);
    ck_assert_msg(neck_gram_push(NULL, gram, &matrix) == NECK_OK, "%s", neck_last_error());
    return gram;
}

static neck_gram *load(void)
{
    neck_gram *gram = NULL;
    ck_assert_msg(neck_gram_load(NULL, path, &gram) == NECK_OK, "%s", neck_last_error());
    return gram;
}

/* memcmp, not ==: signs of zeros count. */
static void assert_same(const neck_gram *a, const neck_gram *b)
{
    const size_t vector = COLS * sizeof(double);
    ck_assert_int_eq(neck_gram_count(a), neck_gram_count(b));
    ck_assert_int_eq(neck_gram_cols(a), neck_gram_cols(b));
    ck_assert_int_eq(neck_gram_zero_rows(a), neck_gram_zero_rows(b));
    ck_assert_mem_eq(&a->norm_sum, &b->norm_sum, sizeof(double));
    ck_assert_mem_eq(&a->square_sum, &b->square_sum, sizeof(double));
    ck_assert_mem_eq(&a->chain, &b->chain, sizeof(double));
    ck_assert_mem_eq(neck_gram_sum(a), neck_gram_sum(b), vector);
    ck_assert_mem_eq(neck_gram_unit_sum(a), neck_gram_unit_sum(b), vector);
    ck_assert_int_eq(!neck_gram_shift(a), !neck_gram_shift(b));
    if (neck_gram_shift(a)) ck_assert_mem_eq(neck_gram_shift(a), neck_gram_shift(b), vector);
    ck_assert_int_eq(!neck_gram_data(a), !neck_gram_data(b));
    if (neck_gram_data(a)) ck_assert_mem_eq(neck_gram_data(a), neck_gram_data(b), COLS * vector);
}

/* With and without shift, with and without the Gram matrix. */
START_TEST(a_gram_comes_back_bit_for_bit)
{
    neck_gram *gram = make_gram(_i & 1 ? shift : NULL, _i >> 1, 1);
    ck_assert_msg(neck_gram_save(NULL, gram, path) == NECK_OK, "%s", neck_last_error());
    neck_gram *loaded = load();
    assert_same(gram, loaded);
    neck_gram_destroy(loaded);
    neck_gram_destroy(gram);
}
END_TEST

START_TEST(an_empty_gram_can_be_saved)
{
    neck_gram *gram = NULL;
    ck_assert_int_eq(neck_gram_create(NULL, COLS, NULL, &gram), NECK_OK);
    ck_assert_int_eq(neck_gram_save(NULL, gram, path), NECK_OK);
    neck_gram *loaded = load();
    assert_same(gram, loaded);
    neck_gram_destroy(loaded);
    neck_gram_destroy(gram);
}
END_TEST

/* Saving is invisible: what happens afterwards gives the same bits. */
START_TEST(a_loaded_gram_goes_on_like_the_old_one)
{
    neck_gram *gram = make_gram(shift, 0, 1), *more = make_gram(shift, 0, 2);
    ck_assert_int_eq(neck_gram_save(NULL, gram, path), NECK_OK);
    neck_gram *loaded = load();
    float data[ROWS * COLS];
    fill(data, 3);
    neck_matrix matrix = {data, ROWS, COLS, 0, NECK_F32, 0};
    ck_assert_int_eq(neck_gram_push(NULL, gram, &matrix), NECK_OK);
    ck_assert_int_eq(neck_gram_push(NULL, loaded, &matrix), NECK_OK);
    ck_assert_int_eq(neck_gram_merge(gram, more), NECK_OK);
    ck_assert_int_eq(neck_gram_merge(loaded, more), NECK_OK);
    assert_same(gram, loaded);
    neck_gram_destroy(more);
    neck_gram_destroy(loaded);
    neck_gram_destroy(gram);
}
END_TEST

/* Scalars at the edges of double, under a locale with a decimal comma where there is one. */
START_TEST(scalars_survive_any_locale)
{
    static const double edges[] = {0, 4.9406564584124654e-324, 2.2250738585072014e-308, 0.1, 1, 1.7976931348623157e308};
    static const char *const locales[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "C"};
    for (size_t i = 0; i < sizeof locales / sizeof *locales && !setlocale(LC_ALL, locales[i]); i++) continue;
    neck_gram *gram = make_gram(NULL, 1, 1);
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        gram->norm_sum = gram->square_sum = edges[i];
        ck_assert_int_eq(neck_gram_save(NULL, gram, path), NECK_OK);
        neck_gram *loaded = load();
        assert_same(gram, loaded);
        neck_gram_destroy(loaded);
    }
    setlocale(LC_ALL, "C");
    neck_gram_destroy(gram);
}
END_TEST

/* ---- files that are not grams ---- */

static double square[] = {4, 1, 1, 9}, vector[] = {1, 2};

typedef struct gram_file {
    neck_tensor tensors[5];
    const char *keys[6], *values[6];
    int64_t count, pairs;
} gram_file;

static neck_tensor tensor_of(const char *name, const double *data, int32_t ndim)
{
    neck_tensor tensor = {.struct_size = sizeof tensor, .name = name, .dtype = NECK_F64, .ndim = ndim, .shape = {2, 2}};
    tensor.nbytes = ndim == 2 ? 32 : 16;
    tensor.data = data;
    return tensor;
}

static gram_file good_file(void)
{
    gram_file file = {{tensor_of("gram", square, 2), tensor_of("sum", vector, 1), tensor_of("unit_sum", vector, 1),
                       tensor_of("shift", vector, 1)},
                      {"softneck", "count", "zero_rows", "norm_sum", "square_sum", "chain"},
                      {"gram 1", "3", "1", "0x8p0", "0xdp0", "0x1p3"},
                      4, 6};
    return file;
}

static void assert_no_gram(const gram_file *file, neck_status expected, const char *fragment)
{
    neck_gram *gram = NULL;
    ck_assert_msg(neck_safetensors_write(NULL, path, file->tensors, file->count, file->keys, file->values,
                                         file->pairs) == NECK_OK, "%s", neck_last_error());
    assert_fails(neck_gram_load(NULL, path, &gram), expected, fragment, fragment);
    ck_assert_ptr_nonnull(strstr(neck_last_error(), path));
    ck_assert_ptr_null(gram);
}

START_TEST(handmade_files_are_read)
{
    gram_file file = good_file();
    ck_assert_int_eq(neck_safetensors_write(NULL, path, file.tensors, 4, file.keys, file.values, 6), NECK_OK);
    neck_gram *gram = load();
    ck_assert_int_eq(neck_gram_count(gram), 3);
    ck_assert_int_eq(neck_gram_zero_rows(gram), 1);
    ck_assert_double_eq(neck_gram_norm_sum(gram), 8);
    ck_assert_mem_eq(neck_gram_data(gram), square, sizeof square);
    neck_gram_destroy(gram);
}
END_TEST

START_TEST(wrong_arrays_are_refused)
{
    static double skewed[] = {4, 1, 2, 9}, infinite[] = {1, INFINITY}, broken[] = {NAN, 1, 1, 9};
    gram_file file = good_file();
    file.tensors[0].data = skewed;
    assert_no_gram(&file, NECK_E_FORMAT, "entry (1, 0) breaks symmetry");
    file.tensors[0].data = broken;
    assert_no_gram(&file, NECK_E_NONFINITE, "element 0 of 'gram' is nan");
    file = good_file();
    file.tensors[1].data = infinite;
    assert_no_gram(&file, NECK_E_NONFINITE, "element 1 of 'sum' is inf");
    file = good_file();
    file.tensors[3].data = infinite;
    assert_no_gram(&file, NECK_E_NONFINITE, "element 1 of 'shift' is inf");
    file = good_file();
    file.tensors[3].name = "bias";
    assert_no_gram(&file, NECK_E_FORMAT, "it has a tensor 'bias'");
    file = good_file();
    file.tensors[2] = file.tensors[3];
    file.count = 3;
    assert_no_gram(&file, NECK_E_FORMAT, "no sum or no unit_sum");
    file = good_file();
    file.tensors[2].dtype = NECK_I64;
    assert_no_gram(&file, NECK_E_FORMAT, "'unit_sum' does not fit 2 columns");
    file = good_file();
    file.tensors[0].ndim = 1;
    file.tensors[0].shape[0] = 4;
    assert_no_gram(&file, NECK_E_FORMAT, "'gram' does not fit 2 columns");
    file = good_file();
    for (int i = 1; i < 3; i++) file.tensors[i].shape[0] = file.tensors[i].nbytes = 0;
    file.tensors[0] = file.tensors[1];
    file.tensors[1] = file.tensors[2];
    file.count = 2;
    assert_no_gram(&file, NECK_E_FORMAT, "no columns");
}
END_TEST

START_TEST(wrong_metadata_is_refused)
{
    static const struct {
        int pair;
        const char *value, *fragment;
        neck_status status;
    } cases[] = {
        {0, "spectrum 1", "not a gram file", NECK_E_FORMAT},
        {0, "gram 2", "version 'gram 2'", NECK_E_UNSUPPORTED},
        {1, "-3", "count '-3' is not a number", NECK_E_FORMAT},
        {1, "", "count '' is not a number", NECK_E_FORMAT},
        {1, "3 ", "count '3 ' is not a number", NECK_E_FORMAT},
        {1, "9223372036854775808", "is not a number", NECK_E_FORMAT},
        {2, "4", "contradict", NECK_E_FORMAT},
        {3, "8", "norm_sum '8' is not a number", NECK_E_FORMAT},
        {3, "0x1p9999", "norm_sum '0x1p9999' is not a number", NECK_E_FORMAT},
        {3, "nan", "norm_sum 'nan' is not a number", NECK_E_FORMAT},
        {3, "0x1,8p0", "norm_sum '0x1,8p0' is not a number", NECK_E_FORMAT},
        {4, "-0x1p0", "square_sum '-0x1p0' is not a number", NECK_E_FORMAT},
        {5, "0x", "chain '0x' is not a number", NECK_E_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gram_file file = good_file();
        file.values[cases[i].pair] = cases[i].value;
        assert_no_gram(&file, cases[i].status, cases[i].fragment);
    }
    gram_file file = good_file();
    file.pairs = 5;
    assert_no_gram(&file, NECK_E_FORMAT, "no 'chain' in the metadata");
    file.pairs = 0;
    assert_no_gram(&file, NECK_E_FORMAT, "not a gram file");
}
END_TEST

START_TEST(arguments_are_checked)
{
    neck_gram *gram = make_gram(NULL, 0, 1), *none = NULL;
    ck_assert_int_eq(neck_gram_save(NULL, NULL, path), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_gram_save(NULL, gram, NULL), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_gram_load(NULL, NULL, &none), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_gram_load(NULL, path, NULL), NECK_E_ARGUMENT);
    assert_fails(neck_gram_load(NULL, path, &none), NECK_E_IO, "No such file", "missing");
    ck_assert_ptr_null(none);
    neck_gram_destroy(gram);
}
END_TEST

START_TEST(running_out_of_memory_is_reported_and_leaks_nothing)
{
    neck_gram *gram = make_gram(shift, 0, 1);
    ck_assert_int_eq(neck_gram_save(NULL, gram, path), NECK_OK);
    failing state = {0};
    int64_t allowed = -1;
    do {
        state = (failing){.before_failure = -1};
        neck_context_options options = {.struct_size = sizeof options, .threads = 1, .alloc = failing_alloc,
                                        .release = failing_release, .alloc_user = &state};
        neck_context *context;
        neck_gram *loaded = NULL;
        ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
        state.before_failure = ++allowed;
        neck_status status = neck_gram_load(context, path, &loaded);
        ck_assert_int_eq(status, state.failed ? NECK_E_NOMEM : NECK_OK);
        ck_assert_int_eq(!loaded, state.failed);
        if (loaded) assert_same(gram, loaded);
        neck_gram_destroy(loaded);
        neck_context_destroy(context);
        ck_assert_int_eq(state.live, 0);
    } while (state.failed);
    neck_gram_destroy(gram);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("gram_file");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, a_gram_comes_back_bit_for_bit, 0, 4);
    tcase_add_test(tcase, an_empty_gram_can_be_saved);
    tcase_add_test(tcase, a_loaded_gram_goes_on_like_the_old_one);
    tcase_add_test(tcase, scalars_survive_any_locale);
    tcase_add_test(tcase, handmade_files_are_read);
    tcase_add_test(tcase, wrong_arrays_are_refused);
    tcase_add_test(tcase, wrong_metadata_is_refused);
    tcase_add_test(tcase, arguments_are_checked);
    tcase_add_test(tcase, running_out_of_memory_is_reported_and_leaks_nothing);
    return run_suite("gram_file", tcase);
}
