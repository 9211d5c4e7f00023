/* tests/test_dequant.c - quantised tensors against the numbers of llama.cpp's own package, bit for bit. */
#include "format/dequant.h"
#include "format_support.h"

/* Each quantised tensor of the file has a companion, NAME.expected, with what the reference decodes it to. */
#define GOLDEN "tests/corpus/gguf/good_quantised"

static const int32_t types[] = {NECK_Q4_0, NECK_Q4_1, NECK_Q5_0, NECK_Q5_1, NECK_Q8_0,
                                NECK_Q2_K, NECK_Q3_K, NECK_Q4_K, NECK_Q5_K, NECK_Q6_K};

#define TYPES ((int)(sizeof types / sizeof *types))

static neck_checkpoint *open_golden(neck_context *context)
{
    char path[PATH_CAPACITY];
    neck_checkpoint *checkpoint = NULL;
    source_path(path, GOLDEN);
    ck_assert_msg(neck_checkpoint_open(context, path, NULL, &checkpoint) == NECK_OK, "%s", neck_last_error());
    return checkpoint;
}

static neck_matrix matrix_of(neck_context *context, neck_checkpoint *checkpoint, const char *name)
{
    int64_t index = -1;
    neck_matrix matrix = {0};
    ck_assert_int_eq(neck_checkpoint_find(checkpoint, name, &index), NECK_OK);
    ck_assert_msg(neck_checkpoint_matrix(context, checkpoint, index, &matrix) == NECK_OK, "%s", neck_last_error());
    return matrix;
}

/* Asked for as a matrix, the numbers are the reference's, whatever the number of threads; decoded once. */
static void assert_decoded(int32_t threads, const char *name)
{
    char expected_name[32];
    snprintf(expected_name, sizeof expected_name, "%s.expected", name);
    neck_context *context = NULL;
    neck_context_options options = {.struct_size = sizeof options, .threads = threads};
    ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
    neck_checkpoint *checkpoint = open_golden(context);
    const neck_matrix found = matrix_of(context, checkpoint, name);
    const neck_matrix expected = matrix_of(context, checkpoint, expected_name);
    const neck_matrix again = matrix_of(context, checkpoint, name);
    ck_assert_int_eq(found.dtype, NECK_F32);
    ck_assert_int_eq(found.rows, 2);
    ck_assert_int_eq(found.cols, 512);
    ck_assert_int_eq(found.row_stride, 512);
    ck_assert_int_eq(expected.cols, 512);
    for (int64_t k = 0; k < 2 * 512; k++) {
        float a, b;
        memcpy(&a, (const char *)found.data + 4 * k, sizeof a);
        memcpy(&b, (const char *)expected.data + 4 * k, sizeof b);
        ck_assert_msg(memcmp(&a, &b, sizeof a) == 0, "%s, element %lld: %.9g instead of %.9g", name, (long long)k,
                      (double)a, (double)b);
    }
    ck_assert_ptr_eq(again.data, found.data);
    neck_checkpoint_destroy(checkpoint);
    neck_context_destroy(context);
}

START_TEST(every_type_decodes_to_the_reference)
{
    assert_decoded(1, neck_dtype_name(types[_i]));
    assert_decoded(3, neck_dtype_name(types[_i]));
}
END_TEST

/* Many tasks, the last one short: the same block throughout, so each must decode like the first. */
START_TEST(long_rows_are_decoded_to_their_end)
{
    enum { BLOCKS = 5000 };
    const neck__block *type = neck__block_of(NECK_Q8_0);
    unsigned char *blocks = malloc((size_t)(BLOCKS * type->bytes));
    float *out = malloc((size_t)(BLOCKS * type->elements) * sizeof *out);
    for (int64_t i = 0; i < BLOCKS; i++) {
        memcpy(blocks + i * type->bytes, "\x00\x3c", 2); /* 1.0 */
        for (int64_t e = 0; e < type->elements; e++)
            blocks[i * type->bytes + 2 + e] = (unsigned char)((i + e) % 256);
    }
    neck__dequantise(NULL, type, blocks, BLOCKS, out);
    for (int64_t i = 0; i < BLOCKS; i++)
        for (int64_t e = 0; e < type->elements; e++) {
            const int64_t byte = (i + e) % 256;
            ck_assert_float_eq(out[i * type->elements + e], (float)(byte < 128 ? byte : byte - 256));
        }
    free(blocks);
    free(out);
}
END_TEST

