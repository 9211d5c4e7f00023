/* tests/test_failmalloc_heads.c - heads with every allocation failing. */
#include "failmalloc.h"

static void drop_head(outputs *out) { neck_head_destroy(out->head); }

enum { VOCABULARY = 40 };
static float tied[VOCABULARY * COLS], tied_gradient[VOCABULARY * COLS], states_gradient[ROWS * COLS];
static int32_t targets[ROWS];
static char path[64], saved[64];

/* The kind is in self->method; a matrix, where there is one, is what the head starts from. */
static neck_status make_head(neck_context *context, const operation *self, neck_head **out)
{
    neck_head_options o = {sizeof o, .kind = self->method, .vocabulary = VOCABULARY, .hidden_size = COLS, .bias = 1};
    neck_matrix start = tall;
    start.rows = VOCABULARY;
    if (self->matrix) o.weights = &start;
    if (self->method == NECK_HEAD_FACTORED) o.rank = COLS / 2;
    if (self->method == NECK_HEAD_TIED) {
        o.tied_weights = tied;
        o.tied_gradient = tied_gradient;
    }
    return neck_head_create(context, &o, out);
}

static neck_status create(neck_context *context, const operation *self, outputs *out)
{
    return make_head(context, self, &out->head);
}

static neck_status lose(neck_context *context, const operation *self, outputs *out)
{
    neck_head *head;
    neck_status status = make_head(context, self, &head);
    if (status != NECK_OK) return status;
    neck_cross_entropy_result result = {.struct_size = sizeof result, .loss = -1};
    status = neck_head_loss(context, head, &half, targets, NULL, &result);
    if (status != NECK_OK)
        ck_assert(result.loss == -1);
    else
        out->numbers[0] = result.loss;
    neck_head_destroy(head);
    return status;
}

static neck_status differentiate(neck_context *context, const operation *self, outputs *out)
{
    neck_head *head;
    neck_status status = make_head(context, self, &head);
    if (status != NECK_OK) return status;
    neck_cross_entropy_result result = {.struct_size = sizeof result, .loss = -1};
    status = neck_head_gradient(context, head, &tall, targets, NULL, states_gradient, &result);
    if (status != NECK_OK)
        ck_assert(result.loss == -1);
    else
        out->numbers[0] = result.loss;
    neck_head_destroy(head);
    return status;
}

static neck_status list_probabilities(neck_context *context, const operation *self, outputs *out)
{
    neck_head *head;
    neck_matrix few = tall;
    few.rows = sizeof out->numbers / sizeof(double) / VOCABULARY;
    neck_status status = make_head(context, self, &head);
    if (status != NECK_OK) return status;
    status = neck_head_log_probabilities(context, head, &few, out->numbers);
    neck_head_destroy(head);
    return status;
}

static neck_status save(neck_context *context, const operation *self, outputs *out)
{
    (void)out;
    neck_head *head;
    neck_status status = make_head(context, self, &head);
    if (status != NECK_OK) return status;
    status = neck_head_save(context, head, path);
    neck_head_destroy(head);
    return status;
}

static void remove_file(outputs *out)
{
    (void)out;
    ck_assert_int_eq(unlink(path), 0);
}

static neck_status load(neck_context *context, const operation *self, outputs *out)
{
    return neck_head_load(context, self->path, &out->head);
}

#define EACH_KIND(name, run, ...)                                             \
    {name " dense", run, .method = NECK_HEAD_DENSE, __VA_ARGS__},             \
        {name " tied", run, .method = NECK_HEAD_TIED, __VA_ARGS__},           \
        {name " factored", run, .method = NECK_HEAD_FACTORED, __VA_ARGS__},   \
        {name " mos", run, .method = NECK_HEAD_MOS, __VA_ARGS__},             \
        {name " sigsoftmax", run, .method = NECK_HEAD_SIGSOFTMAX, __VA_ARGS__}, \
        {name " plif", run, .method = NECK_HEAD_PLIF, __VA_ARGS__}

static const operation operations[] = {
    EACH_KIND("create", create, .finish = drop_head),
    EACH_KIND("loss of", lose, .finish = NULL),
    EACH_KIND("gradient of", differentiate, .finish = NULL),
    EACH_KIND("log-probabilities of", list_probabilities, .finish = NULL),
    {"create dense from weights", create, .method = NECK_HEAD_DENSE, .matrix = &tall, .finish = drop_head},
    {"create factored from weights", create, .method = NECK_HEAD_FACTORED, .matrix = &tall, .finish = drop_head},
    {"save mos", save, .method = NECK_HEAD_MOS, .path = path, .writes = 1, .finish = remove_file},
    {"load mos", load, .path = saved, .finish = drop_head},
};

static void setup(void)
{
    neck_head *head;
    const operation mos = {.method = NECK_HEAD_MOS};
    for (int i = 0; i < VOCABULARY * COLS; i++) tied[i] = entries[i];
    for (int i = 0; i < ROWS; i++) targets[i] = i % VOCABULARY;
    snprintf(path, sizeof path, "/tmp/softneck-heads-%ld.safetensors", (long)getpid());
    snprintf(saved, sizeof saved, "/tmp/softneck-heads-%ld-saved.safetensors", (long)getpid());
    ck_assert_int_eq(make_head(NULL, &mos, &head), NECK_OK);
    ck_assert_int_eq(neck_head_save(NULL, head, saved), NECK_OK);
    neck_head_destroy(head);
}

static void teardown(void) { ck_assert_int_eq(unlink(saved), 0); }

int main(void)
{
    return run_failmalloc("failmalloc_heads", failmalloc_case(operations, COUNT(operations), setup, teardown));
}
