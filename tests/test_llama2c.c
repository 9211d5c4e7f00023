/* tests/test_llama2c.c - both float32 versions, a real model against NumPy's reading of it, and headers that lie. */
#include "format_support.h"

#define FORMAT NECK_E_FORMAT

static neck_status read_strict(const neck__mapping *file, neck__tensors *list)
{
    return neck__llama2c_read(file, 0, list);
}

static neck_status read_lenient(const neck__mapping *file, neck__tensors *list)
{
    return neck__llama2c_read(file, 1, list);
}

static const refusal refusals[] = {
    {"empty", FORMAT, "truncated in the llama2.c header"},
    {"short", FORMAT, "truncated in the llama2.c header"},
    {"no_weights", FORMAT, "has 4384 bytes of weights, the file 0"},
    {"truncated", FORMAT, "has 4384 bytes of weights, the file 4383"},
    {"trailing", NECK_E_TRAILING_DATA, "1 bytes follow the last weight"},
    {"dim_zero", FORMAT, "dim is 0, outside 1 to 1048576"},
    {"hidden_negative", FORMAT, "hidden_dim is -12"},
    {"layers_many", FORMAT, "n_layers is 2147483647"},
    {"heads_zero", FORMAT, "n_heads is 0"},
    {"kv_heads_zero", FORMAT, "n_kv_heads is 0"},
    {"vocab_zero", FORMAT, "vocab_size is 0"},
    {"vocab_int_min", FORMAT, "vocab_size is 2147483648"},
    {"seq_zero", FORMAT, "seq_len is 0"},
    {"heads_do_not_divide", FORMAT, "dim 8 does not split into 3 heads"},
    {"head_size_odd", FORMAT, "dim 6 does not split into 2 heads of even size"},
    {"kv_heads_do_not_divide", FORMAT, "n_heads 4 is not a multiple of n_kv_heads 3"},
    {"largest", FORMAT, "has 432451254786981888 bytes of weights, the file 0"},
    {"v1_header_cut", FORMAT, "truncated in the llama2.c header"},
    {"v1_vocab_negative", FORMAT, "vocab_size is -10"},
    {"v1_truncated", FORMAT, "has 4320 bytes of weights, the file 4316"},
    {"v1_trailing", NECK_E_TRAILING_DATA, "4 bytes follow the last weight"},
    {"v2", NECK_E_UNSUPPORTED, "version 2 (Q8_0, quantised) is not supported"},
    {"v3", NECK_E_UNSUPPORTED, "version 3 is not supported"},
};

#define REFUSALS (sizeof refusals / sizeof *refusals)

START_TEST(malformed_files_are_refused_by_name)
{
    assert_refused("llama2c", &refusals[_i], read_strict);
}
END_TEST

START_TEST(every_malformed_file_has_its_row)
{
    assert_all_covered("llama2c", REFUSALS);
}
END_TEST

START_TEST(trailing_bytes_are_accepted_on_request)
{
    static const char *const names[] = {"bad_trailing", "bad_v1_trailing"};
    for (size_t i = 0; i < 2; i++) {
        neck__mapping *file = map_corpus("llama2c", names[i]);
        neck__tensors list = read_good(file, read_lenient);
        neck__tensors_clear(&list);
        neck__mapping_close(file);
    }
}
END_TEST

/* In the generated files the k-th number is k, so a tensor's first number is its place. dim 8, hidden 12, 2 layers,
 * 2 heads, 1 key/value head (kv 4), 10 tokens, 4 positions. */
static const struct {
    const char *name;
    int64_t rows, cols, v0, v1; /* cols 0: a vector; v0, v1: first number in each version */
} places[] = {
    {"tok_embeddings.weight", 10, 8, 0, 40},
    {"layers.0.attention_norm.weight", 8, 0, 80, 0},
    {"layers.1.attention_norm.weight", 8, 0, 88, 8},
    {"layers.0.attention.wq.weight", 8, 8, 96, 120},
    {"layers.1.attention.wq.weight", 8, 8, 160, 184},
    {"layers.0.attention.wk.weight", 4, 8, 224, 248},
    {"layers.1.attention.wv.weight", 4, 8, 320, 344},
    {"layers.1.attention.wo.weight", 8, 8, 416, 440},
    {"layers.0.ffn_norm.weight", 8, 0, 480, 16},
    {"layers.1.ffn_norm.weight", 8, 0, 488, 24},
    {"layers.0.feed_forward.w1.weight", 12, 8, 496, 504},
    {"layers.1.feed_forward.w2.weight", 8, 12, 784, 792},
    {"layers.1.feed_forward.w3.weight", 12, 8, 976, 984},
    {"norm.weight", 8, 0, 1072, 32},
};

