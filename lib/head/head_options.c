/* head/head_options.c - which heads there can be. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "head/head_object.h"

static const neck__head_kind *const kinds[] = {&neck__head_dense, &neck__head_tied,       &neck__head_factored,
                                               &neck__head_mos,   &neck__head_sigsoftmax, &neck__head_plif};

enum { KINDS = sizeof kinds / sizeof *kinds };

const neck__head_kind *neck__head_kind_of(int32_t number)
{
    return number >= 1 && number <= KINDS ? kinds[number - 1] : NULL;
}

const char *neck_head_kind_name(int32_t kind)
{
    return neck__head_kind_of(kind) ? neck__head_kind_of(kind)->name : "?";
}

neck_status neck_head_kind_find(const char *name, int32_t *kind)
{
    if (!name || !kind) return neck__fail(NECK_E_ARGUMENT, "name or kind is NULL");
    for (int i = 0; i < KINDS; i++)
        if (strcmp(name, kinds[i]->name) == 0) {
            *kind = kinds[i]->number;
            return NECK_OK;
        }
    return neck__fail(NECK_E_NOT_FOUND, "no head '%s': dense, tied, factored, mos, sigsoftmax or plif", name);
}

/* An option that only some kinds have: 0 elsewhere. */
static neck_status check_absent(const neck__head_kind *kind, int32_t feature, int given, const char *name)
{
    if (given && !(kind->has & feature)) return neck__fail(NECK_E_ARGUMENT, "a %s head has no %s", kind->name, name);
    return NECK_OK;
}

static neck_status check_kind(const neck__head_kind *kind, const neck_head_options *o)
{
    NECK_TRY(check_absent(kind, NECK__HEAD_RANK, o->rank != 0, "rank"));
    NECK_TRY(check_absent(kind, NECK__HEAD_COMPONENTS, o->components != 0, "components"));
    NECK_TRY(check_absent(kind, NECK__HEAD_MAP, o->knots != 0, "knots"));
    NECK_TRY(check_absent(kind, NECK__HEAD_MAP, o->range != 0, "range"));
    NECK_TRY(check_absent(kind, NECK__HEAD_SOFT_CAP, o->soft_cap != 0, "soft_cap"));
    NECK_TRY(check_absent(kind, NECK__HEAD_PAPER, o->paper_init != 0, "paper_init"));
    NECK_TRY(check_absent(kind, NECK__HEAD_BORROWS, o->tied_weights != NULL, "tied_weights"));
    NECK_TRY(check_absent(kind, NECK__HEAD_BORROWS, o->tied_gradient != NULL, "tied_gradient"));
    if (!(kind->has & NECK__HEAD_BORROWS)) return NECK_OK;
    if (!o->tied_weights) return neck__fail(NECK_E_ARGUMENT, "a tied head needs tied_weights");
    if (o->weights || o->init_std != 0)
        return neck__fail(NECK_E_ARGUMENT, "a tied head has no %s: its values are the caller's",
                          o->weights ? "weights" : "init_std");
    return NECK_OK;
}

static neck_status check_sizes(const neck_head_options *o)
{
    if (o->vocabulary < 1 || o->vocabulary > INT32_MAX)
        return neck__fail(NECK_E_ARGUMENT, "vocabulary is %lld: it must be 1 to %d", (long long)o->vocabulary,
                          INT32_MAX);
    if (o->hidden_size < 1 || o->hidden_size > INT32_MAX)
        return neck__fail(NECK_E_ARGUMENT, "hidden_size is %lld: it must be 1 to %d", (long long)o->hidden_size,
                          INT32_MAX);
    int64_t most = o->kind == NECK_HEAD_FACTORED ? o->hidden_size : INT32_MAX;
    if (o->rank < 0 || o->rank > most || (o->rank == 0 && o->kind == NECK_HEAD_FACTORED))
        return neck__fail(NECK_E_ARGUMENT, "rank is %lld: it must be 1 to %lld", (long long)o->rank, (long long)most);
    if (o->components < 0 || o->components > NECK__MOST_COMPONENTS)
        return neck__fail(NECK_E_ARGUMENT, "components is %lld: it must be 1 to %d", (long long)o->components,
                          NECK__MOST_COMPONENTS);
    if (o->knots < 0 || o->knots > NECK__MOST_KNOTS)
        return neck__fail(NECK_E_ARGUMENT, "knots is %lld: it must be 1 to %d", (long long)o->knots, NECK__MOST_KNOTS);
    return NECK_OK;
}

static neck_status check_number(double value, const char *name)
{
    if (!(value >= 0) || !isfinite(value))
        return neck__fail(NECK_E_ARGUMENT, "%s is %g: it must be positive and finite, or 0 for its default", name,
                          value);
    return NECK_OK;
}

static neck_status check_numbers(const neck_head_options *o)
{
    NECK_TRY(check_number(o->range, "range"));
    NECK_TRY(check_number(o->logit_scale, "logit_scale"));
    NECK_TRY(check_number(o->soft_cap, "soft_cap"));
    NECK_TRY(check_number(o->init_std, "init_std"));
    if (o->paper_init && (o->weights || o->init_std != 0))
        return neck__fail(NECK_E_ARGUMENT, "paper_init and %s exclude each other", o->weights ? "weights" : "init_std");
    return NECK_OK;
}

static void fill_defaults(const neck__head_kind *kind, neck_head_options *o)
{
    if (o->logit_scale == 0) o->logit_scale = 1;
    if (kind->has & NECK__HEAD_RANK && o->rank == 0) o->rank = o->hidden_size;
    if (kind->has & NECK__HEAD_COMPONENTS && o->components == 0) o->components = 4;
    if (kind->has & NECK__HEAD_MAP && o->knots == 0) o->knots = 64;
    if (kind->has & NECK__HEAD_MAP && o->range == 0) o->range = 20;
}

neck_status neck__head_check(const neck_head_options *given, neck_head_options *out)
{
    neck_head_options o = *given;
    if (o.kind == 0) o.kind = NECK_HEAD_DENSE;
    if (o.dtype == 0) o.dtype = NECK_F32;
    const neck__head_kind *kind = neck__head_kind_of(o.kind);
    if (!kind) return neck__fail(NECK_E_ARGUMENT, "kind %d is not one of NECK_HEAD_*", o.kind);
    if (o.dtype != NECK_F32 && o.dtype != NECK_F64)
        return neck__fail(NECK_E_ARGUMENT, "dtype %s (%d): a head is F32 or F64", neck_dtype_name(o.dtype), o.dtype);
    if (o.reserved || o.reserved_too) return neck__fail(NECK_E_ARGUMENT, "neck_head_options.reserved must be 0");
    NECK_TRY(check_kind(kind, &o));
    NECK_TRY(check_sizes(&o));
    NECK_TRY(check_numbers(&o));
    fill_defaults(kind, &o);
    if (kind->number == NECK_HEAD_MOS && o.weights && o.rank != o.hidden_size)
        return neck__fail(NECK_E_ARGUMENT, "weights have %lld columns, a mixture of rank %lld has not",
                          (long long)o.hidden_size, (long long)o.rank);
    *out = o;
    return NECK_OK;
}
