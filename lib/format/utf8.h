/* format/utf8.h - is this text? */
#ifndef NECK_FORMAT_UTF8_H
#define NECK_FORMAT_UTF8_H

#include <stddef.h>

/* Non-zero when the bytes are well-formed UTF-8: no overlong forms, surrogates or numbers above U+10FFFF. */
int neck__utf8_valid(const char *text, size_t size);

#endif
