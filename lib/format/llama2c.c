/* format/llama2c.c - reading llama2.c's float32 checkpoints: a header of seven numbers, then every weight in a fixed
 * order, those of one kind for all layers together. Each layer's weight becomes a tensor under its usual name. */
#include <inttypes.h>
#include <stdio.h>

#include "core/error.h"
#include "format/llama2c.h"
#include "format/tensors.h"

#define MAGIC 0x616b3432u /* "ak42", versions 1 and later */
#define V0_HEADER 28
#define V1_HEADER 256

/* What lengths weights have. */
enum extent { END_OF_TABLE, ONE, DIM, HIDDEN, KV, VOCAB, SEQ, HEAD, EXTENTS };

typedef struct model {
    int64_t extent[EXTENTS];
    int64_t layers, heads, kv_heads;
    int32_t tied;
} model;

/* One kind of weight; order in an array is order in the file. */
typedef struct kind {
    const char *name; /* NULL: not a weight (tables of the rotary embedding) */
    unsigned char rows, cols, layered, untied_only;
} kind;

static const kind v0_kinds[] = {
    {"tok_embeddings.weight", VOCAB, DIM, 0, 0},
    {"attention_norm.weight", DIM, ONE, 1, 0},
    {"attention.wq.weight", DIM, DIM, 1, 0},
    {"attention.wk.weight", KV, DIM, 1, 0},
    {"attention.wv.weight", KV, DIM, 1, 0},
    {"attention.wo.weight", DIM, DIM, 1, 0},
    {"ffn_norm.weight", DIM, ONE, 1, 0},
    {"feed_forward.w1.weight", HIDDEN, DIM, 1, 0},
    {"feed_forward.w2.weight", DIM, HIDDEN, 1, 0},
    {"feed_forward.w3.weight", HIDDEN, DIM, 1, 0},
    {"norm.weight", DIM, ONE, 0, 0},
    {NULL, SEQ, HEAD, 0, 0}, /* cosines, then sines: SEQ x HEAD/2 each */
    {"output.weight", VOCAB, DIM, 0, 1},
    {.rows = END_OF_TABLE},
};

static const kind v1_kinds[] = {
    {"attention_norm.weight", DIM, ONE, 1, 0},
    {"ffn_norm.weight", DIM, ONE, 1, 0},
    {"norm.weight", DIM, ONE, 0, 0},
    {"tok_embeddings.weight", VOCAB, DIM, 0, 0},
    {"attention.wq.weight", DIM, DIM, 1, 0},
    {"attention.wk.weight", KV, DIM, 1, 0},
    {"attention.wv.weight", KV, DIM, 1, 0},
    {"attention.wo.weight", DIM, DIM, 1, 0},
    {"feed_forward.w1.weight", HIDDEN, DIM, 1, 0},
    {"feed_forward.w2.weight", DIM, HIDDEN, 1, 0},
    {"feed_forward.w3.weight", HIDDEN, DIM, 1, 0},
    {"output.weight", VOCAB, DIM, 0, 1},
    {.rows = END_OF_TABLE},
};

/* The header's numbers in its order, with the range in which each makes sense. With these bounds no size of the whole
 * file reaches 2^60, so the sums below need no checks. */
enum field { F_DIM, F_HIDDEN, F_LAYERS, F_HEADS, F_KV_HEADS, F_VOCAB, F_SEQ, FIELDS };

static const struct {
    const char *name;
    int64_t most;
} fields[FIELDS] = {{"dim", 1 << 20},       {"hidden_dim", 1 << 20}, {"n_layers", 1 << 14}, {"n_heads", 1 << 20},
                    {"n_kv_heads", 1 << 20}, {"vocab_size", 1 << 24}, {"seq_len", 1 << 24}};

static uint32_t load_u32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Two's complement, widened: negating the smallest number is harmless in 64 bits. */
static int64_t load_i32(const unsigned char *p)
{
    int64_t number = load_u32(p);
    return number > INT32_MAX ? number - ((int64_t)1 << 32) : number;
}

/* Room for one line on what makes no sense in a header. */
typedef struct fault {
    char text[160];
} fault;

static int check_fields(const int64_t *value, fault *why)
{
    for (int i = 0; i < FIELDS; i++)
        if (value[i] < 1 || value[i] > fields[i].most) {
            snprintf(why->text, sizeof why->text, "%s is %" PRId64 ", outside 1 to %" PRId64, fields[i].name, value[i],
                     fields[i].most);
            return 0;
        }
    if (value[F_DIM] % (2 * value[F_HEADS]) != 0) {
        snprintf(why->text, sizeof why->text, "dim %" PRId64 " does not split into %" PRId64 " heads of even size",
                 value[F_DIM], value[F_HEADS]);
        return 0;
    }
    if (value[F_HEADS] % value[F_KV_HEADS] != 0) {
        snprintf(why->text, sizeof why->text, "n_heads %" PRId64 " is not a multiple of n_kv_heads %" PRId64,
                 value[F_HEADS], value[F_KV_HEADS]);
        return 0;
    }
    return 1;
}

