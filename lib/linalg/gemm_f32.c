/* linalg/gemm_f32.c - packed weights times activations, in blocks that fit the caches. */
#include "linalg/gemm_f32.h"

#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "kernels/kernels.h"
#include "linalg/view.h"

/* A strip of DEPTH (48 KB) stays in the first-level cache while ROWS rows of A pass; those (ROWS * DEPTH floats) stay in the
 * second-level cache while STRIPS strips pass. */
enum { DEPTH = 256, ROWS = 192, STRIPS = 6 };

struct neck__packed {
    neck__allocator allocator;
    const neck__kernels *kernels;
    int64_t outputs, inputs, strips;
    float *data; /* strip s, element (k, n) at [(s * inputs + k) * strip_f32 + n] */
};

typedef struct packing {
    const neck_matrix *view;
    int32_t transposed;
    neck__packed *packed;
    double *lines; /* one a strip */
    int64_t line_length;
} packing;

static void pack_strip(void *data, int64_t strip)
{
    const packing *job = data;
    const neck__packed *packed = job->packed;
    int64_t width = packed->kernels->strip_f32, first = strip * width;
    int64_t count = packed->outputs - first < width ? packed->outputs - first : width;
    float *to = packed->data + strip * packed->inputs * width;
    double *line = job->lines + strip * job->line_length;
    if (count < width) memset(to, 0, (size_t)(packed->inputs * width) * sizeof *to);
    if (job->transposed) {
        for (int64_t k = 0; k < packed->inputs; k++) {
            neck__view_read(job->view, k, first, count, line);
            for (int64_t n = 0; n < count; n++) to[k * width + n] = (float)line[n];
        }
    } else {
        for (int64_t n = 0; n < count; n++) {
            neck__view_read(job->view, first + n, 0, packed->inputs, line);
            for (int64_t k = 0; k < packed->inputs; k++) to[k * width + n] = (float)line[k];
        }
    }
}

static neck_status fill(neck_context *context, const neck_matrix *view, int32_t transposed, neck__packed *packed)
{
    int64_t width = packed->kernels->strip_f32, size, lines;
    int64_t line_length = transposed ? width : packed->inputs;
    if (!neck__mul(packed->strips * width, packed->inputs, &size) || !neck__mul(packed->strips, line_length, &lines))
        return neck__fail(NECK_E_OVERFLOW, "a %lld x %lld weight is too large", (long long)packed->outputs,
                          (long long)packed->inputs);
    packed->data = neck__alloc(&packed->allocator, size, sizeof(float), "packed weights");
    double *memory = packed->data ? neck__alloc(&packed->allocator, lines, sizeof(double), "packing lines") : NULL;
    if (!memory) return NECK_E_NOMEM;
    packing job = {view, transposed, packed, memory, line_length};
    neck__parallel(context, packed->strips, pack_strip, &job);
    neck__release(&packed->allocator, memory);
    return NECK_OK;
}

neck_status neck__gemm_pack(neck_context *context, const neck_matrix *w, int32_t transposed, neck__packed **out)
{
    neck_matrix view;
    NECK_TRY(neck__view_check(w, &view));
    neck__allocator allocator = neck__allocator_of(context);
    neck__packed *packed = neck__calloc(&allocator, 1, sizeof *packed, "packed weights");
    if (!packed) return NECK_E_NOMEM;
    packed->allocator = allocator;
    packed->kernels = neck__kernels_get();
    packed->outputs = transposed ? view.cols : view.rows;
    packed->inputs = transposed ? view.rows : view.cols;
    packed->strips = (packed->outputs + packed->kernels->strip_f32 - 1) / packed->kernels->strip_f32;
    neck_status status = fill(context, &view, transposed, packed);
    if (status == NECK_OK)
        *out = packed;
    else
        neck__packed_destroy(packed);
    return status;
}

void neck__packed_destroy(neck__packed *packed)
{
    if (!packed) return;
    neck__allocator allocator = packed->allocator;
    neck__release(&allocator, packed->data);
    neck__release(&allocator, packed);
}

