/* support_curves.c - named curves, and which kind of log they come from. */
#include "support_curves.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "support_args.h"
#include "support_text.h"

/* ---- curves ----------------------------------------------------------------------------------------------------- */

static void *grown(void *memory, int64_t count, size_t size)
{
    void *larger = realloc(memory, (size_t)count * size);
    if (larger) return larger;
    fprintf(stderr, "out of memory: no room for a curve\n");
    exit(TOOL_FAILED);
}

curve *curves_find(const curves *self, const char *name)
{
    for (int64_t i = 0; i < self->count; i++)
        if (strcmp(self->list[i].name, name) == 0) return &self->list[i];
    return NULL;
}

static curve *find_or_make(curves *self, const char *name)
{
    curve *found = curves_find(self, name);
    if (found) return found;
    self->list = grown(self->list, self->count + 1, sizeof *self->list);
    self->list[self->count] = (curve){.name = text_copy(name)};
    return &self->list[self->count++];
}

void curves_add(curves *self, const char *name, int64_t step, double value, double error)
{
    curve *into = find_or_make(self, name);
    if (into->count == into->room) {
        into->room = 2 * into->room + 64;
        into->steps = grown(into->steps, into->room, sizeof *into->steps);
        into->values = grown(into->values, into->room, sizeof *into->values);
        into->errors = grown(into->errors, into->room, sizeof *into->errors);
    }
    into->steps[into->count] = step;
    into->values[into->count] = value;
    into->errors[into->count++] = error;
}

void curves_free(curves *self)
{
    for (int64_t i = 0; i < self->count; i++) {
        free(self->list[i].name);
        free(self->list[i].steps);
        free(self->list[i].values);
        free(self->list[i].errors);
    }
    free(self->list);
    *self = (curves){.list = NULL};
}

/* ---- steps ------------------------------------------------------------------------------------------------------ */

int curves_step_rank(const char *name)
{
    static const char *const names[] = {"step", "steps", "global_step", "iter", "iteration", "iterations", "_step",
                                        "trainer/global_step", "train/global_step", "num_updates"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(name, names[i]) == 0) return (int)i;
    return CURVES_NO_STEP;
}

/* A step of 1e300 is none. */
int curves_take_step(curves *self, double number, int64_t *step)
{
    if (!(fabs(number) < 9e18)) return 0;
    *step = llround(number);
    if ((double)*step != number) self->fractional = 1;
    return 1;
}

/* ---- files ------------------------------------------------------------------------------------------------------ */

/* The first character of a file that means something; EOF: there is none, or it can be read but once. */
static int first_character(const char *path)
{
    struct stat about;
    FILE *file = stat(path, &about) == 0 && S_ISREG(about.st_mode) ? fopen(path, "r") : NULL;
    int first = EOF;
    if (!file) return EOF;
    do first = getc(file);
    while (first != EOF && strchr(" \n\r\t\xef\xbb\xbf", first)); /* the last three: a byte order mark */
    fclose(file);
    return first;
}

int curves_read(curves *self, const char *path, const curve_request *request, char error[CURVES_ERROR_SIZE])
{
    const char *dot = strrchr(path, '.');
    int first = first_character(path), is_json = dot && strcmp(dot, ".json") == 0;
    if (first == '[' || is_json) return curves_read_json(self, path, request, error);
    if (first == '{' || (dot && strcmp(dot, ".jsonl") == 0)) return curves_read_jsonl(self, path, request, error);
    return curves_read_csv(self, path, request, error);
}
