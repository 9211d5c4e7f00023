/* support_tool.h - what every tool does around its work: a context as asked, Ctrl-C as a flag, an orderly end. */
#ifndef SUPPORT_TOOL_H
#define SUPPORT_TOOL_H

#include <softneck.h>

#include "support_args.h"
#include "support_progress.h"

/* tool_begin - the ranks, where there are several, and the context to work in; from here on Ctrl-C only sets a flag.
 * report and user: told of progress, may be NULL. seed: of the context. Ends the program with a complaint when there
 * is no context to be had. */
neck_context *tool_begin(const tool *self, const tool_common *common, uint64_t seed, neck_progress_fn report,
                         void *user);

/* tool_series - the checkpoints at path; NULL after a complaint. All ranks call it together. */
neck_series *tool_series(const tool *self, neck_context *context, const char *path);

/* tool_tell_file - that a file was written (not when quiet), or what went wrong instead; returns written. */
int tool_tell_file(const tool *self, const tool_common *common, int written, const char *file, const char *error);

/* tool_status - the exit status after work that was interrupted unless going. */
int tool_status(int going, int failed);

/* tool_end - the context goes, and standard output is flushed. status: so far; interrupted: what to tell when that
 * is TOOL_INTERRUPTED, may be NULL. Returns the status to exit with: a failed write is a failure too, and of several
 * ranks the worst counts. */
int tool_end(const tool *self, neck_context *context, int status, const char *interrupted);

/* tool_half_of_memory - of this machine, in bytes: what a tool takes where it is not told. */
int64_t tool_half_of_memory(void);

#endif
