/* train/sharing.c - whose part of the parameters is whose, and what all processes do together in a step. */
#include "train/sharing.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/options.h"
#include "optim/optimizer_object.h"
#include "optim/parameters.h"

/* ---- making ----------------------------------------------------------------------------------------------------- */

neck_status neck__sharing_read(const neck_gradient_exchange *given, neck__sharing *out)
{
    NECK_OPTIONS(neck_gradient_exchange, exchange, given);
    out->exchange.count = 1;
    if (exchange.count == 0 || (exchange.count == 1 && exchange.index == 0)) return NECK_OK;
    if (exchange.count < 1 || exchange.index < 0 || exchange.index >= exchange.count)
        return neck__fail(NECK_E_ARGUMENT, "exchange: process %d of %d", exchange.index, exchange.count);
    if (!exchange.sum || !exchange.spread || !exchange.finish || !exchange.add || !exchange.agree)
        return neck__fail(NECK_E_ARGUMENT, "exchange: one of its functions is NULL");
    out->exchange = exchange;
    return NECK_OK;
}

static int64_t *places_of(const neck__sharing *self, int64_t parameter)
{
    return self->places + parameter * (self->exchange.count + 1);
}

/* Places from which on each process has an equal run. */
static void cut_evenly(const neck__sharing *self, int64_t total, int64_t *places)
{
    int64_t each = total / self->exchange.count, more = total % self->exchange.count;
    for (int64_t i = 0; i <= self->exchange.count; i++) places[i] = i * each + (i < more ? i : more);
}

/* All of it is one process's. */
static void give(const neck__sharing *self, int64_t total, int64_t owner, int64_t *places)
{
    for (int64_t i = 0; i <= self->exchange.count; i++) places[i] = i > owner ? total : 0;
}

/* The process with the least to do so far. */
static int64_t least(const int64_t *loads, int64_t count)
{
    int64_t found = 0;
    for (int64_t i = 1; i < count; i++)
        if (loads[i] < loads[found]) found = i;
    return found;
}

static void cut(neck__sharing *self, const neck_optimizer_options *options, int64_t *loads)
{
    int32_t index = self->exchange.index;
    for (int64_t i = 0; i < self->count; i++) {
        const neck_parameter *p = &self->parameters[i];
        int64_t size = neck__parameter_size(p), *places = places_of(self, i);
        if (neck__optimizer_needs_whole(options, p)) {
            int64_t owner = least(loads, self->exchange.count);
            loads[owner] += size;
            give(self, size, owner, places);
        } else
            cut_evenly(self, size, places);
        self->runs[2 * i] = places[index];
        self->runs[2 * i + 1] = places[index + 1] - places[index];
    }
}

/* A backward pass comes from the last to the first. */
static void set_order(neck__sharing *self, int64_t early)
{
    int64_t next = 0;
    if (early >= 0) self->order[next++] = early;
    for (int64_t i = self->count - 1; i >= 0; i--)
        if (i != early) self->order[next++] = i;
}

neck_status neck__sharing_begin(neck_context *context, neck__sharing *self, const neck_optimizer_options *options,
                                const neck_parameter *parameters, int64_t count, int64_t early)
{
    int64_t processes = self->exchange.count;
    neck_optimizer_options filled;
    self->allocator = neck__allocator_of(context);
    self->parameters = parameters;
    self->count = count;
    if (!neck__is_shared(self)) return NECK_OK;
    NECK_TRY(neck__optimizer_options_read(options, &filled));
    self->places = neck__alloc(&self->allocator, count * (processes + 1), sizeof *self->places, "parts of parameters");
    if (!self->places) return NECK_E_NOMEM;
    self->runs = neck__alloc(&self->allocator, 2 * count, sizeof *self->runs, "parts of parameters");
    if (!self->runs) return NECK_E_NOMEM;
    self->order = neck__alloc(&self->allocator, count, sizeof *self->order, "an order of parameters");
    if (!self->order) return NECK_E_NOMEM;
    self->is_final = neck__calloc(&self->allocator, count, sizeof *self->is_final, "which gradients are final");
    if (!self->is_final) return NECK_E_NOMEM;
    int64_t *loads = neck__calloc(&self->allocator, processes, sizeof *loads, "parts of parameters");
    if (!loads) return NECK_E_NOMEM;
    cut(self, &filled, loads);
    set_order(self, early);
    neck__release(&self->allocator, loads);
    return NECK_OK;
}

void neck__sharing_end(neck__sharing *self)
{
    void *owned[] = {self->places, self->runs, self->order, self->is_final};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        if (owned[i]) neck__release(&self->allocator, owned[i]);
}

/* ---- small things ----------------------------------------------------------------------------------------------- */

int neck__is_shared(const neck__sharing *self)
{
    return self->exchange.count > 1;
}

int neck__is_first(const neck__sharing *self)
{
    return self->exchange.index == 0;
}

void neck__sharing_share(const neck__sharing *self, int64_t total, int64_t *first, int64_t *count)
{
    int64_t processes = self->exchange.count, index = self->exchange.index;
    int64_t each = total / processes, more = total % processes;
    *first = index * each + (index < more ? index : more);
    *count = each + (index < more);
}

