/* One request of `for_user` from item-to-item lists, without touching the rest of the catalogue.
 *
 *   weigh    events -> entries (what each item of the history counts now) and what must not be shown      history.py
 *   add_up   entries x their lists -> scores of the items these name, and of no others                    ranking.py
 *   best     the n highest that may be shown, ties by the lower place                                     ranking.py
 *   explain  for each of these, the two strongest contributions and how many there are                    ranking.py
 *   said     ... as lists of ids, scores and reasons (module.c)                                           reasons.py
 *
 * The Python named on the right says what is right. This does the same operations on doubles in the same order, so both give
 * the same bits (tests/recommend/test_compiled.py); for that it is compiled without fused multiply-add.
 * Before `said` no Python object is made, so no other thread can come in while the cells, which all requests share, are in use.
 */
#include "ranker.h"
#include <math.h>
#include <stdlib.h>

static Met *met(const Work *work, Py_ssize_t place)
{
    Met *found = &work->in->met[place];
    if (found->turn != work->turn) *found = (Met){INT64_MIN, work->turn, -1, 0};
    return found;
}

/* ---- weigh --------------------------------------------------------------------------------------------------------- */

static double clipped(double value, double most) { return value < -most ? -most : value > most ? most : value; }

/* weights.Weights.interest of one event; of several ratings of an item only the newest, which comes first, counts. */
static double interest(const Ranker *in, Met *item, int type, PyObject *value)
{
    double worth = in->weight[type];
    if (type == in->rate) {
        if (item->flag & RATED || value == Py_None) worth = 0.0;
        else {
            double share = clipped((PyFloat_AsDouble(value) - in->neutral) / in->span, 1.0);
            worth = isnan(share) ? 0.0 : worth * share;
        }
        item->flag |= RATED;
    }
    return in->alike ? clipped(worth, 1.0) : worth;
}

static void count(Work *work, Met *item, Py_ssize_t place, int type, double worth)
{
    if (item->entry < 0) {
        item->entry = (int32_t)work->entry_count++;
        work->entries[item->entry] = (Entry){.item = (int32_t)place};
    }
    Entry *entry = &work->entries[item->entry];
    if (work->in->rank[type] > entry->rank) entry->rank = (int32_t)work->in->rank[type];
    if (type == work->in->refund) { entry->refunded++; return; }
    entry->total += worth;
    if (type == work->in->purchase) { entry->bought++; entry->purchases += worth; }
}

static void remember(Met *item, int flag, int64_t bought)
{
    item->flag |= flag;
    if (flag & BOUGHT && bought > item->bought) item->bought = bought;
}

/* The last event that spoke for an item, and how many steps ago that is (history._steps). */
typedef struct { Py_ssize_t item; int64_t age; Py_ssize_t steps; int begun; } Walk;

static Py_ssize_t step(Walk *walk, const Ranker *in, Py_ssize_t item, int type, int64_t age)
{
    if (in->weight[type] > 0) {
        if (walk->begun && walk->item != item && walk->age != age) walk->steps++;
        walk->item = item, walk->age = age, walk->begun = 1;
    }
    return walk->steps < in->steps ? walk->steps : in->steps - 1;
}

/* 0, or -1 with an exception set. */
static int weigh_event(Work *work, PyObject *event, Walk *walk, int32_t *where)
{
    const Ranker *in = work->in;
    if (!PyTuple_Check(event) || PyTuple_GET_SIZE(event) < 4) {
        PyErr_SetString(PyExc_TypeError, "an event is a PastEvent");
        return -1;
    }
    PyObject *known = PyDict_GetItemWithError(in->place, PyTuple_GET_ITEM(event, 0));
    *where = -1;
    if (known == NULL) return PyErr_Occurred() ? -1 : 0;
    Py_ssize_t place = PyLong_AsSsize_t(known);
    long type = PyLong_AsLong(PyTuple_GET_ITEM(event, 1));
    int64_t at = PyLong_AsLongLong(PyTuple_GET_ITEM(event, 2)), age = work->now - at;
    if (PyErr_Occurred()) return -1;
    if (place < 0 || place >= in->size || type < 0 || type >= in->types) {
        PyErr_SetString(PyExc_IndexError, "no such place or event type");
        return -1;
    }
    *where = (int32_t)place;
    Met *item = met(work, place);
    double worth = interest(in, item, (int)type, PyTuple_GET_ITEM(event, 3));
    if (in->steps) worth *= ((const double *)in->arrays.fades.buf)[step(walk, in, place, (int)type, age)];
    else worth *= exp2((double)(age > 0 ? age : 0) * (-1.0 / in->half_life));
    if (type == in->rate && PyErr_Occurred()) return -1; /* a rating that is no number */
    count(work, item, place, (int)type, worth);
    remember(item, in->flag[type], at);
    return 0;
}

