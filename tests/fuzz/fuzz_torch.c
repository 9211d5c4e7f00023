/* Any bytes as a torch archive; and, when they are no zip archive, as the pickle in a sound one with two storages, for
 * checksums would keep a fuzzer from ever running a program it has changed. */
#include <string.h>
#include <zlib.h>

#include "use.h"

/* An archive under construction. */
typedef struct archive {
    unsigned char *body, directory[512];
    size_t size, directory_size;
    unsigned members;
} archive;

static void put(unsigned char *to, size_t *at, uint64_t value, int bytes)
{
    for (int k = 0; k < bytes; k++) to[(*at)++] = (unsigned char)(value >> (8 * k));
}

static void put_bytes(unsigned char *to, size_t *at, const void *bytes, size_t size)
{
    if (size) memcpy(to + *at, bytes, size);
    *at += size;
}

/* From the flags to the length of the extra field, as in both headers. */
static void put_common(unsigned char *to, size_t *at, const void *data, size_t size, size_t name_length)
{
    put(to, at, 0, 8); /* no flags, stored, no time */
    put(to, at, (uint32_t)crc32_z(0, data, size), 4);
    put(to, at, (uint32_t)size, 4);
    put(to, at, (uint32_t)size, 4);
    put(to, at, (uint32_t)name_length, 2);
    put(to, at, 0, 2);
}

static void add_member(archive *a, const char *name, const void *data, size_t size)
{
    const size_t length = strlen(name), position = a->size;
    put(a->body, &a->size, 0x04034b50, 4);
    put(a->body, &a->size, 20, 2);
    put_common(a->body, &a->size, data, size, length);
    put_bytes(a->body, &a->size, name, length);
    put_bytes(a->body, &a->size, data, size);
    put(a->directory, &a->directory_size, 0x02014b50, 4);
    put(a->directory, &a->directory_size, 20 | 20 << 16, 4);
    put_common(a->directory, &a->directory_size, data, size, length);
    put(a->directory, &a->directory_size, 0, 4); /* comment, disk */
    put(a->directory, &a->directory_size, 0, 4); /* attributes */
    put(a->directory, &a->directory_size, 0, 2);
    put(a->directory, &a->directory_size, (uint32_t)position, 4);
    put_bytes(a->directory, &a->directory_size, name, length);
    a->members++;
}

static void finish(archive *a)
{
    const size_t offset = a->size;
    put_bytes(a->body, &a->size, a->directory, a->directory_size);
    put(a->body, &a->size, 0x06054b50, 4);
    put(a->body, &a->size, 0, 4);
    put(a->body, &a->size, a->members | a->members << 16, 4);
    put(a->body, &a->size, (uint32_t)a->directory_size, 4);
    put(a->body, &a->size, (uint32_t)offset, 4);
    put(a->body, &a->size, 0, 2);
}

static neck_status read_and_use(const neck__mapping *file, neck__tensors *list)
{
    neck_status status = neck__torch_read(file, list);
    if (status == NECK_OK) use_tensors(list);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned char storage[84] = {1, 2, 3};
    NECK_FUZZ_READ(data, size, read_and_use(file, list));
    if (size >= 2 && memcmp(data, "PK", 2) == 0) return 0;
    archive a = {.body = malloc(size + 2048)};
    if (!a.body) return 0;
    add_member(&a, "archive/data.pkl", data, size);
    add_member(&a, "archive/data/0", storage, sizeof storage);
    add_member(&a, "archive/data/1", storage, 24);
    finish(&a);
    unsigned char *exact = malloc(a.size); /* so that reading one byte too many is seen */
    if (exact) {
        memcpy(exact, a.body, a.size);
        NECK_FUZZ_READ(exact, a.size, read_and_use(file, list));
    }
    free(exact);
    free(a.body);
    return 0;
}
