/* support_text.h - text that comes from files and goes to terminals and JSON; numbers with their error. */
#ifndef SUPPORT_TEXT_H
#define SUPPORT_TEXT_H

#include <stddef.h>
#include <stdio.h>

/* text_alloc, text_copy - memory, or one line on standard error and exit status 1: a tool has nothing better to do. */
void *text_alloc(size_t size);
char *text_copy(const char *text);

/* text_utf8 - a copy of any bytes as valid UTF-8; each byte that belongs to no character becomes U+FFFD. */
char *text_utf8(const char *bytes);

/* text_strange - how many of size bytes, before a NUL, belong to no UTF-8 character; the place of the first one in *first. */
size_t text_strange(const char *bytes, size_t size, size_t *first);

/* text_visible - a copy of any bytes as one line a terminal can show: control characters and stray bytes become
 * "\n", "\t", "\x1b"; a file name can neither break a table nor command the terminal.
 * text_print - writes that to a stream and returns how many columns it takes (one a character). */
char *text_visible(const char *bytes);
int text_print(FILE *stream, const char *bytes);

/* The relative accuracy that the tables promise: five significant digits. */
#define TEXT_ACCURACY 1e-5

/* text_number - value to five significant digits, in buffer, a count as a whole number; "~" before it when its error
 * bound exceeds TEXT_ACCURACY of it, "-" when it is not a number. */
const char *text_number(char buffer[32], double value, double error);

/* text_base_name - the part after the last slash (of "a/b/", "b/"). */
const char *text_base_name(const char *path);

/* text_path_name - a copy of the last part of a path that says something: "runs/a/" is "a", "." is the name of the
 * current folder. */
char *text_path_name(const char *path);

#endif
