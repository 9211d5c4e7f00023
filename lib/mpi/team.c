/* mpi/team.c - making and ending a team; how its calls fail and wait. */
#include "mpi/team.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SILENCE 60.0

/* ---- failing ---------------------------------------------------------------------------------------------------- */

neck_status neck__mpi_fail(neck_status status, const char *format, ...)
{
    char text[1024];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    return neck_error_set(status, text);
}

neck_status neck__mpi_check(neck_mpi_team *team, int code, const char *what)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int length;
    if (code == MPI_SUCCESS) return NECK_OK;
    MPI_Error_string(code, text, &length);
    if (team) neck__mpi_break(team, team->rank, text);
    return neck__mpi_fail(NECK_E_IO, "%s: %s", what, text);
}

void neck__mpi_break(neck_mpi_team *team, int32_t rank, const char *fault)
{
    if (atomic_exchange(&team->breaking, 1)) return;
    if (fault)
        snprintf(team->message, sizeof team->message, "rank %d (%s) is out of step: %s", rank, team->hosts[rank],
                 fault);
    else
        snprintf(team->message, sizeof team->message,
                 "rank %d (%s) has been silent for %.0f s: it was killed, or cannot be reached",
                 rank, team->hosts[rank], team->silence);
    team->missed = rank;
    team->at_fault = fault != NULL;
    atomic_store(&team->broken, 1);
}

neck_status neck__mpi_usable(const neck_mpi_team *team)
{
    if (!team) return neck__mpi_fail(NECK_E_ARGUMENT, "team is NULL");
    if (!atomic_load(&team->broken)) return NECK_OK;
    return neck__mpi_fail(NECK_E_STATE, "the team is broken: %s", team->message);
}

neck_status neck__mpi_options(const char *type, const void *given, void *ours, size_t size)
{
    size_t theirs = size;
    memset(ours, 0, size);
    if (given) memcpy(&theirs, given, sizeof theirs);
    if (theirs < sizeof theirs) return neck__mpi_fail(NECK_E_ARGUMENT, "%s.struct_size is not set", type);
    for (size_t i = size; i < theirs; i++)
        if (((const char *)given)[i])
            return neck__mpi_fail(NECK_E_ARGUMENT, "%s asks for what this version cannot do", type);
    if (given) memcpy(ours, given, theirs < size ? theirs : size);
    memcpy(ours, &size, sizeof size);
    return NECK_OK;
}

/* ---- waiting ---------------------------------------------------------------------------------------------------- */

