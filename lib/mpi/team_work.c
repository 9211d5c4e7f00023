/* mpi/team_work.c - a list of work: every rank runs units until there are none. */
#include "mpi/team_work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TELL_EVERY 0.2 /* seconds */

/* ---- for run ----------------------------------------------------------------------------------------------------- */

neck_status neck_mpi_work_give(neck_mpi_work *work, const void *bytes, int64_t size)
{
    if (!work || size < 0 || (!bytes && size > 0))
        return neck__mpi_fail(NECK_E_ARGUMENT, "work or bytes is NULL, or size is negative");
    if (size > INT32_MAX - work->size)
        return neck__mpi_fail(NECK_E_OVERFLOW, "a unit's result is longer than 2^31 - 1 bytes");
    if (work->size + size > work->capacity) {
        int64_t capacity = 2 * (work->size + size);
        char *more = realloc(work->bytes, (size_t)capacity);
        if (!more)
            return neck__mpi_fail(NECK_E_NOMEM, "out of memory: %lld bytes of a unit's result", (long long)capacity);
        work->bytes = more;
        work->capacity = capacity;
    }
    if (size > 0) memcpy(work->bytes + work->size, bytes, (size_t)size);
    work->size += size;
    return NECK_OK;
}

/* ---- what goes to rank 0 and comes from it ----------------------------------------------------------------------- */

static neck_status send(neck_mpi_work *work, const void *bytes, int64_t size, int tag)
{
    MPI_Request request;
    int code = MPI_Isend(bytes, (int)size, MPI_BYTE, 0, tag, work->team->comm, &request);
    return neck__mpi_await(work->team, code, &request, "reporting work");
}

static neck_status receive(neck_mpi_work *work, void *bytes, int64_t size, int tag)
{
    MPI_Request request;
    int code = MPI_Irecv(bytes, (int)size, MPI_BYTE, 0, tag, work->team->comm, &request);
    return neck__mpi_await(work->team, code, &request, "asking for work");
}

static neck_status take_stop(neck_mpi_work *work)
{
    work->stopped = 1;
    return receive(work, &work->nothing, 0, NECK__WORK_STOP);
}

static neck_status look_for_stop(neck_mpi_work *work)
{
    int found = 0;
    if (!work->stopped)
        NECK_TRY(neck__mpi_check(work->team,
                                 MPI_Iprobe(0, NECK__WORK_STOP, work->team->comm, &found, MPI_STATUS_IGNORE),
                                 "looking for rank 0's word"));
    return found ? take_stop(work) : NECK_OK;
}

/* What has not left yet is not followed by another. */
static neck_status tell_rank_0(neck_mpi_work *work, int64_t amount)
{
    int left = 1;
    if (work->telling != MPI_REQUEST_NULL)
        NECK_TRY(neck__mpi_check(work->team, MPI_Test(&work->telling, &left, MPI_STATUS_IGNORE), "telling"));
    if (!left) return NECK_OK;
    work->tell[0] = work->unit;
    work->tell[1] = amount;
    int code = MPI_Isend(work->tell, sizeof work->tell, MPI_BYTE, 0, NECK__WORK_TELL, work->team->comm, &work->telling);
    return neck__mpi_check(work->team, code, "telling");
}

static neck_status tell(neck_mpi_work *work, int64_t amount)
{
    if (work->list) {
        neck__list_told(work, amount);
        work->stopped = (char)neck__list_has_failed(work);
        return NECK_OK;
    }
    NECK_TRY(look_for_stop(work));
    return tell_rank_0(work, amount);
}

neck_status neck_mpi_work_tell(neck_mpi_work *work, int64_t amount)
{
    if (!work) return neck__mpi_fail(NECK_E_ARGUMENT, "work is NULL");
    NECK_TRY(neck__mpi_usable(work->team));
    double now = neck__mpi_clock();
    if (now - work->last_told >= TELL_EVERY) {
        work->last_told = now;
        NECK_TRY(tell(work, amount));
    }
    return work->stopped ? neck__mpi_fail(NECK_E_CANCELLED, "the work has failed on another rank") : NECK_OK;
}

/* ---- the units of this rank -------------------------------------------------------------------------------------- */

static void run_unit(neck_mpi_work *work, int64_t unit, neck__report *report)
{
    work->unit = unit;
    work->size = 0;
    *report = (neck__report){.unit = unit};
    report->status = work->options.run(work->options.user, work, unit);
    if (report->status == NECK_OK) report->size = work->size;
    else neck_last_error_copy(report->message, sizeof report->message);
}

