/* format/zip_member.c - the bytes of zip members: checksums and unpacking. */
#include <inttypes.h>
#include <string.h>
#include <zlib.h>

#include "core/error.h"
#include "format/zip.h"

static neck_status fail_crc(const neck__zip_member *member)
{
    return neck__fail(NECK_E_FORMAT, "zip: the bytes of '%.*s' do not match their CRC-32: the file is damaged",
                      NECK__SHOWN(member->name_length), member->name);
}

neck_status neck__zip_check(const neck__zip_member *member)
{
    return crc32_z(0, member->stored, (size_t)member->stored_size) == member->crc ? NECK_OK : fail_crc(member);
}

/* zlib's memory comes through our door too. */
static voidpf zlib_alloc(voidpf allocator, uInt count, uInt size)
{
    return neck__alloc(allocator, count, size, "zlib");
}

static void zlib_release(voidpf allocator, voidpf memory)
{
    neck__release(allocator, memory);
}

/* The next piece of at most what zlib's 32-bit counters can say. */
static uInt next_piece(int64_t *left)
{
    const int64_t most = 1 << 30;
    int64_t piece = *left < most ? *left : most;
    *left -= piece;
    return (uInt)piece;
}

/* Inflates the whole member into size bytes; returns zlib's code, Z_STREAM_END when all input made all output. */
static int inflate_all(z_stream *stream, const neck__zip_member *member, unsigned char *out)
{
    int64_t in_left = member->stored_size, out_left = member->size;
    stream->next_in = (unsigned char *)member->stored;
    stream->next_out = out;
    int code = Z_OK;
    while (code == Z_OK) {
        if (stream->avail_in == 0) stream->avail_in = next_piece(&in_left);
        if (stream->avail_out == 0) stream->avail_out = next_piece(&out_left);
        code = inflate(stream, Z_NO_FLUSH);
    }
    int complete = in_left == 0 && out_left == 0 && stream->avail_in == 0 && stream->avail_out == 0;
    return code == Z_STREAM_END && !complete ? Z_DATA_ERROR : code;
}

neck_status neck__zip_inflate(const neck__allocator *allocator, const neck__zip_member *member, unsigned char **out)
{
    unsigned char *data = neck__alloc(allocator, member->size, 1, "an unpacked zip member");
    if (!data) return NECK_E_NOMEM;
    z_stream stream = {.zalloc = zlib_alloc, .zfree = zlib_release, .opaque = (voidpf)allocator};
    int code = inflateInit2(&stream, -MAX_WBITS); /* negative: without zlib's own header */
    if (code == Z_OK) {
        code = inflate_all(&stream, member, data);
        inflateEnd(&stream);
    }
    neck_status status = NECK_OK;
    if (code == Z_MEM_ERROR)
        status = NECK_E_NOMEM; /* the door has set the message */
    else if (code != Z_STREAM_END)
        status = neck__fail(NECK_E_FORMAT, "zip: '%.*s' does not unpack to exactly its %" PRId64 " bytes",
                            NECK__SHOWN(member->name_length), member->name, member->size);
    else if (crc32_z(0, data, (size_t)member->size) != member->crc)
        status = fail_crc(member);
    if (status == NECK_OK)
        *out = data;
    else
        neck__release(allocator, data);
    return status;
}
