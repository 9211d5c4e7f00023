/* mpi/exchange.c - what ranks tell each other: how they fared, sums in a fixed order, copies. */
#include <stdlib.h>
#include <string.h>

#include "mpi/team.h"

/* ---- how all fared ---------------------------------------------------------------------------------------------- */

enum { MESSAGE = 900 };

static neck_status tell_failure(neck_mpi_team *team, int32_t rank, neck_status status)
{
    MPI_Request request;
    memset(team->small, 0, MESSAGE);
    if (team->rank == rank) neck_last_error_copy(team->small, MESSAGE);
    int code = MPI_Ibcast(team->small, MESSAGE, MPI_CHAR, rank, team->comm, &request);
    NECK_TRY(neck__mpi_await(team, code, &request, "telling of a failure"));
    return neck__mpi_fail(status, "rank %d (%s): %s", rank, team->hosts[rank], team->small);
}

neck_status neck_mpi_agree(neck_mpi_team *team, neck_status status)
{
    NECK_TRY(neck__mpi_usable(team));
    if (team->size == 1) return status;
    MPI_Request request;
    int *all = team->counts, *mine = all + team->size;
    *mine = status;
    int code = MPI_Iallgather(mine, 1, MPI_INT, all, 1, MPI_INT, team->comm, &request);
    NECK_TRY(neck__mpi_await(team, code, &request, "telling how all fare"));
    for (int32_t i = 0; i < team->size; i++)
        if (all[i] != NECK_OK) return tell_failure(team, i, all[i]);
    return NECK_OK;
}

/* ---- sums ------------------------------------------------------------------------------------------------------- */

/* A kind of number: what MPI calls it, and how the parts of all ranks become one. */
typedef struct number {
    MPI_Datatype type;
    size_t size;
    void (*add)(const void *parts, int32_t ranks, int64_t stride, int64_t count, void *out);
} number;

static void add_f64(const void *parts, int32_t ranks, int64_t stride, int64_t count, void *out)
{
    const double *from = parts;
    double *to = out;
    for (int64_t i = 0; i < count; i++) to[i] = from[i];
    for (int32_t r = 1; r < ranks; r++)
        for (int64_t i = 0; i < count; i++) to[i] += from[r * stride + i];
}

static void add_f32(const void *parts, int32_t ranks, int64_t stride, int64_t count, void *out)
{
    const float *from = parts;
    float *to = out;
    for (int64_t i = 0; i < count; i++) {
        double sum = from[i];
        for (int32_t r = 1; r < ranks; r++) sum += (double)from[r * stride + i];
        to[i] = (float)sum;
    }
}

static void add_i64(const void *parts, int32_t ranks, int64_t stride, int64_t count, void *out)
{
    const uint64_t *from = parts;
    uint64_t *to = out;
    memcpy(to, from, (size_t)count * sizeof *to);
    for (int32_t r = 1; r < ranks; r++)
        for (int64_t i = 0; i < count; i++) to[i] += from[r * stride + i];
}

/* A segment is cut into one piece a rank; each rank gets its piece of everyone's segment, adds them in order, and gives
 * the sum to all. room: for the pieces, size of the segment and as much as rounding up takes. */
typedef struct segment {
    neck_mpi_team *team;
    const number *kind;
    char *room;
    /* size each: pieces of the segment, where they begin; where they arrive, how long */
    int *counts, *places, *got, *lengths;
} segment;

static void cut(segment *self, int64_t count)
{
    int64_t first, length, own;
    neck_mpi_share(self->team, count, self->team->rank, &first, &own);
    for (int32_t r = 0; r < self->team->size; r++) {
        neck_mpi_share(self->team, count, r, &first, &length);
        self->counts[r] = (int)length;
        self->places[r] = (int)first;
        self->got[r] = (int)(r * own);
        self->lengths[r] = (int)own;
    }
}

static neck_status sum_segment(segment *self, char *values, int64_t count)
{
    neck_mpi_team *team = self->team;
    const number *kind = self->kind;
    MPI_Request request;
    cut(self, count);
    int own = self->counts[team->rank];
    int code = MPI_Ialltoallv(values, self->counts, self->places, kind->type, self->room, self->lengths, self->got,
                              kind->type, team->comm, &request);
    NECK_TRY(neck__mpi_await(team, code, &request, "a sum over ranks"));
    kind->add(self->room, team->size, own, own, values + (size_t)self->places[team->rank] * kind->size);
    code = MPI_Iallgatherv(MPI_IN_PLACE, 0, kind->type, values, self->counts, self->places, kind->type, team->comm,
                           &request);
    return neck__mpi_await(team, code, &request, "a sum over ranks");
}

