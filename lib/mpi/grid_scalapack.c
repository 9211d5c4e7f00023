/* mpi/grid_scalapack.c - ScaLAPACK's pdsyev without vectors. Its pdsyevd, though faster, knows no way to leave them
 * out. */
#include <stdlib.h>

#include "mpi/grid_eigen.h"

/* ScaLAPACK comes without a header. */
int Csys2blacs_handle(MPI_Comm comm);
void Cfree_blacs_system_handle(int handle);
void Cblacs_gridinit(int *context, const char *order, int rows, int cols);
void Cblacs_gridexit(int context);
void descinit_(int *desc, const int *m, const int *n, const int *mb, const int *nb, const int *row, const int *col,
               const int *context, const int *lead, int *info);
void pdsyev_(const char *job, const char *half, const int *n, double *a, const int *i, const int *j, const int *desc,
             double *values, double *vectors, const int *vi, const int *vj, const int *vdesc, double *work,
             const int *size, int *info);

typedef struct problem {
    int n, desc[9];
    double *a, *values;
} problem;

static int call(problem *p, double *work, int size)
{
    const int one = 1;
    int info = 0;
    double none = 0;
    pdsyev_("N", "U", &p->n, p->a, &one, &one, p->desc, p->values, &none, &one, &one, p->desc, work, &size, &info);
    return info;
}

static neck_status solve(problem *p)
{
    double wanted = 0;
    int info = call(p, &wanted, -1);
    if (info != 0)
        return neck__mpi_fail(NECK_E_UNSUPPORTED, "ScaLAPACK refuses this matrix: pdsyev's info is %d", info);
    size_t size = (size_t)wanted + 64;
    double *work = malloc(size * sizeof *work);
    if (!work) return neck__mpi_fail(NECK_E_NOMEM, "out of memory for what ScaLAPACK needs");
    info = call(p, work, (int)size);
    free(work);
    if (info == 0) return NECK_OK;
    return neck__mpi_fail(NECK_E_CONVERGENCE, "ScaLAPACK has not found all eigenvalues: pdsyev's info is %d", info);
}

neck_status neck__mpi_scalapack(neck_context *unused, const neck__mpi_grid *grid, double **a, double *values)
{
    (void)unused;
    const int block = NECK__MPI_BLOCK, zero = 0, lead = grid->own_rows > 0 ? (int)grid->own_rows : 1;
    problem p = {.n = (int)grid->n, .a = *a, .values = values};
    int handle = Csys2blacs_handle(grid->comm), context = handle, info = 0;
    Cblacs_gridinit(&context, "Row", grid->rows, grid->cols);
    descinit_(p.desc, &p.n, &p.n, &block, &block, &zero, &zero, &context, &lead, &info);
    neck_status status =
        info == 0 ? solve(&p)
                  : neck__mpi_fail(NECK_E_UNSUPPORTED, "ScaLAPACK refuses this matrix: descinit's info is %d", info);
    Cblacs_gridexit(context);
    Cfree_blacs_system_handle(handle);
    return status;
}