neck_status neck__sharing_agree(const neck__sharing *self, neck_status status)
{
    return neck__is_shared(self) ? self->exchange.agree(self->exchange.user, status) : status;
}

neck_status neck__sharing_add(const neck__sharing *self, double *values, int64_t count)
{
    return neck__is_shared(self) ? self->exchange.add(self->exchange.user, values, count) : NECK_OK;
}

/* ---- copies of the first process -------------------------------------------------------------------------------- */

static neck_status spread_from_first(const neck__sharing *self, void *items, int64_t count, int64_t size,
                                     int64_t *places)
{
    const neck_gradient_exchange *exchange = &self->exchange;
    give(self, count, 0, places);
    NECK_TRY(exchange->spread(exchange->user, items, size, places));
    return exchange->finish(exchange->user);
}

neck_status neck__sharing_copy(const neck__sharing *self, void *items, int64_t count, int64_t size)
{
    if (!neck__is_shared(self)) return NECK_OK;
    int64_t *places = neck__alloc(&self->allocator, self->exchange.count + 1, sizeof *places, "places of a copy");
    neck_status status = neck__sharing_agree(self, places ? NECK_OK : NECK_E_NOMEM);
    if (status == NECK_OK) status = spread_from_first(self, items, count, size, places);
    neck__release(&self->allocator, places);
    return status;
}

neck_status neck__sharing_copy_parameters(const neck__sharing *self)
{
    for (int64_t i = 0; i < self->count && neck__is_shared(self); i++) {
        const neck_parameter *p = &self->parameters[i];
        NECK_TRY(neck__sharing_copy(self, p->data, neck__parameter_size(p), neck_dtype_size(p->dtype)));
    }
    return NECK_OK;
}

neck_status neck__sharing_equal(const neck__sharing *self, const uint64_t *marks, const char *const *names,
                                int64_t count)
{
    neck_status status = NECK_OK;
    for (int64_t i = 0; i < count && neck__is_shared(self); i++) {
        uint64_t expected = marks[i];
        NECK_TRY(neck__sharing_copy(self, &expected, 1, sizeof expected));
        if (status == NECK_OK && marks[i] != expected)
            status = neck__fail(NECK_E_ARGUMENT, "%s differ from those of the first process", names[i]);
    }
    return neck__sharing_agree(self, status);
}

/* ---- a step ----------------------------------------------------------------------------------------------------- */

void neck__sharing_clear(neck__sharing *self)
{
    self->begun = 0;
    self->status = NECK_OK;
    if (self->is_final) memset(self->is_final, 0, (size_t)self->count);
}

/* Sums begin in the same order on all processes, one without rows among them: as far as all before are final. */
void neck__sharing_ready(neck__sharing *self, int64_t first, int64_t count)
{
    const neck_gradient_exchange *exchange = &self->exchange;
    if (!neck__is_shared(self)) return;
    memset(self->is_final + first, 1, (size_t)count);
    while (self->begun < self->count && self->is_final[self->order[self->begun]] && self->status == NECK_OK) {
        int64_t next = self->order[self->begun++];
        const neck_parameter *p = &self->parameters[next];
        self->status = exchange->sum(exchange->user, p->gradient, p->dtype, places_of(self, next));
    }
}

static neck_status measure(neck_context *context, neck__sharing *self, double *squares)
{
    NECK_TRY(self->status);
    NECK_TRY(self->exchange.finish(self->exchange.user));
    neck_status status = neck__gradients_measure(context, self->parameters, self->count, self->runs, squares);
    return neck__sharing_agree(self, status);
}

/* Sums become means and are clipped in one go. */
neck_status neck__sharing_clip(neck_context *context, neck__sharing *self, double max_norm, double sums[2],
                               double *norm)
{
    if (!neck__is_shared(self)) return neck_gradients_clip(context, self->parameters, self->count, max_norm, norm);
    double all[3] = {0, sums[0], sums[1]};
    NECK_TRY(measure(context, self, &all[0]));
    NECK_TRY(neck__sharing_add(self, all, 3));
    double tokens = all[2] > 0 ? all[2] : 1, found = sqrt(all[0]) / tokens;
    if (!isfinite(found)) return neck__fail(NECK_E_NONFINITE, "the squares of all gradients have no finite sum");
    neck__gradients_scale(context, self->parameters, self->count, self->runs,
                          (found > max_norm ? max_norm / found : 1) / tokens);
    sums[0] = all[1];
    sums[1] = all[2];
    *norm = found;
    return NECK_OK;
}

neck_status neck__sharing_step(neck_context *context, neck__sharing *self, neck_optimizer *optimizer, double scale)
{
    const neck_gradient_exchange *exchange = &self->exchange;
    NECK_TRY(neck__sharing_agree(self, neck__optimizer_prepare(context, optimizer, scale)));
    neck__optimizer_apply(context, optimizer, scale);
    if (!neck__is_shared(self)) return NECK_OK;
    for (int64_t i = 0; i < self->count; i++) {
        const neck_parameter *p = &self->parameters[i];
        NECK_TRY(exchange->spread(exchange->user, p->data, neck_dtype_size(p->dtype), places_of(self, i)));
    }
    return exchange->finish(exchange->user);
}
