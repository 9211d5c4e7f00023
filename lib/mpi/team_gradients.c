/* mpi/team_gradients.c - gradients are summed, and parameters spread, bucket by bucket, while others are still
 * computed. */
#include "softneck-mpi/training.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "softneck/matrix.h"
#include "mpi/team.h"

enum { DEPTH = 4, MOST_SLICES = 256, ALIGNMENT = 8, LEAST_REGION = 64 };

#define DEFAULT_BUCKET ((int64_t)1 << 22)

/* One of `parts` equal parts of every rank's run of an array. */
typedef struct slice {
    char *values;
    int64_t size; /* of an element, bytes */
    int32_t dtype;
    const int64_t *places;
    int64_t part, parts;
} slice;

/* Slices that travel together. Each rank's runs lie in a region of their own, so that every region is one message. */
typedef struct bucket {
    slice slices[MOST_SLICES];
    int count;
    int *used;             /* bytes of each rank's region */
    int *leaving, *coming; /* bytes of each rank's message */
    char *out, *in;  /* a region a rank */
    int under_way;
    MPI_Request request;
} bucket;

typedef enum motion { SUM, SPREAD } motion;

typedef struct exchange {
    neck_gradient_exchange face; /* first: the caller's handle */
    neck_mpi_team *team;
    int64_t region; /* bytes */
    int *places; /* of regions */
    bucket ring[DEPTH];
    int first, filling; /* the oldest bucket under way, the one being filled */
    motion moving;
    neck_status status; /* of the first failure: MPI may still write to the buckets then */
} exchange;

/* ---- slices ----------------------------------------------------------------------------------------------------- */

/* A rank's run of a slice: elements of the array. */
static int64_t run_of(const slice *s, int32_t rank, int64_t *first)
{
    int64_t run = s->places[rank + 1] - s->places[rank], each = run / s->parts, more = run % s->parts;
    *first = s->places[rank] + s->part * each + (s->part < more ? s->part : more);
    return each + (s->part < more);
}

