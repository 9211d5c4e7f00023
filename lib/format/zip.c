/* format/zip.c - the structure of zip archives: end records, central directory, local headers. */
#include "format/zip.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"

/* Record signatures, as little-endian numbers, and the sizes of the records' fixed parts. */
#define LOCAL_SIGNATURE 0x04034b50u
#define CENTRAL_SIGNATURE 0x02014b50u
#define DESCRIPTOR_SIGNATURE 0x08074b50u
#define END_SIGNATURE 0x06054b50u
#define END64_SIGNATURE 0x06064b50u
#define LOCATOR_SIGNATURE 0x07064b50u
#define LOCAL_SIZE 30
#define CENTRAL_SIZE 46
#define END_SIZE 22
#define END64_SIZE 56
#define LOCATOR_SIZE 20

#define FLAG_ENCRYPTED 0x0001u
#define FLAG_DEFLATE_LEVEL 0x0006u
#define FLAG_DESCRIPTOR 0x0008u
#define FLAG_UTF8 0x0800u
#define FLAGS_KNOWN (FLAG_DEFLATE_LEVEL | FLAG_DESCRIPTOR | FLAG_UTF8)

#define METHOD_STORED 0
#define METHOD_DEFLATED 8
#define MAX_EXPANSION 1032 /* deflate's best case: 258 bytes from 2 bits */

#define IN_ZIP64 UINT32_MAX /* "see the zip64 record" in a 32-bit field */

static uint32_t u16(const unsigned char *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8; }
static uint32_t u32(const unsigned char *p) { return u16(p) | u16(p + 2) << 16; }
static uint64_t u64(const unsigned char *p) { return u32(p) | (uint64_t)u32(p + 4) << 32; }

/* ---- end records ---------------------------------------------------------------------------------------------- */

/* Where the central directory lies. It ends where the end records begin. */
typedef struct directory {
    uint64_t offset, size, count;
} directory;

/* The zip64 end record before the locator at `locator`, in place of the classic record's numbers. */
static neck_status read_end64(const neck__mapping *file, int64_t locator, directory *dir, int64_t *end)
{
    const unsigned char *p = file->data + locator;
    uint64_t position = u64(p + 8);
    if (locator < END64_SIZE || position != (uint64_t)(locator - END64_SIZE) ||
        u32(file->data + position) != END64_SIGNATURE || u64(file->data + position + 4) != END64_SIZE - 12)
        return neck__fail(NECK_E_FORMAT, "zip: the zip64 end record is not where its locator says");
    const unsigned char *q = file->data + position;
    if (u32(p + 4) != 0 || u32(p + 16) > 1 || u32(q + 16) != 0 || u32(q + 20) != 0 || u64(q + 24) != u64(q + 32))
        return neck__fail(NECK_E_UNSUPPORTED, "zip: archives in several parts are not supported");
    directory wide = {.count = u64(q + 32), .size = u64(q + 40), .offset = u64(q + 48)};
    if ((dir->count != UINT16_MAX && dir->count != wide.count) || (dir->size != IN_ZIP64 && dir->size != wide.size) ||
        (dir->offset != IN_ZIP64 && dir->offset != wide.offset))
        return neck__fail(NECK_E_FORMAT, "zip: the two end records disagree");
    *dir = wide;
    *end = (int64_t)position;
    return NECK_OK;
}

static neck_status find_directory(const neck__mapping *file, directory *dir)
{
    int64_t end = file->size - END_SIZE;
    const unsigned char *p = file->data + (end > 0 ? end : 0);
    if (end < 0 || u32(p) != END_SIGNATURE || u16(p + 20) != 0)
        return neck__fail(NECK_E_FORMAT, "zip: no end record in the last %d bytes: truncated, or other bytes follow",
                          END_SIZE);
    if (u16(p + 4) != 0 || u16(p + 6) != 0 || u16(p + 8) != u16(p + 10))
        return neck__fail(NECK_E_UNSUPPORTED, "zip: archives in several parts are not supported");
    *dir = (directory){.count = u16(p + 10), .size = u32(p + 12), .offset = u32(p + 16)};
    int64_t locator = end - LOCATOR_SIZE;
    if (locator >= 0 && u32(file->data + locator) == LOCATOR_SIGNATURE)
        NECK_TRY(read_end64(file, locator, dir, &end));
    if (dir->size > (uint64_t)end || dir->offset != (uint64_t)end - dir->size)
        return neck__fail(NECK_E_FORMAT, "zip: the central directory does not end where the end record begins");
    if (dir->count > dir->size / CENTRAL_SIZE)
        return neck__fail(NECK_E_FORMAT, "zip: %" PRIu64 " members do not fit into a directory of %" PRIu64 " bytes",
                          dir->count, dir->size);
    return NECK_OK;
}

