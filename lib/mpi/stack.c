/* mpi/stack.c - rank 0 says how many vectors there are, sends them, and gets the sum of what all ranks make of them. */
#include "mpi/stack.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is stacked -------------------------------------------------------------------------------------------- */

/* Ranks without rows take part with any number of columns. */
static neck_status measure(neck__mpi_stack *stack)
{
    const neck_operator *own = stack->own;
    int64_t cols = own ? neck_operator_cols(own) : 0, least, sums[3] = {own ? neck_operator_rows(own) : 0, 0, 0};
    double squares = own ? neck_operator_frobenius_squared(own) : 0;
    NECK_TRY(neck__mpi_least(stack->team, -cols, &least));
    stack->cols = -least;
    neck_status status = NECK_OK;
    if (stack->cols == 0) status = neck__mpi_fail(NECK_E_ARGUMENT, "no rank has rows");
    if (own && cols != stack->cols)
        status = neck__mpi_fail(NECK_E_ARGUMENT, "this rank's rows have %" PRId64 " columns, others' %" PRId64, cols,
                                stack->cols);
    NECK_TRY(neck_mpi_agree(stack->team, status));
    sums[1] = squares < 0;
    if (squares < 0) squares = 0;
    NECK_TRY(neck_mpi_sum_integers(stack->team, sums, 2));
    NECK_TRY(neck_mpi_sum(stack->team, &squares, 1));
    stack->rows = sums[0];
    stack->frobenius_squared = sums[1] ? -1 : squares;
    return NECK_OK;
}

/* ---- products --------------------------------------------------------------------------------------------------- */

static neck_status make_room(neck__mpi_stack *stack, int64_t count)
{
    int64_t size = 2 * stack->cols * count;
    if (size <= stack->size) return NECK_OK;
    free(stack->room);
    stack->size = 0;
    stack->room = malloc((size_t)size * sizeof *stack->room);
    if (!stack->room) return neck__mpi_fail(NECK_E_NOMEM, "out of memory for %" PRId64 " vectors", count);
    stack->size = size;
    return NECK_OK;
}

/* What all ranks do once they know how many vectors there are: rank 0's given, into the room, where the product is
 * then. */
static neck_status multiply(neck__mpi_stack *stack, int64_t count, const double *given)
{
    int64_t size = stack->cols * count;
    NECK_TRY(neck_mpi_agree(stack->team, make_room(stack, count)));
    double *x = stack->room, *y = x + size;
    if (given) memcpy(x, given, (size_t)size * sizeof *x);
    NECK_TRY(neck_mpi_broadcast(stack->team, x, size * (int64_t)sizeof *x, 0));
    neck_status status = NECK_OK;
    if (stack->own)
        status = neck_operator_apply_normal(stack->context, stack->own, count, x, y);
    else
        memset(y, 0, (size_t)size * sizeof *y);
    NECK_TRY(neck_mpi_agree(stack->team, status));
    return neck_mpi_sum(stack->team, y, size);
}

/* Others than rank 0: until there are no more vectors. */
static neck_status serve(neck__mpi_stack *stack)
{
    for (;;) {
        int64_t count = 0;
        NECK_TRY(neck_mpi_broadcast(stack->team, &count, sizeof count, 0));
        if (count == 0) return NECK_OK;
        NECK_TRY(multiply(stack, count, NULL));
    }
}

int32_t neck__mpi_stack_apply(void *user, int32_t transposed, int64_t count, const double *x, double *y)
{
    neck__mpi_stack *stack = user;
    (void)transposed;
    neck_status status = neck_mpi_broadcast(stack->team, &count, sizeof count, 0);
    if (status == NECK_OK) status = multiply(stack, count, x);
    if (status == NECK_OK) {
        memcpy(y, stack->room + stack->cols * count, (size_t)(stack->cols * count) * sizeof *y);
        return 0;
    }
    stack->failed = status;
    neck_last_error_copy(stack->message, sizeof stack->message);
    return 1;
}

/* ---- the algorithm ---------------------------------------------------------------------------------------------- */

/* A failed product is known to all already; rank 0 alone must not lose its message. */
static neck_status lead(neck__mpi_stack *stack, neck__mpi_algorithm algorithm, void *user, int *known)
{
    int64_t end = 0;
    neck_status status = algorithm(stack, user);
    if (stack->failed != NECK_OK) {
        *known = 1;
        return neck__mpi_fail(stack->failed, "%s", stack->message);
    }
    neck_status told = neck_mpi_broadcast(stack->team, &end, sizeof end, 0);
    if (told == NECK_OK) return status;
    *known = 1;
    return told;
}

neck_status neck__mpi_stack_run(neck_context *context, neck_mpi_team *team, const neck_operator *own,
                                neck__mpi_algorithm algorithm, void *user, neck__mpi_stack *stack)
{
    int known = 0;
    *stack = (neck__mpi_stack){.team = team, .context = context, .own = own};
    NECK_TRY(measure(stack));
    neck_status status = team->rank == 0 ? lead(stack, algorithm, user, &known) : serve(stack);
    if (status == NECK_OK || (team->rank == 0 && !known)) status = neck_mpi_agree(team, status);
    neck__mpi_free(team, stack->room);
    return status;
}
