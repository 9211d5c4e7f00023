/* support_progress.h - how far a long computation is, on standard error; Ctrl-C. */
#ifndef SUPPORT_PROGRESS_H
#define SUPPORT_PROGRESS_H

#include <softneck.h>

/* What is being shown. On a terminal: a bar with rate and remaining time, redrawn in place; elsewhere a plain line
 * now and then; nothing when quiet. Either only once a checkpoint has taken a while. */
typedef struct progress {
    const char *tool;
    int quiet;
    int terminal;
    int drawn;          /* a bar stands on the terminal's line */
    const char *item;   /* what is being worked on, borrowed */
    int64_t index;      /* which one that is, from 0 */
    int64_t items;      /* of how many */
    char task[64];      /* the library's name for the part under way */
    double task_start;  /* seconds */
    int64_t task_first; /* done when that part was first heard of */
    double shown;       /* seconds, when something was last shown or the item began */
} progress;

progress progress_make(const char *tool, int quiet);

/* progress_item - the next item begins.
 * progress_report - a neck_progress_fn; user is the progress. Cancels after Ctrl-C.
 * progress_clear - takes the bar away, so that something else can be printed. */
void progress_item(progress *self, const char *item, int64_t index, int64_t items);
int32_t progress_report(void *user, const neck_progress *told);
void progress_clear(progress *self);

/* interrupt_catch - from now on the first Ctrl-C (or SIGTERM) only sets a flag, a second one ends the program.
 * interrupt_seen - whether the flag is set. */
void interrupt_catch(void);
int interrupt_seen(void);

#endif
