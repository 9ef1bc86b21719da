/* The kernels as functions of arrays (buffers, C-contiguous, of the kinds `__init__.py` names). Python's lock is let go of. */
#include "kernels.h"
#include <math.h>

enum { MOST_BUFFERS = 12 };
typedef struct { Py_buffer all[MOST_BUFFERS]; int count; } Buffers;

static void let_go(Buffers *held)
{
    while (held->count > 0) PyBuffer_Release(&held->all[--held->count]);
}

/* The numbers of an array of `size` numbers of `width` bytes, or of any number of them where `size` is -1. NULL for None. */
static int take(Buffers *held, PyObject *from, Py_ssize_t width, Py_ssize_t size, int write, void **at)
{
    *at = NULL;
    if (from == Py_None) return 0;
    Py_buffer *one = &held->all[held->count];
    if (PyObject_GetBuffer(from, one, write ? PyBUF_WRITABLE : PyBUF_SIMPLE) < 0) return -1;
    held->count++;
    *at = one->buf;
    if (size >= 0 && one->len != size * width) {
        PyErr_Format(PyExc_ValueError, "array %d has %zd bytes, not %zd", held->count, one->len, size * width);
        return -1;
    }
    return 0;
}

static Py_ssize_t numbers(const Buffers *held, int which, Py_ssize_t width) { return held->all[which].len / width; }

/* Whether a csr matrix points only to places it has. */
static int is_sound(const Sparse *matrix, Py_ssize_t entries, Py_ssize_t columns)
{
    const int32_t *starts = matrix->starts;
    int wrong = matrix->rows < 0 || starts[0] != 0 || starts[matrix->rows] != entries;
    for (Py_ssize_t row = 0; row < matrix->rows; row++) wrong |= starts[row] > starts[row + 1];
    for (Py_ssize_t at = 0; !wrong && at < entries; at++) wrong |= matrix->columns[at] < 0 || matrix->columns[at] >= columns;
    if (wrong) PyErr_SetString(PyExc_ValueError, "no csr matrix of this shape");
    return !wrong;
}

static int take_sparse(Buffers *held, PyObject *const *given, Py_ssize_t columns, int check, Sparse *matrix)
{
    int first = held->count;
    void *starts, *places, *values;
    if (take(held, given[0], 4, -1, 0, &starts) < 0 || take(held, given[1], 4, -1, 0, &places) < 0) return -1;
    Py_ssize_t entries = numbers(held, first + 1, 4);
    if (take(held, given[2], 4, entries, 0, &values) < 0) return -1;
    *matrix = (Sparse){starts, places, values, numbers(held, first, 4) - 1};
    return !check || is_sound(matrix, entries, columns) ? 0 : -1;
}

static Py_ssize_t longest_of(const Sparse *matrix)
{
    Py_ssize_t longest = 0;
    for (Py_ssize_t row = 0; row < matrix->rows; row++)
        if (matrix->starts[row + 1] - matrix->starts[row] > longest) longest = matrix->starts[row + 1] - matrix->starts[row];
    return longest;
}

/* ridge(starts, columns, counts | None, fixed, shared, ridge, found, steps) */
static PyObject *py_ridge(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    if (count != 8) return PyErr_Format(PyExc_TypeError, "ridge takes 8 arguments, not %zd", count);
    Buffers held = {.count = 0};
    Ridge in = {.steps = (int)PyLong_AsLong(given[7])};
    void *fixed, *shared, *ridge, *found;
    int bad = PyErr_Occurred() != NULL || take(&held, given[4], 4, -1, 0, &shared) < 0;
    in.width = bad ? 0 : numbers(&held, 0, 4);
    if (!bad && (in.width % LANES || in.width < LANES || in.width > 512)) {
        PyErr_SetString(PyExc_ValueError, "vectors have a multiple of 16 numbers, at most 512");
        bad = 1;
    }
    bad = bad || take(&held, given[3], 4, -1, 0, &fixed) < 0;
    Py_ssize_t columns = bad ? 0 : numbers(&held, 1, 4) / in.width;
    bad = bad || take_sparse(&held, given, columns, 1, &in.met) < 0 || take(&held, given[5], 4, in.met.rows, 0, &ridge) < 0 ||
          take(&held, given[6], 4, in.met.rows * in.width, 1, &found) < 0;
    if (!bad) {
        in.fixed = fixed, in.shared = shared, in.ridge = ridge, in.found = found;
        Py_BEGIN_ALLOW_THREADS
        bad = ridge_rows(&in, longest_of(&in.met));
        Py_END_ALLOW_THREADS
        if (bad) PyErr_NoMemory();
    }
    let_go(&held);
    if (bad) return NULL;
    Py_RETURN_NONE;
}

