/* Many small ridge regressions with a diagonal in common, each by a few steps of conjugate gradients (Hestenes & Stiefel, 1952).
 *
 *     (Σ c z zᵀ + diag(shared + ridge)) w = Σ c z        z over the row's columns, c what each counts
 *
 * preconditioned by the diagonal (Jacobi). A row's vectors are copied side by side once and read twice a step; nothing of the size
 * width² is made. Sixteen entries at a time: sixteen dot products are summed across by one tree of additions.
 */
#include "kernels.h"
#include <stdlib.h>
#include <string.h>

#define EVEN (Places){0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30}
#define ODD (Places){1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31}
#define MOST 32 /* parts of a vector: 512 numbers */

INLINE Wide folded(Wide a, Wide b) { return __builtin_shuffle(a, b, EVEN) + __builtin_shuffle(a, b, ODD); }

INLINE float summed(Wide a)
{
    float all = 0.0f;
    for (int lane = 0; lane < LANES; lane++) all += a[lane];
    return all;
}

INLINE float product(const Wide *a, const Wide *b, int parts)
{
    Wide sum = a[0] * b[0];
    for (int d = 1; d < parts; d++) sum += a[d] * b[d];
    return summed(sum);
}

/* z·p of sixteen entries, one in each lane. */
INLINE Wide dots(const float *z, const Wide *p, int parts)
{
    Wide sum[LANES];
    for (int t = 0; t < LANES; t++) {
        const Wide *own = (const Wide *)(z + (Py_ssize_t)t * parts * LANES);
        sum[t] = own[0] * p[0];
        for (int d = 1; d < parts; d++) sum[t] += own[d] * p[d];
    }
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int t = 0; t < half; t++) sum[t] = folded(sum[2 * t], sum[2 * t + 1]);
    return sum[0];
}

/* out += Σ weight · z over sixteen entries. */
INLINE void add(Wide *out, Wide weight, const float *z, int parts)
{
    float each[LANES];
    memcpy(each, &weight, sizeof each);
    for (int t = 0; t < LANES; t++)
        for (int d = 0; d < parts; d++) out[d] += each[t] * ((const Wide *)(z + (Py_ssize_t)t * parts * LANES))[d];
}

/* Copies the row's vectors and counts, filled up with nothing to a multiple of sixteen; how many these are. */
INLINE Py_ssize_t gather(const Ridge *in, Py_ssize_t row, float *z, float *counts)
{
    Py_ssize_t size = 0, width = in->width, stop = in->met.starts[row + 1];
    for (Py_ssize_t at = in->met.starts[row]; at < stop; at++, size++) {
        if (at + 8 < stop)
            for (Py_ssize_t line = 0; line < width; line += LANES)
                __builtin_prefetch(in->fixed + in->met.columns[at + 8] * width + line);
        memcpy(z + size * width, in->fixed + in->met.columns[at] * width, width * sizeof(float));
        counts[size] = in->met.values == NULL ? 1.0f : in->met.values[at];
    }
    Py_ssize_t whole = (size + LANES - 1) / LANES * LANES;
    memset(z + size * width, 0, (whole - size) * width * sizeof(float));
    memset(counts + size, 0, (whole - size) * sizeof(float));
    return whole;
}

INLINE void solve(const Ridge *in, Py_ssize_t row, const float *z, const float *counts, Py_ssize_t size, const int parts)
{
    Wide *x = (Wide *)(in->found + row * in->width), left[MOST], own[MOST], p[MOST], q[MOST], inverse[MOST];
    for (int d = 0; d < parts; d++) {
        own[d] = ((const Wide *)in->shared)[d] + in->ridge[row];
        inverse[d] = own[d];
        left[d] = -own[d] * x[d];
    }
    for (Py_ssize_t t = 0; t < size; t += LANES) {
        Wide count = *(const Wide *)(counts + t);
        const float *block = z + t * in->width;
        add(left, count - count * dots(block, x, parts), block, parts);
        for (int s = 0; s < LANES; s++)
            for (int d = 0; d < parts; d++) {
                Wide one = ((const Wide *)(block + (Py_ssize_t)s * in->width))[d];
                inverse[d] += counts[t + s] * one * one;
            }
    }
    float was = 0.0f;
    for (int d = 0; d < parts; d++) inverse[d] = 1.0f / inverse[d];
    for (int step = 0; step < in->steps; step++) {
        for (int d = 0; d < parts; d++) q[d] = left[d] * inverse[d];
        float now = product(left, q, parts), again = step ? now / was : 0.0f;
        if (!(now > 1e-20f)) return; /* it is solved */
        for (int d = 0; d < parts; d++) {
            p[d] = step ? q[d] + again * p[d] : q[d];
            q[d] = own[d] * p[d];
        }
        for (Py_ssize_t t = 0; t < size; t += LANES)
            add(q, *(const Wide *)(counts + t) * dots(z + t * in->width, p, parts), z + t * in->width, parts);
        float far = now / product(p, q, parts);
        for (int d = 0; d < parts; d++) {
            x[d] += far * p[d];
            left[d] -= far * q[d];
        }
        was = now;
    }
}

EACH_PROCESSOR
static void ridge_row(const Ridge *in, Py_ssize_t row, float *z, float *counts)
{
    Py_ssize_t size = gather(in, row, z, counts);
    switch (in->width / LANES) { /* where the number of parts is known, they stay in registers */
    case 1: solve(in, row, z, counts, size, 1); break;
    case 2: solve(in, row, z, counts, size, 2); break;
    case 4: solve(in, row, z, counts, size, 4); break;
    default: solve(in, row, z, counts, size, (int)(in->width / LANES));
    }
}

int ridge_rows(const Ridge *in, Py_ssize_t longest)
{
    Py_ssize_t room = longest + LANES;
    float *z = malloc((size_t)room * (in->width + 1) * sizeof(float));
    if (z == NULL) return -1;
    for (Py_ssize_t row = 0; row < in->met.rows; row++)
        if (in->met.starts[row + 1] > in->met.starts[row]) ridge_row(in, row, z, z + room * in->width);
        else memset(in->found + row * in->width, 0, in->width * sizeof(float));
    free(z);
    return 0;
}
