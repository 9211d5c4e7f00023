/* linalg/matmul_template.h - the code behind linalg/matmul.h, for one precision: whoever includes this defines REAL,
 * OF(name) (the name with its precision), and TILE(depth, a, lda, step, b, c, ldc, accumulate), one tile of GROUP rows
 * by STRIP columns, both expressions that are cheap; NARROW and NARROW_TILE, the same for fewer columns. LARGEST is the
 * most a tile holds. */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/parallel.h"
#include "linalg/matmul.h"

/* A strip of DEPTH (48 KB) stays in the first-level cache while ROWS rows of A pass; those (ROWS * DEPTH numbers) stay
 * in the second-level cache while STRIPS strips pass. */
enum { DEPTH = 256, ROWS = 192, STRIPS = 6 };

int64_t OF(neck__strip)(void) { return STRIP; }

void OF(neck__pack)(int64_t depth, int64_t n, const REAL *b, int64_t ldb, int64_t step, REAL *out, int64_t stride)
{
    int64_t width = STRIP;
    for (int64_t first = 0; first < n; first += width, out += stride) {
        int64_t count = n - first < width ? n - first : width;
        for (int64_t k = 0; k < depth; k++) {
            const REAL *from = b + k * ldb + first * step;
            REAL *to = out + k * width;
            if (step == 1)
                memcpy(to, from, (size_t)count * sizeof *to);
            else
                for (int64_t j = 0; j < count; j++) to[j] = from[j * step];
            for (int64_t j = count; j < width; j++) to[j] = 0;
        }
    }
}

/* What reaches over the edge of C goes through a whole tile, of which columns from first on are used; rows beyond the
 * last repeat it. An element gets the same bits whichever tile makes it. */
static void edge_tile(int64_t rows, int64_t cols, int64_t first, int64_t depth, const REAL *a, int64_t lda,
                      int64_t step, const REAL *b, REAL *c, int64_t ldc, int accumulate)
{
    REAL left[LARGEST_GROUP * DEPTH], whole[LARGEST] = {0};
    int64_t group = GROUP, width = STRIP;
    if (rows < group) {
        for (int64_t m = 0; m < group; m++) {
            const REAL *from = a + (m < rows ? m : rows - 1) * lda;
            for (int64_t k = 0; k < depth; k++) left[m * depth + k] = from[k * step];
        }
        a = left;
        lda = depth;
        step = 1;
    }
    for (int64_t m = 0; accumulate && m < rows; m++)
        for (int64_t n = first; n < cols; n++) whole[m * width + n] = c[m * ldc + n];
    TILE(depth, a, lda, step, b, whole, width, accumulate);
    for (int64_t m = 0; m < rows; m++)
        for (int64_t n = first; n < cols; n++) c[m * ldc + n] = whole[m * width + n];
}

/* Columns beside the last whole strip: narrow tiles, and what even they reach over the edge with. */
static void narrow_tiles(int64_t cols, int64_t depth, const REAL *a, int64_t lda, int64_t step, const REAL *strip,
                         REAL *c, int64_t ldc, int accumulate)
{
    int64_t col = 0, width = NARROW;
    for (; col + width <= cols; col += width) NARROW_TILE(depth, a, lda, step, strip + col, c + col, ldc, accumulate);
    if (col < cols) edge_tile(GROUP, cols, col, depth, a, lda, step, strip, c, ldc, accumulate);
}

static void one_tile(int64_t rows, int64_t cols, int64_t depth, const REAL *a, int64_t lda, int64_t step,
                     const REAL *strip, REAL *c, int64_t ldc, int accumulate)
{
    if (rows >= GROUP && cols >= STRIP)
        TILE(depth, a, lda, step, strip, c, ldc, accumulate);
    else if (rows >= GROUP)
        narrow_tiles(cols, depth, a, lda, step, strip, c, ldc, accumulate);
    else
        edge_tile(rows, cols < STRIP ? cols : STRIP, 0, depth, a, lda, step, strip, c, ldc, accumulate);
}

/* A few groups of columns of A, one after the other: rows of it are far apart, often at strides that fall into few sets
 * of a cache, so they are copied; together, because they share cache lines. */
enum { GROUPS = 2 };

static void gather_groups(int64_t rows, int64_t depth, const REAL *a, int64_t lda, int64_t step, REAL *to)
{
    int64_t group = GROUP, whole = lda == 1 && group == LARGEST_GROUP ? rows / group : 0;
    for (int64_t k = 0; k < depth; k++, a += step, to += LARGEST_GROUP) {
        for (int64_t g = 0; g < whole; g++)
            memcpy(to + g * LARGEST_GROUP * DEPTH, a + g * LARGEST_GROUP, LARGEST_GROUP * sizeof *to);
        for (int64_t m = whole * group; m < rows; m++) to[m / group * LARGEST_GROUP * DEPTH + m % group] = a[m * lda];
    }
}

