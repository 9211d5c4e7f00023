/* support_curves.c - named curves, and the JSON logs they come from. */
#include "support_curves.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

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
    *self = (curves){NULL, 0};
}

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

static int fail(char error[CURVES_ERROR_SIZE], const char *path, const char *text)
{
    snprintf(error, CURVES_ERROR_SIZE, "%.300s: %.200s", path, text);
    return 0;
}

static const json_t *step_of(const json_t *row, const char *named)
{
    static const char *const names[] = {"step", "steps", "global_step", "iter", "iteration", "_step"};
    if (named) return json_object_get(row, named);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (json_object_get(row, names[i])) return json_object_get(row, names[i]);
    return NULL;
}

/* Non-finite numbers: null from tools that write strict JSON, texts from others. */
static int number_of(const json_t *value, double *out)
{
    const char *text = json_string_value(value);
    if (json_is_number(value)) *out = json_number_value(value);
    else if (text && (strcmp(text, "NaN") == 0 || strcmp(text, "nan") == 0)) *out = NAN;
    else if (text && strncmp(text, "Inf", 3) == 0) *out = INFINITY;
    else return 0;
    return 1;
}

static double error_of(const json_t *members, const char *name)
{
    char key[256];
    snprintf(key, sizeof key, "%.200s_stderr", name);
    const json_t *found = json_object_get(members, key);
    return json_is_number(found) ? json_number_value(found) : NAN;
}

static int is_error_name(const char *name)
{
    size_t length = strlen(name);
    return length > 7 && strcmp(name + length - 7, "_stderr") == 0;
}

static void add_members(curves *self, json_t *members, const json_t *step)
{
    const char *name;
    json_t *value;
    double number;
    int64_t at = json_is_integer(step) ? json_integer_value(step) : llround(json_number_value(step));
    json_object_foreach(members, name, value)
    {
        if (value == step || is_error_name(name) || !number_of(value, &number)) continue;
        curves_add(self, name, at, number, error_of(members, name));
    }
}

static int passes(const json_t *row, const curve_request *request)
{
    for (int64_t i = 0; i < request->filter_count; i++) {
        const json_t *value = json_object_get(row, request->filters[i].column);
        char number[32] = "";
        if (json_is_number(value)) snprintf(number, sizeof number, "%g", json_number_value(value));
        if (strcmp(json_is_string(value) ? json_string_value(value) : number, request->filters[i].value) != 0) return 0;
    }
    return 1;
}

/* Rows without a step, summaries at the end of a log say, are left out. A step of 1e300 is none. */
static void add_row(curves *self, json_t *row, const curve_request *request)
{
    const json_t *step = step_of(row, request->step);
    if (!json_is_number(step) || !(fabs(json_number_value(step)) < 9e18) || !passes(row, request)) return;
    add_members(self, row, step);
    json_t *values = json_object_get(row, "values");
    if (json_is_object(values)) add_members(self, values, step);
}

int curves_read_jsonl(curves *self, const char *path, const curve_request *request, char error[CURVES_ERROR_SIZE])
{
    FILE *file = fopen(path, "r");
    if (!file) return fail(error, path, strerror(errno));
    char *line = NULL, said[64];
    size_t room = 0;
    int64_t number = 0;
    int good = 1;
    for (ssize_t size; good && (size = getline(&line, &room, file)) > 0;) {
        number++;
        if (strspn(line, " \t\r\n") == (size_t)size) continue;
        json_t *row = json_loadb(line, (size_t)size, 0, NULL);
        int torn = line[size - 1] != '\n';
        if (json_is_object(row)) add_row(self, row, request);
        else if (!torn) good = 0;
        json_decref(row);
    }
    snprintf(said, sizeof said, "line %lld is not a JSON object", (long long)number);
    free(line);
    fclose(file);
    return good ? 1 : fail(error, path, said);
}

int curves_read_json(curves *self, const char *path, const curve_request *request, char error[CURVES_ERROR_SIZE])
{
    json_error_t problem;
    json_t *all = json_load_file(path, 0, &problem), *row;
    if (!all) return fail(error, path, problem.text);
    const json_t *rows = json_is_object(all) ? json_object_get(all, "log_history") : all;
    int good = json_is_array(rows);
    size_t i;
    json_array_foreach(rows, i, row) add_row(self, row, request);
    json_decref(all);
    return good ? 1 : fail(error, path, "it is neither an array of objects nor an object with a \"log_history\"");
}

int curves_read(curves *self, const char *path, const curve_request *request, char error[CURVES_ERROR_SIZE])
{
    const char *dot = strrchr(path, '.');
    if (dot && strcmp(dot, ".jsonl") == 0) return curves_read_jsonl(self, path, request, error);
    if (dot && strcmp(dot, ".json") == 0) return curves_read_json(self, path, request, error);
    return curves_read_csv(self, path, request, error);
}
