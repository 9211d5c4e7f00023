/* support_json.c - JSON lines through jansson. */
#include "support_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support_args.h"
#include "support_text.h"

/* The name comes from the tool or from the table of metrics, so memory is all that can fail. */
static void need(int ok)
{
    if (ok) return;
    fprintf(stderr, "out of memory: no room for a JSON object\n");
    exit(TOOL_FAILED);
}

void json_put(json_t *object, const char *name, json_t *value)
{
    need(value && json_object_set_new(object, name, value) == 0);
}

void json_put_text(json_t *object, const char *name, const char *text)
{
    char *valid = text ? text_utf8(text) : NULL;
    json_put(object, name, valid ? json_string(valid) : json_null());
    free(valid);
}

void json_put_integer(json_t *object, const char *name, int64_t value)
{
    json_put(object, name, json_integer(value));
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

void json_put_number(json_t *object, const char *name, double value)
{
    json_put(object, name, number(value));
}

void json_put_numbers(json_t *object, const char *name, const double *values, int64_t count)
{
    json_t *array = json_array();
    for (int64_t i = 0; i < count; i++) need(json_array_append_new(array, number(values[i])) == 0);
    json_put(object, name, array);
}

void json_print_line(json_t *object)
{
    need(object != NULL);
    /* A full disk shows in ferror(stdout), which the tool checks at the end. */
    (void)json_dumpf(object, stdout, JSON_REAL_PRECISION(17));
    putchar('\n');
    fflush(stdout);
    json_decref(object);
}
