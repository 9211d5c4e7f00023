/* format/npz.c - NumPy's .npz: a zip archive with one .npy per array.
 *
 * Stored members stay in the file, deflated ones (numpy.savez_compressed) are unpacked at opening. Members that are
 * not arrays are passed over, as NumPy does. */
#include <string.h>

#include "core/error.h"
#include "format/zip.h"

static const char suffix[] = ".npy";
#define SUFFIX_LENGTH (sizeof suffix - 1)

static int is_array(const neck__zip_member *member)
{
    return member->name_length > SUFFIX_LENGTH &&
           memcmp(member->name + member->name_length - SUFFIX_LENGTH, suffix, SUFFIX_LENGTH) == 0;
}

static neck_status read_array(const neck__zip_member *member, neck__tensors *list)
{
    neck__mapping npy = {.data = member->stored, .size = member->size, .allocator = list->allocator};
    if (member->deflated) {
        unsigned char *unpacked = NULL;
        NECK_TRY(neck__zip_inflate(&list->allocator, member, &unpacked));
        NECK_TRY(neck__tensors_own_buffer(list, unpacked));
        npy.data = unpacked;
    }
    NECK_TRY(neck__npy_read_named(&npy, member->name, member->name_length - SUFFIX_LENGTH, list));
    if (!member->deflated)
        list->tensors[list->count - 1].checksum = (neck__checksum){member->stored, member->size, member->crc};
    return NECK_OK;
}

static neck_status read_arrays(const neck__zip *zip, neck__tensors *list)
{
    for (int64_t i = 0; i < zip->count; i++) {
        const neck__zip_member *member = &zip->members[i];
        if (!is_array(member)) continue;
        neck_status status = read_array(member, list);
        if (status == NECK_E_NOMEM) return status;
        if (status != NECK_OK)
            return neck__fail_in(status, "npz: '%.*s'", NECK__SHOWN(member->name_length), member->name);
    }
    return NECK_OK;
}

neck_status neck__npz_read(const neck__mapping *file, neck__tensors *list)
{
    neck__zip zip;
    NECK_TRY(neck__zip_open(&list->allocator, file, &zip));
    neck_status status = read_arrays(&zip, list);
    neck__zip_close(&zip);
    return status;
}
