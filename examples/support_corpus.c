/* support_corpus.c - files of text and of JSON lines. */
#include "support_corpus.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support_args.h"
#include "support_text.h"

static char *read_file(const char *path, int64_t *size, char error[CORPUS_ERROR_SIZE])
{
    size_t used = 0, room = 1 << 16;
    FILE *file = fopen(path, "rb");
    char *text = file ? text_alloc(room) : NULL;
    while (file && !ferror(file) && !feof(file)) {
        used += fread(text + used, 1, room - used - 1, file);
        if (used + 1 < room) continue;
        char *larger = text_alloc(room *= 2);
        memcpy(larger, text, used);
        free(text);
        text = larger;
    }
    if (!file || ferror(file)) {
        snprintf(error, CORPUS_ERROR_SIZE, "%s: %s", path, strerror(errno));
        if (file) fclose(file);
        free(text);
        return NULL;
    }
    fclose(file);
    text[used] = '\0';
    *size = (int64_t)used;
    return text;
}

static int ends_in(const char *path, const char *suffix)
{
    size_t length = strlen(path), tail = strlen(suffix);
    return length > tail && strcmp(path + length - tail, suffix) == 0;
}

static void add(corpus *self, char *text, int64_t size)
{
    if ((self->count & (self->count - 1)) == 0) { /* a power of two: full */
        document *larger = text_alloc((size_t)(self->count ? 2 * self->count : 1) * sizeof *larger);
        if (self->count) memcpy(larger, self->documents, (size_t)self->count * sizeof *larger);
        free(self->documents);
        self->documents = larger;
    }
    self->documents[self->count++] = (document){text, size};
    self->bytes += size;
}

json_t *corpus_items(const char *path, char error[CORPUS_ERROR_SIZE])
{
    int64_t size, number = 0;
    char *text = read_file(path, &size, error);
    json_t *items = text ? json_array() : NULL;
    for (char *line = text, *end; items && line < text + size; line = end + 1) {
        end = memchr(line, '\n', (size_t)(text + size - line));
        if (!end) end = text + size;
        number++;
        if (strspn(line, " \t\r") >= (size_t)(end - line)) continue;
        json_error_t fault;
        json_t *item = json_loadb(line, (size_t)(end - line), JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &fault);
        if (json_is_object(item) && json_array_append(items, item) == 0) {
            json_decref(item);
            continue;
        }
        snprintf(error, CORPUS_ERROR_SIZE, "%s: line %" PRId64 ": not a JSON object%s%s", path, number,
                 item ? "" : ": ", item ? "" : fault.text);
        json_decref(item);
        json_decref(items);
        items = NULL;
    }
    free(text);
    return items;
}

static int add_lines(corpus *self, const char *path, char error[CORPUS_ERROR_SIZE])
{
    size_t i;
    json_t *items = corpus_items(path, error), *item;
    if (!items) return 0;
    json_array_foreach(items, i, item) {
        const json_t *text = json_object_get(item, "text");
        if (!json_is_string(text)) {
            snprintf(error, CORPUS_ERROR_SIZE, "%s: object %zu has no string \"text\"", path, i + 1);
            json_decref(items);
            return 0;
        }
        size_t size = json_string_length(text);
        char *copy = text_alloc(size + 1);
        memcpy(copy, json_string_value(text), size + 1);
        add(self, copy, (int64_t)size);
    }
    json_decref(items);
    return 1;
}

/* Beginnings that no UTF-8 text has, and what to do about them. */
static const struct {
    const char *bytes, *advice;
} no_text[] = {
    {"\xff\xfe", "UTF-16, where UTF-8 is wanted: iconv -f UTF-16 -t UTF-8 makes it so"},
    {"\xfe\xff", "UTF-16, where UTF-8 is wanted: iconv -f UTF-16 -t UTF-8 makes it so"},
    {"\x1f\x8b", "compressed, where text is wanted: gunzip it first"},
    {"\x28\xb5\x2f\xfd", "compressed, where text is wanted: unzstd it first"},
    {"PAR1", "a Parquet table, where text is wanted: write it as .jsonl, a document a line"},
};

/* What tokenizers take is UTF-8. Stray bytes are read as they are, since books have them. */
static int check_text(const char *path, const char *text, int64_t size, char error[CORPUS_ERROR_SIZE])
{
    size_t first = 0;
    for (size_t i = 0; i < sizeof no_text / sizeof *no_text; i++) {
        if (strncmp(text, no_text[i].bytes, strlen(no_text[i].bytes)) != 0) continue;
        snprintf(error, CORPUS_ERROR_SIZE, "%s: %s", path, no_text[i].advice);
        return 0;
    }
    size_t strange = text_strange(text, (size_t)size, &first);
    if (strange)
        args_note("%s: not UTF-8 from byte %zu on (%zu stray bytes, read as they are); if it is Latin-1, "
                  "iconv -f LATIN1 -t UTF-8 converts it", path, first, strange);
    if (ends_in(path, ".json")) args_note("%s: read as one plain text; a .jsonl has a document a line", path);
    return 1;
}

int corpus_add(corpus *self, const char *path, char error[CORPUS_ERROR_SIZE])
{
    int64_t size;
    if (ends_in(path, ".jsonl")) return add_lines(self, path, error);
    char *text = read_file(path, &size, error);
    if (text && check_text(path, text, size, error)) add(self, text, size);
    else free(text), text = NULL;
    return text != NULL;
}

void corpus_free(corpus *self)
{
    for (int64_t i = 0; i < self->count; i++) free(self->documents[i].text);
    free(self->documents);
}
