/* One request of `for_user` by user neighbours under cosine: the user's vector as of now, the k users most like it, what they want.
 *
 *   vector     events (and what training knew) -> columns with values                            user_neighbours.vector_of
 *   nearest    the postings of these columns -> cosines -> the k highest above 0, ties by row    user_neighbours.nearest
 *   predict    their wants, by share of likeness -> scores, and how many neighbours in `winner`  user_neighbours.predict
 *
 * The Python named on the right says what is right; sums are in its order, so both give the same bits (test_compiled.py).
 */
#include "ranker.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 64 /* rows that are looked at together */

typedef struct { double value; int64_t column; int rated; } Part; /* of a vector */
typedef struct { double alike; int32_t row; } Near;
typedef struct { Part *parts; Py_ssize_t count; PyObject *unknown; } Vector; /* unknown: ids that training did not know */

static const int64_t *longs(const Py_buffer *one) { return one->buf; }
static const int32_t *ints(const Py_buffer *one) { return one->buf; }
static const double *doubles(const Py_buffer *one) { return one->buf; }

/* ---- vector -------------------------------------------------------------------------------------------------------- */

/* The part of a column; a new one at the end where there was none. */
static Part *part_of(Ranker *in, Vector *vector, int64_t column)
{
    Crowd *crowd = &in->crowd;
    if (column < crowd->columns) {
        if (crowd->turn[column] != in->turn) {
            crowd->turn[column] = in->turn, crowd->part[column] = (int32_t)vector->count;
            vector->parts[vector->count++] = (Part){0.0, column, 0};
        }
        return &vector->parts[crowd->part[column]];
    }
    for (Py_ssize_t at = vector->count; at-- > 0;)
        if (vector->parts[at].column == column) return &vector->parts[at];
    vector->parts[vector->count] = (Part){0.0, column, 0};
    return &vector->parts[vector->count++];
}

/* The column of an item, one after the last for what training did not know; -1 with an exception set. */
static int64_t column_of(Ranker *in, Vector *vector, PyObject *item)
{
    PyObject *known = PyDict_GetItemWithError(in->crowd.column, item);
    if (known != NULL) return PyLong_AsLongLong(known);
    if (PyErr_Occurred()) return -1;
    if (vector->unknown == NULL && (vector->unknown = PyDict_New()) == NULL) return -1;
    PyObject *next = PyLong_FromSsize_t(in->crowd.columns + PyDict_GET_SIZE(vector->unknown));
    PyObject *found = next == NULL ? NULL : PyDict_SetDefault(vector->unknown, item, next);
    Py_XDECREF(next);
    return found == NULL ? -1 : PyLong_AsLongLong(found);
}

/* 0, or -1 with an exception set. The first columns are those of the items that training knew, by their places. */
static int add_event(Ranker *in, Vector *vector, PyObject *event, int32_t place)
{
    long type = PyLong_AsLong(PyTuple_GET_ITEM(event, 1));
    if (!PyErr_Occurred() && (type < 0 || type >= in->types)) PyErr_SetString(PyExc_IndexError, "no such event type");
    if (PyErr_Occurred()) return -1;
    int64_t column = place >= 0 && place < in->known ? place : column_of(in, vector, PyTuple_GET_ITEM(event, 0));
    if (PyErr_Occurred()) return -1;
    Part *part = part_of(in, vector, column);
    double worth = in->weight[type];
    if (type == in->rate) { /* of several ratings of an item only the newest, which comes first, counts */
        if (part->rated) return 0;
        part->rated = 1;
        PyObject *value = PyTuple_GET_ITEM(event, 3);
        worth = value == Py_None ? 0.0 : PyFloat_AsDouble(value);
        if (PyErr_Occurred()) return -1;
    }
    part->value += worth;
    return 0;
}

static int64_t time_of(PyObject *event) { return PyLong_AsLongLong(PyTuple_GET_ITEM(event, 2)); }

