/* spectrum/density_quadrature.c - Gauss quadrature from Lanczos coefficients, and how wrong it can be for sum min(x,
 * t).
 *
 * Let F be the distribution whose first 2N moments the N nodes x_i and weights w_i have, G theirs. F - G changes sign
 * just once at each node and just once between two (Chebyshev, Markov, Stieltjes), so H(t) = int (x - t)_+ dF - int (x
 * - t)_+ dG, whose slope is F - G, has its greatest values at nodes and its least between them, and a zero between each
 * two of these. An extremum of H is therefore at most as large as F - G sums up to on either side of it before the next
 * one: between two nodes |F - G| is at most w_i on one side of the change and w_{i+1} on the other, and at most 1 / sum
 * p_k(x)^2 on both. That bounds H by single gaps, whatever happens elsewhere, and by next to nothing in gaps between
 * values that have converged. Rounding makes Lanczos exact for a distribution a few roundings away (Greenbaum 1989), so
 * copies of a value do no harm. */
#include <float.h>
#include <math.h>

#include "spectrum/density_object.h"

/* One implicit QL step on the unreduced block from first to last, with the first components of the eigenvectors (Golub
 * & Welsch 1969). */
static void ql_step(int64_t first, int64_t last, double *d, double *e, double *z)
{
    double g = (d[first + 1] - d[first]) / (2 * e[first]), r = hypot(g, 1);
    g = d[last] - d[first] + e[first] / (g + copysign(r, g));
    double sine = 1, cosine = 1, p = 0;
    int64_t i = last - 1;
    for (; i >= first; i--) {
        double f = sine * e[i], b = cosine * e[i];
        r = hypot(f, g);
        e[i + 1] = r;
        if (r == 0) {
            d[i + 1] -= p;
            e[last] = 0;
            return;
        }
        sine = f / r;
        cosine = g / r;
        g = d[i + 1] - p;
        r = (d[i] - g) * sine + 2 * cosine * b;
        p = sine * r;
        d[i + 1] = g + p;
        g = cosine * r - b;
        f = z[i + 1];
        z[i + 1] = sine * z[i] + cosine * f;
        z[i] = cosine * z[i] - sine * f;
    }
    d[first] -= p;
    e[first] = g;
    e[last] = 0;
}

static int64_t end_of_block(int64_t first, int64_t n, const double *d, const double *e)
{
    int64_t last = first;
    while (last + 1 < n && fabs(e[last]) > DBL_EPSILON * (fabs(d[last]) + fabs(d[last + 1]))) last++;
    return last;
}

static void sort_nodes(int64_t n, double *nodes, double *weights)
{
    for (int64_t i = 1; i < n; i++) {
        double node = nodes[i], weight = weights[i];
        int64_t j = i;
        for (; j > 0 && nodes[j - 1] > node; j--) {
            nodes[j] = nodes[j - 1];
            weights[j] = weights[j - 1];
        }
        nodes[j] = node;
        weights[j] = weight;
    }
}

void neck__gauss(int64_t steps, const double *alpha, const double *beta, double mass, double *nodes, double *weights,
                 double *work)
{
    double *e = work, *z = work + steps;
    for (int64_t i = 0; i < steps; i++) {
        nodes[i] = alpha[i];
        e[i] = i + 1 < steps ? beta[i] : 0;
        z[i] = i == 0;
    }
    /* 60 steps a value are never needed; the bound keeps a damaged input from looping. */
    for (int64_t first = 0, left = 60 * steps; first < steps && left > 0; left--) {
        int64_t last = end_of_block(first, steps, nodes, e);
        if (last == first)
            first++;
        else
            ql_step(first, last, nodes, e, z);
    }
    for (int64_t i = 0; i < steps; i++) {
        nodes[i] = fmax(nodes[i], 0); /* C is semidefinite: what is below zero is rounding */
        weights[i] = mass * z[i] * z[i];
    }
    sort_nodes(steps, nodes, weights);
}

/* How many nodes are not greater than t. */
static int64_t up_to(int64_t steps, const double *nodes, double t)
{
    int64_t count = 0;
    while (count < steps && nodes[count] <= t) count++;
    return count;
}

/* sum p_k(t)^2 over the orthonormal polynomials below degree `steps`, and the last of them squared. Its inverse bounds
 * F at t below all nodes, 1 - F above them. Grows without limit away from the nodes, so it stops early. */
static double polynomials(int64_t steps, const double *alpha, const double *beta, double t, double *last)
{
    double before = 0, now = 1, sum = 1;
    *last = 1;
    for (int64_t k = 0; k + 1 < steps && sum < 1e200; k++) {
        double next = ((t - alpha[k]) * now - (k > 0 ? beta[k - 1] * before : 0)) / beta[k];
        before = now;
        now = next;
        *last = now * now;
        sum += *last;
    }
    return sum;
}

/* Samples of a gap between two nodes. */
enum { SAMPLES = 9 };

/* |F - G| at x between two nodes is at most `room`, and at most the weight of the node on its side of the change of
 * sign: sums of the lesser of the two from either end. A piece between samples counts with its greater end. */
static void sum_gap(double width, const double *room, double left_weight, double right_weight, double *from_left,
                    double *to_right)
{
    double step = width / (SAMPLES - 1);
    from_left[0] = to_right[SAMPLES - 1] = 0;
    for (int k = 1; k < SAMPLES; k++) {
        int back = SAMPLES - 1 - k;
        from_left[k] = from_left[k - 1] + step * fmin(left_weight, fmax(room[k - 1], room[k]));
        to_right[back] = to_right[back + 1] + step * fmin(right_weight, fmax(room[back], room[back + 1]));
    }
}

/* over[i] starts as what the gap to the left of node i allows, then the right one has its say. */
void neck__gauss_bracket(int64_t steps, const double *alpha, const double *beta, double mass, const double *nodes,
                         const double *weights, double *over, double *under)
{
    over[0] = weights[0] * nodes[0];
    for (int64_t i = 0; i + 1 < steps; i++) {
        double room[SAMPLES], left[SAMPLES], right[SAMPLES], width = nodes[i + 1] - nodes[i], last;
        for (int k = 0; k < SAMPLES; k++)
            room[k] = mass / polynomials(steps, alpha, beta, nodes[i] + width * k / (SAMPLES - 1), &last);
        sum_gap(width, room, weights[i], weights[i + 1], left, right);
        under[i] = 0;
        for (int k = 0; k + 1 < SAMPLES; k++) under[i] = fmax(under[i], fmin(left[k + 1], right[k]));
        over[i] = fmin(over[i], left[SAMPLES - 1]);
        over[i + 1] = right[0];
    }
}

double neck__gauss_over(int64_t steps, const double *alpha, const double *beta, double mass, const double *nodes,
                        const double *over, double t)
{
    int64_t i = up_to(steps, nodes, t);
    double last, sum;
    if (i > 0 && i < steps) return fmax(over[i - 1], over[i]);
    sum = polynomials(steps, alpha, beta, t, &last);
    if (i == 0) return fmin(over[0], mass * t / sum); /* the integral of F up to t */
    /* The integral of 1 - F from t on; p^2 grows at least as x^(2 N - 2) beyond its zeros. */
    return steps < 2 ? over[0] : fmin(over[steps - 1], mass * t / ((double)(2 * steps - 3) * last));
}

double neck__gauss_under(int64_t steps, const double *nodes, const double *under, double first, double last)
{
    double most = 0;
    for (int64_t i = 0; i + 1 < steps; i++)
        if (nodes[i + 1] > first && nodes[i] < last) most = fmax(most, under[i]);
    return most;
}
