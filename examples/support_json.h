/* support_json.h - JSON lines: what jansson leaves to us (numbers that are not finite, bytes that are not UTF-8). */
#ifndef SUPPORT_JSON_H
#define SUPPORT_JSON_H

#include <jansson.h>
#include <stdint.h>

/* Each sets object[name] and ends the program when memory runs out. Numbers are written with 17 significant digits,
 * so they read back as the same double; NaN and infinities become null, as does NULL text. */
void json_put_text(json_t *object, const char *name, const char *text);
void json_put_integer(json_t *object, const char *name, int64_t value);
void json_put_number(json_t *object, const char *name, double value);
void json_put_numbers(json_t *object, const char *name, const double *values, int64_t count);
void json_put(json_t *object, const char *name, json_t *value);

/* json_print_line - the object as one line on standard output, flushed, and released. */
void json_print_line(json_t *object);

#endif
