/* tests/test_head_golden.c - losses, gradients and log-probabilities against PyTorch's. */
#include "head_support.h"

enum { KINDS = 5, VARIANTS = 3, MOST = 1024, ROWS = 16 };

static const char *const cases[KINDS * VARIANTS] = {
    "dense_plain", "dense_bias", "dense_rich", "factored_plain", "factored_bias", "factored_rich", "mos_plain",
    "mos_bias",
    "mos_rich", "sigsoftmax_plain", "sigsoftmax_bias", "sigsoftmax_rich", "plif_plain", "plif_bias", "plif_rich",
};

static neck_checkpoint *golden;

static void open_golden(void)
{
    char path[PATH_CAPACITY];
    source_path(path, "tests/golden/heads.npz");
    ASSERT_OK(neck_checkpoint_open(NULL, path, NULL, &golden));
}

/* An array of a case, copied: files give no alignment. */
static neck_tensor read_array(const char *name, const char *part, void *out)
{
    char full[128];
    int64_t index;
    neck_tensor tensor = {.struct_size = sizeof tensor};
    snprintf(full, sizeof full, "%s.%s", name, part);
    ASSERT_OK(neck_checkpoint_find(golden, full, &index));
    ASSERT_OK(neck_checkpoint_tensor(golden, index, &tensor));
    ck_assert_ptr_nonnull(tensor.data);
    ck_assert_int_le(tensor.nbytes, MOST * 8);
    memcpy(out, tensor.data, (size_t)tensor.nbytes);
    return tensor;
}

/* Relative to the largest entry. */
static void compare(const char *name, const char *part, const void *found, int32_t dtype, double tolerance)
{
    double expected[MOST], largest = 0;
    int64_t count = read_array(name, part, expected).nbytes / 8;
    for (int64_t i = 0; i < count; i++) largest = fmax(largest, fabs(expected[i]));
    for (int64_t i = 0; i < count; i++) {
        double value = number_at(found, dtype, i);
        ck_assert_msg(fabs(value - expected[i]) <= tolerance * largest, "%s.%s[%lld] is %.17g, not %.17g",
                      name, part, (long long)i, value, expected[i]);
    }
}

static neck_head *read_head(const char *name, int32_t dtype, const double *settings)
{
    neck_head_options o = {sizeof o, .kind = (int32_t)settings[0], .dtype = dtype, .vocabulary = (int64_t)settings[1],
                           .hidden_size = (int64_t)settings[2], .rank = (int64_t)settings[3],
                           .components = (int64_t)settings[4], .knots = (int64_t)settings[5], .range = settings[6],
                           .bias = (int32_t)settings[7], .logit_scale = settings[8], .soft_cap = settings[9]};
    neck_head *head = made_head(&o, 0, 0);
    double values[MOST];
    int64_t count;
    const neck_parameter *p = neck_head_parameters(head, &count);
    for (int64_t k = 0; k < count; k++) {
        neck_tensor tensor = read_array(name, p[k].name, values);
        ck_assert(tensor.shape[0] == p[k].rows && tensor.shape[1] == p[k].cols);
        for (int64_t i = 0; i < p[k].rows * p[k].cols; i++) put_number(p[k].data, dtype, i, values[i]);
    }
    return head;
}

START_TEST(pytorch_agrees)
{
    const char *name = cases[_i / 2];
    int32_t dtype = _i % 2 ? NECK_F64 : NECK_F32, targets[ROWS];
    double tolerance = dtype == NECK_F64 ? 1e-13 : 1e-5, settings[12], values[MOST];
    double states_data[MOST], states_gradient[MOST], log_probabilities[MOST];
    open_golden();
    read_array(name, "settings", settings);
    neck_head *head = read_head(name, dtype, settings);
    neck_tensor tensor = read_array(name, "states", values);
    for (int64_t i = 0; i < tensor.nbytes / 8; i++) put_number(states_data, dtype, i, values[i]);
    neck_matrix states = {states_data, tensor.shape[0], tensor.shape[1], 0, dtype, 0};
    read_array(name, "targets", targets);
    neck_cross_entropy_options options = {sizeof options, .label_smoothing = settings[10], .z_loss = settings[11],
                                          .use_ignore_index = 1, .ignore_index = -100};
    neck_cross_entropy_result result = {.struct_size = sizeof result};
    ASSERT_OK(neck_head_gradient(NULL, head, &states, targets, &options, states_gradient, &result));
    compare(name, "loss", &result.loss, NECK_F64, tolerance);
    compare(name, "g_states", states_gradient, dtype, tolerance);
    int64_t count;
    const neck_parameter *p = neck_head_parameters(head, &count);
    for (int64_t k = 0; k < count; k++) {
        char part[64];
        snprintf(part, sizeof part, "g_%s", p[k].name);
        compare(name, part, p[k].gradient, dtype, tolerance);
    }
    ASSERT_OK(neck_head_log_probabilities(NULL, head, &states, log_probabilities));
    compare(name, "log_probabilities", log_probabilities, NECK_F64, tolerance);
    neck_head_destroy(head);
    neck_checkpoint_destroy(golden);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("head_golden");
    tcase_add_loop_test(tests, pytorch_agrees, 0, 2 * KINDS * VARIANTS);
    return run_suite("head_golden", tests);
}
