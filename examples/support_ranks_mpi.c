/* support_ranks_mpi.c - the ranks that mpirun has started. */
#include "support_ranks_mpi.h"

#include <cblas.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support_ranks.h"

#define SILENCE "SOFTNECK_MPI_SILENCE" /* seconds; see neck_mpi_team_options */
#define USUAL_SILENCE 60.0
#define MOST_PATIENCE 120.0

static const tool *self;
static neck_mpi_team *team;
static int own_stderr = -1; /* of a silent rank */
static int ended;

neck_mpi_team *ranks_team(void) { return team; }
int32_t ranks_rank(void) { return neck_mpi_rank(team); }
int32_t ranks_size(void) { return neck_mpi_size(team); }

/* What the launcher says before MPI does; without a launcher there is no MPI to begin. */
static const char *launched(const char *open_mpi, const char *pmi)
{
    return getenv(open_mpi) ? getenv(open_mpi) : getenv(pmi);
}

__attribute__((constructor)) static void hush(void)
{
    const char *rank = launched("OMPI_COMM_WORLD_RANK", "PMI_RANK");
    int nowhere = open("/dev/null", O_WRONLY);
    if (nowhere < 0) return;
    if (rank && atoi(rank) > 0) {
        own_stderr = dup(STDERR_FILENO);
        dup2(nowhere, STDOUT_FILENO);
        dup2(nowhere, STDERR_FILENO);
    }
    close(nowhere);
}

/* ---- leaving early ---------------------------------------------------------------------------------------------- */

static double silence(void)
{
    const char *text = getenv(SILENCE);
    return text ? args_real(self, SILENCE, text, 1, 1e6) : USUAL_SILENCE;
}

/* A silent rank's last words. */
static void cry(const char *text)
{
    dprintf(own_stderr >= 0 ? own_stderr : STDERR_FILENO, "%s: %s\n", self->name, text);
}

/* On the watching thread: the other one may be in a call that never ends. A launcher that has not noticed yet cannot end a job on hosts
 * that it no longer reaches: it is left some time to notice by itself. */
static void lost(void *user, const char *message)
{
    (void)user;
    if (own_stderr < 0) cry(message);
    double patience = 2 * silence();
    sleep((unsigned)(patience < MOST_PATIENCE ? patience : MOST_PATIENCE));
    MPI_Abort(MPI_COMM_WORLD, TOOL_FAILED);
}

/* When a rank was lost, the watching thread ends the process, in its time. */
static _Noreturn void give_up(void)
{
    while (neck_mpi_broken(team)) pause();
    MPI_Abort(MPI_COMM_WORLD, TOOL_FAILED);
    abort();
}

static void left(void)
{
    char text[128];
    if (ended) return;
    if (neck_mpi_broken(team)) give_up();
    snprintf(text, sizeof text, "rank %d (%s) gave up before the others", ranks_rank(), neck_mpi_host(team, ranks_rank()));
    cry(text);
    give_up();
}

/* ---- beginning and ending --------------------------------------------------------------------------------------- */

int ranks_begin(const tool *of)
{
    int threads;
    if (team) return 1;
    self = of;
    const char *ranks = launched("OMPI_COMM_WORLD_SIZE", "PMI_SIZE");
    if (!ranks || (!self->ranks && atoi(ranks) <= 1)) return 1;
    if (!self->ranks) {
        args_complain(self, "started on several ranks, but it runs on one");
        return 0;
    }
    neck_mpi_team_options options = {.struct_size = sizeof options, .silence_seconds = silence(), .lost = lost};
    /* Solvers call the BLAS on every rank: its threads must not be more than the rank's share of the cores. */
    openblas_set_num_threads(neck_context_threads(NULL));
    MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &threads);
    if (neck_mpi_team_create(MPI_COMM_WORLD, &options, &team) == NECK_OK) {
        atexit(left);
        return 1;
    }
    args_complain(self, neck_last_error());
    MPI_Abort(MPI_COMM_WORLD, TOOL_FAILED);
    return 0;
}

int ranks_end(int status)
{
    int64_t worst = status;
    if (!team) return status;
    for (int32_t rank = 0; rank < neck_mpi_size(team); rank++) {
        int64_t theirs = status;
        if (neck_mpi_broadcast(team, &theirs, sizeof theirs, rank) != NECK_OK) give_up();
        if (theirs > worst) worst = theirs;
    }
    ended = 1;
    neck_mpi_team_destroy(team);
    team = NULL;
    MPI_Finalize();
    return (int)worst;
}

neck_status ranks_agree(neck_status status) { return team ? neck_mpi_agree(team, status) : status; }

int ranks_any(int said)
{
    int64_t count = said != 0;
    if (team && neck_mpi_sum_integers(team, &count, 1) != NECK_OK) give_up();
    return count > 0;
}
