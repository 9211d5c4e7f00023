/* support_ranks.h - a tool that mpirun has started many times. Built by `make mpi` its ranks work together; alone, or in the plain
 * build, there is one. Rank 0 prints and shows progress; the others are silent. */
#ifndef SUPPORT_RANKS_H
#define SUPPORT_RANKS_H

#include <softneck.h>

#include "support_args.h"

/* ranks_begin - after the command line has been read (tool_begin does it): makes the team. 0 when that fails, or when the tool does not
 *               say that its ranks work together; the reason has been told.
 * ranks_end   - the last thing in main (tool_end does it): waits for all ranks and returns the exit status of all, the largest. A rank
 *               that leaves in any other way after ranks_begin ends the job, with a line that names it.
 * From before main, ranks but the first have no standard output and error, so that usage and --help are told once. */
int ranks_begin(const tool *self);
int ranks_end(int status);

int32_t ranks_rank(void);
int32_t ranks_size(void);

/* ranks_agree - neck_mpi_agree: the failure of the first rank that failed, whose message neck_last_error() then has.
 * ranks_any   - whether any rank says so. All ranks call these together. */
neck_status ranks_agree(neck_status status);
int ranks_any(int said);

#endif
