/* spectrum/certificate.c - bounds from residuals, and from random starts. */
#include "spectrum/certificate.h"

#include <math.h>

double neck__search_ceiling(const neck__search *search, double probability)
{
    double order = (double)search->order, starts = (double)search->starts;
    double root = (log(1.648 * sqrt(order)) - log(probability) / starts) / (double)(2 * search->steps - 1);
    double by_degree = root < 1 ? search->found / (1 - root * root) : INFINITY;
    double component = exp(log(probability) / starts) * sqrt(1.5707963267948966 / order);
    return fmin(by_degree, search->found + search->residual / component);
}

static int suffices(int64_t count, const double *values, const double *residuals, double ceiling, double mu)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        if (residuals[i] == 0) continue;
        if (mu <= values[i]) return 0;
        sum += residuals[i] * residuals[i] / (mu - values[i]);
    }
    return sum <= mu - ceiling;
}

enum { HALVINGS = 80 };

double neck__joined_ceiling(int64_t count, const double *values, const double *residuals, double ceiling)
{
    double low = ceiling, squares = 0;
    for (int64_t i = 0; i < count; i++) {
        low = fmax(low, values[i]);
        squares += residuals[i] * residuals[i];
    }
    if (isinf(low) || squares == 0) return low;
    double high = low + sqrt(squares);
    for (int i = 0; i < HALVINGS; i++) {
        double middle = low + (high - low) / 2;
        if (suffices(count, values, residuals, ceiling, middle))
            high = middle;
        else
            low = middle;
    }
    return high;
}

double neck__triplet_bound(double s, double coupling, double ceiling)
{
    double gap = fmax(0, s - ceiling), squares = ceiling * ceiling + coupling * coupling;
    double nearby = fmax(0, ceiling - s);
    if (coupling > 0) nearby += 2 * coupling * coupling / (gap + sqrt(gap * gap + 4 * coupling * coupling));
    return fmin(nearby, squares / (s + sqrt(s * s + squares)));
}
