/* support_headrank_runs.c - a sweep on disk. */
#include "support_headrank_runs.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <softneck.h>

#include "support_json.h"
#include "support_text.h"

#define CONFIGURATION "configuration.json"
#define RUNS "runs.jsonl"

static int fail(headrank_runs *runs, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int fail(headrank_runs *runs, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    vsnprintf(runs->error, sizeof runs->error, format, values);
    va_end(values);
    return 0;
}

char *headrank_runs_file(const headrank_runs *runs, const char *name)
{
    size_t size = strlen(runs->folder) + strlen(name) + 2;
    char *path = text_alloc(size);
    snprintf(path, size, "%s/%s", runs->folder, name);
    return path;
}

/* ---- whole files ------------------------------------------------------------------------------------------------ */

static int put_on_disk(const char *path, const char *text, size_t size)
{
    FILE *file = fopen(path, "w");
    if (!file) return 0;
    int good = fwrite(text, 1, size, file) == size && fflush(file) == 0 && fsync(fileno(file)) == 0;
    return fclose(file) == 0 && good;
}

/* Beside it first, then renamed: a reader finds the old text or the new one. */
static int replace(headrank_runs *runs, const char *name, const char *text, size_t size)
{
    char *path = headrank_runs_file(runs, name);
    char *fresh = text_alloc(strlen(path) + 5);
    sprintf(fresh, "%s.tmp", path);
    int good = put_on_disk(fresh, text, size) && rename(fresh, path) == 0;
    if (!good) fail(runs, "%s: %s", path, strerror(errno));
    free(fresh);
    free(path);
    return good;
}

/* The bytes of a file, with a NUL behind them; NULL with *missing when there is none, or with an error. */
static char *read_whole(headrank_runs *runs, const char *name, size_t *size, int *missing)
{
    char *path = headrank_runs_file(runs, name), *text = NULL;
    FILE *file = fopen(path, "r");
    struct stat about;
    *missing = !file && errno == ENOENT;
    int good = file && fstat(fileno(file), &about) == 0;
    if (good) {
        text = text_alloc((size_t)about.st_size + 1);
        *size = fread(text, 1, (size_t)about.st_size, file);
        good = !ferror(file);
    }
    if (!good && !*missing) fail(runs, "%s: %s", path, strerror(errno));
    if (file) fclose(file);
    if (!good) free(text);
    free(path);
    return good ? text : NULL;
}

/* ---- runs ------------------------------------------------------------------------------------------------------- */

static json_t *run_object(const headrank_run *run)
{
    json_t *object = json_object();
    json_put_text(object, "head", neck_head_kind_name(run->kind));
    json_put_integer(object, "rank", run->rank);
    json_put_number(object, "learning_rate", run->learning_rate);
    json_put_integer(object, "seed", run->seed);
    json_put(object, "chosen", json_boolean(run->chosen));
    json_put(object, "diverged", json_boolean(run->diverged));
    json_put_number(object, "valid_loss", run->valid_loss);
    json_put_number(object, "accuracy", run->accuracy);
    json_put_number(object, "train_loss", run->train_loss);
    json_put_integer(object, "tokens", run->tokens);
    json_put_integer(object, "parameters", run->parameters);
    json_put_integer(object, "rank_limit", run->rank_limit);
    json_put_number(object, "seconds", run->seconds);
    return object;
}

/* Not finite is written as null. */
static double number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_number(value) ? json_number_value(value) : INFINITY;
}

