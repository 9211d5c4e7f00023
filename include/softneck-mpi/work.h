/* softneck-mpi/work.h - units of work handed out to ranks as they become free: sweeps, folders of checkpoints. */
#ifndef SOFTNECK_MPI_WORK_H
#define SOFTNECK_MPI_WORK_H

#include "team.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A list of work under way, for neck_mpi_work_give and neck_mpi_work_tell; lives for one call of run. */
typedef struct neck_mpi_work neck_mpi_work;

/* What next answers. */
enum {
    NECK_MPI_WORK_UNIT = 1, /* *unit is to be run */
    NECK_MPI_WORK_WAIT = 2, /* nothing until a unit under way is done */
    NECK_MPI_WORK_END = 3   /* nothing any more */
};

/* Rank 0 keeps the list: next, done and told are called there alone, one at a time, but on whichever thread (one
 * answers the other ranks while this one runs units itself). run is called on every rank, on the thread that called
 * neck_mpi_work_run; on rank 0 next, done and told may be called meanwhile, so what they share with run there needs
 * a lock, or must not change. */
typedef struct neck_mpi_work_options {
    size_t struct_size;
    void *user;
    /* Which unit rank is to run; units are numbers that all ranks understand. Asked again later after UNIT and after
     * WAIT. */
    int32_t (*next)(void *user, int32_t rank, int64_t *unit);
    /* Runs a unit; what comes out is given by neck_mpi_work_give. A failure ends the work: no more units are handed
     * out. */
    neck_status (*run)(void *user, neck_mpi_work *work, int64_t unit);
    /* The unit that rank has run gave size bytes, which live for the call; not called for units that failed. A
     * failure ends the work. */
    neck_status (*done)(void *user, int32_t rank, int64_t unit, const void *bytes, int64_t size);
    /* rank is so far with its unit, in the caller's own measure. May be NULL. */
    void (*told)(void *user, int32_t rank, int64_t unit, int64_t amount);
} neck_mpi_work_options;

/* neck_mpi_work_run - works until next says END. Every rank runs units, also rank 0; there may be more ranks than
 * units, and no units.
 * The first failure of run or done ends the work, those under way being run to their end, and is returned on all ranks
 * with "rank 3 (host): " before it. A unit whose result has been through done is not lost by what happens later: who
 * writes it down there can take the work up again.
 * Collective; options matter as said above, those of other ranks but run and user are not read. One result is at most
 * 2^31 - 1 bytes. A unit costs its result's bytes and two messages, and up to 2 ms until it begins.
 * Errors: NECK_E_ARGUMENT, NECK_E_STATE (WAIT while nothing is under way), NECK_E_NOMEM, NECK_E_IO, and those of the
 * callbacks. */
NECK_API neck_status neck_mpi_work_run(neck_mpi_team *team, const neck_mpi_work_options *options);

/* For run alone.
 * neck_mpi_work_give - appends size bytes to the result. Errors: NECK_E_OVERFLOW, NECK_E_NOMEM.
 * neck_mpi_work_tell - tells rank 0 how far this unit is; what follows too fast is left out. NECK_E_CANCELLED once
 *   the work has failed elsewhere: run may then return that at once, or finish the unit. */
NECK_API neck_status neck_mpi_work_give(neck_mpi_work *work, const void *bytes, int64_t size);
NECK_API neck_status neck_mpi_work_tell(neck_mpi_work *work, int64_t amount);

#ifdef __cplusplus
}
#endif
#endif
