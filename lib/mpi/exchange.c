/* mpi/exchange.c - what ranks tell each other: how they fared, sums in a fixed order, copies. */
#include <stdlib.h>
#include <string.h>

#include "mpi/team.h"

/* ---- how all fared ---------------------------------------------------------------------------------------------- */

enum { MESSAGE = 900 };

static neck_status tell_failure(neck_mpi_team *team, int32_t rank, const int *all)
{
    MPI_Request request;
    char *message = calloc(1, MESSAGE);
    if (!message) return neck__mpi_fail(NECK_E_NOMEM, "out of memory for a message");
    if (team->rank == rank) neck_last_error_copy(message, MESSAGE);
    neck_status status = neck__mpi_check(MPI_Ibcast(message, MESSAGE, MPI_CHAR, rank, team->comm, &request), "telling of a failure");
    if (status == NECK_OK) status = neck__mpi_wait(team, &request, 1);
    if (status != NECK_OK) return status; /* a late message may still be written to: it is left to it */
    status = neck__mpi_fail(all[rank], "rank %d (%s): %s", rank, team->hosts[rank], message);
    free(message);
    return status;
}

neck_status neck_mpi_agree(neck_mpi_team *team, neck_status status)
{
    NECK_TRY(neck__mpi_usable(team));
    if (team->size == 1) return status;
    MPI_Request request;
    int *all = calloc((size_t)team->size + 1, sizeof *all), *mine = all + team->size;
    if (!all) return neck__mpi_fail(NECK_E_NOMEM, "out of memory for %d statuses", team->size);
    *mine = status;
    neck_status told = neck__mpi_check(MPI_Iallgather(mine, 1, MPI_INT, all, 1, MPI_INT, team->comm, &request), "telling how all fare");
    if (told == NECK_OK) told = neck__mpi_wait(team, &request, 1);
    if (told != NECK_OK) return told;
    for (int32_t i = 0; i < team->size && told == NECK_OK; i++)
        if (all[i] != NECK_OK) told = tell_failure(team, i, all);
    free(all);
    return told;
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

/* A segment is cut into one piece a rank; each rank gets its piece of everyone's segment, adds them in order, and gives the sum to
 * all. room: for the pieces, size of the segment and as much as rounding up takes. */
typedef struct segment {
    neck_mpi_team *team;
    const number *kind;
    char *room;
    int *counts, *places, *got; /* size each: pieces of the segment, where they begin, and where they arrive */
} segment;

static void cut(segment *self, int64_t count)
{
    int64_t most = 0;
    for (int32_t r = 0; r < self->team->size; r++) {
        int64_t first, length;
        neck_mpi_share(self->team, count, r, &first, &length);
        self->counts[r] = (int)length;
        self->places[r] = (int)first;
        if (length > most) most = length;
    }
}

static neck_status sum_segment(segment *self, char *values, int64_t count)
{
    neck_mpi_team *team = self->team;
    const number *kind = self->kind;
    MPI_Request request;
    cut(self, count);
    int own = self->counts[team->rank], *lengths = self->got + team->size;
    for (int32_t r = 0; r < team->size; r++) {
        self->got[r] = r * own;
        lengths[r] = own;
    }
    NECK_TRY(neck__mpi_check(MPI_Ialltoallv(values, self->counts, self->places, kind->type, self->room, lengths, self->got, kind->type,
                                            team->comm, &request), "a sum over ranks"));
    NECK_TRY(neck__mpi_wait(team, &request, 1));
    kind->add(self->room, team->size, own, own, values + (size_t)self->places[team->rank] * kind->size);
    NECK_TRY(neck__mpi_check(MPI_Iallgatherv(MPI_IN_PLACE, 0, kind->type, values, self->counts, self->places, kind->type, team->comm,
                                             &request), "a sum over ranks"));
    return neck__mpi_wait(team, &request, 1);
}

static neck_status sum(neck_mpi_team *team, const number *kind, void *values, int64_t count)
{
    NECK_TRY(neck__mpi_usable(team));
    if (count < 0 || (!values && count > 0)) return neck__mpi_fail(NECK_E_ARGUMENT, "values is NULL or count is negative");
    if (team->size == 1 || count == 0) return NECK_OK;
    int64_t longest = count < NECK__MPI_SEGMENT ? count : NECK__MPI_SEGMENT;
    segment self = {.team = team, .kind = kind};
    self.room = malloc((size_t)(longest + team->size) * kind->size);
    self.counts = malloc(4 * (size_t)team->size * sizeof *self.counts);
    neck_status status = NECK_OK;
    if (!self.room || !self.counts) status = neck__mpi_fail(NECK_E_NOMEM, "out of memory for a sum over ranks");
    status = neck_mpi_agree(team, status);
    int well = status == NECK_OK;
    if (well) {
        self.places = self.counts + team->size;
        self.got = self.places + team->size;
    }
    for (int64_t first = 0; first < count && status == NECK_OK; first += longest)
        status = sum_segment(&self, (char *)values + (size_t)first * kind->size, count - first < longest ? count - first : longest);
    if (well && status != NECK_OK) return status; /* MPI may still write to the room */
    free(self.room);
    free(self.counts);
    return status;
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

neck_status neck_mpi_broadcast(neck_mpi_team *team, void *bytes, int64_t size, int32_t root)
{
    enum { PIECE = 1 << 26 };
    NECK_TRY(neck__mpi_usable(team));
    if (size < 0 || (!bytes && size > 0)) return neck__mpi_fail(NECK_E_ARGUMENT, "bytes is NULL or size is negative");
    if (root < 0 || root >= team->size) return neck__mpi_fail(NECK_E_ARGUMENT, "root is %d in a team of %d", root, team->size);
    for (int64_t first = 0; first < size && team->size > 1; first += PIECE) {
        MPI_Request request;
        int length = (int)(size - first < PIECE ? size - first : PIECE);
        NECK_TRY(neck__mpi_check(MPI_Ibcast((char *)bytes + first, length, MPI_BYTE, root, team->comm, &request), "a broadcast"));
        NECK_TRY(neck__mpi_wait(team, &request, 1));
    }
    return NECK_OK;
}
