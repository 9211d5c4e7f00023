/* support_tool.c - the beginning and the end of a tool. */
#include "support_tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support_measure.h"
#include "support_ranks.h"
#include "support_share.h"
#include "support_text.h"

neck_context *tool_begin(const tool *self, const tool_common *common, uint64_t seed, neck_progress_fn report,
                         void *user)
{
    neck_context *context;
    if (!ranks_begin(self)) exit(TOOL_FAILED);
    const neck_context_options options = {.struct_size = sizeof options,
                                          .threads = common->threads,
                                          .seed = seed,
                                          .progress = report,
                                          .progress_user = user};
    if (neck_context_create(&options, &context) != NECK_OK) {
        args_complain(self, neck_last_error());
        exit(TOOL_FAILED);
    }
    interrupt_catch();
    return context;
}

/* By names, not by paths: folders may be called otherwise on other machines. */
static uint64_t mark_of(const neck_series *series)
{
    uint64_t mark = 0;
    for (int64_t i = 0; i < neck_series_count(series); i++) {
        const char *name = text_base_name(neck_series_path(series, i));
        mark = share_mark(mark, name, strlen(name));
    }
    return mark;
}

neck_series *tool_series(const tool *self, neck_context *context, const char *path)
{
    neck_series *series;
    measure_error error;
    neck_status opened = neck_series_open(context, path, &series), status = ranks_agree(opened);
    if (status == NECK_OK) status = share_alike("the checkpoints there", mark_of(series));
    if (status == NECK_OK) return series;
    measure_fail(&error, status, path);
    if (opened == NECK_OK) neck_series_destroy(series);
    args_complain(self, error.text);
    return NULL;
}

int tool_tell_file(const tool *self, const tool_common *common, int written, const char *file, const char *error)
{
    if (!written) args_complain(self, error);
    else if (!common->quiet) args_tell_written(self, file);
    return written;
}

int tool_status(int going, int failed)
{
    return !going ? TOOL_INTERRUPTED : failed ? TOOL_FAILED : TOOL_OK;
}

int tool_end(const tool *self, neck_context *context, int status, const char *interrupted)
{
    if (status == TOOL_INTERRUPTED && interrupted) args_complain(self, interrupted);
    neck_context_destroy(context);
    if (fflush(stdout) == 0 && !ferror(stdout)) return ranks_end(status);
    args_complain(self, "cannot write to standard output");
    return ranks_end(status == TOOL_OK ? TOOL_FAILED : status);
}

int64_t tool_half_of_memory(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (int64_t)pages * size / 2 : INT64_C(1) << 31;
}
