/* format/dequant.c - what the bytes of a quantised block mean.
 *
 * The formulas, down to the order of the roundings, are those of llama.cpp (ggml-quants.c), so that every float is the
 * same to the last bit. d is a block's scale, m its offset, both half precision; q an element's small integer. The
 * K types have blocks of 256 elements in groups of 16 or 32, whose own scales are small integers times d. */
#include "format/dequant.h"

#include "core/memory.h"
#include "core/parallel.h"
#include "kernels/kernels.h"

enum { SIMPLE = 32, SUPER = 256 };

static float load_half(const unsigned char *bytes)
{
    return (float)neck__f16_to_f64((uint16_t)(bytes[0] | bytes[1] << 8));
}

static float load_int8(unsigned char byte) { return (float)(byte < 128 ? byte : byte - 256); }

/* Element e of 32: the first 16 are the low halves of 16 bytes, the others the high halves. */
static int nibble(const unsigned char *q, int e) { return q[e % 16] >> (e / 16 * 4) & 15; }

static int bit(const unsigned char *bits, int e) { return bits[e / 8] >> (e % 8) & 1; }

static void decode_q4_0(const unsigned char *block, float *out)
{
    const float d = load_half(block);
    for (int e = 0; e < SIMPLE; e++) out[e] = d * (float)(nibble(block + 2, e) - 8);
}

static void decode_q4_1(const unsigned char *block, float *out)
{
    const float d = load_half(block), m = load_half(block + 2);
    for (int e = 0; e < SIMPLE; e++) out[e] = d * (float)nibble(block + 4, e) + m;
}

static void decode_q5_0(const unsigned char *block, float *out)
{
    const float d = load_half(block);
    for (int e = 0; e < SIMPLE; e++)
        out[e] = d * (float)((nibble(block + 6, e) | bit(block + 2, e) << 4) - 16);
}

static void decode_q5_1(const unsigned char *block, float *out)
{
    const float d = load_half(block), m = load_half(block + 2);
    for (int e = 0; e < SIMPLE; e++) out[e] = d * (float)(nibble(block + 8, e) | bit(block + 4, e) << 4) + m;
}

static void decode_q8_0(const unsigned char *block, float *out)
{
    const float d = load_half(block);
    for (int e = 0; e < SIMPLE; e++) out[e] = d * load_int8(block[2 + e]);
}

/* Two bits of element e of 256: each byte serves four groups of 32 in its half of the block. */
static int two_bits(const unsigned char *q, int e) { return q[e / 128 * 32 + e % 32] >> (e % 128 / 32 * 2) & 3; }

static void decode_q2_k(const unsigned char *block, float *out)
{
    const unsigned char *scales = block, *q = block + 16;
    const float d = load_half(block + 80), m = load_half(block + 82);
    for (int g = 0; g < SUPER / 16; g++) {
        const float scale = d * (float)(scales[g] & 15), offset = m * (float)(scales[g] >> 4);
        for (int e = 16 * g; e < 16 * g + 16; e++) out[e] = scale * (float)two_bits(q, e) - offset;
    }
}

static void decode_q3_k(const unsigned char *block, float *out)
{
    const unsigned char *high = block, *q = block + 32, *scales = block + 96;
    const float d = load_half(block + 108);
    for (int g = 0; g < SUPER / 16; g++) {
        const int low = scales[g % 8] >> (g / 8 * 4) & 15, top = scales[8 + g % 4] >> (g / 4 * 2) & 3;
        const float scale = d * (float)((low | top << 4) - 32);
        for (int e = 16 * g; e < 16 * g + 16; e++)
            out[e] = scale * (float)(two_bits(q, e) - (high[e % 32] >> e / 32 & 1 ? 0 : 4));
    }
}

/* Scale and offset of group g of 8 in Q4_K and Q5_K: six bits each, in 12 bytes. */
static void group_scale(const unsigned char *packed, int g, float d, float m, float *scale, float *offset)
{
    int s = packed[g % 4] & 63, o = packed[g % 4 + 4] & 63;
    if (g >= 4) {
        s = (packed[g + 4] & 15) | packed[g - 4] >> 6 << 4;
        o = packed[g + 4] >> 4 | packed[g] >> 6 << 4;
    }
    *scale = d * (float)s;
    *offset = m * (float)o;
}

