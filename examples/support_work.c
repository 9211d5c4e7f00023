/* support_work.c - all units in one process, one after the other; with several ranks those share them. */
#include "support_work.h"

#include <stdlib.h>
#include <string.h>

#include "support_ranks.h"
#include "support_text.h"

/* The list and the unit that are being run by this process alone, and the unit's result. */
static const work_list *running;
static int64_t current;
static char *result;
static int64_t used;

static neck_status run_unit(const work_list *list)
{
    used = 0;
    neck_status status = list->run(list->user, current);
    return status == NECK_OK ? list->done(list->user, 0, current, result, used) : status;
}

neck_status work_run(const work_list *list)
{
    if (ranks_size() > 1) return work_share_run(list);
    neck_status status = NECK_OK;
    running = list;
    while (status == NECK_OK && list->next(list->user, 0, &current) == WORK_UNIT) status = run_unit(list);
    free(result);
    result = NULL;
    return status;
}

neck_status work_give(const void *bytes, int64_t size)
{
    if (ranks_size() > 1) return work_share_give(bytes, size);
    char *more = text_alloc((size_t)(used + size) + 1);
    if (used > 0) memcpy(more, result, (size_t)used);
    if (size > 0) memcpy(more + used, bytes, (size_t)size);
    free(result);
    result = more;
    used += size;
    return NECK_OK;
}

neck_status work_tell(int64_t amount)
{
    if (ranks_size() > 1) return work_share_tell(amount);
    if (running->told) running->told(running->user, 0, current, amount);
    return NECK_OK;
}
