/* text/normalizer.h - what is done to text before it is split. */
#ifndef NECK_TEXT_NORMALIZER_H
#define NECK_TEXT_NORMALIZER_H

#include "text/growing.h"

enum {
    NECK__NORMALIZE_PREPEND, /* to before any text that is not empty */
    NECK__NORMALIZE_REPLACE, /* from by to */
    NECK__NORMALIZE_UNICODE  /* one of Unicode's normal forms */
};

/* Unicode's normal forms. */
enum { NECK__NFC, NECK__NFD, NECK__NFKC, NECK__NFKD };

typedef struct neck__normalizer_step {
    int32_t kind, form;
    char *from, *to;
} neck__normalizer_step;

enum { NECK__NORMALIZER_STEPS = 8 };

typedef struct neck__normalizer {
    neck__allocator allocator;
    neck__normalizer_step steps[NECK__NORMALIZER_STEPS];
    int32_t count;
} neck__normalizer;

/* Appends a step; strings are copied. Errors: NECK_E_UNSUPPORTED (too many, empty from), NECK_E_NOMEM. */
neck_status neck__normalizer_add(neck__normalizer *normalizer, int32_t kind, int32_t form, const char *from,
                                 const char *to);
void neck__normalizer_clear(neck__normalizer *normalizer);

/* Normalizes well-formed text. *out is the text itself or lies in one of the two buffers. continues: the text goes on
 * from other text, so nothing is prepended. */
neck_status neck__normalize(const neck__normalizer *normalizer, neck__buffer buffers[2], int32_t continues,
                            const unsigned char *text, int64_t size, const unsigned char **out, int64_t *out_size);

/* Appends text in one of Unicode's normal forms to out. changes: whether the form could differ from the text. */
int neck__unicode_may_change(int32_t form, const unsigned char *text, int64_t size);
neck_status neck__unicode_form(int32_t form, const unsigned char *text, int64_t size, neck__buffer *out);

#endif
