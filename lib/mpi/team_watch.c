/* mpi/team_watch.c - the thread that tells the other ranks of this one, hears of them, and hands out tickets. All ranks
 * talk with rank 0 alone, which tells the others when it has lost one. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "mpi/team.h"

enum { TAG_BEAT = 1, TAG_LOST, TAG_FAULT, TAG_ASK, TAG_TICKET, TAG_BYE };

#define BEAT 1.0    /* seconds between two signs of life, at most */
#define NAP 1000000 /* nanoseconds between two looks: also what moves messages on while the other thread computes */

/* ---- a team that breaks ----------------------------------------------------------------------------------------- */

/* The tag carries the rank and what became of it, so that no buffer has to outlive this call. Rank 0 tells all,
 * others it. */
static void tell_others(neck_mpi_team *team)
{
    int32_t first = team->rank == 0 ? 1 : 0, last = team->rank == 0 ? team->size - 1 : 0;
    for (int32_t i = first; i <= last && (team->rank == 0 || team->missed == team->rank); i++) {
        MPI_Request request;
        if (i == team->missed && !team->at_fault) continue;
        MPI_Isend(NULL, 0, MPI_CHAR, i, (team->at_fault ? TAG_FAULT : TAG_LOST) + 16 * (team->missed + 1), team->watch,
                  &request);
        MPI_Request_free(&request);
    }
}

/* ---- messages --------------------------------------------------------------------------------------------------- */

static void send_ticket(neck_mpi_team *team, int32_t to)
{
    int64_t number = team->tickets++;
    MPI_Send(&number, 1, MPI_INT64_T, to, TAG_TICKET, team->watch); /* eight bytes: does not wait */
}

static void take(neck_mpi_team *team, int32_t from, int tag)
{
    int64_t number = 0;
    MPI_Recv(&number, 1, MPI_INT64_T, from, tag, team->watch, MPI_STATUS_IGNORE);
    team->heard[from] = neck__mpi_clock();
    if (tag == TAG_ASK) send_ticket(team, from);
    if (tag == TAG_BYE) team->gone[from] = 1;
    if (tag > 16) neck__mpi_break(team, tag / 16 - 1, tag % 16 == TAG_FAULT ? "its MPI has failed" : NULL);
    if (tag != TAG_TICKET) return;
    team->ticket = number;
    atomic_store(&team->answered, 1);
}

static void take_all(neck_mpi_team *team)
{
    for (int found = 1; found;) {
        MPI_Status about;
        if (MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, team->watch, &found, &about) != MPI_SUCCESS) return;
        if (found) take(team, about.MPI_SOURCE, about.MPI_TAG);
    }
}

static void ask(neck_mpi_team *team)
{
    if (!atomic_exchange(&team->asks, 0)) return;
    if (team->rank != 0) {
        MPI_Send(NULL, 0, MPI_INT64_T, 0, TAG_ASK, team->watch);
        return;
    }
    team->ticket = team->tickets++;
    atomic_store(&team->answered, 1);
}

/* ---- signs of life ---------------------------------------------------------------------------------------------- */

/* Rank 0 is in touch with all, every other rank with it. */
static int32_t last_peer(const neck_mpi_team *team)
{
    return team->rank == 0 ? team->size - 1 : 0;
}

static int32_t first_peer(const neck_mpi_team *team)
{
    return team->rank == 0 ? 1 : 0;
}

/* A beat that has not left yet is not followed by another. */
static void beat(neck_mpi_team *team, int tag)
{
    for (int32_t peer = first_peer(team); peer <= last_peer(team); peer++) {
        int left = 1;
        if (team->beats[peer] != MPI_REQUEST_NULL) MPI_Test(&team->beats[peer], &left, MPI_STATUS_IGNORE);
        if (left || tag == TAG_BYE) {
            if (!left) MPI_Request_free(&team->beats[peer]);
            MPI_Isend(NULL, 0, MPI_INT64_T, peer, tag, team->watch, &team->beats[peer]);
        }
    }
}