static float first_number(const neck__tensor *tensor)
{
    float value;
    memcpy(&value, tensor->data, sizeof value);
    return value;
}

static void assert_places(const char *name, int version, int tied)
{
    neck__mapping *file = map_corpus("llama2c", name);
    ck_assert(neck__llama2c_looks_like(file));
    neck__tensors list = read_good(file, read_strict);
    ck_assert_int_eq(list.count, 2 + 2 * 9 + !tied);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const neck__tensor *tensor = tensor_named(&list, places[i].name);
        ck_assert_int_eq(tensor->dtype, NECK_F32);
        ck_assert_int_eq(tensor->ndim, places[i].cols ? 2 : 1);
        ck_assert_int_eq(tensor->shape[0], places[i].rows);
        if (places[i].cols) ck_assert_int_eq(tensor->shape[1], places[i].cols);
        ck_assert_msg(first_number(tensor) == (float)(version ? places[i].v1 : places[i].v0), "%s %s", name,
                      places[i].name);
    }
    /* The output matrix comes last, in version 0 after the 4 x 4 numbers of the rotary embedding. */
    if (!tied) ck_assert_double_eq(first_number(tensor_named(&list, "output.weight")), version ? 1080 : 1080 + 16);
    neck__tensors_clear(&list);
    neck__mapping_close(file);
}

START_TEST(weights_lie_where_the_format_says)
{
    assert_places("good_v0_tied", 0, 1);
    assert_places("good_v0_untied", 0, 0);
    assert_places("good_v1_tied", 1, 1);
    assert_places("good_v1_untied", 1, 0);
}
END_TEST

START_TEST(a_real_model_matches_what_numpy_reads)
{
    neck__mapping *file = map_source("examples/data/stories260K/stories260K.bin");
    neck__tensors list = read_good(file, read_strict);
    char path[PATH_CAPACITY], line[256], name[64];
    source_path(path, "tests/golden/stories260K_sums.txt");
    FILE *golden = fopen(path, "r");
    ck_assert_ptr_nonnull(golden);
    int64_t seen = 0;
    while (fgets(line, sizeof line, golden)) {
        long long rows, cols;
        double sum, squares, found_sum = 0, found_squares = 0;
        if (sscanf(line, "%63s %lld %lld %lf %lf", name, &rows, &cols, &sum, &squares) != 5) continue;
        const neck__tensor *tensor = tensor_named(&list, name);
        ck_assert_int_eq(tensor->shape[0], rows);
        ck_assert_int_eq(tensor->ndim == 2 ? tensor->shape[1] : 0, cols);
        for (int64_t k = 0; k < tensor->nbytes / 4; k++) {
            float value;
            memcpy(&value, tensor->data + 4 * k, sizeof value);
            found_sum += value;
            found_squares += (double)value * value;
        }
        ck_assert_double_eq_tol(found_sum, sum, 1e-9);
        ck_assert_double_eq_tol(found_squares, squares, 1e-12 * squares);
        seen++;
    }
    fclose(golden);
    ck_assert_int_eq(seen, list.count);
    neck__tensors_clear(&list);
    neck__mapping_close(file);
}
END_TEST

/* Version 0 has no magic number: other files must not pass for it, and asking leaves no error behind. */
START_TEST(other_files_are_not_taken_for_models)
{
    static const char *const others[] = {
        "examples/data/stories260K/tok512.bin",
        "examples/data/hybridstories/step_2000.pt",
        "examples/data/README.md",
        "tests/corpus/safetensors/good_reference",
        "tests/corpus/npy/good_c_f4",
        "tests/corpus/npy/bad_empty",
    };
    neck__tensors list = empty_list();
    neck__mapping *file = map_corpus("llama2c", "bad_dim_zero");
    ck_assert_int_eq(read_strict(file, &list), FORMAT);
    neck__mapping_close(file);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        file = map_source(others[i]);
        ck_assert_msg(!neck__llama2c_looks_like(file), "%s", others[i]);
        neck__mapping_close(file);
    }
    ck_assert_ptr_nonnull(strstr(neck_last_error(), "dim is 0"));
    neck__tensors_clear(&list);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("llama2c");
    tcase_add_loop_test(tcase, malformed_files_are_refused_by_name, 0, REFUSALS);
    tcase_add_test(tcase, every_malformed_file_has_its_row);
    tcase_add_test(tcase, trailing_bytes_are_accepted_on_request);
    tcase_add_test(tcase, weights_lie_where_the_format_says);
    tcase_add_test(tcase, a_real_model_matches_what_numpy_reads);
    tcase_add_test(tcase, other_files_are_not_taken_for_models);
    return run_suite("llama2c", tcase);
}