/* What training knew that the user had. */
static void weigh_had(Work *work, Py_ssize_t row)
{
    const Arrays *arrays = &work->in->arrays;
    if (row < 0 || row >= work->in->users) return;
    const int64_t *indptr = arrays->indptr.buf, *bought = arrays->had_bought.buf;
    const int32_t *item = arrays->had.buf;
    const uint8_t *flag = arrays->had_flag.buf;
    for (int64_t k = indptr[row]; k < indptr[row + 1]; k++)
        if (item[k] >= 0 && item[k] < work->in->size) remember(met(work, item[k]), flag[k], bought[k]);
}

/* A refund takes away purchases of the same item as they count now, and nothing else. */
static double net(const Ranker *in, const Entry *entry)
{
    double total = entry->total;
    if (entry->refunded && entry->bought) {
        double price = fabs(in->weight[in->purchase]);
        double each = fabs(in->weight[in->refund]) / (price > 1e-12 ? price : 1e-12);
        double undone = entry->refunded * each / entry->bought;
        total -= (undone > 1.0 ? 1.0 : undone) * entry->purchases;
    }
    return in->keen > 0 ? copysign(1.0, total) * log1p(in->keen * fabs(total)) : total;
}

/* The `wanted`-th highest value (quickselect, which reorders them). */
static double highest(double *values, Py_ssize_t count, Py_ssize_t wanted)
{
    Py_ssize_t low = 0, high = count - 1, target = wanted - 1;
    while (low < high) {
        double pivot = values[(low + high) / 2];
        Py_ssize_t i = low, j = high;
        while (i <= j) {
            while (values[i] > pivot) i++;
            while (values[j] < pivot) j--;
            if (i <= j) { double swap = values[i]; values[i++] = values[j]; values[j--] = swap; }
        }
        if (target <= j) high = j;
        else if (target >= i) low = i;
        else break;
    }
    return values[target];
}

static int by_item(const void *a, const void *b) { return ((const Entry *)a)->item - ((const Entry *)b)->item; }

/* Shares of the `most` strongest entries (and of those as strong as the last of them), in order of the items. */
static void share(Work *work, double *scratch)
{
    Entry *entries = work->entries;
    Py_ssize_t kept = 0, count = work->entry_count;
    double least = 0.0, whole = 0.0;
    for (Py_ssize_t e = 0; e < count; e++) {
        entries[e].total = net(work->in, &entries[e]);
        scratch[e] = entries[e].strength = fabs(entries[e].total);
    }
    if (count > work->in->most) least = highest(scratch, count, work->in->most);
    for (Py_ssize_t e = 0; e < count; e++)
        if (entries[e].strength > 0 && entries[e].strength >= least) entries[kept++] = entries[e];
    work->entry_count = kept;
    qsort(entries, kept, sizeof(Entry), by_item);
    for (Py_ssize_t e = 0; e < kept; e++) whole += entries[e].strength;
    for (Py_ssize_t e = 0; e < kept; e++) entries[e].total /= whole;
}

/* ---- add_up, best, explain ----------------------------------------------------------------------------------------- */

static void add(Work *work, Py_ssize_t place, double value)
{
    if (place < 0 || place >= work->in->size) return; /* a damaged list */
    Cell *cell = &work->in->cells[place];
    if (cell->turn != work->turn) {
        *cell = (Cell){0.0, work->turn, -1};
        work->touched[work->touched_count++] = (int32_t)place;
    }
    cell->score += value;
}

/* Parts are compared as float32, ties in the order of the pairs, as ranking._strongest_first does. */
static void note(Work *work, Py_ssize_t place, double value, Py_ssize_t entry)
{
    if (value == 0.0 || place < 0 || place >= work->in->size) return;
    Cell *cell = &work->in->cells[place];
    if (cell->winner < 0) return;
    Winner *winner = &work->winners[cell->winner];
    winner->count++;
    if (winner->count == 1 || (float)value > (float)winner->top) {
        winner->second = winner->top, winner->second_entry = winner->top_entry;
        winner->top = value, winner->top_entry = (int32_t)entry;
    } else if (winner->count == 2 || (float)value > (float)winner->second) {
        winner->second = value, winner->second_entry = (int32_t)entry;
    }
}

