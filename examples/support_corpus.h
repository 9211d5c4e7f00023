/* support_corpus.h - text files as documents. */
#ifndef SUPPORT_CORPUS_H
#define SUPPORT_CORPUS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define CORPUS_ERROR_SIZE 6144

typedef struct document {
    char *text; /* NUL-terminated; may hold other NULs too */
    int64_t size;
} document;

typedef struct corpus {
    document *documents;
    int64_t count;
    int64_t bytes; /* of all documents */
} corpus;

/* corpus_add - adds what a file holds: one document; of a file named *.jsonl, one a line, its member "text". 0 and one
 * line in error on failure. corpus_free releases all. */
int corpus_add(corpus *self, const char *path, char error[CORPUS_ERROR_SIZE]);
void corpus_free(corpus *self);

/* corpus_items - the objects of a file of one JSON object a line (blank lines are skipped); json_decref the array. NULL
 * and one line in error on failure. */
json_t *corpus_items(const char *path, char error[CORPUS_ERROR_SIZE]);

#endif