double neck__mpi_clock(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* An answer that is near is worth a little spinning; later the core is of more use to others. */
neck_status neck__mpi_wait(neck_mpi_team *team, MPI_Request *request, const char *what)
{
    enum { SPINS = 2000 };
    const struct timespec nap = {0, 50000};
    for (int64_t tries = 0;; tries++) {
        int done = 0;
        NECK_TRY(neck__mpi_check(team, MPI_Test(request, &done, MPI_STATUS_IGNORE), what));
        if (done) return NECK_OK;
        if (atomic_load(&team->broken)) return neck__mpi_fail(NECK_E_IO, "%s", team->message);
        if (tries > SPINS) nanosleep(&nap, NULL);
    }
}

neck_status neck__mpi_await(neck_mpi_team *team, int code, MPI_Request *request, const char *what)
{
    NECK_TRY(neck__mpi_check(team, code, what));
    return neck__mpi_wait(team, request, what);
}

void neck__mpi_free(const neck_mpi_team *team, void *memory)
{
    if (!atomic_load(&team->broken)) free(memory);
}

/* ---- making ----------------------------------------------------------------------------------------------------- */

static neck_status read_options(const neck_mpi_team_options *given, neck_mpi_team *team)
{
    NECK__MPI_OPTIONS(neck_mpi_team_options, options, given);
    if (options.silence_seconds != 0 && !(options.silence_seconds >= 1 && options.silence_seconds <= 1e9))
        return neck__mpi_fail(NECK_E_ARGUMENT, "silence_seconds is %g: at least 1 is needed", options.silence_seconds);
    team->silence = options.silence_seconds > 0 ? options.silence_seconds : SILENCE;
    team->lost = options.lost;
    team->lost_user = options.lost_user;
    return NECK_OK;
}

static neck_status check_mpi(void)
{
    int begun = 0, ended = 0, threads = 0;
    MPI_Initialized(&begun);
    if (begun) MPI_Finalized(&ended);
    if (!begun || ended) return neck__mpi_fail(NECK_E_STATE, "MPI is not initialised, or no longer");
    MPI_Query_thread(&threads);
    if (threads == MPI_THREAD_MULTIPLE) return NECK_OK;
    return neck__mpi_fail(NECK_E_STATE, "MPI was initialised without MPI_THREAD_MULTIPLE, "
                                        "which a team needs to watch over its ranks");
}

static neck_status take_memory(neck_mpi_team *team)
{
    size_t size = (size_t)team->size;
    team->counts = calloc(size, 4 * sizeof *team->counts);
    team->few = calloc(NECK__MPI_SMALL + size * sizeof(double), 1);
    team->hosts = calloc(size, sizeof *team->hosts);
    team->heard = calloc(size, sizeof *team->heard);
    team->gone = calloc(size, sizeof *team->gone);
    team->beats = calloc(size, sizeof *team->beats);
    if (!team->hosts || !team->heard || !team->gone || !team->beats || !team->counts || !team->few)
        return neck__mpi_fail(NECK_E_NOMEM, "out of memory for a team of %d ranks", team->size);
    for (int32_t i = 0; i < team->size; i++) team->beats[i] = MPI_REQUEST_NULL;
    return NECK_OK;
}

static neck_status duplicate(MPI_Comm comm, neck_mpi_team *team)
{
    NECK_TRY(neck__mpi_check(NULL, MPI_Comm_dup(comm, &team->comm), "duplicating the communicator"));
    MPI_Comm_set_errhandler(team->comm, MPI_ERRORS_RETURN);
    return neck__mpi_check(NULL, MPI_Comm_dup(team->comm, &team->watch), "duplicating the communicator");
}

static neck_status gather_hosts(neck_mpi_team *team)
{
    int length;
    char own[MPI_MAX_PROCESSOR_NAME] = "";
    MPI_Get_processor_name(own, &length);
    int code = MPI_Allgather(own, sizeof own, MPI_CHAR, team->hosts, sizeof own, MPI_CHAR, team->comm);
    return neck__mpi_check(NULL, code, "gathering the names of hosts");
}

/* What is wrong on one rank alone must be known to all before they go on to wait for each other. */
static neck_status all_well(MPI_Comm comm, neck_status status)
{
    int mine = status, worst = status;
    NECK_TRY(neck__mpi_check(NULL, MPI_Allreduce(&mine, &worst, 1, MPI_INT, MPI_MIN, comm), "making a team"));
    if (status == NECK_OK && worst != NECK_OK) return neck__mpi_fail(worst, "another rank could not join the team");
    return status;
}

/* A team that was never made has no goodbyes: signs of life may still be on their way, and would meet whatever
 * communicator got this one's number. So it keeps it. */
static void release(neck_mpi_team *team)
{
    if (team->watch != MPI_COMM_NULL && !atomic_load(&team->unwanted)) MPI_Comm_free(&team->watch);
    if (team->comm != MPI_COMM_NULL) MPI_Comm_free(&team->comm);
    free(team->hosts);
    free(team->heard);
    free(team->gone);
    free(team->beats);
    free(team->counts);
    free(team->few);
    free(team);
}

static neck_status begin(MPI_Comm comm, const neck_mpi_team_options *options, neck_mpi_team *team)
{
    int rank, size;
    if (!team) return neck__mpi_fail(NECK_E_NOMEM, "out of memory for a team");
    team->comm = team->watch = MPI_COMM_NULL;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    team->rank = rank;
    team->size = size;
    NECK_TRY(read_options(options, team));
    return take_memory(team);
}

static neck_status join(MPI_Comm comm, neck_mpi_team *team)
{
    NECK_TRY(duplicate(comm, team));
    NECK_TRY(gather_hosts(team));
    neck_status status = all_well(comm, neck__mpi_watch_start(team));
    if (status == NECK_OK) return NECK_OK;
    atomic_store(&team->unwanted, 1);
    neck__mpi_watch_stop(team);
    return status;
}

neck_status neck_mpi_team_create(MPI_Comm comm, const neck_mpi_team_options *options, neck_mpi_team **out)
{
    NECK_TRY(check_mpi());
    neck_mpi_team *team = calloc(1, sizeof *team);
    neck_status status = begin(comm, options, team);
    if (status == NECK_OK && !out) status = neck__mpi_fail(NECK_E_ARGUMENT, "out is NULL");
    status = all_well(comm, status);
    if (status == NECK_OK) status = join(comm, team);
    if (status == NECK_OK) *out = team;
    else if (team) release(team);
    return status;
}

/* A broken team cannot be taken apart: MPI would wait for the lost rank. */
void neck_mpi_team_destroy(neck_mpi_team *team)
{
    if (!team) return;
    neck__mpi_watch_stop(team);
    if (!atomic_load(&team->broken)) release(team);
}

/* ---- read access ------------------------------------------------------------------------------------------------ */

int32_t neck_mpi_rank(const neck_mpi_team *team)
{
    return team ? team->rank : 0;
}

int32_t neck_mpi_size(const neck_mpi_team *team)
{
    return team ? team->size : 1;
}

const char *neck_mpi_host(const neck_mpi_team *team, int32_t rank)
{
    return team && rank >= 0 && rank < team->size ? team->hosts[rank] : "";
}

int32_t neck_mpi_broken(const neck_mpi_team *team)
{
    return team && atomic_load(&team->broken);
}

void neck_mpi_share(const neck_mpi_team *team, int64_t total, int32_t rank, int64_t *first, int64_t *count)
{
    int64_t size = neck_mpi_size(team), each = total / size, more = total % size;
    *first = rank * each + (rank < more ? rank : more);
    *count = each + (rank < more);
}
