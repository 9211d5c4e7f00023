/* text/tokenizer_open.c - neck_tokenizer_open: which files a path stands for, and who reads them. */
#include <string.h>

#include "core/error.h"
#include "core/options.h"
#include "format/folder.h"
#include "format/json.h"
#include "text/tokenizer_object.h"

/* What is being opened. */
typedef struct opening {
    neck_context *context;
    neck_tokenizer *tokenizer;
    const char *path;         /* of the file */
    const char *merges;       /* as in neck_tokenizer_options */
    const neck__mapping *file;
    json_t *config;           /* tokenizer_config.json beside it; NULL: none */
} opening;

/* "FOLDER/name" for the folder path lies in. */
static char *beside(const neck__allocator *allocator, const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    const int64_t length = slash ? slash + 1 - path : 0;
    char *joined = neck__alloc(allocator, length + (int64_t)strlen(name) + 1, 1, "a path");
    if (!joined) return NULL;
    memcpy(joined, path, (size_t)length);
    strcpy(joined + length, name);
    return joined;
}

/* Names of vocabularies and of the merges that belong to them; both may have the same prefix ("gpt2-"). */
static const struct {
    const char *vocabulary, *merges;
} pairs[] = {{"vocab.json", "merges.txt"}, {"encoder.json", "vocab.bpe"}};

static neck_status merges_path(const opening *o, char **out)
{
    const neck__allocator *allocator = &o->tokenizer->allocator;
    const char *slash = strrchr(o->path, '/'), *name = slash ? slash + 1 : o->path;
    char candidate[256];
    *out = NULL;
    if (o->merges) return (*out = neck__strdup(allocator, o->merges)) ? NECK_OK : NECK_E_NOMEM;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const size_t length = strlen(name), ending = strlen(pairs[i].vocabulary);
        if (length < ending || strcmp(name + length - ending, pairs[i].vocabulary) != 0) continue;
        if (length - ending + strlen(pairs[i].merges) >= sizeof candidate) continue;
        memcpy(candidate, name, length - ending);
        strcpy(candidate + length - ending, pairs[i].merges);
        return (*out = beside(allocator, o->path, candidate)) ? NECK_OK : NECK_E_NOMEM;
    }
    return neck__fail(NECK_E_NOT_FOUND, "a vocabulary without merges; name the file in the option 'merges'");
}

static neck_status read_gpt2(const opening *o)
{
    char *path;
    neck__mapping *merges = NULL;
    NECK_TRY(merges_path(o, &path));
    neck_status status = neck__mapping_open(&o->tokenizer->allocator, path, &merges);
    if (status == NECK_OK) status = neck__tokenizer_gpt2(o->tokenizer, o->file, merges, o->config);
    neck__mapping_close(merges);
    neck__release(&o->tokenizer->allocator, path);
    return status;
}

static neck_status read_gguf(const opening *o)
{
    neck_checkpoint *checkpoint;
    NECK_TRY(neck_checkpoint_open(o->context, o->path, NULL, &checkpoint));
    neck_status status = neck__tokenizer_gguf(o->tokenizer, neck__checkpoint_gguf(checkpoint));
    neck_checkpoint_destroy(checkpoint);
    return status;
}

/* tokenizer.json has a member "model"; a vocabulary maps spellings to numbers. */
static neck_status read_json(const opening *o)
{
    json_t *root;
    NECK_TRY(neck__json_parse(o->file->data, o->file->size, 32, o->file->size, &root));
    const int is_tokenizer = json_is_object(json_object_get(root, "model"));
    json_decref(root);
    if (!is_tokenizer) return read_gpt2(o);
    NECK_TRY(neck__tokenizer_json(o->tokenizer, o->file->data, o->file->size));
    return neck__special_tokens(o->tokenizer, o->config);
}

