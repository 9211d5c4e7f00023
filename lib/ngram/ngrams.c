/* ngram/ngrams.c - neck_ngrams: counted n-grams, mapped or in memory. */
#include "ngram/ngrams.h"

#include <inttypes.h>
#include <string.h>

#include "core/error.h"

static neck_status read_file(neck_context *context, neck_ngrams *ngrams, int32_t lazy)
{
    const int64_t size = ngrams->mapping->size;
    int64_t at[NECK__SECTIONS + 1];
    if (size < NECK__NGRAMS_HEADER) return neck__fail(NECK_E_FORMAT, "not a file of n-grams: %" PRId64 " bytes", size);
    NECK_TRY(neck__ngrams_header_read(ngrams->mapping->data, &ngrams->header));
    neck__ngrams_layout(&ngrams->header, at);
    if (size < at[NECK__SECTIONS])
        return neck__fail(NECK_E_FORMAT, "%" PRId64 " bytes where %" PRId64 " n-grams take %" PRId64, size,
                          ngrams->header.info.ngrams, at[NECK__SECTIONS]);
    if (size > at[NECK__SECTIONS])
        return neck__fail(NECK_E_TRAILING_DATA, "%" PRId64 " bytes behind the end of the n-grams",
                          size - at[NECK__SECTIONS]);
    for (int32_t i = 0; i < NECK__SECTIONS; i++) ngrams->section[i] = ngrams->mapping->data + at[i];
    return lazy ? NECK_OK : neck__ngrams_check(context, ngrams);
}

neck_status neck__ngrams_over(neck_context *context, neck__mapping *mapping, int32_t lazy, neck_ngrams **out)
{
    const neck__allocator allocator = neck__allocator_of(context);
    neck_ngrams *ngrams = neck__calloc(&allocator, 1, sizeof *ngrams, "n-grams");
    if (!ngrams) {
        neck__mapping_close(mapping);
        return NECK_E_NOMEM;
    }
    ngrams->allocator = allocator;
    ngrams->mapping = mapping;
    neck_status status = read_file(context, ngrams, lazy);
    if (status == NECK_OK)
        *out = ngrams;
    else
        neck_ngrams_destroy(ngrams);
    return status;
}

neck_status neck_ngrams_open(neck_context *context, const char *path, int32_t lazy, neck_ngrams **out)
{
    if (!path || !out) return neck__fail(NECK_E_ARGUMENT, "path or out is NULL");
    const neck__allocator allocator = neck__allocator_of(context);
    neck__mapping *mapping;
    NECK_TRY(neck__mapping_open(&allocator, path, &mapping));
    neck_status status = neck__ngrams_over(context, mapping, lazy, out);
    return status == NECK_OK || status == NECK_E_CANCELLED ? status : neck__fail_in(status, "'%s'", path);
}

void neck_ngrams_destroy(neck_ngrams *ngrams)
{
    if (!ngrams) return;
    const neck__allocator allocator = ngrams->allocator;
    neck__mapping_close(ngrams->mapping);
    neck__release(&allocator, ngrams->memory);
    neck__release(&allocator, ngrams);
}

neck_status neck_ngrams_describe(const neck_ngrams *ngrams, neck_ngrams_info *info)
{
    if (!ngrams || !info) return neck__fail(NECK_E_ARGUMENT, "ngrams or info is NULL");
    const size_t size = info->struct_size;
    if (size < sizeof size || size > sizeof *info)
        return neck__fail(NECK_E_ARGUMENT, "neck_ngrams_info.struct_size is %zu: set it to sizeof(neck_ngrams_info)",
                          size);
    memcpy(info, &ngrams->header.info, size);
    info->struct_size = size;
    return NECK_OK;
}

static void copy_ngrams(const neck_ngrams *ngrams, int64_t begin, int64_t end, int32_t *successors, int64_t *counts)
{
    if (successors)
        for (int64_t i = begin; i < end; i++)
            successors[i - begin] = (int32_t)neck__ngrams_token(ngrams, NECK__SUCCESSORS, i);
    if (counts)
        for (int64_t i = begin; i < end; i++) counts[i - begin] = (int64_t)neck__ngrams_times(ngrams, i);
}

neck_status neck_ngrams_read(const neck_ngrams *ngrams, int64_t first, int64_t count, int32_t *tokens, int64_t *starts,
                             int32_t *successors, int64_t *counts)
{
    if (!ngrams) return neck__fail(NECK_E_ARGUMENT, "ngrams is NULL");
    const int64_t contexts = ngrams->header.info.contexts, width = ngrams->header.info.order - 1;
    if (first < 0 || count < 0 || first > contexts || count > contexts - first)
        return neck__fail(NECK_E_ARGUMENT, "%" PRId64 " contexts from %" PRId64 ": there are %" PRId64, count, first,
                          contexts);
    NECK_TRY(neck__ngrams_check_range(ngrams, first, count));
    const int64_t begin = (int64_t)neck__ngrams_start(ngrams, first);
    if (tokens)
        for (int64_t i = 0; i < count * width; i++)
            tokens[i] = (int32_t)neck__ngrams_token(ngrams, NECK__CONTEXTS, first * width + i);
    if (starts)
        for (int64_t i = 0; i <= count; i++) starts[i] = (int64_t)neck__ngrams_start(ngrams, first + i) - begin;
    copy_ngrams(ngrams, begin, (int64_t)neck__ngrams_start(ngrams, first + count), successors, counts);
    return NECK_OK;
}