static neck_status send_report(neck_mpi_work *work, const neck__report *report)
{
    NECK_TRY(send(work, report, sizeof *report, NECK__WORK_REPORT));
    for (int64_t first = 0; first < report->size; first += NECK__WORK_PIECE) {
        int64_t left = report->size - first;
        NECK_TRY(send(work, work->bytes + first, left < NECK__WORK_PIECE ? left : NECK__WORK_PIECE, NECK__WORK_BYTES));
    }
    return NECK_OK;
}

/* A rank that is not rank 0. */
static neck_status work_for(neck_mpi_work *work)
{
    neck__report report = {.unit = -1};
    for (;;) {
        NECK_TRY(send_report(work, &report));
        NECK_TRY(receive(work, &work->answer, sizeof work->answer, NECK__WORK_ANSWER));
        if (work->answer.kind == NECK_MPI_WORK_END) break;
        run_unit(work, work->answer.unit, &report);
    }
    if (work->answer.stopped && !work->stopped) NECK_TRY(take_stop(work));
    return work->telling == MPI_REQUEST_NULL ? NECK_OK : neck__mpi_wait(work->team, &work->telling, "telling");
}

static void keep_list(neck_mpi_work *work)
{
    const struct timespec nap = {0, 1000000};
    neck__report report;
    for (int64_t unit = -1; !atomic_load(&work->team->broken);) {
        int32_t kind = neck__list_next(work, &unit);
        if (kind == NECK_MPI_WORK_END) break;
        if (kind == NECK_MPI_WORK_WAIT) {
            nanosleep(&nap, NULL);
            continue;
        }
        run_unit(work, unit, &report);
        neck__list_report(work, &report);
    }
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

static neck_status read_options(const neck_mpi_work_options *given, int32_t rank, neck_mpi_work_options *options)
{
    if (!given) return neck__mpi_fail(NECK_E_ARGUMENT, "options is NULL");
    NECK_TRY(neck__mpi_options("neck_mpi_work_options", given, options, sizeof *options));
    if (!options->run || (rank == 0 && (!options->next || !options->done)))
        return neck__mpi_fail(NECK_E_ARGUMENT, "run is NULL, or next or done on rank 0");
    return NECK_OK;
}

static neck_status begin(neck_mpi_work *work, const neck_mpi_work_options *options)
{
    NECK_TRY(read_options(options, work->team->rank, &work->options));
    return work->team->rank == 0 ? neck__list_open(work) : NECK_OK;
}

/* All learn how the list has fared. */
static neck_status outcome(neck_mpi_work *work)
{
    struct {
        int64_t status;
        char message[sizeof work->list->message];
    } told = {NECK_OK, ""};
    if (atomic_load(&work->team->broken)) return neck__mpi_fail(NECK_E_IO, "%s", work->team->message);
    if (work->list) {
        told.status = work->list->status;
        memcpy(told.message, work->list->message, sizeof told.message);
    }
    NECK_TRY(neck_mpi_broadcast(work->team, &told, sizeof told, 0));
    return told.status == NECK_OK ? NECK_OK : neck__mpi_fail((neck_status)told.status, "%s", told.message);
}

/* When a rank is lost, MPI may still write to what lies here. */
static void release(neck_mpi_work *work)
{
    if (atomic_load(&work->team->broken)) return;
    neck__list_free(work);
    free(work->bytes);
    free(work);
}

neck_status neck_mpi_work_run(neck_mpi_team *team, const neck_mpi_work_options *options)
{
    NECK_TRY(neck__mpi_usable(team));
    neck_mpi_work *work = calloc(1, sizeof *work);
    neck_status status = work ? NECK_OK : neck__mpi_fail(NECK_E_NOMEM, "out of memory for a list of work");
    status = neck_mpi_agree(team, status);
    if (status != NECK_OK) {
        free(work);
        return status;
    }
    work->team = team;
    work->telling = MPI_REQUEST_NULL;
    status = neck_mpi_agree(team, begin(work, options));
    int begun = status == NECK_OK;
    if (begun && work->list) keep_list(work);
    else if (begun) status = work_for(work);
    neck__list_end(work, begun);
    if (begun && status == NECK_OK) status = outcome(work);
    release(work);
    return status;
}
