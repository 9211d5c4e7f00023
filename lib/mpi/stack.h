/* mpi/stack.h - operators of all ranks, one below the other, as rank 0's algorithm sees them: products of A^T A. */
#ifndef NECK_MPI_STACK_H
#define NECK_MPI_STACK_H

#include "mpi/team.h"
#include "softneck/operator.h"

typedef struct neck__mpi_stack {
    neck_mpi_team *team;
    neck_context *context;
    const neck_operator *own; /* NULL: no rows here */
    int64_t rows, cols;       /* of all */
    double frobenius_squared; /* of all; negative: not known */
    neck_status failed;       /* a product failed, on all ranks, with message */
    char message[512];
    double *room;             /* for vectors and their product: MPI's, also when the algorithm has gone */
    int64_t size;
} neck__mpi_stack;

/* What rank 0 does with A^T A; user is the caller's own. */
typedef neck_status (*neck__mpi_algorithm)(neck__mpi_stack *stack, void *user);

/* Collective: rank 0 runs the algorithm, the others multiply whenever it does. All end with its status. */
neck_status neck__mpi_stack_run(neck_context *context, neck_mpi_team *team, const neck_operator *own,
                                neck__mpi_algorithm algorithm, void *user, neck__mpi_stack *stack);

/* For the algorithm: y = A^T A x, a neck_operator_fn whose user is the stack. */
int32_t neck__mpi_stack_apply(void *user, int32_t transposed, int64_t count, const double *x, double *y);

#endif