/* Events are newest first; `weigh_event` has seen that they are tuples of four at least. */
static int fill(Ranker *in, Vector *vector, PyObject *const *events, const int32_t *places, Py_ssize_t count, Py_ssize_t row)
{
    Crowd *crowd = &in->crowd;
    int64_t since = INT64_MIN;
    int64_t oldest = count ? time_of(events[count - 1]) : 0;
    if (PyErr_Occurred()) return -1;
    if (row >= 0 && row < crowd->users && count && oldest > longs(&crowd->first)[row]) {
        since = longs(&crowd->last)[row];
        for (int32_t at = ints(&crowd->taste_start)[row]; at < ints(&crowd->taste_start)[row + 1]; at++)
            part_of(in, vector, ints(&crowd->taste_column)[at])->value = doubles(&crowd->taste_value)[at];
    }
    for (Py_ssize_t k = 0; k < count; k++) {
        int64_t time = time_of(events[k]);
        if (PyErr_Occurred()) return -1;
        if (time > since && add_event(in, vector, events[k], places[k]) < 0) return -1;
    }
    return 0;
}

/* ---- nearest ------------------------------------------------------------------------------------------------------- */

static int nearer(const Near *a, const Near *b) { return a->alike > b->alike || (a->alike == b->alike && a->row < b->row); }

static void sink(Near *heap, Py_ssize_t size, Py_ssize_t at)
{
    Near moved = heap[at];
    for (Py_ssize_t below = 2 * at + 1; below < size; at = below, below = 2 * at + 1) {
        if (below + 1 < size && nearer(&heap[below], &heap[below + 1])) below++;
        if (!nearer(&moved, &heap[below])) break;
        heap[at] = heap[below];
    }
    heap[at] = moved;
}

/* Adds up Σuv of every row in crowd->dots; returns √Σu², and `*scale` is what the sums still are to be multiplied by. */
static double dots(Ranker *in, const Vector *vector, double *scale)
{
    Crowd *crowd = &in->crowd;
    const int32_t *start = ints(&crowd->post_start), *rows = ints(&crowd->post_row);
    const double *values = doubles(&crowd->post_value);
    double squares = 0.0, first = 0.0;
    int same = crowd->uniform != 0.0, any = 0;
    for (Py_ssize_t k = 0; k < vector->count; k++) {
        const Part *part = &vector->parts[k];
        squares += part->value * part->value;
        if (part->value == 0.0 || part->column >= crowd->columns) continue;
        if (!any) first = part->value, any = 1;
        else if (part->value != first) same = 0;
    }
    *scale = same && any ? crowd->uniform * first : 1.0;
    memset(crowd->dots, 0, crowd->users * sizeof(double));
    for (Py_ssize_t k = 0; k < vector->count; k++) {
        const Part *part = &vector->parts[k];
        if (part->value == 0.0 || part->column >= crowd->columns) continue;
        int32_t stop = start[part->column + 1];
        int32_t at = start[part->column];
        if (same) for (; at < stop; at++) crowd->dots[rows[at]] += 1.0;
        else for (; at < stop; at++) crowd->dots[rows[at]] += part->value * values[at];
    }
    return sqrt(squares);
}

/* Which of these rows might be as near as `least`, which is a little less than what is asked. */
EACH_PROCESSOR
static void near_ones(const double *dots, const double *norms, double least, uint8_t *near)
{
    for (int k = 0; k < CHUNK; k++) near[k] = dots[k] >= least * norms[k];
}

static void look_at(const Crowd *crowd, Py_ssize_t row, double scale, double length, Near *heap, Py_ssize_t *size)
{
    double dot = crowd->dots[row] * scale, bottom = doubles(&crowd->norms)[row] * length;
    if (!(dot > 0.0) || !(bottom > 0.0)) return;
    Near one = {dot / bottom, (int32_t)row};
    Py_ssize_t most = crowd->neighbours;
    if (!(one.alike > 0.0) || (*size == most && !nearer(&one, heap))) return;
    if (*size < most) {
        heap[(*size)++] = one;
        if (*size == most) for (Py_ssize_t at = most / 2; at-- > 0;) sink(heap, most, at);
    } else {
        heap[0] = one;
        sink(heap, most, 0);
    }
}

