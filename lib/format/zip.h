/* format/zip.h - the members of a zip archive, checked far more strictly than unpackers do.
 *
 * Two readers that understand one archive differently are how malicious files pass scanners, so nothing may be left
 * to interpretation: the members fill the file from byte 0 to the central directory without a gap or an overlap,
 * local and central headers agree, names are unique, nothing is encrypted, and no comment or other bytes follow.
 * Names are only ever compared; no path is made of them. */
#ifndef NECK_FORMAT_ZIP_H
#define NECK_FORMAT_ZIP_H

#include "format/tensors.h"

typedef struct neck__zip_member {
    const char *name; /* into the file, not NUL-terminated */
    size_t name_length;
    const unsigned char *stored; /* into the file */
    int64_t stored_size;
    int64_t size; /* unpacked; equal to stored_size unless deflated */
    uint32_t crc; /* of the unpacked bytes */
    int32_t deflated;
    int64_t position;   /* of the local header */
    int32_t descriptor; /* sizes are repeated after the data */
} neck__zip_member;

typedef struct neck__zip {
    neck__allocator allocator;
    neck__zip_member *members; /* in the file's order */
    const neck__zip_member **by_name;
    int64_t count;
} neck__zip;

/* Reads and checks the structure; the members' bytes are not touched. Errors: NECK_E_FORMAT, NECK_E_UNSUPPORTED,
 * NECK_E_NOMEM; then there is nothing to close. */
neck_status neck__zip_open(const neck__allocator *allocator, const neck__mapping *file, neck__zip *out);
void neck__zip_close(neck__zip *zip);

/* The member of that exact name, or NULL. */
const neck__zip_member *neck__zip_find(const neck__zip *zip, const char *name, size_t name_length);

/* NECK_E_FORMAT when a stored member's bytes do not have the member's CRC-32. */
neck_status neck__zip_check(const neck__zip_member *member);

/* A deflated member, unpacked into new memory (*out, size bytes): exactly its declared size, with the right CRC-32.
 * Deflate cannot expand more than 1032 times, so memory stays in proportion to the file. */
neck_status neck__zip_inflate(const neck__allocator *allocator, const neck__zip_member *member, unsigned char **out);

#endif
