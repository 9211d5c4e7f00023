/* support_work_alone.c - without MPI there is nobody to share with, and nothing of this is called. */
#include "support_work.h"

static neck_status nobody(void)
{
    return neck_error_set(NECK_E_STATE, "there is one rank");
}

neck_status work_share_run(const work_list *list)
{
    (void)list;
    return nobody();
}

neck_status work_share_give(const void *bytes, int64_t size)
{
    (void)bytes;
    (void)size;
    return nobody();
}

neck_status work_share_tell(int64_t amount)
{
    (void)amount;
    return nobody();
}
