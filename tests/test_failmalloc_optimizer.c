/* tests/test_failmalloc_optimizer.c - optimizers with every allocation failing. */
#include "failmalloc.h"

static float data[2][ROWS], before[2][ROWS], gradients[2][ROWS];
static char folder[256], state_path[300], written[300];

static const neck_optimizer_options muon = {.struct_size = sizeof muon, .rule = NECK_OPTIMIZER_MUON,
                                            .learning_rate = 0.01};

static void make_parameters(neck_parameter *parameters)
{
    for (int n = 0; n < 2; n++)
        for (int i = 0; i < ROWS; i++) {
            data[n][i] = entries[i];
            gradients[n][i] = entries[ROWS + i];
        }
    memcpy(before, data, sizeof data);
    parameters[0] = (neck_parameter){"first", data[0], gradients[0], 15, 20, NECK_F32, 0};
    parameters[1] = (neck_parameter){"second", data[1], gradients[1], 25, 12, NECK_F32, 0};
}

static neck_status make(neck_context *context, neck_optimizer **out)
{
    neck_parameter parameters[2];
    make_parameters(parameters);
    return neck_optimizer_create(context, &muon, parameters, 2, out);
}

static neck_status make_only(neck_context *context, const operation *self, outputs *out)
{
    (void)self;
    return make(context, (neck_optimizer **)&out->object);
}

static void drop(outputs *out) { neck_optimizer_destroy(out->object); }

/* The second matrix's memory fails after the first one's direction is known: neither has moved. */
static neck_status step(neck_context *context, const operation *self, outputs *out)
{
    (void)self, (void)out;
    neck_optimizer *optimizer;
    neck_status status = make(context, &optimizer);
    if (status != NECK_OK) return status;
    status = neck_optimizer_step(context, optimizer, 1);
    ck_assert_int_eq(memcmp(data, before, sizeof data) == 0, status != NECK_OK);
    ck_assert_int_eq(neck_optimizer_steps(optimizer), status == NECK_OK);
    neck_optimizer_destroy(optimizer);
    return status;
}

static neck_status regroup(neck_context *context, const operation *self, outputs *out)
{
    (void)self, (void)out;
    neck_optimizer_options adamw = {.struct_size = sizeof adamw, .learning_rate = 0.1};
    neck_optimizer *optimizer;
    neck_status status = make(context, &optimizer);
    if (status != NECK_OK) return status;
    status = neck_optimizer_set_group(optimizer, 1, &adamw);
    neck_optimizer_destroy(optimizer);
    return status;
}

static neck_status clip(neck_context *context, const operation *self, outputs *out)
{
    (void)self;
    neck_parameter parameters[2];
    make_parameters(parameters);
    neck_status status = neck_gradients_clip(context, parameters, 2, 1e-3, out->numbers);
    if (status != NECK_OK) ck_assert_float_eq(gradients[0][0], entries[ROWS]);
    return status;
}

static neck_status save(neck_context *context, const operation *self, outputs *out)
{
    (void)out;
    neck_optimizer *optimizer;
    neck_status status = make(context, &optimizer);
    if (status != NECK_OK) return status;
    status = neck_optimizer_save(context, optimizer, self->path);
    neck_optimizer_destroy(optimizer);
    return status;
}

static neck_status load(neck_context *context, const operation *self, outputs *out)
{
    (void)out;
    neck_optimizer *optimizer;
    neck_status status = make(context, &optimizer);
    if (status != NECK_OK) return status;
    status = neck_optimizer_load(context, optimizer, self->path);
    ck_assert_int_eq(neck_optimizer_steps(optimizer), status == NECK_OK ? 1 : 0);
    neck_optimizer_destroy(optimizer);
    return status;
}

static void remove_file(outputs *out)
{
    (void)out;
    ck_assert_int_eq(unlink(written), 0);
}

static const operation operations[] = {
    {.name = "create", .run = make_only, .finish = drop},
    {.name = "step", .run = step},
    {.name = "set_group", .run = regroup},
    {.name = "clip", .run = clip},
    {.name = "save", .run = save, .finish = remove_file, .path = written, .writes = 1},
    {.name = "load", .run = load, .path = state_path},
};

static void setup(void)
{
    const char *root = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/softneck-test-XXXXXX", root ? root : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(state_path, sizeof state_path, "%s/state", folder);
    snprintf(written, sizeof written, "%s/written", folder);
    neck_optimizer *optimizer;
    ck_assert_int_eq(make(NULL, &optimizer), NECK_OK);
    ck_assert_int_eq(neck_optimizer_step(NULL, optimizer, 1), NECK_OK);
    ck_assert_int_eq(neck_optimizer_save(NULL, optimizer, state_path), NECK_OK);
    neck_optimizer_destroy(optimizer);
}

static void teardown(void)
{
    remove(state_path);
    ck_assert_int_eq(rmdir(folder), 0); /* nothing else was left */
}

int main(void)
{
    return run_failmalloc("failmalloc_optimizer", failmalloc_case(operations, COUNT(operations), setup, teardown));
}