/* The users most alike, best first; the user's own row is left out. */
static Py_ssize_t nearest(Ranker *in, const Vector *vector, Py_ssize_t own, Near *heap)
{
    Crowd *crowd = &in->crowd;
    double scale, length = dots(in, vector, &scale);
    Py_ssize_t size = 0, most = crowd->neighbours, row = 0;
    if (own >= 0 && own < crowd->users) crowd->dots[own] = 0.0;
    for (; row < crowd->users && (size < most || scale <= 0.0); row++) look_at(crowd, row, scale, length, heap, &size);
    for (; row + CHUNK <= crowd->users; row += CHUNK) {
        uint64_t near[CHUNK / 8], eight;
        near_ones(crowd->dots + row, doubles(&crowd->norms) + row, heap[0].alike * length / scale * (1 - 1e-9), (uint8_t *)near);
        for (int k = 0; k < CHUNK; k += 8)
            if ((eight = near[k / 8]) != 0)
                for (int j = 0; j < 8; j++) if (((uint8_t *)&eight)[j]) look_at(crowd, row + k + j, scale, length, heap, &size);
    }
    for (; row < crowd->users; row++) look_at(crowd, row, scale, length, heap, &size);
    if (size < most) for (Py_ssize_t at = size / 2; at-- > 0;) sink(heap, size, at);
    for (Py_ssize_t last = size; last-- > 1;) {
        Near worst = heap[0];
        heap[0] = heap[last], heap[last] = worst;
        sink(heap, last, 0);
    }
    return size;
}

/* ---- predict ------------------------------------------------------------------------------------------------------- */

static void predict(Work *work, const Near *near, Py_ssize_t count)
{
    const Ranker *in = work->in;
    const Crowd *crowd = &in->crowd;
    const int32_t *start = ints(&crowd->want_start), *item = ints(&crowd->want_item);
    const double *want = doubles(&crowd->want_value);
    double whole = 0.0;
    for (Py_ssize_t k = 0; k < count; k++) {
        whole += near[k].alike;
        __builtin_prefetch(item + start[near[k].row]);
        __builtin_prefetch(want + start[near[k].row]);
        __builtin_prefetch(want + start[near[k].row] + 8);
    }
    for (Py_ssize_t k = 0; k < count; k++) {
        double share = near[k].alike / whole;
        for (int32_t at = start[near[k].row]; at < start[near[k].row + 1]; at++) { /* without a branch: none could be foreseen */
            Cell *cell = &in->cells[item[at]];
            int fresh = cell->turn != work->turn;
            work->touched[work->touched_count] = item[at];
            work->touched_count += fresh;
            cell->turn = work->turn;
            cell->winner = (fresh ? 0 : cell->winner) + 1;
            cell->score = (fresh ? 0.0 : cell->score) + share * want[at];
        }
    }
}

int by_users(Work *work, PyObject *const *events, Py_ssize_t count, Py_ssize_t row)
{
    Ranker *in = (Ranker *)work->in;
    Py_ssize_t known = 0;
    if (row >= 0 && row < in->crowd.users) known = ints(&in->crowd.taste_start)[row + 1] - ints(&in->crowd.taste_start)[row];
    char *room = malloc((known + count + 1) * sizeof(Part) + (in->crowd.neighbours + 1) * sizeof(Near));
    if (room == NULL) return PyErr_NoMemory(), -1;
    Vector vector = {(Part *)room, 0, NULL};
    Near *near = (Near *)(room + (known + count + 1) * sizeof(Part));
    int failed = fill(in, &vector, events, work->places, count, row);
    if (!failed) predict(work, near, nearest(in, &vector, row, near));
    Py_XDECREF(vector.unknown);
    free(room);
    return failed;
}

/* ---- the arrays ---------------------------------------------------------------------------------------------------- */