static neck_status sum_few(segment *self, void *values, int64_t count)
{
    size_t bytes = (size_t)count * self->kind->size;
    self->room = self->team->few;
    memcpy(self->team->small, values, bytes);
    NECK_TRY(sum_segment(self, self->team->small, count));
    memcpy(values, self->team->small, bytes);
    return NECK_OK;
}

static neck_status sum_many(segment *self, char *values, int64_t count)
{
    neck_mpi_team *team = self->team;
    int64_t longest = count < NECK__MPI_SEGMENT ? count : NECK__MPI_SEGMENT;
    self->room = malloc((size_t)(longest + team->size) * self->kind->size);
    neck_status status = self->room ? NECK_OK : neck__mpi_fail(NECK_E_NOMEM, "out of memory for a sum over ranks");
    status = neck_mpi_agree(team, status);
    for (int64_t first = 0; first < count && status == NECK_OK; first += longest)
        status = sum_segment(self, values + (size_t)first * self->kind->size,
                             count - first < longest ? count - first : longest);
    neck__mpi_free(team, self->room);
    return status;
}

static neck_status sum(neck_mpi_team *team, const number *kind, void *values, int64_t count)
{
    NECK_TRY(neck__mpi_usable(team));
    if (count < 0 || (!values && count > 0))
        return neck__mpi_fail(NECK_E_ARGUMENT, "values is NULL or count is negative");
    if (team->size == 1 || count == 0) return NECK_OK;
    segment self = {.team = team, .kind = kind, .counts = team->counts};
    self.places = self.counts + team->size;
    self.got = self.places + team->size;
    self.lengths = self.got + team->size;
    int few = count * (int64_t)kind->size <= NECK__MPI_SMALL;
    return few ? sum_few(&self, values, count) : sum_many(&self, values, count);
}

neck_status neck_mpi_sum(neck_mpi_team *team, double *values, int64_t count)
{
    const number kind = {MPI_DOUBLE, sizeof *values, add_f64};
    return sum(team, &kind, values, count);
}

neck_status neck_mpi_sum_f32(neck_mpi_team *team, float *values, int64_t count)
{
    const number kind = {MPI_FLOAT, sizeof *values, add_f32};
    return sum(team, &kind, values, count);
}

neck_status neck_mpi_sum_integers(neck_mpi_team *team, int64_t *values, int64_t count)
{
    const number kind = {MPI_INT64_T, sizeof *values, add_i64};
    return sum(team, &kind, values, count);
}

/* ---- copies ----------------------------------------------------------------------------------------------------- */

static neck_status broadcast_piece(neck_mpi_team *team, char *bytes, int length, int32_t root)
{
    MPI_Request request;
    int code = MPI_Ibcast(bytes, length, MPI_BYTE, root, team->comm, &request);
    return neck__mpi_await(team, code, &request, "a broadcast");
}

neck_status neck_mpi_broadcast(neck_mpi_team *team, void *bytes, int64_t size, int32_t root)
{
    enum { PIECE = 1 << 26 };
    NECK_TRY(neck__mpi_usable(team));
    if (size < 0 || (!bytes && size > 0)) return neck__mpi_fail(NECK_E_ARGUMENT, "bytes is NULL or size is negative");
    if (root < 0 || root >= team->size)
        return neck__mpi_fail(NECK_E_ARGUMENT, "root is %d in a team of %d", root, team->size);
    if (team->size == 1 || size == 0) return NECK_OK;
    if (size <= NECK__MPI_SMALL) {
        if (team->rank == root) memcpy(team->small, bytes, (size_t)size);
        NECK_TRY(broadcast_piece(team, team->small, (int)size, root));
        memcpy(bytes, team->small, (size_t)size);
        return NECK_OK;
    }
    for (int64_t first = 0; first < size; first += PIECE) {
        int length = (int)(size - first < PIECE ? size - first : PIECE);
        NECK_TRY(broadcast_piece(team, (char *)bytes + first, length, root));
    }
    return NECK_OK;
}
