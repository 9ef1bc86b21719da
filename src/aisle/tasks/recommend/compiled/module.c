/* The compiled ranker as a Python object: takes the arrays once, answers requests in lists of ids, scores and reasons. */
#include "ranker.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- said ---------------------------------------------------------------------------------------------------------- */

/* "because you bought Linen Shirt": made once by the view and kept in its `words`. A new reference. */
static PyObject *sentence(const Ranker *in, const Entry *entry)
{
    PyObject *key = PyLong_FromLongLong(in->by_rank[entry->rank] * in->size + entry->item);
    if (key == NULL) return NULL;
    PyObject *found = PyDict_GetItemWithError(in->words, key);
    Py_XINCREF(found);
    if (found == NULL && !PyErr_Occurred()) found = PyObject_CallOneArg(in->say, key);
    Py_DECREF(key);
    return found;
}

/* Steals `amount` and `text`, which may be NULL after an error. */
static PyObject *reason_of(const Ranker *in, PyObject *kind, PyObject *amount, PyObject *text, PyObject *item)
{
    PyObject *found = NULL, *given[] = {kind, amount, text, item};
    if (amount != NULL && text != NULL) found = PyObject_Vectorcall(in->reason, given, item == NULL ? 3 : 4, NULL);
    Py_XDECREF(amount);
    Py_XDECREF(text);
    return found;
}

static PyObject *from_entry(const Work *work, const Winner *winner, int e, double part)
{
    const Ranker *in = work->in;
    const uint8_t *unheard = in->arrays.unheard.buf;
    const Entry *entry = &work->entries[e];
    PyObject *kind = unheard[winner->place] || unheard[entry->item] ? in->content : in->because;
    return reason_of(in, kind, PyFloat_FromDouble(part), sentence(in, entry), PyList_GET_ITEM(in->names, entry->item));
}

static PyObject *remainder_of(const Work *work, double rest, Py_ssize_t more)
{
    PyObject *text = PyList_GetItem(work->in->rest, more);
    Py_XINCREF(text);
    return reason_of(work->in, work->in->other, PyFloat_FromDouble(rest), text, NULL);
}

static PyObject *brief(const Work *work, const Winner *winner)
{
    const Ranker *in = work->in;
    int alone = winner->count == 1 || (winner->count > 2 && winner->top >= in->enough * winner->score);
    double also = alone ? 0.0 : winner->second, rest = winner->score - winner->top - also;
    Py_ssize_t more = winner->count - 2 + alone, size = 0;
    int complete = more == 0 || fabs(rest) < in->nothing_left;
    PyObject *found = PyList_New(3 - alone - complete);
    if (found == NULL) return NULL;
    PyObject *one = from_entry(work, winner, winner->top_entry, winner->top);
    if (one == NULL) goto failed;
    PyList_SET_ITEM(found, size++, one);
    if (!alone) {
        if ((one = from_entry(work, winner, winner->second_entry, also)) == NULL) goto failed;
        PyList_SET_ITEM(found, size++, one);
    }
    if (!complete) {
        if ((one = remainder_of(work, rest, more)) == NULL) goto failed;
        PyList_SET_ITEM(found, size++, one);
    }
    return found;
failed:
    Py_DECREF(found);
    return NULL;
}

/* Other people, counted and never named. */
static PyObject *neighbours(const Work *work, const Winner *winner)
{
    const Crowd *crowd = &work->in->crowd;
    PyObject *text = Py_NewRef(PyList_GET_ITEM(crowd->said, winner->count));
    PyObject *one = reason_of(work->in, crowd->kind, PyFloat_FromDouble(winner->score), text, NULL), *found = NULL;
    if (one != NULL && (found = PyList_New(1)) != NULL) PyList_SET_ITEM(found, 0, one);
    else Py_XDECREF(one);
    return found;
}

static PyObject *reasons_of(const Work *work, const Winner *winner, int wordy)
{
    if (!wordy) return PyList_New(0);
    return work->in->crowd.neighbours ? neighbours(work, winner) : brief(work, winner);
}