/* best(scores, least, indices, values): the k highest of every row, the shapes say how many. `indices` is (rows, k). */
static PyObject *py_best(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    if (count != 5) return PyErr_Format(PyExc_TypeError, "best takes 5 arguments, not %zd", count);
    Buffers held = {.count = 0};
    void *scores, *indices, *values;
    double least = PyFloat_AsDouble(given[1]);
    Py_ssize_t k = PyLong_AsSsize_t(given[2]);
    int bad = PyErr_Occurred() != NULL || k < 1 || take(&held, given[3], 4, -1, 1, &indices) < 0;
    Py_ssize_t rows = bad ? 0 : numbers(&held, 0, 4) / k;
    bad = bad || take(&held, given[4], 4, rows * k, 1, &values) < 0 || take(&held, given[0], 4, -1, 0, &scores) < 0;
    Py_ssize_t n = bad || rows == 0 ? 0 : numbers(&held, 2, 4) / rows;
    if (!bad) {
        Best best;
        Py_BEGIN_ALLOW_THREADS
        bad = best_begin(&best, k);
        for (Py_ssize_t row = 0; !bad && row < rows; row++) {
            best_restart(&best, (float)least);
            best_of_row(&best, (const float *)scores + row * n, n);
            best_write(&best, 1.0f, (int32_t *)indices + row * k, (float *)values + row * k);
        }
        best_end(&best);
        Py_END_ALLOW_THREADS
        if (bad) PyErr_NoMemory();
    } else if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "k is at least 1");
    let_go(&held);
    if (bad) return NULL;
    Py_RETURN_NONE;
}

/* sound(starts, columns, width): refuses a csr matrix that points outside. Asked once, where `neighbours` is called many times. */
static PyObject *py_sound(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    if (count != 3) return PyErr_Format(PyExc_TypeError, "sound takes 3 arguments, not %zd", count);
    Buffers held = {.count = 0};
    Sparse matrix;
    PyObject *parts[] = {given[0], given[1], Py_None};
    Py_ssize_t width = PyLong_AsSsize_t(given[2]);
    int bad = PyErr_Occurred() != NULL || take_sparse(&held, parts, width, 1, &matrix) < 0;
    let_go(&held);
    if (bad) return NULL;
    Py_RETURN_NONE;
}

/* The arrays of `neighbours`, their sizes compared. */
static int take_neighbours(Buffers *held, PyObject *const *given, Neighbours *in, Py_ssize_t size)
{
    void *bits, *scale, *lengths, *indices, *values;
    if (take_sparse(held, given, 0, 0, &in->rows) < 0 || take_sparse(held, given + 3, 0, 0, &in->columns) < 0) return -1;
    Py_ssize_t n = in->rows.rows, room = (n + 64) / 64 * 64;
    if (take(held, given[6], 8, (n + 7) / 8 * 8 * in->words, 0, &bits) < 0 || take(held, given[8], 4, room, 0, &scale) < 0 ||
        take(held, given[9], 4, room, 0, &lengths) < 0 || take(held, given[16], 4, size * in->k, 1, &indices) < 0 ||
        take(held, given[17], 4, size * in->k, 1, &values) < 0) return -1;
    in->bits = bits, in->scale = scale, in->lengths = lengths, in->indices = indices, in->values = values;
    int mixed = (in->rows.values == NULL) != (in->columns.values == NULL) || (in->bits != NULL && in->rows.values != NULL);
    if (mixed || (scale == NULL) == (lengths == NULL)) {
        PyErr_SetString(PyExc_ValueError, "values, bits, scale and lengths do not go together");
        return -1;
    }
    return 0;
}

/* neighbours(starts, columns, values, the same three of the transpose, bits, words, scale, lengths, shrinkage, wide, listed, k,
 * start, stop, indices, values): see Neighbours. Both matrices were found sound. */