/* Sets no error message: telling formats apart is no failure. Returns 0 with *why filled. */
static int parse_model(const unsigned char *numbers, int version, model *m, fault *why)
{
    int64_t value[FIELDS];
    for (int i = 0; i < FIELDS; i++) value[i] = load_i32(numbers + 4 * i);
    m->tied = version == 0 ? value[F_VOCAB] > 0 : numbers[4 * FIELDS] != 0;
    if (version == 0 && value[F_VOCAB] < 0) value[F_VOCAB] = -value[F_VOCAB];
    if (!check_fields(value, why)) return 0;
    int64_t head = value[F_DIM] / value[F_HEADS];
    m->layers = value[F_LAYERS];
    m->heads = value[F_HEADS];
    m->kv_heads = value[F_KV_HEADS];
    m->extent[ONE] = 1;
    m->extent[DIM] = value[F_DIM];
    m->extent[HIDDEN] = value[F_HIDDEN];
    m->extent[KV] = head * value[F_KV_HEADS];
    m->extent[VOCAB] = value[F_VOCAB];
    m->extent[SEQ] = value[F_SEQ];
    m->extent[HEAD] = head;
    return 1;
}

static neck_status read_model(const unsigned char *numbers, int version, model *m)
{
    fault why;
    return parse_model(numbers, version, m, &why) ? NECK_OK : neck__fail(NECK_E_FORMAT, "%s", why.text);
}

/* How often a kind occurs in the model, and the bytes of each. */
static int64_t kind_copies(const kind *k, const model *m)
{
    if (k->untied_only && m->tied) return 0;
    return k->layered ? m->layers : 1;
}

static int64_t kind_bytes(const kind *k, const model *m)
{
    return m->extent[k->rows] * m->extent[k->cols] * (int64_t)sizeof(float);
}

static neck_status check_size(const kind *kinds, const model *m, int64_t available, int allow_trailing)
{
    int64_t needed = 0;
    for (const kind *k = kinds; k->rows != END_OF_TABLE; k++) needed += kind_copies(k, m) * kind_bytes(k, m);
    if (available < needed)
        return neck__fail(NECK_E_FORMAT, "the header's model has %" PRId64 " bytes of weights, the file %" PRId64
                          ": truncated or not llama2.c", needed, available);
    if (available > needed && !allow_trailing)
        return neck__fail(NECK_E_TRAILING_DATA, "%" PRId64 " bytes follow the last weight", available - needed);
    return NECK_OK;
}

static neck_status add_weight(const kind *k, const model *m, int64_t layer, const unsigned char *data,
                              neck__tensors *list)
{
    char name[64];
    int length = k->layered ? snprintf(name, sizeof name, "layers.%" PRId64 ".%s", layer, k->name)
                            : snprintf(name, sizeof name, "%s", k->name);
    int64_t shape[] = {m->extent[k->rows], m->extent[k->cols]};
    return neck__tensors_add(list, name, (size_t)length, NECK_F32, k->cols == ONE ? 1 : 2, shape, data,
                             kind_bytes(k, m), NULL);
}

static neck_status add_weights(const kind *kinds, const model *m, const unsigned char *data, neck__tensors *list)
{
    for (const kind *k = kinds; k->rows != END_OF_TABLE; k++)
        for (int64_t layer = 0; layer < kind_copies(k, m); layer++) {
            if (k->name) NECK_TRY(add_weight(k, m, layer, data, list));
            data += kind_bytes(k, m);
        }
    return NECK_OK;
}

static neck_status check_version(const neck__mapping *file)
{
    if (file->size < V1_HEADER) return neck__fail(NECK_E_FORMAT, "truncated in the llama2.c header");
    int64_t version = load_i32(file->data + 4);
    if (version == 2)
        return neck__fail(NECK_E_UNSUPPORTED, "llama2.c version 2 (Q8_0, quantised) is not supported: export float32");
    if (version != 1) return neck__fail(NECK_E_UNSUPPORTED, "llama2.c version %" PRId64 " is not supported", version);
    return NECK_OK;
}

static int has_magic(const neck__mapping *file)
{
    return file->size >= 8 && load_u32(file->data) == MAGIC;
}

int neck__llama2c_looks_like(const neck__mapping *file)
{
    model m;
    fault why;
    return has_magic(file) || (file->size >= V0_HEADER && parse_model(file->data, 0, &m, &why));
}

/* The model of either version, the weights it has and where they start. */
static neck_status read_header(const neck__mapping *file, model *m, const kind **kinds, int64_t *size)
{
    if (has_magic(file)) {
        NECK_TRY(check_version(file));
        *kinds = v1_kinds;
        *size = V1_HEADER;
        return read_model(file->data + 8, 1, m);
    }
    if (file->size < V0_HEADER) return neck__fail(NECK_E_FORMAT, "truncated in the llama2.c header");
    *kinds = v0_kinds;
    *size = V0_HEADER;
    return read_model(file->data, 0, m);
}

neck_status neck__llama2c_read(const neck__mapping *file, int allow_trailing, neck__tensors *list)
{
    model m;
    const kind *kinds = NULL;
    int64_t header = 0;
    NECK_TRY(read_header(file, &m, &kinds, &header));
    NECK_TRY(check_size(kinds, &m, file->size - header, allow_trailing));
    return add_weights(kinds, &m, file->data + header, list);
}

neck_status neck__llama2c_header_read(const neck__mapping *file, neck__llama2c_header *out)
{
    model m;
    const kind *kinds = NULL;
    int64_t size = 0;
    NECK_TRY(read_header(file, &m, &kinds, &size));
    *out = (neck__llama2c_header){m.extent[DIM], m.extent[HIDDEN], m.layers, m.heads, m.kv_heads,
                                  m.extent[VOCAB], m.extent[SEQ], m.tied};
    return NECK_OK;
}
