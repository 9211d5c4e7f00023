/* support_curves_csv.c - curves from a CSV table: RFC 4180 with quotes, the delimiter a comma, a semicolon or a tab. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support_curves.h"
#include "support_text.h"

enum { MOST_CELLS = 4096 };

typedef struct table {
    FILE *file;
    char delimiter;
    char *line;
    size_t room;
    int64_t number; /* of the line */
    char **cells;   /* MOST_CELLS, into line */
    int64_t count;
} table;

static int fail(char error[CURVES_ERROR_SIZE], const char *path, const char *text)
{
    snprintf(error, CURVES_ERROR_SIZE, "%.200s: %.300s", path, text);
    return 0;
}

/* A quoted cell loses its quotes in place; returns what follows it. */
static char *take_quoted(char *from, char *to)
{
    for (from++; *from; from++) {
        if (*from != '"') *to++ = *from;
        else if (from[1] == '"') *to++ = *from++;
        else break;
    }
    if (*from == '"') from++;
    char *next = from;
    *to = '\0';
    return next;
}

static void cut(table *self)
{
    char *at = self->line, end = 1;
    size_t length = strlen(self->line);
    while (length > 0 && strchr("\r\n", self->line[length - 1])) self->line[--length] = '\0';
    for (self->count = 0; end && self->count < MOST_CELLS; self->count++) {
        self->cells[self->count] = at;
        char *next = *at == '"' ? take_quoted(at, at) : at;
        next += strcspn(next, (char[]){self->delimiter, '\0'});
        end = *next;
        *next = '\0';
        at = next + 1;
    }
}

static int is_open(const char *line)
{
    int quotes = 0;
    for (; *line; line++) quotes += *line == '"';
    return quotes % 2;
}

/* Within quotes, a row goes on in the next line. */
static void take_rest(table *self)
{
    char *more = NULL;
    size_t room = 0;
    while (is_open(self->line) && getline(&more, &room, self->file) > 0) {
        size_t used = strlen(self->line), added = strlen(more) + 1;
        char *longer = text_alloc(used + added);
        memcpy(longer, self->line, used);
        memcpy(longer + used, more, added);
        free(self->line);
        self->line = longer;
        self->room = used + added;
        self->number++;
    }
    free(more);
}

static int next_row(table *self)
{
    while (getline(&self->line, &self->room, self->file) > 0) {
        self->number++;
        if (self->number == 1 && strncmp(self->line, "\xef\xbb\xbf", 3) == 0)
            memmove(self->line, self->line + 3, strlen(self->line + 3) + 1);
        if (self->line[strspn(self->line, " \t\r\n")] == '\0' || *self->line == '#') continue;
        take_rest(self);
        return 1;
    }
    return 0;
}

static char guess_delimiter(const char *line)
{
    return strchr(line, '\t') ? '\t' : !strchr(line, ',') && strchr(line, ';') ? ';' : ',';
}

/* ---- columns ---------------------------------------------------------------------------------------------------- */

typedef struct columns {
    char **names;
    int64_t *error_of; /* the column of a column's standard errors, -1: none */
    int64_t count;
    int64_t step;
    int64_t *filters;  /* the column of each filter */
} columns;

static int64_t find_column(const columns *self, const char *name)
{
    for (int64_t i = 0; i < self->count; i++)
        if (strcmp(self->names[i], name) == 0) return i;
    return -1;
}

static int64_t find_step(const columns *self, const char *named)
{
    int64_t best = find_column(self, "epoch");
    int rank = CURVES_NO_STEP;
    if (named) return find_column(self, named);
    for (int64_t i = 0; i < self->count; i++) {
        if (curves_step_rank(self->names[i]) >= rank) continue;
        rank = curves_step_rank(self->names[i]);
        best = i;
    }
    return best;
}

/* "it has no ...; there are: A, B" */
static int lacks(const columns *self, char *said, size_t size, const char *what)
{
    int used = snprintf(said, size, "%s; there %s", what, self->count == 1 ? "is" : "are");
    for (int64_t i = 0; i < self->count && (size_t)used + 1 < size; i++)
        used += snprintf(said + used, size - (size_t)used, "%s %.40s", i ? "," : "", self->names[i]);
    return 0;
}

static int all_numbers(const columns *self)
{
    for (int64_t i = 0; i < self->count; i++) {
        char *end;
        strtod(self->names[i], &end);
        if (end == self->names[i] || *end) return 0;
    }
    return 1;
}

static int read_head(table *from, const curve_request *request, columns *self, char *said, size_t size)
{
    self->count = from->count;
    self->names = text_alloc((size_t)self->count * sizeof *self->names);
    self->error_of = text_alloc((size_t)self->count * sizeof *self->error_of);
    for (int64_t i = 0; i < self->count; i++) self->names[i] = text_copy(from->cells[i] + strspn(from->cells[i], " "));
    for (int64_t i = 0; i < self->count; i++) {
        char name[256];
        snprintf(name, sizeof name, "%.200s_stderr", self->names[i]);
        self->error_of[i] = find_column(self, name);
    }
    self->step = find_step(self, request->step);
    if (self->step < 0 && all_numbers(self)) {
        snprintf(said, size, "it has no heading: its first line must name the columns, as in step,loss");
        return 0;
    }
    if (self->step < 0 && !request->step)
        return lacks(self, said, size, "it has no column \"step\": name it by --step");
    if (self->step < 0) {
        char what[128];
        snprintf(what, sizeof what, "it has no column '%.100s'", request->step);
        return lacks(self, said, size, what);
    }
    self->filters = text_alloc((size_t)(request->filter_count + 1) * sizeof *self->filters);
    for (int64_t i = 0; i < request->filter_count; i++) {
        self->filters[i] = find_column(self, request->filters[i].column);
        if (self->filters[i] >= 0) continue;
        snprintf(said, size, "it has no column '%.100s' for --where", request->filters[i].column);
        return 0;
    }
    return 1;
}

