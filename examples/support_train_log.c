/* support_train_log.c - the log of a run and its live line. */
#include "support_train_log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "support_json.h"

#define REDRAW 0.2         /* seconds between drawings of the live line */
#define LINE_INTERVAL 10.0 /* seconds between plain lines */
#define SMOOTHING 0.9

double train_clock(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* ---- the file --------------------------------------------------------------------------------------------------- */

static int64_t step_of_line(const char *line)
{
    json_t *row = json_loads(line, 0, NULL);
    const json_t *step = json_object_get(row, "step");
    int64_t number = json_is_integer(step) ? json_integer_value(step) : INT64_MAX;
    json_decref(row);
    return number;
}

/* How many bytes are whole lines of steps up to last. */
static int64_t good_bytes(FILE *file, int64_t last)
{
    char *line = NULL;
    size_t room = 0;
    int64_t good = 0;
    for (ssize_t size; (size = getline(&line, &room, file)) > 0; good += size)
        if (line[size - 1] != '\n' || step_of_line(line) > last) break;
    free(line);
    return good;
}

int train_log_open(train_log *self, const char *path, int64_t step, char error[TRAIN_LOG_ERROR])
{
    self->singular_entropy = self->anisotropy = NAN;
    self->terminal = isatty(STDERR_FILENO);
    self->shown = train_clock();
    self->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (self->fd >= 0 && flock(self->fd, LOCK_EX | LOCK_NB) != 0) {
        snprintf(error, TRAIN_LOG_ERROR, "%.400s is in use: another %s is at work there", path, self->tool);
        return 0;
    }
    FILE *file = self->fd >= 0 ? fopen(path, "r") : NULL;
    int64_t good = file ? good_bytes(file, step) : 0;
    if (file) fclose(file);
    if (file && ftruncate(self->fd, (off_t)good) == 0) return 1;
    snprintf(error, TRAIN_LOG_ERROR, "%.400s: %s", path, strerror(errno));
    return 0;
}

static void put_measured(json_t *object, const char *name, double value)
{
    if (!isnan(value)) json_put_number(object, name, value);
}

static char *row_text(const train_row *row)
{
    json_t *object = json_object();
    json_put_integer(object, "step", row->step);
    json_put_integer(object, "tokens", row->tokens);
    put_measured(object, "loss", row->loss);
    put_measured(object, "gradient_norm", row->gradient_norm);
    put_measured(object, "learning_rate", row->learning_rate);
    put_measured(object, "seconds", row->seconds);
    put_measured(object, "validation_loss", row->validation_loss);
    put_measured(object, "validation_accuracy", row->validation_accuracy);
    put_measured(object, "singular_entropy", row->singular_entropy);
    put_measured(object, "anisotropy", row->anisotropy);
    char *text = json_dumps(object, JSON_REAL_PRECISION(17));
    json_decref(object);
    return text;
}

/* In one write: a kill leaves whole lines, and at most one torn one at the end. */
static int append(const train_log *self, const train_row *row)
{
    char *text = row_text(row);
    if (!text) return 0;
    size_t size = strlen(text);
    text[size++] = '\n'; /* in place of the NUL */
    ssize_t written = write(self->fd, text, size);
    if (written >= 0 && (size_t)written < size) errno = ENOSPC;
    free(text);
    return written == (ssize_t)size;
}

/* ---- the live line ---------------------------------------------------------------------------------------------- */

static const char *duration(char buffer[32], double seconds)
{
    if (seconds < 100) snprintf(buffer, 32, "%.0f s", seconds);
    else if (seconds < 6000) snprintf(buffer, 32, "%.0f min", seconds / 60);
    else snprintf(buffer, 32, "%.1f h", seconds / 3600);
    return buffer;
}

static void learn_pace(train_log *self, const train_row *row, int64_t tokens_a_step)
{
    double keep = self->per_step > 0 ? SMOOTHING : 0;
    self->per_step = keep * self->per_step + (1 - keep) * row->seconds;
    self->rate = self->per_step > 0 ? (double)tokens_a_step / self->per_step : 0;
}

/* "step 120/1000, loss 4.213, 12.3k tokens/s, 3 min left, entropy 0.52, anisotropy 0.08" */
static void draw(train_log *self, const train_row *row)
{
    char left[32], text[256];
    int used = snprintf(text, sizeof text, "step %" PRId64 "/%" PRId64, row->step, self->steps);
    if (!isnan(row->loss))
        used += snprintf(text + used, sizeof text - (size_t)used, ", loss %.4f, %.3gk tokens/s, %s left", row->loss,
                         self->rate / 1e3, duration(left, self->per_step * (double)(self->steps - row->step)));
    if (!isnan(row->validation_loss))
        used += snprintf(text + used, sizeof text - (size_t)used, ", validation %.4f", row->validation_loss);
    if (!isnan(self->singular_entropy))
        used += snprintf(text + used, sizeof text - (size_t)used, ", entropy %.3f", self->singular_entropy);
    if (!isnan(self->anisotropy))
        snprintf(text + used, sizeof text - (size_t)used, ", anisotropy %.3f", self->anisotropy);
    if (self->terminal && isnan(row->validation_loss)) fprintf(stderr, "\r%s\033[K", text);
    else fprintf(stderr, "%s%s%s\n", self->terminal ? "\r\033[K" : self->tool, self->terminal ? "" : ": ", text);
    fflush(stderr);
    self->drawn = self->terminal && isnan(row->validation_loss);
    self->shown = train_clock();
}

int train_log_step(train_log *self, const train_row *row, char error[TRAIN_LOG_ERROR])
{
    if (!isnan(row->singular_entropy)) self->singular_entropy = row->singular_entropy;
    if (!isnan(row->anisotropy)) self->anisotropy = row->anisotropy;
    if (row->step > 0) learn_pace(self, row, row->tokens / row->step);
    if (!append(self, row)) {
        snprintf(error, TRAIN_LOG_ERROR, "the log cannot be written: %s", strerror(errno));
        return 0;
    }
    double waited = train_clock() - self->shown;
    int is_time = waited >= (self->terminal ? REDRAW : LINE_INTERVAL);
    if (!self->quiet && (is_time || !isnan(row->validation_loss) || row->step == self->steps)) draw(self, row);
    return 1;
}

void train_log_clear(train_log *self)
{
    if (self->drawn) fputs("\r\033[K", stderr);
    self->drawn = 0;
}

void train_log_close(train_log *self)
{
    if (self->fd >= 0) close(self->fd);
}
