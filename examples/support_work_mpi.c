/* support_work_mpi.c - units of work over the ranks that mpirun has started. */
#include "support_ranks_mpi.h"
#include "support_work.h"

/* The list under way, and the unit of this rank. */
static const work_list *running;
static neck_mpi_work *current;

static neck_status run(void *user, neck_mpi_work *work, int64_t unit)
{
    current = work;
    return running->run(user, unit);
}

neck_status work_share_run(const work_list *list)
{
    const neck_mpi_work_options options = {.struct_size = sizeof options,
                                           .user = list->user,
                                           .next = list->next,
                                           .run = run,
                                           .done = list->done,
                                           .told = list->told};
    running = list;
    return neck_mpi_work_run(ranks_team(), &options);
}

neck_status work_share_give(const void *bytes, int64_t size) { return neck_mpi_work_give(current, bytes, size); }
neck_status work_share_tell(int64_t amount) { return neck_mpi_work_tell(current, amount); }
