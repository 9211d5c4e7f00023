/* format/json.h - strict, bounded parsing of JSON from files, on jansson. */
#ifndef NECK_FORMAT_JSON_H
#define NECK_FORMAT_JSON_H

#include <jansson.h>

#include "softneck/status.h"

/* Parses size bytes of UTF-8. Before anything is allocated the text is scanned: objects and arrays nested deeper than
 * depth, or more than values commas, colons and opening brackets, are refused, so that memory stays in proportion to
 * what a reader asked for. Duplicate keys, NUL characters and anything after the value are refused as well.
 * NECK_E_FORMAT says what is wrong and where; json_decref the result. jansson takes its memory from the C library. */
neck_status neck__json_parse(const void *text, int64_t size, int32_t depth, int64_t values, json_t **out);

/* A whole number >= 0, or -1 for anything else. */
int64_t neck__json_size(const json_t *value);

#endif
