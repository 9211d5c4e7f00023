/* train/sharing_file.c - an optimizer that lies in parts with several processes, and its file, which is that of one. */
#include <inttypes.h>
#include <string.h>

#include "core/error.h"
#include "optim/optimizer_object.h"
#include "optim/parameters.h"
#include "train/sharing.h"

neck_status neck__sharing_optimizer(neck_context *context, const neck__sharing *self,
                                    const neck_optimizer_options *options,
                                    neck_optimizer **out)
{
    return neck__optimizer_create_part(context, options, self->parameters, self->count, self->runs, out);
}

/* ---- arrays made whole ------------------------------------------------------------------------------------------ */

/* One array of the optimizer at a time, in room for the largest. */
typedef struct passage {
    const neck__sharing *sharing;
    const neck_optimizer *optimizer;
    char *room;
    int64_t passed;
    neck_status status; /* of the exchange, which is not used any more once it has failed */
} passage;

static neck_status take_room(passage *self)
{
    int64_t most = 0;
    for (int64_t i = 0; i < self->sharing->count; i++) {
        const neck_parameter *p = &self->sharing->parameters[i];
        int64_t bytes = neck__parameter_size(p) * neck_dtype_size(p->dtype);
        if (bytes > most) most = bytes;
    }
    self->room = neck__alloc(&self->sharing->allocator, most, 1, "an optimizer's array");
    return self->room ? NECK_OK : NECK_E_NOMEM;
}

static void release_room(passage *self)
{
    if (self->room) neck__release(&self->sharing->allocator, self->room);
}

static neck_status make_whole(passage *self, const neck__slot *slot, int array)
{
    const neck_gradient_exchange *exchange = &self->sharing->exchange;
    int64_t size = neck_dtype_size(slot->parameter.dtype), parameter = slot - self->optimizer->slots;
    if (slot->size > 0) memcpy(self->room + slot->first * size, slot->arrays[2 + array], (size_t)(slot->size * size));
    NECK_TRY(exchange->spread(exchange->user, self->room, size,
                              self->sharing->places + parameter * (exchange->count + 1)));
    return exchange->finish(exchange->user);
}

/* ---- saving ----------------------------------------------------------------------------------------------------- */

static neck_status fetch(void *user, int64_t index, const void **data)
{
    passage *self = user;
    const neck__slot *slot;
    int array;
    if (!neck__optimizer_saved(self->optimizer, index, &slot, &array)) return NECK_OK;
    self->passed = index + 1;
    *data = self->room;
    self->status = make_whole(self, slot, array);
    return self->status;
}

/* What the writer no longer wants, or another process writes: the others count on this one's parts. */
static neck_status pass_rest(passage *self)
{
    const neck__slot *slot;
    const void *unused;
    int array;
    while (self->status == NECK_OK && neck__optimizer_saved(self->optimizer, self->passed, &slot, &array))
        (void)fetch(self, self->passed, &unused);
    return self->status;
}

/* The writer's failure is what is told, not that of passing the rest. */
static neck_status save_parts(neck_context *context, passage *self, const char *path)
{
    neck_status status = path ? neck__optimizer_save(context, self->optimizer, path, fetch, self) : NECK_OK;
    neck_status rest = pass_rest(self);
    return status != NECK_OK ? status : rest;
}

neck_status neck__sharing_save(neck_context *context, const neck__sharing *self, const neck_optimizer *optimizer,
                               const char *path,
                               neck_status status)
{
    if (!neck__is_shared(self)) return status == NECK_OK ? neck_optimizer_save(context, optimizer, path) : status;
    passage parts = {.sharing = self, .optimizer = optimizer};
    if (status == NECK_OK) status = take_room(&parts);
    status = neck__sharing_agree(self, status);
    if (status == NECK_OK) status = save_parts(context, &parts, path);
    release_room(&parts);
    return status;
}

/* ---- loading ---------------------------------------------------------------------------------------------------- */

static neck_status open_file(neck_context *context, const neck_optimizer *optimizer, const char *path, int64_t steps,
                             neck__optimizer_file *out)
{
    NECK_TRY(neck__optimizer_file_open(context, optimizer, path, out));
    if (out->steps == steps) return NECK_OK;
    return neck__fail(NECK_E_FORMAT, "%s: parameters were saved after %" PRId64 " steps, the optimizer after %" PRId64,
                      path, steps,
                      out->steps);
}

static neck_status load_parts(const passage *self, neck_optimizer *optimizer, const neck__optimizer_file *file)
{
    const neck__slot *slot;
    int array;
    for (int64_t i = 0; neck__optimizer_saved(optimizer, i, &slot, &array); i++) {
        int64_t count = neck__parameter_size(&slot->parameter), size = neck_dtype_size(slot->parameter.dtype);
        const void *whole = self->room ? self->room : file->arrays[i].data;
        if (self->room && file->arrays) memcpy(self->room, file->arrays[i].data, (size_t)(count * size));
        if (self->room) NECK_TRY(neck__sharing_copy(self->sharing, self->room, count, size));
        neck__optimizer_take(optimizer, i, whole);
    }
    int64_t steps = file->steps;
    NECK_TRY(neck__sharing_copy(self->sharing, &steps, 1, sizeof steps));
    optimizer->steps = steps;
    return NECK_OK;
}

neck_status neck__sharing_load(neck_context *context, const neck__sharing *self, neck_optimizer *optimizer,
                               const char *path,
                               int64_t steps, neck_status status)
{
    passage parts = {.sharing = self, .optimizer = optimizer};
    neck__optimizer_file file = {.allocator = self->allocator};
    if (status == NECK_OK && neck__is_shared(self)) status = take_room(&parts);
    if (status == NECK_OK && path) status = open_file(context, optimizer, path, steps, &file);
    status = neck__sharing_agree(self, status);
    if (status == NECK_OK) status = load_parts(&parts, optimizer, &file);
    neck__optimizer_file_close(&file);
    release_room(&parts);
    return status;
}
