/* support_ranks_alone.c - one process alone. Started by mpirun, this build would do the whole work once a rank: it refuses. */
#include "support_ranks.h"

#include <stdlib.h>

static int launched_ranks(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *size = getenv(names[i]);
        if (size && atoi(size) > 1) return atoi(size);
    }
    return 1;
}

int ranks_begin(const tool *self)
{
    if (launched_ranks() == 1) return 1;
    args_complain(self, self->ranks ? "started on several ranks, but built without MPI: `make mpi` builds tools for that in build/mpi"
                                    : "started on several ranks, but it runs on one");
    return 0;
}

int ranks_end(int status) { return status; }
int32_t ranks_rank(void) { return 0; }
int32_t ranks_size(void) { return 1; }
neck_status ranks_agree(neck_status status) { return status; }
int ranks_any(int said) { return said; }
