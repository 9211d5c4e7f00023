/* support_work.h - units of work, handed out to a tool's ranks as they become free; one process alone runs them all. */
#ifndef SUPPORT_WORK_H
#define SUPPORT_WORK_H

#include <softneck.h>

enum { WORK_UNIT = 1, WORK_WAIT, WORK_END };

/* As neck_mpi_work_options: next, done and told are rank 0's, one at a time. next for rank 0 itself is called on the
 * tool's own thread, so that what is done can be shown there; it may say WAIT as long as other ranks are at work. */
typedef struct work_list {
    void *user;
    int32_t (*next)(void *user, int32_t rank, int64_t *unit);
    neck_status (*run)(void *user, int64_t unit);
    neck_status (*done)(void *user, int32_t rank, int64_t unit, const void *bytes, int64_t size);
    void (*told)(void *user, int32_t rank, int64_t unit, int64_t amount); /* may be NULL */
} work_list;

/* work_run  - until next says END or something fails; all ranks call it together and return the same.
 * work_give - appends to the result of the unit that is being run.
 * work_tell - how far it is; NECK_E_CANCELLED when the work has failed elsewhere. */
neck_status work_run(const work_list *list);
neck_status work_give(const void *bytes, int64_t size);
neck_status work_tell(int64_t amount);

/* The same among several ranks: support_work_mpi.c. Without MPI there are none. */
neck_status work_share_run(const work_list *list);
neck_status work_share_give(const void *bytes, int64_t size);
neck_status work_share_tell(int64_t amount);

#endif