/* The low four bits of element e of group g of 32: a byte serves two groups. */
static int group_nibble(const unsigned char *q, int g, int e) { return q[g / 2 * 32 + e] >> (g % 2 * 4) & 15; }

static void decode_q4_k(const unsigned char *block, float *out)
{
    const float d = load_half(block), m = load_half(block + 2);
    for (int g = 0; g < SUPER / 32; g++) {
        float scale, offset;
        group_scale(block + 4, g, d, m, &scale, &offset);
        for (int e = 0; e < 32; e++) out[32 * g + e] = scale * (float)group_nibble(block + 16, g, e) - offset;
    }
}

static void decode_q5_k(const unsigned char *block, float *out)
{
    const unsigned char *high = block + 16, *q = block + 48;
    const float d = load_half(block), m = load_half(block + 2);
    for (int g = 0; g < SUPER / 32; g++) {
        float scale, offset;
        group_scale(block + 4, g, d, m, &scale, &offset);
        for (int e = 0; e < 32; e++)
            out[32 * g + e] = scale * (float)(group_nibble(q, g, e) | (high[e] >> g & 1) << 4) - offset;
    }
}

static void decode_q6_k(const unsigned char *block, float *out)
{
    const unsigned char *low = block, *high = block + 128, *scales = block + 192;
    const float d = load_half(block + 208);
    for (int g = 0; g < SUPER / 16; g++) {
        const float scale = d * load_int8(scales[g]);
        for (int e = 16 * g; e < 16 * g + 16; e++) {
            const int four = low[e / 128 * 64 + e % 64] >> (e % 128 / 64 * 4) & 15;
            out[e] = scale * (float)((four | two_bits(high, e) << 4) - 32);
        }
    }
}

const neck__block *neck__block_of(int32_t dtype)
{
    static const neck__block blocks[] = {
        [NECK_Q4_0] = {SIMPLE, 18, decode_q4_0}, [NECK_Q4_1] = {SIMPLE, 20, decode_q4_1},
        [NECK_Q5_0] = {SIMPLE, 22, decode_q5_0}, [NECK_Q5_1] = {SIMPLE, 24, decode_q5_1},
        [NECK_Q8_0] = {SIMPLE, 34, decode_q8_0}, [NECK_Q2_K] = {SUPER, 84, decode_q2_k},
        [NECK_Q3_K] = {SUPER, 110, decode_q3_k}, [NECK_Q4_K] = {SUPER, 144, decode_q4_k},
        [NECK_Q5_K] = {SUPER, 176, decode_q5_k}, [NECK_Q6_K] = {SUPER, 210, decode_q6_k},
    };
    if (dtype < 0 || dtype >= (int32_t)(sizeof blocks / sizeof *blocks) || !blocks[dtype].decode) return NULL;
    return &blocks[dtype];
}

int neck__dtype_bytes(int32_t dtype, int64_t elements, int64_t *bytes)
{
    const neck__block *block = neck__block_of(dtype);
    return block ? neck__mul(elements / block->elements, block->bytes, bytes)
                 : neck__mul(elements, neck_dtype_size(dtype), bytes);
}

/* ---- many blocks ------------------------------------------------------------------------------------------------- */

enum { ELEMENTS_PER_TASK = 1 << 16 };

typedef struct decoding {
    const neck__block *type;
    const unsigned char *blocks;
    int64_t count, per_task;
    float *out;
} decoding;

static void decode_task(void *data, int64_t task)
{
    const decoding *job = data;
    const int64_t first = task * job->per_task;
    const int64_t end = job->count - first < job->per_task ? job->count : first + job->per_task;
    for (int64_t i = first; i < end; i++)
        job->type->decode(job->blocks + i * job->type->bytes, job->out + i * job->type->elements);
}

void neck__dequantise(neck_context *context, const neck__block *type, const unsigned char *blocks, int64_t count,
                      float *out)
{
    decoding job = {type, blocks, count, ELEMENTS_PER_TASK / type->elements, out};
    neck__parallel(context, (count + job.per_task - 1) / job.per_task, decode_task, &job);
}