/* ---- headers ----------------------------------------------------------------------------------------------------- */

/* Fields common to the local and the central header, widened by the zip64 extra field. */
typedef struct header {
    const unsigned char *name;
    uint64_t name_length, size, stored_size, position;
    uint32_t flags, method, crc;
} header;

/* Replaces those of the count fields that say so by the values of the zip64 extra field, in its fixed order.
 * Returns 0 when the extra fields are malformed. */
static int read_extra(const unsigned char *extra, uint64_t length, uint64_t *const *fields, int count)
{
    int seen = 0;
    while (length >= 4) {
        uint32_t id = u16(extra), left = u16(extra + 2);
        extra += 4;
        length -= 4;
        if (left > length || (id == 1 && seen++)) return 0;
        const unsigned char *next = extra + left;
        length -= left;
        for (int k = 0; id == 1 && k < count; k++) {
            if (*fields[k] != IN_ZIP64) continue;
            if (left < 8) return 0;
            *fields[k] = u64(extra);
            extra += 8;
            left -= 8;
        }
        extra = next;
    }
    return length == 0;
}

/* The five numbers that both headers hold, from the flags on, with the same layout. */
static void read_common(const unsigned char *p, header *h)
{
    h->flags = u16(p);
    h->method = u16(p + 2);
    h->crc = u32(p + 8);
    h->stored_size = u32(p + 12);
    h->size = u32(p + 16);
    h->name_length = u16(p + 20);
}

/* The central header at the front of `left` bytes; *used is its length. */
static neck_status read_central(const unsigned char *p, uint64_t left, header *h, uint64_t *used)
{
    if (left < CENTRAL_SIZE || u32(p) != CENTRAL_SIGNATURE)
        return neck__fail(NECK_E_FORMAT, "zip: the central directory is truncated or damaged");
    read_common(p + 8, h);
    h->position = u32(p + 42);
    uint64_t extra = u16(p + 30);
    *used = CENTRAL_SIZE + h->name_length + extra + u16(p + 32);
    h->name = p + CENTRAL_SIZE;
    uint64_t *const fields[] = {&h->size, &h->stored_size, &h->position};
    if (*used > left || !read_extra(h->name + h->name_length, extra, fields, 3))
        return neck__fail(NECK_E_FORMAT, "zip: the central directory is truncated or damaged");
    if (u16(p + 34) != 0)
        return neck__fail(NECK_E_UNSUPPORTED, "zip: archives in several parts are not supported");
    return NECK_OK;
}

/* Does the local header, read before the sizes were known when a descriptor follows, agree? */
static int local_agrees(const header *local, const header *central)
{
    int later = (central->flags & FLAG_DESCRIPTOR) != 0;
    return local->flags == central->flags && local->method == central->method &&
           local->name_length == central->name_length &&
           memcmp(local->name, central->name, central->name_length) == 0 &&
           (local->crc == central->crc || (later && local->crc == 0)) &&
           (local->stored_size == central->stored_size || (later && local->stored_size == 0)) &&
           (local->size == central->size || (later && local->size == 0));
}

