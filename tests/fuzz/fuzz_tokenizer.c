/* Any bytes as a tokenizer: as tokenizer.json, as GPT-2's vocabulary with its merges behind a zero byte, as llama2.c's
 * tokenizer.bin. What opens encodes a fixed text and the input itself; the input is also text for sound tokenizers. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "text/tokenizer_object.h"
#include "use_tokenizer.h"

typedef neck_status (*read_fn)(neck_tokenizer *tokenizer, const neck__mapping *file);

static neck_status read_gpt2(neck_tokenizer *tokenizer, const neck__mapping *file)
{
    const unsigned char *zero = memchr(file->data, 0, (size_t)file->size);
    if (!zero) return NECK_E_FORMAT;
    neck__mapping vocabulary = *file, merges = *file;
    vocabulary.size = zero - file->data;
    merges.data = zero + 1;
    merges.size = file->size - vocabulary.size - 1;
    return neck__tokenizer_gpt2(tokenizer, &vocabulary, &merges, NULL);
}

static neck_status read_json(neck_tokenizer *tokenizer, const neck__mapping *file)
{
    return neck__tokenizer_json(tokenizer, file->data, file->size);
}

static neck_tokenizer *open_bytes(const void *data, size_t size, read_fn read)
{
    const neck__allocator allocator = neck__allocator_of(NULL);
    const neck__mapping file = {.data = data, .size = (int64_t)size, .allocator = allocator};
    neck_tokenizer *tokenizer;
    if (neck__tokenizer_new(&allocator, &tokenizer) != NECK_OK) return NULL;
    if (read(tokenizer, &file) == NECK_OK && neck__special_tokens(tokenizer, NULL) == NECK_OK) return tokenizer;
    neck_tokenizer_destroy(tokenizer);
    return NULL;
}

static void open_and_use(const uint8_t *data, size_t size, read_fn read)
{
    neck_tokenizer *tokenizer = open_bytes(data, size, read);
    if (!tokenizer) return;
    use_tokenizer(tokenizer, sample, sizeof sample - 1);
    use_tokenizer(tokenizer, data, size);
    neck_tokenizer_destroy(tokenizer);
}

/* Small tokenizers that take every path of encoding. */
static const char *const sound[] = {
    "{\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\",\"individual_digits\":true},"
    "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(?i:'s|'t)|[^\\\\r\\\\n\\\\p{L}]?\\\\p{L}+|\\\\s+(?!\\\\S)|\\\\s+\"},"
    "\"behavior\":\"MergedWithNext\"},{\"type\":\"ByteLevel\",\"add_prefix_space\":true}]},"
    "\"normalizer\":{\"type\":\"NFC\"},\"added_tokens\":[{\"id\":9,\"content\":\"<s>\",\"lstrip\":true,\"rstrip\":true}"
    ","
    "{\"id\":10,\"content\":\"  \",\"normalized\":true}],"
    "\"model\":{\"type\":\"BPE\",\"unk_token\":\"a\",\"vocab\":{\"a\":0,\"b\":1,\"\xC4\xA0\":2,\"ab\":3,\"aab\":4,"
    "\"\xC3\x83\":5,"
    "\"\xC3\x83\xC2\xA9\":6,\"\xC2\xA9\":7,\"\xC4\xA0\x61\":8},\"merges\":[\"a b\",\"a ab\",\"\xC3\x83 "
    "\xC2\xA9\",\"\xC4\xA0 a\"]}}",
    "{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFKD\"},{\"type\":\"Prepend\",\"prepend\":"
    "\"\xE2\x96\x81\"},"
    "{\"type\":\"Replace\",\"pattern\":{\"String\":\" "
    "\"},\"content\":\"\xE2\x96\x81\"}]},\"pre_tokenizer\":{\"type\":\"Metaspace\","
    "\"replacement\":\"\xE2\x96\x81\",\"prepend_scheme\":\"first\",\"split\":false},"
    "\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Metaspace\",\"replacement\":\"\xE2\x96\x81\"}]},"
    "\"model\":{\"type\":\"BPE\",\"unk_token\":\"u\",\"fuse_unk\":true,\"byte_fallback\":true,\"vocab\":{\"u\":0,\"a\":"
    "1,"
    "\"\xE2\x96\x81\":2,\"\xE2\x96\x81\x61\":3,\"\xE2\x96\x81\xE2\x96\x81\":4,\"<0xC3>\":5,\"<0xA9>\":6,\"aa\":7},"
    "\"merges\":[\"a a\",\"\xE2\x96\x81 a\",\"\xE2\x96\x81 \xE2\x96\x81\"]}}",
};

enum { SOUND = sizeof sound / sizeof *sound };
static neck_tokenizer *tokenizers[SOUND];

static void destroy_tokenizers(void)
{
    for (int i = 0; i < SOUND; i++) neck_tokenizer_destroy(tokenizers[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!tokenizers[0]) {
        for (int i = 0; i < SOUND; i++)
            if (!(tokenizers[i] = open_bytes(sound[i], strlen(sound[i]), read_json))) abort();
        atexit(destroy_tokenizers);
    }
    for (int i = 0; i < SOUND; i++) use_tokenizer(tokenizers[i], data, size);
    open_and_use(data, size, read_json);
    open_and_use(data, size, read_gpt2);
    open_and_use(data, size, neck__tokenizer_llama2c);
    return 0;
}