static PyObject *py_neighbours(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    if (count != 18) return PyErr_Format(PyExc_TypeError, "neighbours takes 18 arguments, not %zd", count);
    Buffers held = {.count = 0};
    Py_ssize_t start = PyLong_AsSsize_t(given[14]), stop = PyLong_AsSsize_t(given[15]);
    Neighbours in = {.words = PyLong_AsSsize_t(given[7]), .shrinkage = (float)PyFloat_AsDouble(given[10]),
                     .wide = given[11] == Py_True && counts_bits(), .listed = given[12] == Py_True,
                     .k = PyLong_AsSsize_t(given[13])};
    int bad = PyErr_Occurred() != NULL;
    if (!bad && (in.k < 1 || in.words < 0 || in.words > 1024 || start < 0 || stop < start)) {
        PyErr_SetString(PyExc_ValueError, "k, words or rows out of range");
        bad = 1;
    }
    bad = bad || take_neighbours(&held, given, &in, stop - start) < 0;
    if (!bad && stop > in.rows.rows) {
        PyErr_SetString(PyExc_ValueError, "no such row");
        bad = 1;
    }
    if (!bad) {
        Py_BEGIN_ALLOW_THREADS
        bad = neighbours_of(&in, start, stop);
        Py_END_ALLOW_THREADS
        if (bad) PyErr_NoMemory();
    }
    let_go(&held);
    if (bad) return NULL;
    Py_RETURN_NONE;
}

/* Whether the chosen rows and their columns are places there are. */
static int is_inside(const int32_t *starts, const int32_t *columns, Py_ssize_t rows, Py_ssize_t entries, Py_ssize_t width,
                     const int64_t *chosen, Py_ssize_t count)
{
    for (Py_ssize_t k = 0; k < count; k++) {
        if (chosen[k] < 0 || chosen[k] >= rows) return 0;
        int32_t from = starts[chosen[k]], stop = starts[chosen[k] + 1];
        if (from < 0 || stop > entries) return 0;
        int wrong = 0;
        for (int32_t at = from; at < stop; at++) wrong |= columns[at] < 0 || columns[at] >= width;
        if (wrong) return 0;
    }
    return 1;
}

/* sums(starts, columns, values | None, chosen, weights, sums, met | None): adds to `sums` (and `met`). */
static PyObject *py_sums(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    if (count != 7) return PyErr_Format(PyExc_TypeError, "sums takes 7 arguments, not %zd", count);
    Buffers held = {.count = 0};
    void *starts, *columns, *values, *chosen, *weights, *sums, *met;
    int bad = take(&held, given[0], 4, -1, 0, &starts) < 0 || take(&held, given[1], 4, -1, 0, &columns) < 0 ||
              take(&held, given[3], 8, -1, 0, &chosen) < 0 || take(&held, given[5], 8, -1, 1, &sums) < 0;
    Py_ssize_t rows = bad ? 0 : numbers(&held, 0, 4) - 1, entries = bad ? 0 : numbers(&held, 1, 4);
    Py_ssize_t many = bad ? 0 : numbers(&held, 2, 8), width = bad ? 0 : numbers(&held, 3, 8);
    bad = bad || take(&held, given[2], 8, entries, 0, &values) < 0 || take(&held, given[4], 8, many, 0, &weights) < 0 ||
          take(&held, given[6], 8, width, 1, &met) < 0;
    if (!bad && !is_inside(starts, columns, rows, entries, width, chosen, many)) {
        PyErr_SetString(PyExc_ValueError, "rows or columns out of range");
        bad = 1;
    }
    if (!bad) {
        Py_BEGIN_ALLOW_THREADS
        add_rows(starts, columns, values, chosen, weights, many, sums, met);
        Py_END_ALLOW_THREADS
    }
    let_go(&held);
    if (bad) return NULL;
    Py_RETURN_NONE;
}

static PyObject *py_counts_bits(PyObject *self, PyObject *nothing) { return PyBool_FromLong(counts_bits()); }

static PyMethodDef functions[] = {
    {"sound", (PyCFunction)(void (*)(void))py_sound, METH_FASTCALL, "Whether a csr matrix points only to places it has."},
    {"neighbours", (PyCFunction)(void (*)(void))py_neighbours, METH_FASTCALL, "The rows most alike to some rows."},
    {"sums", (PyCFunction)(void (*)(void))py_sums, METH_FASTCALL, "Sums over the entries of some rows."},
    {"counts_bits", py_counts_bits, METH_NOARGS, "Whether the processor counts 512 bits at once."},
    {"ridge", (PyCFunction)(void (*)(void))py_ridge, METH_FASTCALL, "Many ridge regressions with a diagonal in common."},
    {"best", (PyCFunction)(void (*)(void))py_best, METH_FASTCALL, "The k highest of every row."},
    {NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_kernels", NULL, 0, functions};

PyMODINIT_FUNC PyInit__kernels(void) { return PyModule_Create(&module); }