static int64_t integer(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static int read_run(const json_t *object, headrank_run *out)
{
    const char *head = json_string_value(json_object_get(object, "head"));
    *out = (headrank_run){.chosen = json_is_true(json_object_get(object, "chosen")),
                          .diverged = json_is_true(json_object_get(object, "diverged")),
                          .rank = integer(object, "rank"),
                          .learning_rate = number(object, "learning_rate"),
                          .seed = integer(object, "seed"),
                          .valid_loss = number(object, "valid_loss"),
                          .accuracy = number(object, "accuracy"),
                          .train_loss = number(object, "train_loss"),
                          .tokens = integer(object, "tokens"),
                          .parameters = integer(object, "parameters"),
                          .rank_limit = integer(object, "rank_limit"),
                          .seconds = number(object, "seconds")};
    int finite = isfinite(out->valid_loss) && isfinite(out->accuracy);
    return head && neck_head_kind_find(head, &out->kind) == NECK_OK && out->rank > 0 && isfinite(out->learning_rate) &&
           (finite || out->diverged);
}

static int parse_line(const char *line, size_t length, headrank_run *out)
{
    json_error_t where;
    json_t *object = json_loadb(line, length, 0, &where);
    int good = json_is_object(object) && read_run(object, out);
    json_decref(object);
    return good;
}

static int read_runs(headrank_runs *runs, int *dropped)
{
    size_t size = 0;
    int missing, line_number = 0, good = 1;
    char *text = read_whole(runs, RUNS, &size, &missing);
    if (!text) return missing;
    for (char *line = text, *end; good && line < text + size; line = end + 1) {
        headrank_run run;
        end = memchr(line, '\n', (size_t)(text + size - line));
        int is_torn = !end;
        if (is_torn) end = text + size;
        line_number++;
        good = parse_line(line, (size_t)(end - line), &run);
        if (good) headrank_runs_add(runs, &run);
        else if (is_torn) *dropped = good = 1;
        else fail(runs, "%s/" RUNS ": line %d is not a finished run", runs->folder, line_number);
    }
    free(text);
    return good;
}

headrank_run *headrank_runs_find(const headrank_runs *runs, int32_t kind, int64_t rank, double rate, int64_t seed)
{
    for (int64_t i = 0; i < runs->count; i++) {
        headrank_run *run = &runs->items[i];
        if (run->kind == kind && run->rank == rank && run->learning_rate == rate && run->seed == seed) return run;
    }
    return NULL;
}

headrank_run *headrank_runs_add(headrank_runs *runs, const headrank_run *run)
{
    if (runs->count == runs->capacity) {
        runs->capacity = 2 * runs->capacity + 64;
        headrank_run *items = text_alloc((size_t)runs->capacity * sizeof *items);
        if (runs->count) memcpy(items, runs->items, (size_t)runs->count * sizeof *items);
        free(runs->items);
        runs->items = items;
    }
    runs->items[runs->count] = *run;
    return &runs->items[runs->count++];
}

int headrank_runs_write(headrank_runs *runs)
{
    char *text = NULL;
    size_t size = 0;
    FILE *lines = open_memstream(&text, &size);
    int good = lines != NULL;
    for (int64_t i = 0; good && i < runs->count; i++) {
        json_t *object = run_object(&runs->items[i]);
        good = json_dumpf(object, lines, JSON_REAL_PRECISION(17)) == 0 && fputc('\n', lines) != EOF;
        json_decref(object);
    }
    if (lines) good = fclose(lines) == 0 && good;
    if (!good) fail(runs, "%s: out of memory", runs->folder);
    good = good && replace(runs, RUNS, text, size);
    free(text);
    return good;
}

/* ---- the folder ------------------------------------------------------------------------------------------------- */

static int take_lock(headrank_runs *runs)
{
    char *path = headrank_runs_file(runs, "lock");
    runs->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    int good = runs->lock >= 0 && flock(runs->lock, LOCK_EX | LOCK_NB) == 0;
    if (!good && runs->lock >= 0 && errno == EWOULDBLOCK) fail(runs, "%s: another sweep is at work", runs->folder);
    else if (!good) fail(runs, "%s: %s", path, strerror(errno));
    free(path);
    return good;
}

static int write_configuration(headrank_runs *runs, const json_t *configuration)
{
    char *text = json_dumps(configuration, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    int good = text ? replace(runs, CONFIGURATION, text, strlen(text)) : fail(runs, "%s: out of memory", runs->folder);
    free(text);
    return good;
}

/* Says what is there and what is asked, where that is short. */
static int fail_differing(headrank_runs *runs, const char *name, const json_t *before, const json_t *now)
{
    size_t flags = JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6);
    char *there = before ? json_dumps(before, flags) : NULL, *asked = json_dumps(now, flags);
    char values[160] = "";
    if (there && asked && strlen(there) < 60 && strlen(asked) < 60)
        snprintf(values, sizeof values, " (%s there, %s asked for)", there, asked);
    fail(runs, "%s: holds a sweep with another configuration: '%s' differs%s", runs->folder, name, values);
    free(there);
    free(asked);
    return 0;
}

static int check_configuration(headrank_runs *runs, const char *text, size_t size, const json_t *configuration)
{
    json_error_t where;
    json_t *before = json_loadb(text, size, 0, &where);
    const char *name;
    json_t *value;
    int good = json_is_object(before);
    if (!good) fail(runs, "%s/" CONFIGURATION ": %s", runs->folder, where.text);
    json_object_foreach((json_t *)(uintptr_t)configuration, name, value) {
        if (!good || json_equal(value, json_object_get(before, name))) continue;
        good = fail_differing(runs, name, json_object_get(before, name), value);
    }
    json_decref(before);
    return good;
}

static int same_configuration(headrank_runs *runs, const json_t *configuration)
{
    size_t size = 0;
    int missing;
    char *text = read_whole(runs, CONFIGURATION, &size, &missing);
    if (!text) return missing && write_configuration(runs, configuration);
    int good = check_configuration(runs, text, size, configuration);
    free(text);
    return good;
}

int headrank_runs_open(const char *folder, const json_t *configuration, headrank_runs *out, int *dropped)
{
    *out = (headrank_runs){.folder = text_copy(folder), .lock = -1};
    *dropped = 0;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) return fail(out, "%s: %s", folder, strerror(errno));
    return take_lock(out) && same_configuration(out, configuration) && read_runs(out, dropped);
}

void headrank_runs_follow(const char *folder, headrank_runs *out)
{
    *out = (headrank_runs){.folder = text_copy(folder), .lock = -1};
}

void headrank_runs_close(headrank_runs *runs)
{
    if (runs->lock >= 0) close(runs->lock);
    free(runs->items);
    free(runs->folder);
}