static Py_buffer *array_of(Crowd *crowd, int k)
{
    Py_buffer *all[] = {&crowd->post_start, &crowd->post_row, &crowd->post_value, &crowd->norms, &crowd->taste_start,
                        &crowd->taste_column, &crowd->taste_value, &crowd->want_start, &crowd->want_item, &crowd->want_value,
                        &crowd->first, &crowd->last};
    return k < 12 ? all[k] : NULL;
}

/* Whether a start of every row, ascending from 0, and as many places below `most` as it says. */
static int sparse(const Py_buffer *start, const Py_buffer *place, const Py_buffer *value, Py_ssize_t rows, Py_ssize_t most)
{
    Py_ssize_t entries = place->len / 4;
    if (start->len != (rows + 1) * 4 || value->len != entries * 8) return 0;
    if (ints(start)[0] != 0 || ints(start)[rows] != entries) return 0;
    for (Py_ssize_t row = 0; row < rows; row++)
        if (ints(start)[row] > ints(start)[row + 1]) return 0;
    for (Py_ssize_t at = 0; at < entries; at++)
        if (ints(place)[at] < 0 || ints(place)[at] >= most) return 0;
    return 1;
}

PyObject *Ranker_ask_users(Ranker *self, PyObject *args, PyObject *given)
{
    static char *names[] = {"post_start", "post_row", "post_value", "norms", "taste_start", "taste_column", "taste_value",
                            "want_start", "want_item", "want_value", "first", "last", "column", "behind", "kind", "uniform",
                            "neighbours", "checked", NULL};
    int checked = 0; /* these very arrays were found to fit before */
    Crowd *c = &self->crowd;
    if (c->column != NULL) return PyErr_SetString(PyExc_TypeError, "asked once"), NULL;
    if (!PyArg_ParseTupleAndKeywords(args, given, "y*y*y*y*y*y*y*y*y*y*y*y*O!O!Udnp", names, &c->post_start, &c->post_row,
                                     &c->post_value, &c->norms, &c->taste_start, &c->taste_column, &c->taste_value,
                                     &c->want_start, &c->want_item, &c->want_value, &c->first, &c->last, &PyDict_Type,
                                     &c->column, &PyList_Type, &c->said, &c->kind, &c->uniform, &c->neighbours, &checked)) {
        memset(c, 0, sizeof(Crowd));
        return NULL;
    }
    Py_INCREF(c->column);
    Py_INCREF(c->said);
    Py_INCREF(c->kind);
    c->users = c->norms.len / 8;
    c->columns = c->post_start.len / 4 - 1;
    int fits = c->neighbours > 0 && PyList_GET_SIZE(c->said) > c->neighbours && c->first.len == c->users * 8 &&
               c->last.len == c->users * 8 &&
               (checked ||
                (sparse(&c->post_start, &c->post_row, &c->post_value, c->columns, c->users) &&
               sparse(&c->taste_start, &c->taste_column, &c->taste_value, c->users, c->columns) &&
               sparse(&c->want_start, &c->want_item, &c->want_value, c->users, self->size)));
    if (fits) {
        c->dots = calloc(c->users + 1, sizeof(double));
        c->turn = calloc(c->columns + 1, sizeof(uint32_t));
        c->part = calloc(c->columns + 1, sizeof(int32_t));
        if (c->dots != NULL && c->turn != NULL && c->part != NULL) Py_RETURN_NONE;
        PyErr_NoMemory();
    } else
        PyErr_SetString(PyExc_ValueError, "the users' arrays do not fit each other");
    c->neighbours = 0;
    return NULL;
}

void crowd_free(Ranker *self)
{
    Crowd *crowd = &self->crowd;
    for (int k = 0; array_of(crowd, k) != NULL; k++)
        if (array_of(crowd, k)->obj != NULL) PyBuffer_Release(array_of(crowd, k));
    free(crowd->dots);
    free(crowd->turn);
    free(crowd->part);
}
