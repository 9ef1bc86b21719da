/* Sums over the entries of some rows of a sparse matrix, in the order of the rows: what numpy's bincount adds up, without the lists. */
#include "kernels.h"

void add_rows(const int32_t *starts, const int32_t *columns, const double *values, const int64_t *chosen, const double *weights,
              Py_ssize_t count, double *sums, int64_t *met)
{
    for (Py_ssize_t k = 0; k < count; k++) {
        double weight = weights[k];
        int32_t stop = starts[chosen[k] + 1];
        for (int32_t at = starts[chosen[k]]; at < stop; at++) sums[columns[at]] += values == NULL ? weight : weight * values[at];
        for (int32_t at = starts[chosen[k]]; met != NULL && at < stop; at++) met[columns[at]]++;
    }
}