static void columns_free(columns *self)
{
    for (int64_t i = 0; i < self->count; i++) free(self->names[i]);
    free(self->names);
    free(self->error_of);
    free(self->filters);
}

/* ---- rows ------------------------------------------------------------------------------------------------------- */

static int parse(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && end[strspn(end, " ")] == '\0';
}

/* 3,61 is a number where a comma is not the delimiter or the cell was quoted. */
static int number_in(const table *from, int64_t column, double *out)
{
    char number[64];
    if (column < 0 || column >= from->count) return 0;
    if (parse(from->cells[column], out)) return 1;
    if (snprintf(number, sizeof number, "%s", from->cells[column]) >= (int)sizeof number) return 0;
    char *comma = strchr(number, ',');
    if (comma) *comma = '.';
    return comma && parse(number, out);
}

/* In a table of commas a quoted 12,500 is that many steps. */
static int step_in(const table *from, int64_t column, double *out)
{
    char number[64] = "";
    if (column >= from->count || from->delimiter != ',') return number_in(from, column, out);
    for (const char *at = from->cells[column], *end = number + sizeof number - 1; *at; at++)
        if (*at != ',' && number + strlen(number) < end) strncat(number, at, 1);
    return parse(number, out);
}

static int is_bound(const columns *self, int64_t column)
{
    const char *name = self->names[column], *end = strstr(name, "__M");
    if (!end || (strcmp(end, "__MIN") != 0 && strcmp(end, "__MAX") != 0)) return 0;
    size_t length = (size_t)(end - name);
    for (int64_t i = 0; i < self->count; i++)
        if (strlen(self->names[i]) == length && strncmp(self->names[i], name, length) == 0) return 1;
    return 0;
}

static int is_error_column(const columns *self, int64_t column)
{
    for (int64_t i = 0; i < self->count; i++)
        if (self->error_of[i] == column) return 1;
    return 0;
}

static int passes(const table *from, const columns *of, const curve_request *request)
{
    for (int64_t i = 0; i < request->filter_count; i++)
        if (of->filters[i] >= from->count || strcmp(from->cells[of->filters[i]], request->filters[i].value) != 0)
            return 0;
    return 1;
}

/* Nothing but delimiters, or the heading again. */
static int is_idle(const table *from, const columns *of)
{
    int64_t filled = 0;
    for (int64_t i = 0; i < from->count; i++) filled += *from->cells[i] != '\0';
    return filled == 0 || (of->step < from->count && strcmp(from->cells[of->step], of->names[of->step]) == 0);
}

/* 0 when the row has no step. */
static int add_row(curves *self, const table *from, const columns *of)
{
    double number, value, error;
    int64_t step;
    if (!step_in(from, of->step, &number) || !curves_take_step(self, number, &step)) return is_idle(from, of);
    for (int64_t i = 0; i < of->count; i++) {
        if (i == of->step || is_error_column(of, i) || is_bound(of, i) || !number_in(from, i, &value)) continue;
        if (!number_in(from, of->error_of[i], &error)) error = NAN;
        curves_add(self, of->names[i], step, value, error);
    }
    return 1;
}

static int read_rows(curves *self, table *from, const curve_request *request, char *said, size_t size)
{
    columns of = {NULL, NULL, 0, -1, NULL};
    int good = next_row(from);
    if (good && strchr("\xff\xfe", *from->line)) {
        snprintf(said, size, "it is not UTF-8, but perhaps UTF-16: save it as UTF-8");
        good = 0;
    } else if (good) {
        from->delimiter = guess_delimiter(from->line);
        cut(from);
        good = read_head(from, request, &of, said, size);
    } else {
        snprintf(said, size, "it is empty");
    }
    while (good && next_row(from)) {
        cut(from);
        if (!passes(from, &of, request)) continue;
        good = add_row(self, from, &of);
        if (!good) snprintf(said, size, "line %lld has no step", (long long)from->number);
    }
    columns_free(&of);
    return good;
}

int curves_read_csv(curves *self, const char *path, const curve_request *request, char error[CURVES_ERROR_SIZE])
{
    char said[400] = "";
    table from = {.file = fopen(path, "r"), .cells = text_alloc(MOST_CELLS * sizeof *from.cells)};
    if (!from.file) snprintf(said, sizeof said, "%s", strerror(errno));
    int good = from.file && read_rows(self, &from, request, said, sizeof said);
    if (from.file) fclose(from.file);
    free(from.line);
    free(from.cells);
    return good ? 1 : fail(error, path, said);
}