static int64_t bytes_of(const slice *s, int32_t rank)
{
    int64_t first, bytes = run_of(s, rank, &first) * s->size;
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static int fits(const exchange *self, const bucket *b, const slice *s)
{
    if (b->count == MOST_SLICES) return 0;
    for (int32_t r = 0; r < self->team->size; r++)
        if (b->used[r] + bytes_of(s, r) > self->region) return 0;
    return 1;
}

/* So many that every part of the longest run fits a region. */
static int64_t parts_of(const exchange *self, const int64_t *places, int64_t size)
{
    int64_t longest = 0;
    for (int32_t r = 0; r < self->team->size; r++)
        if (places[r + 1] - places[r] > longest) longest = places[r + 1] - places[r];
    int64_t room = self->region / size;
    return longest > room ? (longest + room - 1) / room : 1;
}

static void pack(const bucket *b, const slice *s, int32_t rank, char *region)
{
    int64_t first, count = run_of(s, rank, &first);
    memcpy(region + b->used[rank], s->values + first * s->size, (size_t)(count * s->size));
}

/* To be summed go the others' runs, each to its rank; to be spread, our own, which lies where all will have it. */
static void put(exchange *self, bucket *b, const slice *s)
{
    int32_t own = self->team->rank;
    for (int32_t r = 0; r < self->team->size; r++) {
        if (self->moving == SUM && r != own) pack(b, s, r, b->out + r * self->region);
        if (self->moving == SPREAD && r == own) pack(b, s, r, b->in + r * self->region);
    }
    for (int32_t r = 0; r < self->team->size; r++) b->used[r] += (int)bytes_of(s, r);
    b->slices[b->count++] = *s;
}

/* ---- what arrives ----------------------------------------------------------------------------------------------- */

enum { CHUNK = 512 }; /* sums at a time */

static void add_chunk(int32_t dtype, int64_t count, const char *from, double *sums)
{
    const float *narrow = (const float *)(const void *)from;
    const double *wide = (const double *)(const void *)from;
    if (dtype == NECK_F64)
        for (int64_t i = 0; i < count; i++) sums[i] += wide[i];
    else
        for (int64_t i = 0; i < count; i++) sums[i] += (double)narrow[i];
}

static void put_chunk(int32_t dtype, int64_t count, const double *sums, char *to)
{
    float *narrow = (float *)(void *)to;
    if (dtype == NECK_F64) memcpy(to, sums, (size_t)count * sizeof *sums);
    else
        for (int64_t i = 0; i < count; i++) narrow[i] = (float)sums[i];
}

/* In order of rank, in double, rounded once. in: where the first rank's run begins; our own lies where the sum goes. */
static void add_runs(const exchange *self, const slice *s, const char *in, char *to, int64_t count)
{
    double sums[CHUNK];
    for (int64_t first = 0; first < count; first += CHUNK) {
        int64_t length = count - first < CHUNK ? count - first : CHUNK;
        memset(sums, 0, sizeof sums);
        for (int32_t r = 0; r < self->team->size; r++)
            add_chunk(s->dtype, length, (r == self->team->rank ? to : in + r * self->region) + first * s->size, sums);
        put_chunk(s->dtype, length, sums, to + first * s->size);
    }
}

static void take_sums(const exchange *self, const bucket *b)
{
    int64_t at = 0;
    for (int i = 0; i < b->count; i++) {
        const slice *s = &b->slices[i];
        int64_t first, count = run_of(s, self->team->rank, &first);
        add_runs(self, s, b->in + at, s->values + first * s->size, count);
        at += bytes_of(s, self->team->rank);
    }
}

static void take_copies(const exchange *self, const bucket *b)
{
    for (int32_t r = 0; r < self->team->size; r++) {
        const char *from = b->in + r * self->region;
        for (int i = 0; i < b->count && r != self->team->rank; i++) {
            const slice *s = &b->slices[i];
            int64_t first, count = run_of(s, r, &first);
            memcpy(s->values + first * s->size, from, (size_t)(count * s->size));
            from += bytes_of(s, r);
        }
    }
}

/* ---- buckets on their way --------------------------------------------------------------------------------------- */

static neck_status await_oldest(exchange *self)
{
    bucket *b = &self->ring[self->first];
    NECK_TRY(neck__mpi_wait(self->team, &b->request,
                            self->moving == SUM ? "a sum of gradients" : "spreading parameters"));
    if (self->moving == SUM) take_sums(self, b);
    else take_copies(self, b);
    memset(b->used, 0, (size_t)self->team->size * sizeof *b->used);
    b->count = b->under_way = 0;
    self->first = (self->first + 1) % DEPTH;
    return NECK_OK;
}

static neck_status send(exchange *self, bucket *b)
{
    neck_mpi_team *team = self->team;
    int32_t own = team->rank;
    for (int32_t r = 0; r < team->size; r++) {
        b->leaving[r] = r == own ? 0 : b->used[r];
        b->coming[r] = r == own ? 0 : b->used[own];
    }
    const int *places = self->places;
    int code = self->moving == SUM
                   ? MPI_Ialltoallv(b->out, b->leaving, places, MPI_BYTE, b->in, b->coming, places, MPI_BYTE,
                                    team->comm, &b->request)
                   : MPI_Iallgatherv(MPI_IN_PLACE, 0, MPI_BYTE, b->in, b->used, places, MPI_BYTE, team->comm,
                                     &b->request);
    return neck__mpi_check(team, code, "an exchange of gradients");
}

/* Afterwards the bucket to fill is an empty one. */
static neck_status flush(exchange *self)
{
    bucket *b = &self->ring[self->filling];
    if (b->count == 0) return NECK_OK;
    NECK_TRY(send(self, b));
    b->under_way = 1;
    self->filling = (self->filling + 1) % DEPTH;
    return self->ring[self->filling].under_way ? await_oldest(self) : NECK_OK;
}

static neck_status drain(exchange *self)
{
    NECK_TRY(flush(self));
    while (self->ring[self->first].under_way) NECK_TRY(await_oldest(self));
    return NECK_OK;
}

static neck_status add_array(exchange *self, motion moving, slice s)
{
    if (self->moving != moving) NECK_TRY(drain(self));
    self->moving = moving;
    s.parts = parts_of(self, s.places, s.size);
    for (s.part = 0; s.part < s.parts; s.part++) {
        if (!fits(self, &self->ring[self->filling], &s)) NECK_TRY(flush(self));
        put(self, &self->ring[self->filling], &s);
    }
    return NECK_OK;
}

/* ---- the functions of an exchange ------------------------------------------------------------------------------- */

static neck_status remember(exchange *self, neck_status status)
{
    if (self->status == NECK_OK) self->status = status;
    return status;
}

static neck_status usable(const exchange *self)
{
    NECK_TRY(neck__mpi_usable(self->team));
    return self->status == NECK_OK ? NECK_OK : neck__mpi_fail(NECK_E_STATE, "the exchange has failed before");
}

static neck_status sum(void *user, void *values, int32_t dtype, const int64_t *places)
{
    NECK_TRY(usable(user));
    slice s = {.values = values, .size = neck_dtype_size(dtype), .dtype = dtype, .places = places};
    return remember(user, add_array(user, SUM, s));
}

static neck_status spread(void *user, void *values, int64_t size, const int64_t *places)
{
    NECK_TRY(usable(user));
    if (size < 1 || size > LEAST_REGION) return neck__mpi_fail(NECK_E_ARGUMENT, "elements of %" PRId64 " bytes", size);
    slice s = {.values = values, .size = size, .places = places};
    return remember(user, add_array(user, SPREAD, s));
}

static neck_status finish(void *user)
{
    NECK_TRY(usable(user));
    return remember(user, drain(user));
}

static neck_status add(void *user, double *values, int64_t count)
{
    NECK_TRY(usable(user));
    return neck_mpi_sum(((exchange *)user)->team, values, count);
}

static neck_status agree(void *user, neck_status status)
{
    return neck_mpi_agree(((exchange *)user)->team, status);
}

/* ---- making ----------------------------------------------------------------------------------------------------- */

static neck_status read_options(const neck_mpi_exchange_options *given, int64_t *bytes)
{
    NECK__MPI_OPTIONS(neck_mpi_exchange_options, options, given);
    if (options.bucket != 0 && (options.bucket < 4096 || options.bucket > (int64_t)1 << 30))
        return neck__mpi_fail(NECK_E_ARGUMENT, "bucket is %" PRId64 " bytes: 4096 to 2^30 are possible",
                              options.bucket);
    *bytes = options.bucket ? options.bucket : DEFAULT_BUCKET;
    return NECK_OK;
}

static neck_status take_memory(exchange *self, int64_t bytes)
{
    size_t ranks = (size_t)self->team->size;
    self->region = bytes / self->team->size / ALIGNMENT * ALIGNMENT;
    if (self->region < LEAST_REGION) self->region = LEAST_REGION;
    self->places = calloc(ranks, sizeof *self->places);
    int good = self->places != NULL;
    for (int i = 0; i < DEPTH; i++) {
        bucket *b = &self->ring[i];
        b->used = calloc(3 * ranks, sizeof *b->used);
        b->out = malloc(ranks * (size_t)self->region);
        b->in = malloc(ranks * (size_t)self->region);
        good = good && b->used && b->out && b->in;
    }
    if (!good) return neck__mpi_fail(NECK_E_NOMEM, "out of memory for %d buckets of %" PRId64 " bytes", 2 * DEPTH,
                                     bytes);
    for (int i = 0; i < DEPTH; i++) {
        self->ring[i].leaving = self->ring[i].used + ranks;
        self->ring[i].coming = self->ring[i].leaving + ranks;
    }
    for (size_t r = 0; r < ranks; r++) self->places[r] = (int)((int64_t)r * self->region);
    return NECK_OK;
}

neck_status neck_mpi_exchange_create(neck_mpi_team *team, const neck_mpi_exchange_options *options,
                                     neck_gradient_exchange **out)
{
    const char *const names[] = {"bucket"};
    int64_t bytes = 0;
    NECK_TRY(neck__mpi_usable(team));
    neck_status status = out ? read_options(options, &bytes) : neck__mpi_fail(NECK_E_ARGUMENT, "out is NULL");
    NECK_TRY(neck_mpi_agree(team, status));
    NECK_TRY(neck__mpi_same(team, "the exchange", names, &bytes, 1));
    exchange *self = status == NECK_OK ? calloc(1, sizeof *self) : NULL;
    if (self) {
        self->face = (neck_gradient_exchange){sizeof self->face, team->rank, team->size, self, sum, spread, finish, add,
                                              agree};
        self->team = team;
        status = take_memory(self, bytes);
    } else if (status == NECK_OK)
        status = neck__mpi_fail(NECK_E_NOMEM, "out of memory for an exchange");
    status = neck_mpi_agree(team, status);
    if (status == NECK_OK) *out = &self->face;
    else if (self) neck_mpi_exchange_destroy(&self->face);
    return status;
}

/* After a failure MPI may still write to the buckets, as before finish. */
void neck_mpi_exchange_destroy(neck_gradient_exchange *face)
{
    exchange *self = (exchange *)face;
    if (!self || self->status != NECK_OK || self->ring[self->first].under_way) return;
    for (int i = 0; i < DEPTH; i++) {
        free(self->ring[i].used);
        free(self->ring[i].out);
        free(self->ring[i].in);
    }
    free(self->places);
    free(self);
}
