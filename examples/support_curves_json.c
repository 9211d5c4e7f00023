/* support_curves_json.c - curves from JSON, and from lines of it, as trainers write them: with NaN and Infinity, which
 * are not JSON. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "support_curves.h"
#include "support_text.h"

static int fail(char error[CURVES_ERROR_SIZE], const char *path, const char *text)
{
    snprintf(error, CURVES_ERROR_SIZE, "%.300s: %.200s", path, text);
    return 0;
}

/* ---- what is nearly JSON ---------------------------------------------------------------------------------------- */

/* The length of a number that JSON does not know. */
static size_t odd_number(const char *text)
{
    static const char *const names[] = {"NaN", "Infinity", "-Infinity"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(text, names[i], strlen(names[i])) == 0) return strlen(names[i]);
    return 0;
}

/* A copy with such numbers as texts. */
static char *with_texts(const char *text)
{
    char *copy = text_alloc(2 * strlen(text) + 1), *to = copy;
    int within = 0;
    for (; *text; text++) {
        size_t length = within ? 0 : odd_number(text);
        if (*text == '"') within = !within;
        if (within && *text == '\\' && text[1]) *to++ = *text++;
        if (length == 0) {
            *to++ = *text;
            continue;
        }
        *to++ = '"';
        memcpy(to, text, length);
        to += length;
        *to++ = '"';
        text += length - 1;
    }
    *to = '\0';
    return copy;
}

static json_t *parse(const char *text, json_error_t *problem)
{
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0) text += 3;
    json_t *found = json_loads(text, 0, problem);
    if (found || !(strstr(text, "NaN") || strstr(text, "Infinity"))) return found;
    char *copy = with_texts(text);
    found = json_loads(copy, 0, problem);
    free(copy);
    return found;
}

/* ---- rows ------------------------------------------------------------------------------------------------------- */

static int number_of(const json_t *value, double *out)
{
    const char *text = json_string_value(value);
    char *end;
    if (json_is_number(value)) *out = json_number_value(value);
    else if (text) *out = strtod(text, &end);
    return json_is_number(value) || (text && *text && *end == '\0');
}

/* The name of the row's step; NULL: it has none. */
static const char *step_name(json_t *row, const char *named)
{
    const char *name, *best = NULL;
    json_t *value;
    int rank = CURVES_NO_STEP;
    if (named) return named;
    json_object_foreach(row, name, value)
    {
        if (curves_step_rank(name) >= rank) continue;
        rank = curves_step_rank(name);
        best = name;
    }
    return best;
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

/* within: the name of the object they are members of, NULL: the row. What is "values" there counts as the row's own. */
static void add_members(curves *self, json_t *members, const char *within, const char *step_named, int64_t step)
{
    const char *name;
    json_t *value;
    double number;
    json_object_foreach(members, name, value)
    {
        char path[256];
        if (within) snprintf(path, sizeof path, "%.120s/%.120s", within, name);
        if (!within && json_is_object(value))
            add_members(self, value, name, step_named, step);
        else if (strcmp(name, step_named) != 0 && !is_error_name(name) && number_of(value, &number))
            curves_add(self, within && strcmp(within, "values") != 0 ? path : name, step, number,
                       error_of(members, name));
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

/* As TensorBoard exports a curve: time, step, value. */
static void add_triple(curves *self, const json_t *row)
{
    double step, value;
    int64_t at;
    if (json_array_size(row) == 3 && number_of(json_array_get(row, 1), &step) &&
        number_of(json_array_get(row, 2), &value) && curves_take_step(self, step, &at))
        curves_add(self, "Value", at, value, NAN);
}

/* Rows without a step, summaries at the end of a log say, are left out. */
static void add_row(curves *self, json_t *row, const curve_request *request)
{
    const char *name = step_name(row, request->step);
    double number;
    int64_t step;
    if (json_is_array(row)) add_triple(self, row);
    if (!name || !number_of(json_object_get(row, name), &number) || !passes(row, request)) return;
    if (curves_take_step(self, number, &step)) add_members(self, row, NULL, name, step);
}

/* ---- files ------------------------------------------------------------------------------------------------------ */

int curves_read_jsonl(curves *self, const char *path, const curve_request *request, char error[CURVES_ERROR_SIZE])
{
    FILE *file = fopen(path, "r");
    if (!file) return fail(error, path, strerror(errno));
    char *line = NULL, said[64];
    size_t room = 0;
    int64_t number = 0;
    int good = 1;
    for (ssize_t size; good && (size = getline(&line, &room, file)) > 0;) {
        json_error_t problem;
        number++;
        if (strspn(line, " \t\r\n") == (size_t)size) continue;
        json_t *row = parse(line, &problem);
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

/* NULL: errno says why. */
static char *whole_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t room = 0;
    if (!file) return NULL;
    if (getdelim(&text, &room, '\0', file) < 0 && !ferror(file)) {
        free(text);
        text = text_copy("");
    }
    fclose(file);
    return text;
}

int curves_read_json(curves *self, const char *path, const curve_request *request, char error[CURVES_ERROR_SIZE])
{
    json_error_t problem;
    char *text = whole_file(path);
    if (!text) return fail(error, path, strerror(errno));
    json_t *all = parse(text, &problem), *row;
    free(text);
    if (!all) return fail(error, path, problem.text);
    const json_t *rows = json_is_object(all) ? json_object_get(all, "log_history") : all;
    int good = json_is_array(rows);
    size_t i;
    json_array_foreach(rows, i, row) add_row(self, row, request);
    json_decref(all);
    return good ? 1 : fail(error, path, "it is neither an array of objects nor an object with a \"log_history\"");
}