/* now: of the look that found this thread awake, so that nothing it slept through since counts. */
static void listen(neck_mpi_team *team, double now)
{
    for (int32_t peer = first_peer(team); peer <= last_peer(team); peer++)
        if (!team->gone[peer] && now - team->heard[peer] > team->silence) neck__mpi_break(team, peer, NULL);
}

/* A thread that was stopped itself, and the whole job with it maybe, knows nothing of the others' silence meanwhile. */
static void hear_anew(neck_mpi_team *team, double now)
{
    for (int32_t peer = first_peer(team); peer <= last_peer(team); peer++) team->heard[peer] = now;
}

static int all_gone(const neck_mpi_team *team)
{
    for (int32_t peer = first_peer(team); peer <= last_peer(team); peer++)
        if (!team->gone[peer]) return 0;
    return 1;
}

/* After its goodbye a rank still hears the others' goodbyes: behind them nothing more comes. */
static void *watch(void *argument)
{
    neck_mpi_team *team = argument;
    const struct timespec nap = {0, NAP};
    double every = team->silence / 8 < BEAT ? team->silence / 8 : BEAT, last = 0, looked = neck__mpi_clock();
    int said = 0;
    hear_anew(team, looked); /* not from when the thread was asked for: it may begin late */
    while (!atomic_load(&team->broken) && !atomic_load(&team->unwanted)) {
        take_all(team);
        ask(team);
        if (atomic_load(&team->leaving) && !said) beat(team, TAG_BYE), said = 1;
        if (said && all_gone(team)) break;
        double now = neck__mpi_clock();
        if (!said && now - last >= every) beat(team, TAG_BEAT), last = now;
        if (now - looked > team->silence / 2) hear_anew(team, now);
        looked = now;
        listen(team, now);
        nanosleep(&nap, NULL);
    }
    if (!atomic_load(&team->broken)) return NULL;
    tell_others(team);
    if (team->lost) team->lost(team->lost_user, team->message);
    return NULL;
}

/* ---- starting and stopping -------------------------------------------------------------------------------------- */

/* Signals are for the threads of the program. */
neck_status neck__mpi_watch_start(neck_mpi_team *team)
{
    sigset_t all, before;
    if (team->size == 1) return NECK_OK;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&team->thread, NULL, watch, team);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) return neck__mpi_fail(NECK_E_NOMEM, "a team's thread cannot be started: %s", strerror(failed));
    team->watching = 1;
    return NECK_OK;
}

void neck__mpi_watch_stop(neck_mpi_team *team)
{
    if (!team->watching) return;
    atomic_store(&team->leaving, 1);
    pthread_join(team->thread, NULL);
    team->watching = 0;
    for (int32_t i = 0; i < team->size && !atomic_load(&team->broken); i++)
        if (atomic_load(&team->unwanted) && team->beats[i] != MPI_REQUEST_NULL) MPI_Request_free(&team->beats[i]);
        else MPI_Wait(&team->beats[i], MPI_STATUS_IGNORE);
}

neck_status neck_mpi_ticket(neck_mpi_team *team, int64_t *ticket)
{
    const struct timespec nap = {0, NAP / 4};
    NECK_TRY(neck__mpi_usable(team));
    if (!ticket) return neck__mpi_fail(NECK_E_ARGUMENT, "ticket is NULL");
    if (team->size == 1) {
        *ticket = team->tickets++;
        return NECK_OK;
    }
    atomic_store(&team->answered, 0);
    atomic_store(&team->asks, 1);
    while (!atomic_load(&team->answered)) {
        if (atomic_load(&team->broken)) return neck__mpi_fail(NECK_E_IO, "%s", team->message);
        nanosleep(&nap, NULL);
    }
    *ticket = team->ticket;
    return NECK_OK;
}