/* (ids, scores, reasons), three lists. */
static PyObject *said(const Work *work, int wordy)
{
    Py_ssize_t count = work->winner_count;
    PyObject *items = PyList_New(count), *scores = PyList_New(count), *reasons = PyList_New(count), *all = NULL;
    if (items == NULL || scores == NULL || reasons == NULL) goto done;
    for (Py_ssize_t w = 0; w < count; w++) {
        const Winner *winner = &work->winners[w];
        PyObject *score = PyFloat_FromDouble(winner->score), *why = reasons_of(work, winner, wordy);
        PyList_SET_ITEM(items, w, Py_NewRef(PyList_GET_ITEM(work->in->names, winner->place)));
        PyList_SET_ITEM(scores, w, score);
        PyList_SET_ITEM(reasons, w, why);
        if (score == NULL || why == NULL) goto done;
    }
    all = PyTuple_Pack(3, items, scores, reasons);
done:
    Py_XDECREF(items);
    Py_XDECREF(scores);
    Py_XDECREF(reasons);
    return all;
}

/* ---- the object ---------------------------------------------------------------------------------------------------- */

static void new_turn(Ranker *self)
{
    if (++self->turn == 0) { /* after 4,294,967,295 requests */
        memset(self->cells, 0, self->size * sizeof(Cell));
        memset(self->met, 0, self->size * sizeof(Met));
        if (self->crowd.turn != NULL) memset(self->crowd.turn, 0, self->crowd.columns * sizeof(uint32_t));
        self->turn = 1;
    }
}

static PyObject *ranked(Ranker *self, PyObject *events, int64_t now, Py_ssize_t row, const uint8_t *mask, int wanted,
                        Py_ssize_t n, int reasons)
{
    Py_ssize_t count = PySequence_Fast_GET_SIZE(events);
    Py_ssize_t pairs = count * self->k + self->arrivals * (count > 0);
    if (pairs > self->size || self->crowd.neighbours) pairs = self->size; /* a place is touched once */
    if (n > pairs) n = pairs;
    new_turn(self);
    Work work = {.in = self, .now = now, .turn = self->turn};
    char *room = malloc(count * (sizeof(Entry) + sizeof(double)) + n * sizeof(Winner) +
                        (pairs + 1 + count) * sizeof(int32_t));
    if (room == NULL) return PyErr_NoMemory();
    work.entries = (Entry *)room;
    work.winners = (Winner *)(room + count * sizeof(Entry));
    double *scratch = (double *)(work.winners + n);
    work.touched = (int32_t *)(scratch + count);
    work.places = work.touched + pairs + 1;
    PyObject *answer = NULL;
    if (compute(&work, PySequence_Fast_ITEMS(events), count, row, scratch) == 0) {
        if (n > 0) best(&work, mask, wanted, n);
        if (reasons && work.winner_count && !self->crowd.neighbours) explain(&work);
        answer = said(&work, reasons);
    }
    free(room);
    return answer;
}

/* answer(events, now, row, mask, exclude_seen, n, explain) */
static PyObject *Ranker_answer(Ranker *self, PyObject *const *given, Py_ssize_t count)
{
    if (count != 7) return PyErr_Format(PyExc_TypeError, "answer takes 7 arguments, not %zd", count);
    int64_t now = PyLong_AsLongLong(given[1]);
    Py_ssize_t row = PyLong_AsSsize_t(given[2]), n = PyLong_AsSsize_t(given[5]);
    int wanted = self->always | (given[4] == Py_True ? SEEN : 0);
    if (PyErr_Occurred()) return NULL;
    Py_buffer own = {0};
    const uint8_t *mask = self->arrays.open.buf;
    if (given[3] != Py_None) {
        if (PyObject_GetBuffer(given[3], &own, PyBUF_SIMPLE) < 0) return NULL;
        mask = own.buf;
    }
    PyObject *answer = NULL, *events = PySequence_Fast(given[0], "events are a sequence");
    if (events != NULL && given[3] != Py_None && own.len != self->size)
        PyErr_Format(PyExc_ValueError, "a mask of %zd items for %zd", own.len, self->size);
    else if (events != NULL)
        answer = ranked(self, events, now, row, mask, wanted, n > 0 ? n : 0, given[6] == Py_True);
    Py_XDECREF(events);
    if (own.obj != NULL) PyBuffer_Release(&own);
    return answer;
}