static neck_status read_file(const opening *o)
{
    const unsigned char *data = o->file->data;
    int64_t at = 0;
    if (o->file->size >= 4 && memcmp(data, "GGUF", 4) == 0) return read_gguf(o);
    while (at < o->file->size && memchr(" \t\r\n", data[at], 4)) at++;
    if (at < o->file->size && data[at] == '{') return read_json(o);
    return neck__tokenizer_llama2c(o->tokenizer, o->file);
}

/* tokenizer_config.json is optional, but one that is there must be readable. */
static neck_status read_config(opening *o)
{
    const neck__allocator *allocator = &o->tokenizer->allocator;
    neck__mapping *file;
    neck_status status = NECK_OK;
    char *path = beside(allocator, o->path, "tokenizer_config.json");
    if (!path) return NECK_E_NOMEM;
    if (neck__is_file(path)) {
        status = neck__mapping_open(allocator, path, &file);
        if (status == NECK_OK) {
            status = neck__json_parse(file->data, file->size, 32, file->size, &o->config);
            neck__mapping_close(file);
        }
        if (status != NECK_OK) status = neck__fail_in(status, "'%s'", path);
    }
    neck__release(allocator, path);
    return status;
}

static neck_status open_file(neck_context *context, const char *path, const char *merges, neck_tokenizer **out)
{
    const neck__allocator allocator = neck__allocator_of(context);
    opening o = {.context = context, .path = path, .merges = merges};
    neck__mapping *file = NULL;
    NECK_TRY(neck__tokenizer_new(&allocator, &o.tokenizer));
    neck_status status = neck__mapping_open(&allocator, path, &file);
    if (status == NECK_OK) {
        o.file = file;
        status = read_config(&o);
        if (status == NECK_OK && (status = read_file(&o)) != NECK_OK) neck__fail_in(status, "'%s'", path);
    }
    json_decref(o.config);
    neck__mapping_close(file);
    if (status == NECK_OK)
        *out = o.tokenizer;
    else
        neck_tokenizer_destroy(o.tokenizer);
    return status;
}

/* Names that vary: llama2.c calls its files by the size of the vocabulary, tok512.bin. */
static int could_be(const char *name)
{
    const size_t length = strlen(name);
    if (length > 4 && strncmp(name, "tok", 3) == 0 && strcmp(name + length - 4, ".bin") == 0) return 1;
    return length > 5 && strcmp(name + length - 5, ".gguf") == 0;
}

/* The file in a folder, as a path in new memory. */
static neck_status find_file(const neck__allocator *allocator, const char *folder, char **out)
{
    static const char *const names[] = {"tokenizer.json", "vocab.json", "encoder.json"};
    *out = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = neck__path_join(allocator, folder, names[i]);
        if (!path) return NECK_E_NOMEM;
        if (neck__is_file(path)) {
            *out = path;
            return NECK_OK;
        }
        neck__release(allocator, path);
    }
    neck__names files = {0};
    NECK_TRY(neck__names_read(allocator, folder, &files));
    neck_status status = neck__fail(NECK_E_NOT_FOUND, "no tokenizer in '%s'", folder);
    for (int64_t i = 0; i < files.count && status == NECK_E_NOT_FOUND; i++)
        if (could_be(files.names[i]))
            status = (*out = neck__path_join(allocator, folder, files.names[i])) ? NECK_OK : NECK_E_NOMEM;
    neck__names_clear(&files);
    return status;
}

neck_status neck_tokenizer_open(neck_context *context, const char *path, const neck_tokenizer_options *options,
                                neck_tokenizer **out)
{
    NECK_OPTIONS(neck_tokenizer_options, given, options);
    if (!path || !out) return neck__fail(NECK_E_ARGUMENT, "path or out is NULL");
    if (!neck__is_folder(path)) return open_file(context, path, given.merges, out);
    const neck__allocator allocator = neck__allocator_of(context);
    char *file;
    NECK_TRY(find_file(&allocator, path, &file));
    neck_status status = open_file(context, file, given.merges, out);
    neck__release(&allocator, file);
    return status;
}
