/* format/exact_number.h - numbers >= 0 as texts of a file's metadata, back to the last bit, whatever the locale. */
#ifndef NECK_FORMAT_EXACT_NUMBER_H
#define NECK_FORMAT_EXACT_NUMBER_H

#include <stdint.h>

enum { NECK__NUMBER_TEXT = 40 };

void neck__print_double(char text[NECK__NUMBER_TEXT], double value);
void neck__print_count(char text[NECK__NUMBER_TEXT], int64_t value);

/* Return 0 and leave *out alone when the text is no finite double in that form, no count. */
int neck__parse_double(const char *text, double *out);
int neck__parse_count(const char *text, int64_t *out);

#endif
