/* What the tests of verdicts share: shipped curves, goldens, simulated runs. */
#ifndef TESTS_SATURATION_SUPPORT_H
#define TESTS_SATURATION_SUPPORT_H

#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "constructed.h"
#include "softneck.h"
#include "softneck/co_occurrence.h"
#include "softneck/saturation.h"
#include "softneck/scaling_law.h"

enum { LONGEST = 4096 };

typedef struct series {
    int64_t count;
    int64_t steps[LONGEST];
    double values[LONGEST];
} series;

static inline neck_curve curve_of(const series *s)
{
    return (neck_curve){s->steps, s->values, NULL, s->count};
}

static inline void under_root(const char *name, char *path, size_t capacity)
{
    const char *root = getenv("SOFTNECK_SOURCE_DIR");
    snprintf(path, capacity, "%s/%s", root ? root : ".", name);
}

static inline json_t *load_golden(const char *name)
{
    char path[4096];
    under_root(name, path, sizeof path);
    json_error_t error;
    json_t *all = json_load_file(path, 0, &error);
    ck_assert_msg(all != NULL, "%s:%d: %s", path, error.line, error.text);
    return all;
}

static inline int64_t read_numbers(const json_t *object, const char *key, double *out)
{
    const json_t *array = json_object_get(object, key);
    for (size_t i = 0; i < json_array_size(array); i++) out[i] = json_number_value(json_array_get(array, i));
    return (int64_t)json_array_size(array);
}

static inline double read_number(const json_t *object, const char *key)
{
    const json_t *number = json_object_get(object, key);
    ck_assert_msg(json_is_number(number), "the golden has no number %s", key);
    return json_number_value(number);
}

/* The fields of a CSV line, at most 16, cut apart in place. */
static inline int split_line(char *line, char **fields)
{
    int count = 0;
    line[strcspn(line, "\r\n")] = '\0';
    for (char *field = line; field && count < 16; count++) {
        fields[count] = field;
        field = strchr(field, ',');
        if (field) *field++ = '\0';
    }
    return count;
}

/* A column of a CSV file whose first one is the step; empty fields are none. */
static inline void read_column(const char *name, const char *column, series *out)
{
    char path[4096], line[4096], *fields[16];
    under_root(name, path, sizeof path);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s", path);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    int count = split_line(line, fields), index = 0;
    while (index < count && strcmp(fields[index], column) != 0) index++;
    ck_assert_msg(index < count, "%s has no column %s", name, column);
    out->count = 0;
    while (fgets(line, sizeof line, file)) {
        if (split_line(line, fields) <= index || !*fields[index]) continue;
        out->steps[out->count] = strtoll(fields[0], NULL, 10);
        out->values[out->count++] = strtod(fields[index], NULL);
    }
    fclose(file);
}

/* ---- simulated runs ---- */

static inline double uniform_between(uint64_t *state, double low, double high)
{
    return low + (high - low) * 0.5 * (next_number(state) + 1);
}

static inline double normal_number(uint64_t *state)
{
    double radius = sqrt(-2 * log(uniform_between(state, 0x1p-53, 1)));
    return radius * cos(6.283185307179586 * uniform_between(state, 0, 1));
}

/* Variance 1; heavy: Student's t of 3 degrees. */
static inline double noise_number(uint64_t *state, int heavy)
{
    double z = normal_number(state), squares = 0;
    if (!heavy) return z;
    for (int i = 0; i < 3; i++) squares += pow(normal_number(state), 2);
    return z / sqrt(squares);
}

/* Adds AR(1) noise. */
static inline void add_noise(series *s, double scale, double autocorrelation, int heavy, uint64_t *state)
{
    double now = 0;
    for (int64_t i = 0; i < s->count; i++) {
        double fresh = i > 0 ? sqrt(1 - autocorrelation * autocorrelation) : 1;
        now = autocorrelation * now + fresh * noise_number(state, heavy);
        s->values[i] += scale * now;
    }
}

/* A bump at a random place that decays: a spike or, slower, a restart with its warm-up. */
static inline void add_bump(series *s, double height, double decay, uint64_t *state)
{
    double last = (double)s->steps[s->count - 1], at = uniform_between(state, 0.02, 0.95);
    for (int64_t i = 0; i < s->count; i++) {
        double since = (double)s->steps[i] / last - at;
        if (since >= 0) s->values[i] += height * exp(-since / decay);
    }
}

#endif