/* Every pair of an entry and an item in its list, then those with items that came after training (ranking.pairs). */
static inline void each_pair(Work *work, int explaining)
{
    const Ranker *in = work->in;
    const int32_t *indices = in->arrays.indices.buf, *arrived = in->arrays.arrival_place.buf;
    const float *values = in->arrays.values.buf;
    const int64_t *start = in->arrays.arrival_start.buf;
    const double *likeness = in->arrays.arrival_value.buf;
    for (Py_ssize_t e = 0; e < work->entry_count; e++) {
        Py_ssize_t row = (Py_ssize_t)work->entries[e].item * in->k;
        double part = work->entries[e].total;
        for (Py_ssize_t j = row; j < row + in->k; j++)
            if (explaining) note(work, indices[j], values[j] * part, e);
            else add(work, indices[j], values[j] * part);
    }
    for (Py_ssize_t e = 0; in->arrivals && e < work->entry_count; e++) {
        Py_ssize_t item = work->entries[e].item;
        double part = work->entries[e].total;
        for (int64_t j = start[item]; item < in->known && j < start[item + 1]; j++)
            if (explaining) note(work, arrived[j], likeness[j] * part, e);
            else add(work, arrived[j], likeness[j] * part);
    }
}

static int hidden(const Work *work, Py_ssize_t place, int wanted)
{
    const Ranker *in = work->in;
    const Met *item = &in->met[place];
    if (item->turn != work->turn || !(item->flag & wanted)) return 0;
    int again = in->again > 0 && item->flag & BOUGHT && !(item->flag & DISMISSED);
    return !(again && (double)(work->now - item->bought) >= in->again);
}

static int better(const Winner *a, const Winner *b)
{
    return a->score > b->score || (a->score == b->score && a->place < b->place);
}

/* Sinks the winner at `at` in a heap whose root is the worst. */
static void sink(Winner *heap, Py_ssize_t size, Py_ssize_t at)
{
    Winner moved = heap[at];
    for (Py_ssize_t below = 2 * at + 1; below < size; at = below, below = 2 * at + 1) {
        if (below + 1 < size && better(&heap[below], &heap[below + 1])) below++;
        if (!better(&moved, &heap[below])) break;
        heap[at] = heap[below];
    }
    heap[at] = moved;
}

void best(Work *work, const uint8_t *mask, int wanted, Py_ssize_t n)
{
    Winner *heap = work->winners;
    Py_ssize_t size = 0;
    for (Py_ssize_t t = 0; t < work->touched_count; t++) {
        Py_ssize_t place = work->touched[t];
        Winner one = {.score = work->in->cells[place].score, .place = (int32_t)place};
        if (!(one.score > 0.0) || (size == n && !better(&one, heap))) continue;
        if (!mask[place] || hidden(work, place, wanted)) continue;
        if (size < n) {
            heap[size++] = one;
            if (size == n) for (Py_ssize_t at = n / 2; at-- > 0;) sink(heap, n, at);
        } else {
            heap[0] = one;
            sink(heap, n, 0);
        }
    }
    if (size < n) for (Py_ssize_t at = size / 2; at-- > 0;) sink(heap, size, at);
    work->winner_count = size;
    for (Py_ssize_t last = size; last-- > 1;) { /* the worst goes to the end, and so on */
        Winner worst = heap[0];
        heap[0] = heap[last], heap[last] = worst;
        sink(heap, last, 0);
    }
    for (Py_ssize_t w = 0; w < size; w++) {
        Cell *cell = &work->in->cells[heap[w].place];
        if (work->in->crowd.neighbours) heap[w].count = cell->winner;
        cell->winner = (int32_t)w;
    }
}

void explain(Work *work) { each_pair(work, 1); }

int compute(Work *work, PyObject *const *events, Py_ssize_t count, Py_ssize_t row, double *scratch)
{
    Walk walk = {0};
    for (Py_ssize_t k = 0; k < count; k++)
        if (weigh_event(work, events[k], &walk, &work->places[k]) < 0) return -1;
    weigh_had(work, row);
    if (work->in->crowd.neighbours) return by_users(work, events, count, row);
    share(work, scratch);
    each_pair(work, 0);
    return 0;
}
