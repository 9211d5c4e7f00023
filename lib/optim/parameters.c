/* optim/parameters.c - checks of parameters and their gradients. */
#include "optim/parameters.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "format/utf8.h"

static neck_status check_one(const neck_parameter *p, int64_t index)
{
    int64_t size;
    if (!p->name || !p->name[0] || !neck__utf8_valid(p->name, strlen(p->name)))
        return neck__fail(NECK_E_ARGUMENT, "parameter %" PRId64 " has no name, or one that is not UTF-8", index);
    if (!p->data || !p->gradient)
        return neck__fail(NECK_E_ARGUMENT, "parameter '%.200s' has no data or no gradient", p->name);
    if (p->rows < 1 || p->cols < 1 || !neck__mul(p->rows, p->cols, &size) || !neck__mul(size, 8, &size))
        return neck__fail(NECK_E_ARGUMENT, "parameter '%.200s' is %" PRId64 " x %" PRId64, p->name, p->rows, p->cols);
    if (p->dtype != NECK_F32 && p->dtype != NECK_F64)
        return neck__fail(NECK_E_ARGUMENT, "parameter '%.200s' is %s: F32 or F64 can be trained", p->name,
                          neck_dtype_name(p->dtype));
    if (p->flags & ~(NECK_PARAMETER_NO_DECAY | NECK_PARAMETER_NO_MUON))
        return neck__fail(NECK_E_ARGUMENT, "parameter '%.200s' has unknown flags (%d)", p->name, (int)p->flags);
    return NECK_OK;
}

neck_status neck__parameters_check(const neck_parameter *parameters, int64_t count)
{
    if (!parameters || count < 1)
        return neck__fail(NECK_E_ARGUMENT, "parameters is NULL, or there are none (count is %" PRId64 ")", count);
    for (int64_t i = 0; i < count; i++) NECK_TRY(check_one(&parameters[i], i));
    return NECK_OK;
}

int64_t neck__parameter_size(const neck_parameter *parameter)
{
    return parameter->rows * parameter->cols;
}

static double gradient_at(const neck_parameter *p, int64_t index)
{
    return p->dtype == NECK_F32 ? (double)((const float *)p->gradient)[index] : ((const double *)p->gradient)[index];
}

neck_status neck__gradient_refuse(const neck_parameter *p, double limit)
{
    for (int64_t i = 0; i < neck__parameter_size(p); i++) {
        double value = gradient_at(p, i);
        if (!(fabs(value) <= limit))
            return neck__fail(NECK_E_NONFINITE, "the gradient of '%.200s' is %g at (%" PRId64 ", %" PRId64 ")%s",
                              p->name, value, i / p->cols, i % p->cols,
                              isfinite(value) ? ": its square is not finite" : "");
    }
    return neck__fail(NECK_E_NONFINITE, "the squares of the gradient of '%.200s' have no finite sum", p->name);
}
