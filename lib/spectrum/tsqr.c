/* spectrum/tsqr.c - the QR factorisation behind every value the Gram matrix cannot resolve. */
#include "spectrum/tsqr.h"

#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "linalg/lapack.h"

/* A chunk is this many times as long as it is wide: long enough that folding R in costs little, short enough that
 * chains of roundings, and chunks, stay small. */
enum { ASPECT = 2, SHORTEST_CHUNK = 512 };

static int64_t chunk_rows(const neck__tsqr *tsqr, int64_t index)
{
    int64_t left = tsqr->length - index * tsqr->chunk;
    return index + 1 < tsqr->chunks ? tsqr->chunk : left;
}

static double *chunk_reflectors(const neck__tsqr *tsqr, int64_t index)
{
    return tsqr->kept ? tsqr->reflectors + index * tsqr->chunk * tsqr->order : tsqr->reflectors;
}

static double *chunk_factors(const neck__tsqr *tsqr, int64_t index)
{
    return tsqr->kept ? tsqr->factors + index * neck__qr_block(tsqr->order) * tsqr->order : tsqr->factors;
}

static neck_status allocate(const neck__source *source, neck__tsqr *tsqr)
{
    tsqr->order = neck__source_order(source);
    tsqr->length = neck__source_length(source);
    tsqr->chunk = ASPECT * tsqr->order > SHORTEST_CHUNK ? ASPECT * tsqr->order : SHORTEST_CHUNK;
    if (tsqr->chunk > tsqr->length) tsqr->chunk = tsqr->length;
    tsqr->chunks = (tsqr->length + tsqr->chunk - 1) / tsqr->chunk;
    int64_t n = tsqr->order, square, reflectors, factors = neck__qr_block(n) * n;
    if (!neck__mul(n, n, &square) || !neck__mul(tsqr->kept ? tsqr->length : tsqr->chunk, n, &reflectors) ||
        !neck__mul(factors, tsqr->kept ? tsqr->chunks : 1, &factors))
        return neck__fail(NECK_E_OVERFLOW, "QR of a %lld x %lld matrix is too large", (long long)tsqr->length,
                          (long long)n);
    tsqr->r = neck__calloc(&tsqr->allocator, square, sizeof(double), "R of a QR factorisation");
    if (tsqr->r)
        tsqr->reflectors = neck__alloc(&tsqr->allocator, reflectors, sizeof(double),
                                       "reflectors of a QR factorisation");
    if (tsqr->reflectors)
        tsqr->factors = neck__alloc(&tsqr->allocator, factors, sizeof(double), "factors of a QR factorisation");
    return tsqr->factors ? NECK_OK : NECK_E_NOMEM;
}

void neck__tsqr_free(neck__tsqr *tsqr)
{
    neck__release(&tsqr->allocator, tsqr->r);
    neck__release(&tsqr->allocator, tsqr->reflectors);
    neck__release(&tsqr->allocator, tsqr->factors);
    tsqr->r = tsqr->reflectors = tsqr->factors = NULL;
}

enum { LINES_PER_TASK = 16 };

/* Reads rows [first, first + count) of the tall matrix into column-major storage. */
typedef struct loading {
    const neck__source *source;
    int64_t first, count, order;
    double *to;
    double *lines;   /* order doubles a task: rows on their way to columns */
    double *squares; /* one a task */
} loading;

static int64_t load_tasks(const loading *job)
{
    int64_t lines = job->source->by_rows ? job->order : job->count;
    return (lines + LINES_PER_TASK - 1) / LINES_PER_TASK;
}

static void load_task(void *data, int64_t task)
{
    loading *job = data;
    int64_t begin = task * LINES_PER_TASK, end = begin + LINES_PER_TASK;
    double squares = 0;
    if (job->source->by_rows) {
        for (int64_t j = begin; j < end && j < job->order; j++) {
            double *column = job->to + j * job->count;
            neck__source_read(job->source, j, job->first, job->count, column);
            squares += neck__sum_squares(job->count, column);
        }
    } else {
        double *line = job->lines + task * job->order;
        for (int64_t i = begin; i < end && i < job->count; i++) {
            neck__source_read(job->source, job->first + i, 0, job->order, line);
            squares += neck__sum_squares(job->order, line);
            for (int64_t j = 0; j < job->order; j++) job->to[j * job->count + i] = line[j];
        }
    }
    job->squares[task] = squares;
}

