/* format/utf8.h - is this text? */
#ifndef NECK_FORMAT_UTF8_H
#define NECK_FORMAT_UTF8_H

#include <stddef.h>

/* Length of the well-formed sequence that the bytes begin with, 0 when there is none. */
size_t neck__utf8_length(const char *text, size_t size);

/* Non-zero when the bytes are well-formed UTF-8: no overlong forms, surrogates or numbers above U+10FFFF. */
int neck__utf8_valid(const char *text, size_t size);

#endif
