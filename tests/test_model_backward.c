/* tests/test_model_backward.c - gradients of every family against PyTorch's and against finite differences. */
#include "train_support.h"

/* The largest gradient of all. */
static double largest(const neck_trainable *model)
{
    double most = 0;
    for (int64_t i = 0; i < neck_trainable_size(model); i++)
        most = fmax(most, fabs(number_at(neck_trainable_gradients(model), neck_trainable_dtype(model), i)));
    return most;
}

/* Relative to the largest of a parameter; to a hundredth of all where a parameter does not matter (biases of keys). */
static void compare_gradients(const neck_trainable *model, const neck_checkpoint *expected, double tolerance)
{
    int64_t count;
    const neck_parameter *parameters = neck_trainable_parameters(model, &count);
    double worst = 0, floor = 1e-2 * largest(model);
    for (int64_t p = 0; p < count; p++) {
        neck_tensor golden = golden_tensor(expected, parameters[p].name);
        const float *values = golden.data;
        int64_t size = parameters[p].rows * parameters[p].cols;
        double most = floor;
        ck_assert_int_eq(golden.nbytes, size * 4);
        for (int64_t i = 0; i < size; i++) most = fmax(most, fabs((double)values[i]));
        for (int64_t i = 0; i < size; i++) {
            double got = number_at(parameters[p].gradient, parameters[p].dtype, i),
                error = fabs(got - (double)values[i]) / most;
            worst = fmax(worst, error);
            ck_assert_msg(error <= tolerance, "%s[%lld]: %g, PyTorch has %g", parameters[p].name, (long long)i, got,
                          (double)values[i]);
        }
    }
    if (getenv("SOFTNECK_TEST_VERBOSE")) printf("%s: worst %.1e\n", neck_trainable_family(model), worst);
}

static void check_golden(const char *name, neck_trainable_options options, double tolerance)
{
    neck_trainable *model = open_tiny(name, options);
    neck_checkpoint *inputs = open_golden(name, "expected.safetensors"),
        *expected = open_golden(name, "gradients.safetensors");
    neck_tensor ids = golden_tensor(inputs, "ids");
    double loss = loss_and_gradients(NULL, model, ids.data, ids.shape[0], ids.shape[1], 0);
    ck_assert_double_eq_tol(loss, *(const double *)golden_tensor(expected, "loss").data, tolerance);
    compare_gradients(model, expected, tolerance);
    neck_checkpoint_destroy(inputs);
    neck_checkpoint_destroy(expected);
    neck_trainable_destroy(model);
}

START_TEST(gradients_are_those_of_pytorch)
{
    check_golden(tiny_models[_i], (neck_trainable_options){.dtype = NECK_F32}, 1e-4);
}
END_TEST

/* Some modules of transformers compute in single precision even in a double model. */
START_TEST(gradients_in_double_are_those_of_pytorch)
{
    check_golden(tiny_models[_i], (neck_trainable_options){.dtype = NECK_F64}, 1e-5);
}
END_TEST

START_TEST(recomputed_gradients_are_those_of_pytorch)
{
    check_golden(tiny_models[_i], (neck_trainable_options){.recompute = 1}, 1e-4);
}
END_TEST

/* A direction with numbers of either sign, another one for each parameter. */
static double direction(int64_t parameter, int64_t index)
{
    return sin((double)(parameter * 7919 + index * 104729 + 1));
}

static void move(const neck_parameter *parameter, int64_t number, double by)
{
    for (int64_t i = 0; i < parameter->rows * parameter->cols; i++)
        ((double *)parameter->data)[i] += by * direction(number, i);
}

/* Along a direction for each parameter: (L(w + h v) - L(w - h v)) / 2h = <gradient, v>. */
static void check_differences(neck_trainable *model, const int32_t *ids, int64_t batch, int64_t length)
{
    const double h = 1e-6;
    int64_t count;
    const neck_parameter *parameters = neck_trainable_parameters(model, &count);
    loss_and_gradients(NULL, model, ids, batch, length, 3);
    double most = largest(model);
    for (int64_t p = 0; p < count; p++) {
        double slope = 0;
        for (int64_t i = 0; i < parameters[p].rows * parameters[p].cols; i++)
            slope += ((const double *)parameters[p].gradient)[i] * direction(p, i);
        move(&parameters[p], p, h);
        double above = loss_alone(model, ids, batch, length, 3);
        move(&parameters[p], p, -2 * h);
        double below = loss_alone(model, ids, batch, length, 3);
        move(&parameters[p], p, h);
        double difference = (above - below) / (2 * h);
        ck_assert_msg(fabs(difference - slope) <= 1e-7 * fmax(fabs(slope), most), "%s: slope %.9g, difference %.9g",
                      parameters[p].name, slope, difference);
    }
}

START_TEST(gradients_in_double_are_finite_differences)
{
    neck_trainable *model = open_tiny(tiny_models[_i], (neck_trainable_options){.dtype = NECK_F64});
    neck_checkpoint *inputs = open_golden(tiny_models[_i], "expected.safetensors");
    neck_tensor ids = golden_tensor(inputs, "ids");
    check_differences(model, ids.data, ids.shape[0], 19);
    neck_checkpoint_destroy(inputs);
    neck_trainable_destroy(model);
}
END_TEST

/* Dropout is a fixed map for a given step: its gradients are finite differences too. */
START_TEST(gradients_with_dropout_are_finite_differences)
{
    neck_trainable *model = open_tiny(tiny_models[_i],
                                      (neck_trainable_options){.dtype = NECK_F64, .dropout = 0.2, .seed = 5,
                                                                                .attention_dropout = 0.3,
                                                                                .recompute = 1});
    neck_checkpoint *inputs = open_golden(tiny_models[_i], "expected.safetensors");
    neck_tensor ids = golden_tensor(inputs, "ids");
    check_differences(model, ids.data, ids.shape[0], 19);
    neck_checkpoint_destroy(inputs);
    neck_trainable_destroy(model);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("backward");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, gradients_are_those_of_pytorch, 0, TINY_MODELS);
    tcase_add_loop_test(tcase, gradients_in_double_are_those_of_pytorch, 0, TINY_MODELS);
    tcase_add_loop_test(tcase, recomputed_gradients_are_those_of_pytorch, 0, TINY_MODELS);
    tcase_add_loop_test(tcase, gradients_in_double_are_finite_differences, 0, TINY_MODELS);
    tcase_add_loop_test(tcase, gradients_with_dropout_are_finite_differences, 0, TINY_MODELS);
    return run_suite("model_backward", tcase);
}
