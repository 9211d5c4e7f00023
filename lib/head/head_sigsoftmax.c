/* head/head_sigsoftmax.c - logits z + ln sigmoid(z) = 2 z - softplus(z), safe at any z. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "head/head_pass.h"
#include "kernels/kernels.h"

enum { CHUNK = 256 };

static void apply_f32(const void *self, int64_t count, const float *z, float *y)
{
    (void)self;
    float part[CHUNK];
    for (int64_t first = 0; first < count; first += CHUNK) {
        int64_t n = count - first < CHUNK ? count - first : CHUNK;
        memcpy(part, z + first, (size_t)n * sizeof *part);
        neck__kernels_get()->activate_f32[NECK__SOFTPLUS](n, part);
        for (int64_t i = 0; i < n; i++) y[first + i] = 2 * z[first + i] - part[i];
    }
}

/* f' = 2 - sigmoid */
static void backward_f32(const void *self, int64_t count, const float *z, float *dy, double *gradient)
{
    (void)self, (void)gradient;
    float part[CHUNK];
    for (int64_t first = 0; first < count; first += CHUNK) {
        int64_t n = count - first < CHUNK ? count - first : CHUNK;
        memcpy(part, z + first, (size_t)n * sizeof *part);
        neck__kernels_get()->activate_f32[NECK__SIGMOID](n, part);
        for (int64_t i = 0; i < n; i++) dy[first + i] *= 2 - part[i];
    }
}

static void apply_f64(const void *self, int64_t count, const double *z, double *y)
{
    (void)self;
    for (int64_t i = 0; i < count; i++) y[i] = 2 * z[i] - (fmax(z[i], 0) + log1p(exp(-fabs(z[i]))));
}

static void backward_f64(const void *self, int64_t count, const double *z, double *dy, double *gradient)
{
    (void)self, (void)gradient;
    for (int64_t i = 0; i < count; i++) dy[i] *= 2 - 1 / (1 + exp(-z[i]));
}

static void list(neck_head *head)
{
    neck__head_add(head, "weight", head->options.vocabulary, head->options.hidden_size, NECK_PARAMETER_NO_MUON);
}

static neck_status forward(neck__head_pass *pass, int gradients)
{
    (void)gradients;
    pass->map = (neck__logit_map){apply_f32, apply_f64, backward_f32, backward_f64, NULL, 0};
    pass->loss.map = &pass->map;
    return NECK_OK;
}

static int64_t rank_limit(const neck_head *head)
{
    return head->options.vocabulary;
}

const neck__head_kind neck__head_sigsoftmax = {
    .name = "sigsoftmax",
    .number = NECK_HEAD_SIGSOFTMAX,
    .list = list,
    .start = neck__head_start_weight,
    .forward = forward,
    .rank_limit = rank_limit,
};
