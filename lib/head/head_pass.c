/* head/head_pass.c - beginning and ending one use of a head. */
#include "head/head_pass.h"

#include "core/error.h"
#include "head/head_numbers.h"
#include "linalg/view.h"

void *neck__head_scratch(neck__head_pass *pass, int64_t rows, int64_t cols, int64_t size, const char *what)
{
    int64_t count;
    if (!neck__mul(rows, cols, &count)) {
        neck__fail(NECK_E_NOMEM, "out of memory: %s of %lld contexts are larger than any memory", what,
                   (long long)pass->states.rows);
        return NULL;
    }
    void *memory = neck__calloc(&pass->allocator, count, size, what);
    if (memory) pass->scratch[pass->scratch_count++] = memory;
    return memory;
}

/* A view of states in the head's dtype, with its elements aligned: as it lies when it can be. */
static neck_status read_states(neck__head_pass *pass, const neck_matrix *states)
{
    const neck_head_options *o = &pass->head->options;
    neck_matrix view;
    NECK_TRY(neck__view_check(states, &view));
    if (view.cols != o->hidden_size)
        return neck__fail(NECK_E_ARGUMENT, "states have %lld columns, the head's hidden_size is %lld",
                          (long long)view.cols, (long long)o->hidden_size);
    if (o->dtype == NECK_F64 && view.dtype != NECK_F64)
        return neck__fail(NECK_E_ARGUMENT, "states are %s: an F64 head needs F64", neck_dtype_name(view.dtype));
    NECK_TRY(neck_matrix_check_finite(pass->context, &view, NULL, NULL));
    pass->states = view;
    if (view.dtype == o->dtype && (uintptr_t)view.data % (uintptr_t)neck_dtype_size(o->dtype) == 0) return NECK_OK;
    void *copy = neck__head_scratch(pass, view.rows, view.cols, neck_dtype_size(o->dtype), "states");
    double *line = neck__head_scratch(pass, 1, view.cols, sizeof *line, "states");
    if (!copy || !line) return NECK_E_NOMEM;
    for (int64_t i = 0; i < view.rows; i++) {
        neck__view_read(&view, i, 0, view.cols, line);
        neck__head_narrow(o->dtype, line, view.cols, neck__head_at(o->dtype, copy, i * view.cols));
    }
    pass->states = (neck_matrix){.data = copy, .rows = view.rows, .cols = view.cols, .row_stride = view.cols,
                                 .dtype = o->dtype};
    return NECK_OK;
}

static neck_matrix parameter_view(const neck_parameter *p)
{
    return (neck_matrix){.data = p->data, .rows = p->rows, .cols = p->cols, .row_stride = p->cols, .dtype = p->dtype};
}

static neck_status check_parameters(const neck__head_pass *pass)
{
    for (int64_t i = 0; i < pass->head->count; i++) {
        neck_matrix view = parameter_view(&pass->head->parameters[i]);
        neck_status status = neck_matrix_check_finite(pass->context, &view, NULL, NULL);
        if (status != NECK_OK) return neck__fail_in(status, "%s", pass->head->parameters[i].name);
    }
    return NECK_OK;
}

neck_status neck__head_pass_begin(neck_context *context, const neck_head *head, const neck_matrix *states,
                                  int gradients, neck__head_pass *pass)
{
    *pass = (neck__head_pass){.context = context, .head = head, .allocator = neck__allocator_of(context)};
    neck_status status = read_states(pass, states);
    if (status != NECK_OK) return neck__fail_in(status, "states");
    NECK_TRY(check_parameters(pass));
    pass->loss.states = pass->states;
    pass->loss.weights = parameter_view(&head->parameters[0]);
    pass->loss.weights_are_finite = 1; /* as all parameters */
    pass->loss.components = 1;
    if (head->options.bias) pass->loss.bias = head->parameters[head->count - 1].data;
    return head->kind->forward ? head->kind->forward(pass, gradients) : NECK_OK;
}

void neck__head_pass_end(neck__head_pass *pass)
{
    for (int64_t i = 0; i < pass->scratch_count; i++) neck__release(&pass->allocator, pass->scratch[i]);
}
