/* linalg/gemm_f32.c - packed weights times activations, in blocks that fit the caches. */
#include "linalg/gemm_f32.h"

#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "kernels/kernels.h"
#include "linalg/matmul.h"
#include "linalg/view.h"

/* Rows and strips of one task. */
enum { ROWS = 192, STRIPS = 6 };

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

typedef struct product {
    int64_t m, lda, ldc, row_blocks;
    const float *a;
    const neck__packed *w;
    float *c;
    int32_t accumulate;
} product;

static void block_task(void *data, int64_t index)
{
    const product *job = data;
    const neck__packed *w = job->w;
    int64_t width = w->kernels->strip_f32, stride = w->inputs * width, row = index % job->row_blocks * ROWS;
    int64_t strip = index / job->row_blocks * STRIPS, col = strip * width;
    int64_t rows = job->m - row < ROWS ? job->m - row : ROWS;
    int64_t cols = w->outputs - col < STRIPS * width ? w->outputs - col : STRIPS * width;
    neck__tiles_f32(rows, cols, w->inputs, job->a + row * job->lda, job->lda, 1, w->data + strip * stride, stride,
                    job->c + row * job->ldc + col, job->ldc, job->accumulate);
}

void neck__gemm_f32(neck_context *context, int64_t m, const float *a, int64_t lda, const neck__packed *w,
                    int32_t accumulate, float *c, int64_t ldc)
{
    product job = {m, lda, ldc, (m + ROWS - 1) / ROWS, a, w, c, accumulate};
    neck__parallel(context, job.row_blocks * ((w->strips + STRIPS - 1) / STRIPS), block_task, &job);
}
