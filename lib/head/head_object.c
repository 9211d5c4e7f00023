/* head/head_object.c - making, reading and destroying heads. */
#include "head/head_object.h"

#include "core/error.h"
#include "core/options.h"
#include "linalg/view.h"

void neck__head_add(neck_head *head, const char *name, int64_t rows, int64_t cols, int32_t flags)
{
    head->parameters[head->count++] =
        (neck_parameter){.name = name, .rows = rows, .cols = cols, .dtype = head->options.dtype, .flags = flags};
}

/* Zeros for the parameters that are its own, and for their gradients. */
static neck_status allocate(neck_head *head)
{
    for (int64_t i = head->borrows; i < head->count; i++) {
        neck_parameter *p = &head->parameters[i];
        int64_t size;
        if (!neck__mul(p->rows, p->cols, &size))
            return neck__fail(NECK_E_NOMEM, "out of memory: a %lld x %lld %s is larger than any memory",
                              (long long)p->rows, (long long)p->cols, p->name);
        p->data = neck__calloc(&head->allocator, size, neck_dtype_size(p->dtype), "a head");
        if (!p->data) return NECK_E_NOMEM;
        p->gradient = neck__calloc(&head->allocator, size, neck_dtype_size(p->dtype), "a head's gradients");
        if (!p->gradient) return NECK_E_NOMEM;
    }
    return NECK_OK;
}

void neck__head_describe(const neck_head_options *options, neck_head *out)
{
    *out = (neck_head){.kind = neck__head_kind_of(options->kind), .options = *options};
    out->options.weights = NULL;
    out->borrows = (out->kind->has & NECK__HEAD_BORROWS) != 0;
    out->kind->list(out);
    if (options->bias) neck__head_add(out, "bias", 1, options->vocabulary, NECK_PARAMETER_NO_DECAY);
    if (!out->borrows) return;
    out->parameters[0].data = options->tied_weights;
    out->parameters[0].gradient = options->tied_gradient;
}

neck_status neck__head_new(neck_context *context, const neck_head_options *options, neck_head **out)
{
    neck__allocator allocator = neck__allocator_of(context);
    neck_head *head = neck__calloc(&allocator, 1, sizeof *head, "a head");
    if (!head) return NECK_E_NOMEM;
    neck__head_describe(options, head);
    head->allocator = allocator;
    neck_status status = allocate(head);
    if (status == NECK_OK)
        *out = head;
    else
        neck_head_destroy(head);
    return status;
}

static neck_status check_weights(const neck_head_options *options, neck_matrix *view)
{
    neck_status status = neck__view_check(options->weights, view);
    if (status != NECK_OK) return neck__fail_in(status, "weights");
    if (view->rows != options->vocabulary || view->cols != options->hidden_size)
        return neck__fail(NECK_E_ARGUMENT, "weights are %lld x %lld, the head %lld x %lld", (long long)view->rows,
                          (long long)view->cols, (long long)options->vocabulary, (long long)options->hidden_size);
    status = neck_matrix_check_finite(NULL, view, NULL, NULL);
    return status == NECK_OK ? NECK_OK : neck__fail_in(status, "weights");
}

neck_status neck_head_create(neck_context *context, const neck_head_options *options, neck_head **out)
{
    if (!out) return neck__fail(NECK_E_ARGUMENT, "out is NULL");
    NECK_OPTIONS(neck_head_options, given, options);
    NECK_TRY(neck__head_check(&given, &given));
    neck_matrix weights;
    if (given.weights) {
        NECK_TRY(check_weights(&given, &weights));
        given.weights = &weights;
    }
    neck_head *head;
    NECK_TRY(neck__head_new(context, &given, &head));
    neck_status status = head->kind->start(context, head, &given);
    if (status == NECK_OK)
        *out = head;
    else
        neck_head_destroy(head);
    return status;
}

void neck_head_destroy(neck_head *head)
{
    if (!head) return;
    neck__allocator allocator = head->allocator;
    for (int64_t i = head->borrows; i < head->count; i++) {
        neck__release(&allocator, head->parameters[i].data);
        neck__release(&allocator, head->parameters[i].gradient);
    }
    neck__release(&allocator, head);
}

int32_t neck_head_kind(const neck_head *head) { return head->kind->number; }
int64_t neck_head_vocabulary(const neck_head *head) { return head->options.vocabulary; }
int64_t neck_head_hidden_size(const neck_head *head) { return head->options.hidden_size; }
int64_t neck_head_rank_limit(const neck_head *head) { return head->kind->rank_limit(head); }

const neck_parameter *neck_head_parameters(const neck_head *head, int64_t *count)
{
    if (count) *count = head->count;
    return head->parameters;
}

int64_t neck_head_parameter_count(const neck_head *head)
{
    int64_t count = 0;
    for (int64_t i = 0; i < head->count; i++) count += head->parameters[i].rows * head->parameters[i].cols;
    return count;
}

/* Rows of log-probabilities are W x + b less a constant: they lie in the span of W's columns, b and the constant
 * vector. */
int64_t neck__head_linear_rank(const neck_head *head, int64_t width)
{
    int64_t rank = width + 1 + (head->options.bias != 0);
    return rank < head->options.vocabulary && head->options.soft_cap == 0 ? rank : head->options.vocabulary;
}
