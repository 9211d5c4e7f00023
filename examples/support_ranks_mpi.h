/* support_ranks_mpi.h - the team of a tool's ranks, for the files that are built for MPI alone. */
#ifndef SUPPORT_RANKS_MPI_H
#define SUPPORT_RANKS_MPI_H

#include <softneck-mpi.h>

/* NULL when the tool was not started by mpirun. */
neck_mpi_team *ranks_team(void);

#endif
