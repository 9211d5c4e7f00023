/* head/logit_work_template.h - a chunk after another. Includes the parts in their order; whoever includes it defines,
 * besides what logit_run_template.h names: COLUMN_MAX, COLUMN_EXP_SUM, COLUMN_GRADIENT, SUM_BELOW, SELECT, ADD_BELOW,
 * ADD_ROWS (as in kernels.h), and
 * EXP(count, x), x = exp(x). */
#include "head/logit_run_template.h"

#include "head/logit_forward_template.h"
#include "head/logit_linear_template.h"
#include "head/logit_mixture_template.h"
#include "head/logit_backward_template.h"
#include "head/logit_filter_template.h"

static neck_status do_chunk(run *r, int64_t first)
{
    NECK_TRY(neck__progress(r->context, "cross-entropy", "tokens", first, r->plan->contexts));
    open_chunk(r, first);
    neck__parallel(r->context, r->plan->lanes, forward_lane, r);
    NECK_TRY(r->plan->components > 1 ? finish_mixture(r) : finish_linear(r));
    if (!r->plan->backward) return NECK_OK;
    if (filters(r))
        backward_filtered(r);
    else
        backward_exactly(r);
    return NECK_OK;
}

static void begin_map(run *r)
{
    for (int64_t n = 0; n < r->plan->lanes && r->plan->loss->map_gradient; n++)
        for (int64_t j = 0; j < r->map->parameters; j++) r->lanes[n].map_gradient[j] = 0;
}

static void finish_map(run *r)
{
    for (int64_t n = 0; n < r->plan->lanes && r->plan->loss->map_gradient; n++)
        for (int64_t j = 0; j < r->map->parameters; j++) r->plan->loss->map_gradient[j] += r->lanes[n].map_gradient[j];
}

static neck_status do_chunks(run *r)
{
    begin_map(r);
    if (filters(r)) begin_filter(r);
    for (int64_t first = 0; first < r->plan->contexts; first += r->plan->chunk) NECK_TRY(do_chunk(r, first));
    finish_map(r);
    if (filters(r)) finish_filter(r);
    r->result->tokens = r->plan->scored;
    return NECK_OK;
}

neck_status OF(neck__logit_work)(neck_context *context, const neck__logit_plan *plan, neck_cross_entropy_result *result)
{
    neck__allocator allocator = neck__allocator_of(context);
    neck__room own = {.allocator = allocator}, *room = plan->loss->room ? plan->loss->room : &own;
    run *r = neck__alloc(&allocator, 1, sizeof *r, "a run of the head");
    if (!r) return NECK_E_NOMEM;
    begin(r, context, plan, result);
    result->memory = OF(neck__logit_memory)(plan);
    arena a = {neck__room_take(room, result->memory, "a chunk of logits"), 0};
    neck_status status = a.base ? NECK_OK : NECK_E_NOMEM;
    if (status == NECK_OK) {
        lay_out(r, &a);
        status = do_chunks(r);
    }
    neck__room_release(&own);
    neck__release(&allocator, r);
    return status;
}