static void give_up(Arrays *arrays)
{
    Py_buffer *each = (Py_buffer *)arrays;
    for (size_t k = 0; k < sizeof(Arrays) / sizeof(Py_buffer); k++)
        if (each[k].obj != NULL) PyBuffer_Release(&each[k]);
}

static PyObject **objects_of(Ranker *self, int k)
{
    PyObject **all[] = {&self->place, &self->names, &self->words, &self->say, &self->reason,
                        &self->rest,  &self->because, &self->content, &self->other};
    return k < 9 ? all[k] : NULL;
}

static int Ranker_traverse(Ranker *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    for (int k = 0; objects_of(self, k) != NULL; k++) Py_VISIT(*objects_of(self, k));
    Py_VISIT(self->crowd.column);
    Py_VISIT(self->crowd.said);
    Py_VISIT(self->crowd.kind);
    return 0;
}

static int Ranker_clear(Ranker *self)
{
    for (int k = 0; objects_of(self, k) != NULL; k++) Py_CLEAR(*objects_of(self, k));
    Py_CLEAR(self->crowd.column);
    Py_CLEAR(self->crowd.said);
    Py_CLEAR(self->crowd.kind);
    return 0;
}

static void Ranker_dealloc(Ranker *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Ranker_clear(self);
    give_up(&self->arrays);
    crowd_free(self);
    free(self->cells);
    free(self->met);
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

/* Whether every array has the length the others call for; 0, or -1 with an exception set. */
static int fits(Ranker *self, const Py_buffer *weight, const Py_buffer *rank, const Py_buffer *by_rank, const Py_buffer *flag)
{
    Arrays *a = &self->arrays;
    self->size = a->open.len;
    self->k = self->size ? a->indices.len / 4 / self->size : 0;
    self->users = a->indptr.len / 8 - 1;
    self->steps = a->fades.len / 8;
    self->arrivals = a->arrival_place.len / 4;
    self->types = flag->len;
    Py_ssize_t had = a->had.len / 4, wanted[][2] = {
        {a->indices.len, self->size * self->k * 4}, {a->values.len, self->size * self->k * 4}, {a->unheard.len, self->size},
        {a->had_flag.len, had}, {a->had_bought.len, had * 8}, {weight->len, self->types * 8}, {rank->len, self->types * 8},
        {by_rank->len, self->types * 8}, {a->arrival_value.len, self->arrivals * 8}, {PyList_GET_SIZE(self->names), self->size},
        {a->arrival_start.len, self->arrivals ? (self->size + 1) * 8 : a->arrival_start.len}};
    for (size_t k = 0; k < sizeof(wanted) / sizeof(wanted[0]); k++)
        if (wanted[k][0] != wanted[k][1]) {
            PyErr_Format(PyExc_ValueError, "array %zu has %zd bytes, not %zd", k, wanted[k][0], wanted[k][1]);
            return -1;
        }
    if (self->types > MOST_TYPES || self->most < 1) {
        PyErr_SetString(PyExc_ValueError, "too many types, or no entry to look at");
        return -1;
    }
    memcpy(self->weight, weight->buf, weight->len);
    memcpy(self->rank, rank->buf, rank->len);
    memcpy(self->by_rank, by_rank->buf, by_rank->len);
    memcpy(self->flag, flag->buf, flag->len);
    return 0;
}

static int Ranker_init(Ranker *self, PyObject *args, PyObject *given)
{
    static char *names[] = {
        "indices", "values", "open", "unheard", "had_indptr", "had_item", "had_flag", "had_bought", "fades", "arrival_start",
        "arrival_place", "arrival_value", "weight", "rank", "by_rank", "flag", "place", "names", "words", "say", "reason", "rest",
        "because", "content", "other", "known", "half_life", "neutral", "span", "keen", "enough", "nothing_left", "again", "alike",
        "most", "always", "rate", "purchase", "refund", NULL};
    if (self->cells != NULL) return PyErr_SetString(PyExc_TypeError, "made once"), -1;
    Arrays *a = &self->arrays;
    Py_buffer weight = {0}, rank = {0}, by_rank = {0}, flag = {0};
    if (!PyArg_ParseTupleAndKeywords(
            args, given, "y*y*y*y*y*y*y*y*y*y*y*y*y*y*y*y*O!O!O!OOO!UUUndddddddpiiiii", names, &a->indices, &a->values, &a->open,
            &a->unheard, &a->indptr, &a->had, &a->had_flag, &a->had_bought, &a->fades, &a->arrival_start, &a->arrival_place,
            &a->arrival_value, &weight, &rank, &by_rank, &flag, &PyDict_Type, &self->place, &PyList_Type, &self->names,
            &PyDict_Type, &self->words, &self->say, &self->reason, &PyList_Type, &self->rest, &self->because, &self->content,
            &self->other, &self->known, &self->half_life, &self->neutral, &self->span, &self->keen, &self->enough,
            &self->nothing_left, &self->again, &self->alike, &self->most, &self->always, &self->rate, &self->purchase,
            &self->refund)) {
        for (int k = 0; objects_of(self, k) != NULL; k++) *objects_of(self, k) = NULL; /* borrowed so far */
        memset(a, 0, sizeof(Arrays)); /* given back by the parser */
        return -1;
    }
    for (int k = 0; objects_of(self, k) != NULL; k++) Py_INCREF(*objects_of(self, k));
    int wrong = fits(self, &weight, &rank, &by_rank, &flag);
    PyBuffer_Release(&weight);
    PyBuffer_Release(&rank);
    PyBuffer_Release(&by_rank);
    PyBuffer_Release(&flag);
    if (wrong) return -1;
    self->cells = calloc(self->size + 1, sizeof(Cell));
    self->met = calloc(self->size + 1, sizeof(Met));
    if (self->cells == NULL || self->met == NULL) return PyErr_NoMemory(), -1;
    return 0;
}

static PyMethodDef methods[] = {
    {"answer", (PyCFunction)(void (*)(void))Ranker_answer, METH_FASTCALL,
     "answer(events, now, row, mask, exclude_seen, n, explain) -> (ids, scores, reasons), best first."},
    {"ask_users", (PyCFunction)(void (*)(void))Ranker_ask_users, METH_VARARGS | METH_KEYWORDS,
     "ask_users(**arrays): from now on answer by user neighbours, not by lists."},
    {NULL}};

static PyType_Slot slots[] = {{Py_tp_doc, "The lists of a model and a view of the catalogue, ready to answer."},
                              {Py_tp_new, PyType_GenericNew},
                              {Py_tp_init, Ranker_init},
                              {Py_tp_dealloc, Ranker_dealloc},
                              {Py_tp_traverse, Ranker_traverse},
                              {Py_tp_clear, Ranker_clear},
                              {Py_tp_methods, methods},
                              {0, NULL}};

static PyType_Spec spec = {"aisle.tasks.recommend.compiled._ranker.Ranker", sizeof(Ranker), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, slots};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_ranker", "for_user, compiled.", -1, NULL};

PyMODINIT_FUNC PyInit__ranker(void)
{
    PyObject *made = PyModule_Create(&module), *type = made == NULL ? NULL : PyType_FromSpec(&spec);
    if (type == NULL || PyModule_AddObjectRef(made, "Ranker", type) < 0) Py_CLEAR(made);
    Py_XDECREF(type);
    return made;
}