static neck_status load(neck_context *context, const neck__source *source, neck__tsqr *tsqr, int64_t index, double *to)
{
    loading job = {source, index * tsqr->chunk, chunk_rows(tsqr, index), tsqr->order, to, NULL, NULL};
    int64_t tasks = load_tasks(&job), lines = source->by_rows ? 0 : tasks * tsqr->order;
    double *memory = neck__alloc(&tsqr->allocator, lines + tasks, sizeof(double), "rows of a chunk");
    if (!memory) return NECK_E_NOMEM;
    job.lines = memory;
    job.squares = memory + lines;
    neck__parallel(context, tasks, load_task, &job);
    for (int64_t i = 0; i < tasks; i++) tsqr->frobenius_squared += job.squares[i];
    neck__release(&tsqr->allocator, memory);
    return isfinite(tsqr->frobenius_squared) ? NECK_OK : neck__source_not_finite(source);
}

static neck_status fold(neck_context *context, neck__tsqr *tsqr, int64_t index, double *a)
{
    int64_t rows = chunk_rows(tsqr, index), n = tsqr->order;
    double *factors = chunk_factors(tsqr, index);
    if (index > 0) return neck__qr_update(context, rows, n, tsqr->r, n, a, rows, factors);
    NECK_TRY(neck__qr_factor(context, rows, n, a, rows, factors));
    for (int64_t j = 0; j < n; j++) memcpy(tsqr->r + j * n, a + j * rows, (size_t)(j + 1) * sizeof *a);
    return NECK_OK;
}

neck_status neck__tsqr_factor(neck_context *context, const neck__source *source, int32_t keep, neck__tsqr *out)
{
    neck__tsqr tsqr = {.allocator = neck__allocator_of(context), .kept = keep};
    neck_status status = allocate(source, &tsqr);
    for (int64_t i = 0; i < tsqr.chunks && status == NECK_OK; i++) {
        double *a = chunk_reflectors(&tsqr, i);
        status = load(context, source, &tsqr, i, a);
        if (status == NECK_OK) status = fold(context, &tsqr, i, a);
        if (status == NECK_OK)
            status = neck__progress(context, "qr", neck__source_unit(source), i * tsqr.chunk + chunk_rows(&tsqr, i),
                                    tsqr.length);
    }
    if (status != NECK_OK)
        neck__tsqr_free(&tsqr);
    else
        *out = tsqr;
    return status;
}

neck_status neck__tsqr_apply(neck_context *context, neck__tsqr *tsqr, double *top, neck__tsqr_block_fn take, void *user)
{
    int64_t n = tsqr->order;
    double *block = neck__alloc(&tsqr->allocator, tsqr->chunk * n, sizeof(double), "a block of singular vectors");
    if (!block) return NECK_E_NOMEM;
    neck_status status = NECK_OK;
    for (int64_t i = tsqr->chunks - 1; i >= 0 && status == NECK_OK; i--) {
        int64_t rows = chunk_rows(tsqr, i);
        memset(block, 0, (size_t)(rows * n) * sizeof *block);
        for (int64_t j = 0; i == 0 && j < n; j++) memcpy(block + j * rows, top + j * n, (size_t)n * sizeof *block);
        const double *reflectors = chunk_reflectors(tsqr, i), *factors = chunk_factors(tsqr, i);
        status = i == 0 ? neck__qr_apply(context, rows, n, n, reflectors, rows, factors, block, rows)
                        : neck__qr_update_apply(context, rows, n, n, reflectors, rows, factors, top, n, block, rows);
        if (status == NECK_OK) take(user, i * tsqr->chunk, rows, block);
        if (status == NECK_OK)
            status = neck__progress(context, "singular vectors", "rows", tsqr->length - i * tsqr->chunk, tsqr->length);
    }
    neck__release(&tsqr->allocator, block);
    return status;
}

/* Each column passes through reflections of chunk + order elements, one for each chunk. */
double neck__tsqr_chain(const neck__tsqr *tsqr)
{
    return (double)(tsqr->chunk + tsqr->order) + 10.0 * (double)tsqr->chunks;
}