/* Reads the local header of a central one and finds the data, all below `limit`. */
static neck_status read_local(const neck__mapping *file, const header *central, uint64_t limit,
                              neck__zip_member *member)
{
    const int shown = NECK__SHOWN(central->name_length);
    const char *name = (const char *)central->name;
    if (central->position > limit || limit - central->position < LOCAL_SIZE)
        return neck__fail(NECK_E_FORMAT, "zip: the header of '%.*s' lies outside the file's members", shown, name);
    const unsigned char *p = file->data + central->position;
    uint64_t left = limit - central->position - LOCAL_SIZE;
    header local = {.name = p + LOCAL_SIZE};
    read_common(p + 6, &local);
    uint64_t extra = u16(p + 28);
    uint64_t *const fields[] = {&local.size, &local.stored_size};
    if (u32(p) != LOCAL_SIGNATURE || local.name_length + extra > left ||
        !read_extra(local.name + local.name_length, extra, fields, 2))
        return neck__fail(NECK_E_FORMAT, "zip: the local header of '%.*s' is damaged", shown, name);
    if (!local_agrees(&local, central))
        return neck__fail(NECK_E_FORMAT, "zip: local header and central directory disagree about '%.*s'", shown, name);
    left -= local.name_length + extra;
    if (central->stored_size > left)
        return neck__fail(NECK_E_FORMAT, "zip: '%.*s' has %" PRIu64 " bytes, but only %" PRIu64 " follow", shown, name,
                          central->stored_size, left);
    *member = (neck__zip_member){
        .name = name,
        .name_length = (size_t)central->name_length,
        .stored = local.name + local.name_length + extra,
        .stored_size = (int64_t)central->stored_size,
        .size = (int64_t)central->size,
        .crc = central->crc,
        .deflated = central->method == METHOD_DEFLATED,
        .position = (int64_t)central->position,
        .descriptor = (central->flags & FLAG_DESCRIPTOR) != 0,
    };
    return NECK_OK;
}

static neck_status check_header(const header *h)
{
    const int shown = NECK__SHOWN(h->name_length);
    const char *name = (const char *)h->name;
    if (h->name_length == 0 || memchr(name, '\0', h->name_length))
        return neck__fail(NECK_E_FORMAT, "zip: a member's name is empty or holds a NUL byte");
    if (h->flags & FLAG_ENCRYPTED) return neck__fail(NECK_E_UNSUPPORTED, "zip: '%.*s' is encrypted", shown, name);
    if (h->flags & ~FLAGS_KNOWN)
        return neck__fail(NECK_E_UNSUPPORTED, "zip: '%.*s' has unknown flags 0x%04x", shown, name,
                          (unsigned)(h->flags & ~FLAGS_KNOWN));
    if (h->method != METHOD_STORED && h->method != METHOD_DEFLATED)
        return neck__fail(NECK_E_UNSUPPORTED, "zip: '%.*s' is packed by method %u: only stored (0) and deflated (8) "
                          "are supported", shown, name, (unsigned)h->method);
    if (h->method == METHOD_STORED && h->size != h->stored_size)
        return neck__fail(NECK_E_FORMAT, "zip: '%.*s' is stored in %" PRIu64 " bytes, but has %" PRIu64, shown, name,
                          h->stored_size, h->size);
    if (h->method == METHOD_DEFLATED && h->size / MAX_EXPANSION > h->stored_size)
        return neck__fail(NECK_E_FORMAT, "zip: '%.*s' claims %" PRIu64 " bytes from %" PRIu64 ": more than deflate can "
                          "make", shown, name, h->size, h->stored_size);
    return NECK_OK;
}

/* ---- members together ------------------------------------------------------------------------------------------- */

static int by_position(const void *a, const void *b)
{
    int64_t x = ((const neck__zip_member *)a)->position, y = ((const neck__zip_member *)b)->position;
    return (x > y) - (x < y);
}

static int compare_names(const char *a, size_t a_length, const char *b, size_t b_length)
{
    int order = memcmp(a, b, a_length < b_length ? a_length : b_length);
    return order ? order : (a_length > b_length) - (a_length < b_length);
}

static int by_member_name(const void *a, const void *b)
{
    const neck__zip_member *x = *(const neck__zip_member *const *)a, *y = *(const neck__zip_member *const *)b;
    return compare_names(x->name, x->name_length, y->name, y->name_length);
}

/* Does the gap repeat the member's CRC-32 and sizes? The signature before them is optional, sizes have 4 or 8 bytes. */
static int is_descriptor(const neck__zip_member *member, const unsigned char *gap, int64_t length)
{
    if (length == 16 || length == 24) {
        if (u32(gap) != DESCRIPTOR_SIGNATURE) return 0;
        gap += 4;
        length -= 4;
    }
    if ((length != 12 && length != 20) || u32(gap) != member->crc) return 0;
    const uint64_t stored_size = (uint64_t)member->stored_size, size = (uint64_t)member->size;
    if (length == 12) return u32(gap + 4) == stored_size && u32(gap + 8) == size;
    return u64(gap + 4) == stored_size && u64(gap + 12) == size;
}

