/* tests/test_failmalloc_training.c - every allocation of making, running and saving a trainable model fails once. */
#include <sys/stat.h>

#include "failmalloc.h"
#include "softneck/model_training.h"

static const neck_trainable_options small = {.struct_size = sizeof small, .family = "llama", .vocabulary = 31,
                                             .layers = 2, .hidden_size = 16, .heads = 2, .kv_heads = 1,
                                             .context_length = 16};
static char folder[256];

static neck_status create(neck_context *context, const operation *self, outputs *out)
{
    (void)self;
    neck_trainable *model = NULL;
    neck_status status = neck_trainable_create(context, &small, &model);
    if (status == NECK_OK) out->numbers[0] = 0;
    neck_trainable_destroy(model);
    return status;
}

/* A pass that finds no room leaves the model as it was: the next one that does is the same. */
static neck_status run(neck_context *context, const operation *self, outputs *out)
{
    (void)self;
    int32_t ids[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    float d[8 * 16] = {1};
    neck_trainable *model = NULL;
    neck_matrix states = {0};
    neck_status status = neck_trainable_create(context, &small, &model);
    if (status == NECK_OK) status = neck_trainable_forward(context, model, ids, 1, 4, 0, &states);
    if (status == NECK_OK) status = neck_trainable_forward(context, model, ids, 2, 4, 0, &states);
    if (status == NECK_OK) status = neck_trainable_backward(context, model, d);
    if (status == NECK_OK) out->numbers[0] = 0;
    neck_trainable_destroy(model);
    return status;
}

static neck_status save(neck_context *context, const operation *self, outputs *out)
{
    (void)self;
    neck_trainable *model = NULL;
    neck_status status = neck_trainable_create(context, &small, &model);
    if (status == NECK_OK) status = neck_trainable_save(context, model, folder, NULL);
    if (status == NECK_OK) out->numbers[0] = 0;
    neck_trainable_destroy(model);
    return status;
}

static neck_status open_saved(neck_context *context, const operation *self, outputs *out)
{
    (void)self;
    neck_trainable *model = NULL;
    neck_status status = neck_trainable_open(context, folder, NULL, &model);
    if (status == NECK_OK) out->numbers[0] = 0;
    neck_trainable_destroy(model);
    return status;
}

static const operation operations[] = {
    {.name = "create", .run = create},
    {.name = "run", .run = run},
    {.name = "save", .run = save},
    {.name = "open", .run = open_saved},
};

static void setup(void)
{
    const char *root = getenv("TMPDIR");
    neck_trainable *model = NULL;
    snprintf(folder, sizeof folder, "%s/neck_failmalloc_XXXXXX", root ? root : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(neck_trainable_create(NULL, &small, &model), NECK_OK);
    ck_assert_int_eq(neck_trainable_save(NULL, model, folder, NULL), NECK_OK);
    neck_trainable_destroy(model);
}

static void teardown(void)
{
    char path[300];
    snprintf(path, sizeof path, "%s/config.json", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0); /* no temporary file is left */
}

int main(void)
{
    return run_failmalloc("failmalloc_training", failmalloc_case(operations, COUNT(operations), setup, teardown));
}
