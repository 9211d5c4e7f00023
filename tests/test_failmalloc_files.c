/* tests/test_failmalloc_files.c - reading and writing files with every allocation failing. */
#include "failmalloc.h"

#include <sys/stat.h>

static void drop_gram(outputs *out) { neck_gram_destroy(out->gram); }
static void drop_spectrum(outputs *out) { neck_spectrum_destroy(out->spectrum); }
static void drop_checkpoint(outputs *out) { neck_checkpoint_destroy(out->checkpoint); }
static void drop_series(outputs *out) { neck_series_destroy(out->series); }

static char folder[] = "/tmp/softneck-failmalloc-XXXXXX";

static neck_status save_gram(neck_context *context, const operation *self, outputs *out)
{
    (void)out;
    neck_gram *gram;
    neck_status status = filled_gram(context, &gram);
    if (status != NECK_OK) return status;
    status = neck_gram_save(context, gram, self->path);
    neck_gram_destroy(gram);
    return status;
}

static neck_status load_gram(neck_context *context, const operation *self, outputs *out)
{
    return neck_gram_load(context, self->path, &out->gram);
}

static neck_status write_npy(neck_context *context, const operation *self, outputs *out)
{
    (void)out;
    return neck_npy_write(context, self->path, self->matrix);
}

static neck_status write_safetensors(neck_context *context, const operation *self, outputs *out)
{
    (void)out;
    static const char *const keys[] = {"format"}, *const values[] = {"pt"};
    neck_tensor tensors[2] = {{sizeof(neck_tensor), .name = "head", .dtype = NECK_F32, .ndim = 2, .shape = {ROWS, COLS},
                               .nbytes = sizeof entries, .data = entries},
                              {sizeof(neck_tensor), .name = "mean", .dtype = NECK_F64, .ndim = 1, .shape = {COLS},
                               .nbytes = sizeof shift, .data = shift}};
    return neck_safetensors_write(context, self->path, tensors, 2, keys, values, 1);
}

static neck_status open_checkpoint(neck_context *context, const operation *self, outputs *out)
{
    return neck_checkpoint_open(context, self->path, NULL, &out->checkpoint);
}

static neck_status find_head(neck_context *context, const operation *self, outputs *out)
{
    neck_checkpoint *checkpoint;
    neck_status status = neck_checkpoint_open(context, self->path, NULL, &checkpoint);
    if (status != NECK_OK) return status;
    int64_t index;
    neck_matrix head;
    neck_spectrum *spectrum = NULL;
    status = neck_checkpoint_head(checkpoint, &index, NULL);
    if (status == NECK_OK) status = neck_checkpoint_matrix(context, checkpoint, index, &head);
    if (status == NECK_OK) status = neck_spectrum_compute(context, &head, NULL, &spectrum);
    neck_checkpoint_destroy(checkpoint);
    if (status == NECK_OK) out->spectrum = spectrum;
    return status;
}

static neck_status open_series(neck_context *context, const operation *self, outputs *out)
{
    return neck_series_open(context, self->path, &out->series);
}

/* Every matrix of the file, converted where its stored order asks for it. */
static neck_status convert_all(neck_context *context, const operation *self, outputs *out)
{
    (void)out;
    neck_checkpoint *checkpoint;
    neck_status status = neck_checkpoint_open(context, self->path, NULL, &checkpoint);
    if (status != NECK_OK) return status;
    for (int64_t i = 0; i < neck_checkpoint_tensor_count(checkpoint) && status == NECK_OK; i++) {
        neck_matrix matrix;
        status = neck_checkpoint_matrix(context, checkpoint, i, &matrix);
        if (status == NECK_E_UNSUPPORTED) status = NECK_OK; /* not a matrix */
    }
    neck_checkpoint_destroy(checkpoint);
    return status;
}

/* Inputs are files that come with the sources; a name alone is one that the fixture makes.
 * Small files with all that their readers know; the larger ones of examples/data hold more of the same. */