/* The members, sorted by position, must fill the bytes from 0 to the central directory. */
static neck_status check_tiling(const neck__mapping *file, const neck__zip *zip, int64_t directory_offset)
{
    if ((zip->count ? zip->members[0].position : directory_offset) != 0)
        return neck__fail(NECK_E_FORMAT, "zip: other bytes precede the first member");
    for (int64_t i = 0; i < zip->count; i++) {
        const neck__zip_member *member = &zip->members[i];
        int64_t end = member->stored + member->stored_size - file->data;
        int64_t next = i + 1 < zip->count ? zip->members[i + 1].position : directory_offset;
        const int shown = NECK__SHOWN(member->name_length);
        if (next < end)
            return neck__fail(NECK_E_FORMAT, "zip: '%.*s' overlaps what follows it", shown, member->name);
        if (member->descriptor && !is_descriptor(member, file->data + end, next - end))
            return neck__fail(NECK_E_FORMAT, "zip: the sizes that should follow '%.*s' are missing or wrong", shown,
                              member->name);
        if (!member->descriptor && next > end)
            return neck__fail(NECK_E_FORMAT, "zip: %" PRId64 " bytes after '%.*s' belong to nothing", next - end, shown,
                              member->name);
    }
    return NECK_OK;
}

static neck_status index_names(neck__zip *zip)
{
    for (int64_t i = 0; i < zip->count; i++) zip->by_name[i] = &zip->members[i];
    qsort(zip->by_name, (size_t)zip->count, sizeof *zip->by_name, by_member_name);
    for (int64_t i = 1; i < zip->count; i++)
        if (by_member_name(&zip->by_name[i - 1], &zip->by_name[i]) == 0)
            return neck__fail(NECK_E_FORMAT, "zip: two members have the name '%.*s'",
                              NECK__SHOWN(zip->by_name[i]->name_length), zip->by_name[i]->name);
    return NECK_OK;
}

static neck_status read_members(const neck__mapping *file, const directory *dir, neck__zip *zip)
{
    const unsigned char *p = file->data + dir->offset;
    uint64_t left = dir->size, used = 0;
    for (uint64_t i = 0; i < dir->count; i++, p += used, left -= used) {
        header central = {0};
        NECK_TRY(read_central(p, left, &central, &used));
        NECK_TRY(check_header(&central));
        NECK_TRY(read_local(file, &central, dir->offset, &zip->members[zip->count]));
        zip->count++;
    }
    if (left != 0)
        return neck__fail(NECK_E_FORMAT, "zip: the central directory has %" PRIu64 " bytes after its last entry", left);
    qsort(zip->members, (size_t)zip->count, sizeof *zip->members, by_position);
    NECK_TRY(check_tiling(file, zip, (int64_t)dir->offset));
    return index_names(zip);
}

neck_status neck__zip_open(const neck__allocator *allocator, const neck__mapping *file, neck__zip *out)
{
    directory dir = {0};
    NECK_TRY(find_directory(file, &dir));
    neck__zip zip = {.allocator = *allocator};
    neck_status status = NECK_E_NOMEM;
    zip.members = neck__calloc(allocator, (int64_t)dir.count, sizeof *zip.members, "a zip directory");
    zip.by_name = neck__calloc(allocator, (int64_t)dir.count, sizeof *zip.by_name, "a zip directory");
    if (zip.members && zip.by_name) status = read_members(file, &dir, &zip);
    if (status == NECK_OK)
        *out = zip;
    else
        neck__zip_close(&zip);
    return status;
}

void neck__zip_close(neck__zip *zip)
{
    neck__release(&zip->allocator, zip->members);
    neck__release(&zip->allocator, zip->by_name);
    *zip = (neck__zip){.allocator = zip->allocator};
}

const neck__zip_member *neck__zip_find(const neck__zip *zip, const char *name, size_t name_length)
{
    int64_t low = 0, high = zip->count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        const neck__zip_member *member = zip->by_name[middle];
        int order = compare_names(name, name_length, member->name, member->name_length);
        if (order == 0) return member;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}
