/* format/exact_number.c - doubles as hexadecimal constants, counts as digits. */
#include "format/exact_number.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"

/* A C99 hexadecimal floating constant with an integer mantissa: exact, and without the decimal point that printf and
 * strtod take from the locale. */
void neck__print_double(char text[NECK__NUMBER_TEXT], double value)
{
    int exponent;
    double fraction = frexp(value, &exponent);
    snprintf(text, NECK__NUMBER_TEXT, "0x%" PRIx64 "p%d", (uint64_t)ldexp(fraction, 53), exponent - 53);
}

void neck__print_count(char text[NECK__NUMBER_TEXT], int64_t value)
{
    snprintf(text, NECK__NUMBER_TEXT, "%" PRId64, value);
}

int neck__parse_double(const char *text, double *out)
{
    char *end;
    if (strncmp(text, "0x", 2) != 0 || strchr(text, '.')) return 0;
    double value = strtod(text, &end);
    if (*end || !isfinite(value)) return 0;
    *out = value;
    return 1;
}

int neck__parse_count(const char *text, int64_t *out)
{
    int64_t number = 0;
    const char *p = text;
    for (; *p >= '0' && *p <= '9'; p++)
        if (!neck__mul(number, 10, &number) || !neck__add(number, *p - '0', &number)) return 0;
    if (p == text || *p) return 0;
    *out = number;
    return 1;
}