static const operation operations[] = {
    {"save gram", save_gram, NULL, .path = "target", .writes = 1},
    {"load gram", load_gram, drop_gram, .path = "gram.safetensors"},
    {"write npy", write_npy, NULL, &half, .path = "target", .writes = 1},
    {"write safetensors", write_safetensors, NULL, .path = "target", .writes = 1},
    {"open safetensors", open_checkpoint, drop_checkpoint, .path = "gram.safetensors"},
    {"open npy", open_checkpoint, drop_checkpoint, .path = "tests/corpus/npy/good_c_f4"},
    {"open npz", open_checkpoint, drop_checkpoint, .path = "tests/corpus/npz/good_stored"},
    {"open npz deflated", open_checkpoint, drop_checkpoint, .path = "tests/corpus/npz/good_deflated"},
    {"open llama2.c", open_checkpoint, drop_checkpoint, .path = "tests/corpus/llama2c/good_v0_untied"},
    {"open llama2.c v1", open_checkpoint, drop_checkpoint, .path = "tests/corpus/llama2c/good_v1_tied"},
    {"open torch", open_checkpoint, drop_checkpoint, .path = "tests/corpus/torch/good_torch_views"},
    {"open torch training", open_checkpoint, drop_checkpoint, .path = "tests/corpus/torch/good_torch_training_2"},
    {"open torch big-endian", open_checkpoint, drop_checkpoint, .path = "tests/corpus/torch/good_made_big_endian"},
    {"convert torch views", convert_all, NULL, .path = "tests/corpus/torch/good_torch_views"},
    {"convert npy columns", convert_all, NULL, .path = "tests/corpus/npy/good_f_big_f4"},
    {"open shards", open_checkpoint, drop_checkpoint, .path = "sharded"},
    {"head of shards", find_head, drop_spectrum, .path = "sharded"},
    {"head of llama2.c", find_head, drop_spectrum, .path = "examples/data/stories260K/stories260K.bin"},
    {"head of npy", find_head, drop_spectrum, .path = "matrix.npy"},
    {"series", open_series, drop_series, .path = "examples/data/hybridstories"},
    {"series of one", open_series, drop_series, .path = "sharded"},
};
static operation located[COUNT(operations)]; /* the same with whole paths */

/* ---- files that the fixture makes ---- */

enum { MATRIX, GRAM, SHARDED, CONFIG, INDEX, FIRST, SECOND, TARGET, FILES };
static const char *const names[FILES] = {"matrix.npy",
                                         "gram.safetensors",
                                         "sharded",
                                         "sharded/config.json",
                                         "sharded/model.safetensors.index.json",
                                         "sharded/model-00001-of-00002.safetensors",
                                         "sharded/model-00002-of-00002.safetensors",
                                         "target"};
static char paths[FILES][128];

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void write_shard(const char *path, const char *name)
{
    neck_tensor tensor = {sizeof tensor, .name = name, .dtype = NECK_F32, .ndim = 2, .shape = {ROWS, COLS},
                          .nbytes = sizeof entries, .data = entries};
    ck_assert_int_eq(neck_safetensors_write(NULL, path, &tensor, 1, NULL, NULL, 0), NECK_OK);
}

static void locate_all(void)
{
    static char whole[COUNT(operations)][512];
    const char *root = getenv("SOFTNECK_SOURCE_DIR");
    for (size_t i = 0; i < COUNT(operations); i++) {
        const char *name = operations[i].path;
        snprintf(whole[i], sizeof whole[i], "%s/%s", strchr(name, '/') ? (root ? root : ".") : folder, name);
        located[i] = operations[i];
        located[i].path = whole[i];
    }
}

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    locate_all();
    for (int i = 0; i < FILES; i++) snprintf(paths[i], sizeof paths[i], "%s/%s", folder, names[i]);
    ck_assert_int_eq(neck_npy_write(NULL, paths[MATRIX], &tall), NECK_OK);
    neck_gram *gram;
    ck_assert_int_eq(filled_gram(NULL, &gram), NECK_OK);
    ck_assert_int_eq(neck_gram_save(NULL, gram, paths[GRAM]), NECK_OK);
    neck_gram_destroy(gram);
    ck_assert_int_eq(mkdir(paths[SHARDED], 0700), 0);
    write_text(paths[CONFIG], "{\"tie_word_embeddings\": false}");
    write_text(paths[INDEX], "{\"weight_map\": {"
                             "\"model.embed_tokens.weight\": \"model-00001-of-00002.safetensors\","
                             "\"lm_head.weight\": \"model-00002-of-00002.safetensors\"}}");
    write_shard(paths[FIRST], "model.embed_tokens.weight");
    write_shard(paths[SECOND], "lm_head.weight");
}

static void teardown(void)
{
    for (int i = FILES - 1; i >= 0; i--) remove(paths[i]);
    ck_assert_int_eq(rmdir(folder), 0); /* no temporary file is left either */
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
}

int main(void)
{
    return run_failmalloc("failmalloc_files", failmalloc_case(located, COUNT(located), setup, teardown));
}
