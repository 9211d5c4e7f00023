/* support_progress.c - progress on standard error, Ctrl-C as a flag. */
#include "support_progress.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "support_text.h"

#define PATIENCE 0.5       /* seconds before a bar appears */
#define REDRAW 0.1         /* seconds between drawings of the bar */
#define LINE_INTERVAL 10.0 /* seconds between plain lines */
#define BAR_CELLS 24

static volatile sig_atomic_t interrupted;

static void note_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

void interrupt_catch(void)
{
    /* SA_RESTART: a write under way is finished, not lost. SA_RESETHAND: the second one kills. */
    struct sigaction action = {.sa_handler = note_interrupt, .sa_flags = (int)(SA_RESTART | SA_RESETHAND)};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int interrupt_seen(void)
{
    return interrupted != 0;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

progress progress_make(const char *tool, int quiet)
{
    return (progress){.tool = tool, .quiet = quiet, .terminal = isatty(STDERR_FILENO)};
}

void progress_item(progress *self, const char *item, int64_t index, int64_t items)
{
    self->item = item;
    self->index = index;
    self->items = items;
    self->task[0] = '\0';
    self->shown = now() + PATIENCE - REDRAW;
    if (!self->terminal) self->shown = now();
}

static int terminal_columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* Seconds as "8 s", "3 min", "2.5 h". */
static const char *duration(char buffer[32], double seconds)
{
    if (seconds < 100) snprintf(buffer, 32, "%.0f s", seconds);
    else if (seconds < 6000) snprintf(buffer, 32, "%.0f min", seconds / 60);
    else snprintf(buffer, 32, "%.1f h", seconds / 3600);
    return buffer;
}

static void draw(progress *self, const neck_progress *told, double time)
{
    char status[256], left[32], bar[BAR_CELLS + 1];
    double elapsed = time - self->task_start;
    double rate = elapsed > 0 ? (double)(told->done - self->task_first) / elapsed : 0;
    double share = told->total > 0 ? (double)told->done / (double)told->total : 0;
    int full = (int)(share * BAR_CELLS);
    for (int i = 0; i < BAR_CELLS; i++) bar[i] = i < full ? '#' : '.';
    bar[BAR_CELLS] = '\0';
    int used = snprintf(status, sizeof status, "%s", told->task);
    if (self->terminal) used += snprintf(status + used, sizeof status - (size_t)used, " [%s]", bar);
    if (told->total > 0) used += snprintf(status + used, sizeof status - (size_t)used, " %3.0f %%", 100 * share);
    if (rate > 0) used += snprintf(status + used, sizeof status - (size_t)used, ", %.3g %s/s", rate, told->unit);
    if (rate > 0 && told->total > 0)
        used += snprintf(status + used, sizeof status - (size_t)used, ", %s left",
                         duration(left, (double)(told->total - told->done) / rate));
    char *name = text_visible(text_base_name(self->item));
    if (self->terminal) {
        int room = terminal_columns() - used - 20;
        fprintf(stderr, "\r%lld/%lld %.*s: %s\033[K", (long long)self->index + 1, (long long)self->items,
                room > 8 ? room : 8, name, status);
    } else {
        fprintf(stderr, "%s: %lld/%lld %s: %s\n", self->tool, (long long)self->index + 1, (long long)self->items, name,
                status);
    }
    fflush(stderr);
    free(name);
    self->drawn = self->terminal;
    self->shown = time;
}

int32_t progress_report(void *user, const neck_progress *told)
{
    progress *self = user;
    double time = now();
    if (strncmp(self->task, told->task, sizeof self->task - 1) != 0) {
        snprintf(self->task, sizeof self->task, "%s", told->task);
        self->task_start = time;
        self->task_first = told->done;
    }
    if (!self->quiet && time - self->shown >= (self->terminal ? REDRAW : LINE_INTERVAL)) draw(self, told, time);
    return interrupt_seen();
}

void progress_clear(progress *self)
{
    if (self->drawn) fputs("\r\033[K", stderr);
    self->drawn = 0;
}
