/* mpi/team_qr.c - triangles of all ranks, folded two by two: a tall and skinny QR factorisation over ranks (Demmel,
 * Grigori, Hoemmen & Langou 2012). */
#include "mpi/team_qr.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { TAG_TRIANGLE = 111 };

/* pair: this rank's triangle, below it the one that comes from another; fresh: what they become. The bound of a
 * triangle travels behind it. */
typedef struct folding {
    neck_context *context;
    neck_mpi_team *team;
    int64_t cols, size; /* cols^2 */
    double *pair, *fresh;
    double bound;
} folding;

static neck_status send_triangle(folding *self, int32_t to)
{
    self->pair[self->size] = self->bound;
    for (int64_t first = 0; first <= self->size; first += NECK__MPI_SEGMENT) {
        MPI_Request request;
        int64_t left = self->size + 1 - first;
        int count = (int)(left < NECK__MPI_SEGMENT ? left : NECK__MPI_SEGMENT);
        int code = MPI_Isend(self->pair + first, count, MPI_DOUBLE, to, TAG_TRIANGLE, self->team->comm, &request);
        NECK_TRY(neck__mpi_await(self->team, code, &request, "sending a triangle"));
    }
    return NECK_OK;
}

static neck_status receive_triangle(folding *self, int32_t from)
{
    double *into = self->pair + self->size;
    for (int64_t first = 0; first <= self->size; first += NECK__MPI_SEGMENT) {
        MPI_Request request;
        int64_t left = self->size + 1 - first;
        int count = (int)(left < NECK__MPI_SEGMENT ? left : NECK__MPI_SEGMENT);
        int code = MPI_Irecv(into + first, count, MPI_DOUBLE, from, TAG_TRIANGLE, self->team->comm, &request);
        NECK_TRY(neck__mpi_await(self->team, code, &request, "receiving a triangle"));
    }
    return NECK_OK;
}

static neck_status fold(folding *self)
{
    double bound, theirs = self->pair[2 * self->size];
    neck_matrix both = {.data = self->pair, .rows = 2 * self->cols, .cols = self->cols, .dtype = NECK_F64};
    NECK_TRY(neck_qr_triangle(self->context, &both, NULL, self->fresh, &bound));
    memcpy(self->pair, self->fresh, (size_t)self->size * sizeof *self->fresh);
    self->bound += theirs + bound;
    return NECK_OK;
}

static neck_status fold_all(folding *self)
{
    neck_mpi_team *team = self->team;
    for (int32_t step = 1; step < team->size; step *= 2) {
        neck_status status = NECK_OK;
        int32_t place = team->rank % (2 * step);
        if (place == step) NECK_TRY(send_triangle(self, team->rank - step));
        if (place == 0 && team->rank + step < team->size) {
            NECK_TRY(receive_triangle(self, team->rank + step));
            status = fold(self);
        }
        NECK_TRY(neck_mpi_agree(team, status));
    }
    return NECK_OK;
}

static neck_status begin(folding *self, const neck_matrix *own, const double *shift)
{
    size_t size = (size_t)self->size;
    self->pair = malloc((2 * size + 1) * sizeof *self->pair);
    self->fresh = malloc(size * sizeof *self->fresh);
    if (!self->pair || !self->fresh)
        return neck__mpi_fail(NECK_E_NOMEM, "out of memory for triangles of order %" PRId64, self->cols);
    if (own) return neck_qr_triangle(self->context, own, shift, self->pair, &self->bound);
    memset(self->pair, 0, size * sizeof *self->pair);
    return NECK_OK;
}

neck_status neck__mpi_triangle(neck_context *context, neck_mpi_team *team, const neck_matrix *own, int64_t cols,
                               const double *shift, double **out, double *bound)
{
    folding self = {.context = context, .team = team, .cols = cols, .size = cols * cols};
    neck_status status = neck_mpi_agree(team, begin(&self, own, shift));
    if (status == NECK_OK) status = fold_all(&self);
    free(self.fresh);
    *bound = self.bound;
    *out = status == NECK_OK && team->rank == 0 ? self.pair : NULL;
    if (!*out) neck__mpi_free(team, self.pair);
    return status;
}
