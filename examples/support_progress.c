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
#define WIDE_ENOUGH 80       /* columns from which on there is room for a bar */

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
    /* Beyond `ulimit -f` a write then fails, and says so, where it would kill. */
    signal(SIGXFSZ, SIG_IGN);
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

/* 60700 as "60.7k". */
static const char *short_count(char buffer[32], double count)
{
    if (count < 1e3) snprintf(buffer, 32, "%.3g", count);
    else if (count < 1e6) snprintf(buffer, 32, "%.3gk", count / 1e3);
    else if (count < 1e9) snprintf(buffer, 32, "%.3gM", count / 1e6);
    else snprintf(buffer, 32, "%.3gG", count / 1e9);
    return buffer;
}

/* "gram [#####...................]  21 %, 60.4k rows/s, 1 s left", as much of it as is known. */
static void describe(const progress *self, const neck_progress *told, double time, int with_bar, char *text,
                     size_t size)
{
    char bar[BAR_CELLS + 1], number[32];
    double elapsed = time - self->task_start;
    double rate = elapsed > 0 ? (double)(told->done - self->task_first) / elapsed : 0;
    double share = told->total > 0 ? (double)told->done / (double)told->total : 0;
    size_t used = (size_t)snprintf(text, size, "%.40s", told->task);
    for (int i = 0; i < BAR_CELLS; i++) bar[i] = i < (int)(share * BAR_CELLS) ? '#' : '.';
    bar[BAR_CELLS] = '\0';
    if (told->total > 0 && with_bar) used += (size_t)snprintf(text + used, size - used, " [%s]", bar);
    if (told->total > 0) used += (size_t)snprintf(text + used, size - used, " %3.0f %%", 100 * share);
    if (rate <= 0) return;
    used += (size_t)snprintf(text + used, size - used, ", %s %.20s/s", short_count(number, rate), told->unit);
    if (told->total > 0)
        snprintf(text + used, size - used, ", %s left", duration(number, (double)(told->total - told->done) / rate));
}

/* One line, however narrow the terminal: without a bar, then without the name, then cut off. The end of a long name
 * tells more than its beginning: the step is there. */
static void draw_on_terminal(const char *count, const char *name, const char *text)
{
    int left = terminal_columns() - 1 - (int)strlen(count) - (int)sizeof ": " + 1, length = (int)strlen(name);
    int room = left - (int)strlen(text) - 1;
    const char *shown = name + (length > room ? length - (room > 0 ? room : 0) : 0);
    while ((*shown & 0xc0) == 0x80) shown++;
    fprintf(stderr, "\r%s%s%s: %.*s\033[K", count, *shown ? " " : "", shown, left > 0 ? left : 0, text);
}

static void draw(progress *self, const neck_progress *told, double time)
{
    char text[256], count[48];
    describe(self, told, time, self->terminal && terminal_columns() >= WIDE_ENOUGH, text, sizeof text);
    snprintf(count, sizeof count, "%lld/%lld", (long long)self->index + 1, (long long)self->items);
    char *name = text_visible(text_base_name(self->item));
    if (self->terminal) draw_on_terminal(count, name, text);
    else fprintf(stderr, "%s: %s %s: %s\n", self->tool, count, name, text);
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