int64_t neck__packed_outputs(const neck__packed *packed) { return packed->outputs; }
int64_t neck__packed_inputs(const neck__packed *packed) { return packed->inputs; }
int64_t neck__packed_step(const neck__packed *packed) { return packed->kernels->strip_f32; }

typedef struct product {
    int64_t m, lda, ldc, first, last; /* first, last: outputs */
    const float *a;
    const neck__packed *w;
    float *c;
    int32_t accumulate;
    int64_t row_blocks;
} product;

/* What reaches over the edge of C goes through a whole tile; rows beyond the last repeat it. */
static void edge_tile(const product *job, int64_t row, int64_t k, int64_t depth, const float *b, int64_t col, int accumulate)
{
    const neck__kernels *kernels = job->w->kernels;
    float left[NECK__LARGEST_GROUP * DEPTH], whole[NECK__LARGEST_GROUP * NECK__LARGEST_STRIP_F32];
    int64_t rows = job->m - row < kernels->group_f32 ? job->m - row : kernels->group_f32;
    int64_t cols = job->last - col < kernels->strip_f32 ? job->last - col : kernels->strip_f32;
    for (int64_t m = 0; m < kernels->group_f32; m++)
        memcpy(left + m * depth, job->a + (row + (m < rows ? m : rows - 1)) * job->lda + k, (size_t)depth * sizeof *left);
    kernels->tile_f32(depth, left, depth, b, whole, kernels->strip_f32, 0);
    for (int64_t m = 0; m < rows; m++) {
        float *to = job->c + (row + m) * job->ldc + (col - job->first);
        for (int64_t n = 0; n < cols; n++) to[n] = (accumulate ? to[n] : 0) + whole[m * kernels->strip_f32 + n];
    }
}

static void strip_rows(const product *job, int64_t strip, int64_t k, int64_t first_row, int64_t last_row)
{
    const neck__kernels *kernels = job->w->kernels;
    int64_t width = kernels->strip_f32, group = kernels->group_f32, col = strip * width;
    int64_t depth = job->w->inputs - k < DEPTH ? job->w->inputs - k : DEPTH;
    const float *b = job->w->data + (strip * job->w->inputs + k) * width;
    int accumulate = job->accumulate || k > 0, whole = col + width <= job->last;
    for (int64_t row = first_row; row < last_row; row += group) {
        if (whole && row + group <= job->m)
            kernels->tile_f32(depth, job->a + row * job->lda + k, job->lda, b, job->c + row * job->ldc + (col - job->first), job->ldc,
                              accumulate);
        else
            edge_tile(job, row, k, depth, b, col, accumulate);
    }
}

static void block_task(void *data, int64_t index)
{
    const product *job = data;
    int64_t width = job->w->kernels->strip_f32, end = (job->last + width - 1) / width;
    int64_t first_strip = job->first / width + index / job->row_blocks * STRIPS;
    int64_t last_strip = first_strip + STRIPS < end ? first_strip + STRIPS : end;
    int64_t first_row = index % job->row_blocks * ROWS, last_row = first_row + ROWS < job->m ? first_row + ROWS : job->m;
    for (int64_t k = 0; k < job->w->inputs; k += DEPTH)
        for (int64_t strip = first_strip; strip < last_strip; strip++) strip_rows(job, strip, k, first_row, last_row);
}

void neck__gemm_f32_part(neck_context *context, int64_t m, const float *a, int64_t lda, const neck__packed *w, int64_t first,
                         int64_t last, int32_t accumulate, float *c, int64_t ldc)
{
    int64_t width = w->kernels->strip_f32, strips = (last + width - 1) / width - first / width;
    product job = {m, lda, ldc, first, last, a, w, c, accumulate, (m + ROWS - 1) / ROWS};
    neck__parallel(context, job.row_blocks * ((strips + STRIPS - 1) / STRIPS), block_task, &job);
}

void neck__gemm_f32(neck_context *context, int64_t m, const float *a, int64_t lda, const neck__packed *w, int32_t accumulate,
                    float *c, int64_t ldc)
{
    neck__gemm_f32_part(context, m, a, lda, w, 0, w->outputs, accumulate, c, ldc);
}