/* One DEPTH of the product; a, b and c at its start. */
static void strips_then_rows(int64_t m, int64_t n, int64_t depth, const REAL *a, int64_t lda, const REAL *b,
                             int64_t stride, REAL *c, int64_t ldc, int accumulate)
{
    for (int64_t col = 0; col < n; col += STRIP, b += stride)
        for (int64_t row = 0; row < m; row += GROUP)
            one_tile(m - row, n - col, depth, a + row * lda, lda, 1, b, c + row * ldc + col, ldc, accumulate);
}

static void rows_then_strips(int64_t m, int64_t n, int64_t depth, const REAL *a, int64_t lda, int64_t step,
                             const REAL *b, int64_t stride, REAL *c, int64_t ldc, int accumulate)
{
    REAL left[GROUPS * LARGEST_GROUP * DEPTH];
    int64_t group = GROUP, most = GROUPS * group;
    for (int64_t row = 0; row < m; row += most) {
        int64_t rows = m - row < most ? m - row : most;
        gather_groups(rows, depth, a + row * lda, lda, step, left);
        const REAL *strip = b;
        for (int64_t col = 0; col < n; col += STRIP, strip += stride)
            for (int64_t r = 0; r < rows; r += group)
                one_tile(rows - r, n - col, depth, left + r / group * LARGEST_GROUP * DEPTH, 1, LARGEST_GROUP, strip,
                         c + (row + r) * ldc + col, ldc, accumulate);
    }
}

void OF(neck__tiles)(int64_t m, int64_t n, int64_t depth, const REAL *a, int64_t lda, int64_t step, const REAL *b,
                     int64_t stride, REAL *c, int64_t ldc, int accumulate)
{
    for (int64_t k = 0; k < depth; k += DEPTH, a += DEPTH * step, b += DEPTH * STRIP) {
        int64_t part = depth - k < DEPTH ? depth - k : DEPTH;
        if (step == 1)
            strips_then_rows(m, n, part, a, lda, b, stride, c, ldc, accumulate || k > 0);
        else
            rows_then_strips(m, n, part, a, lda, step, b, stride, c, ldc, accumulate || k > 0);
    }
}

typedef struct product {
    int64_t m, n, depth, lda, step_a, ldb, step_b, ldc, stride, row_blocks;
    const REAL *a, *b;
    REAL *packed, *c;
    int accumulate;
} product;

static void pack_task(void *data, int64_t strip)
{
    const product *p = data;
    int64_t width = STRIP, first = strip * width, count = p->n - first < width ? p->n - first : width;
    OF(neck__pack)(p->depth, count, p->b + first * p->step_b, p->ldb, p->step_b, p->packed + strip * p->stride,
                   p->stride);
}

static void block_task(void *data, int64_t index)
{
    const product *p = data;
    int64_t width = STRIP, row = index % p->row_blocks * ROWS, col = index / p->row_blocks * STRIPS * width;
    int64_t rows = p->m - row < ROWS ? p->m - row : ROWS,
        cols = p->n - col < STRIPS * width ? p->n - col : STRIPS * width;
    OF(neck__tiles)(rows, cols, p->depth, p->a + row * p->lda, p->lda, p->step_a, p->packed + col / width * p->stride,
                    p->stride, p->c + row * p->ldc + col, p->ldc, p->accumulate);
}

neck_status OF(neck__matmul)(neck_context *context, int64_t m, int64_t n, int64_t depth, const REAL *a, int64_t lda,
                             int64_t step_a, const REAL *b, int64_t ldb, int64_t step_b, REAL *c, int64_t ldc,
                             int accumulate)
{
    neck__allocator allocator = neck__allocator_of(context);
    int64_t width = STRIP, strips = (n + width - 1) / width, size;
    if (!neck__mul(depth, width, &size) || !neck__mul(size, strips, &size))
        return neck__fail(NECK_E_OVERFLOW, "a %lld x %lld factor is too large", (long long)depth, (long long)n);
    REAL *packed = neck__alloc(&allocator, size, sizeof *packed, "a packed factor");
    if (!packed) return NECK_E_NOMEM;
    product job = {m, n, depth, lda, step_a, ldb, step_b, ldc, depth * width, (m + ROWS - 1) / ROWS, a, b, packed, c,
                   accumulate};
    neck__parallel(context, strips, pack_task, &job);
    neck__parallel(context, job.row_blocks * ((strips + STRIPS - 1) / STRIPS), block_task, &job);
    neck__release(&allocator, packed);
    return NECK_OK;
}