START_TEST(blocks_are_told_from_elements)
{
    for (int32_t dtype = -1; dtype < 40; dtype++) {
        int is_quantised = 0;
        for (int i = 0; i < TYPES; i++) is_quantised |= types[i] == dtype;
        ck_assert_int_eq(neck__block_of(dtype) != NULL, is_quantised);
        if (is_quantised) ck_assert_int_eq(neck_dtype_size(dtype), 0);
    }
    int64_t bytes = -1;
    ck_assert(neck__dtype_bytes(NECK_Q6_K, 512, &bytes));
    ck_assert_int_eq(bytes, 420);
    ck_assert(neck__dtype_bytes(NECK_BF16, 512, &bytes));
    ck_assert_int_eq(bytes, 1024);
    ck_assert(!neck__dtype_bytes(NECK_Q8_0, INT64_MAX / 32 * 32, &bytes));
    ck_assert(!neck__dtype_bytes(NECK_F64, INT64_MAX / 4, &bytes));
}
END_TEST

/* Blocks are no elements: whoever wants numbers asks for a matrix, and no other format may hold them. */
START_TEST(stored_blocks_are_not_handed_out_as_elements)
{
    neck_checkpoint *checkpoint = open_golden(NULL);
    int64_t index;
    ck_assert_int_eq(neck_checkpoint_find(checkpoint, "Q4_K", &index), NECK_OK);
    neck_tensor tensor = {.struct_size = sizeof tensor};
    ck_assert_int_eq(neck_checkpoint_tensor(checkpoint, index, &tensor), NECK_OK);
    ck_assert_int_eq(tensor.dtype, NECK_Q4_K);
    ck_assert_int_eq(tensor.nbytes, 4 * 144);
    ck_assert_ptr_null(tensor.data);
    tensor.data = &tensor; /* any bytes */
    assert_fails(neck_safetensors_write(NULL, "/nowhere/x", &tensor, 1, NULL, NULL, 0), NECK_E_ARGUMENT,
                 "safetensors has no type Q4_K", "writing blocks");
    neck_checkpoint_destroy(checkpoint);

    neck__tensors list = empty_list();
    const int64_t shape[] = {2, 48};
    unsigned char blocks[2 * 34 + 17] = {0};
    assert_fails(neck__tensors_add(&list, "t", 1, NECK_Q8_0, 2, shape, blocks, 102, NULL), NECK_E_FORMAT,
                 "rows of shape [2, 48] are no whole blocks of Q8_0, which have 32 elements", "part of a block");
    assert_fails(neck__tensors_add(&list, "t", 1, NECK_Q8_0, 0, NULL, blocks, 34, NULL), NECK_E_FORMAT,
                 "no whole blocks", "a scalar");
    neck__tensors_clear(&list);
}
END_TEST

START_TEST(memory_that_runs_out_is_reported)
{
    failing state = {.before_failure = -1};
    neck_context *context = NULL;
    neck_context_options options = {.struct_size = sizeof options, .alloc = failing_alloc, .release = failing_release,
                                    .alloc_user = &state};
    ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
    neck_checkpoint *checkpoint = open_golden(context);
    int64_t index;
    neck_matrix matrix = {0};
    ck_assert_int_eq(neck_checkpoint_find(checkpoint, "Q6_K", &index), NECK_OK);
    neck_status status = NECK_E_NOMEM;
    int64_t failures = 0;
    for (int64_t k = 0; status == NECK_E_NOMEM; k++) {
        state.before_failure = k;
        status = neck_checkpoint_matrix(context, checkpoint, index, &matrix);
        failures += status == NECK_E_NOMEM;
    }
    ck_assert_int_eq(status, NECK_OK);
    ck_assert_int_ge(failures, 1);
    state.before_failure = -1;
    neck_checkpoint_destroy(checkpoint);
    neck_context_destroy(context);
    ck_assert_int_eq(state.live, 0);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("dequant");
    tcase_add_loop_test(tcase, every_type_decodes_to_the_reference, 0, TYPES);
    tcase_add_test(tcase, long_rows_are_decoded_to_their_end);
    tcase_add_test(tcase, blocks_are_told_from_elements);
    tcase_add_test(tcase, stored_blocks_are_not_handed_out_as_elements);
    tcase_add_test(tcase, memory_that_runs_out_is_reported);
    return run_suite("dequant", tcase);
}
