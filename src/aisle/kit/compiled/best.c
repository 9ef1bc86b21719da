/* The k highest numbers of a row, best first, ties to the lower index, from one look at each.
 *
 * What is higher than all known to be beaten is kept as a key that sorts like (value, −index); when there is no more room only the
 * k best stay, and the last of them is the new bound. */
#include "kernels.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 64

static uint64_t key_of(float value, int32_t index)
{
    uint32_t bits;
    value += 0.0f; /* one zero of the two */
    memcpy(&bits, &value, sizeof bits);
    bits ^= bits >> 31 ? 0xFFFFFFFFu : 0x80000000u;
    return (uint64_t)bits << 32 | (0xFFFFFFFFu - (uint32_t)index);
}

static float value_of(uint64_t key)
{
    uint32_t bits = (uint32_t)(key >> 32);
    float value;
    bits ^= bits >> 31 ? 0x80000000u : 0xFFFFFFFFu;
    memcpy(&value, &bits, sizeof value);
    return value;
}

int best_begin(Best *best, Py_ssize_t k)
{
    *best = (Best){.k = k, .room = 4 * k + 64};
    best->keys = malloc(best->room * sizeof(uint64_t));
    return best->keys == NULL ? -1 : 0;
}

void best_end(Best *best) { free(best->keys); }

void best_restart(Best *best, float least)
{
    best->count = 0;
    best->bound = nextafterf(least, -INFINITY);
}

/* Brings the k highest keys to the front (quickselect). */
static void cut(Best *best)
{
    uint64_t *keys = best->keys;
    Py_ssize_t low = 0, high = best->count - 1, target = best->k - 1;
    while (low < high) {
        uint64_t pivot = keys[(low + high) / 2];
        Py_ssize_t i = low, j = high;
        while (i <= j) {
            while (keys[i] > pivot) i++;
            while (keys[j] < pivot) j--;
            if (i <= j) { uint64_t swap = keys[i]; keys[i++] = keys[j]; keys[j--] = swap; }
        }
        if (target <= j) high = j;
        else if (target >= i) low = i;
        else break;
    }
    best->count = best->k;
    uint64_t last = keys[0];
    for (Py_ssize_t at = 1; at < best->k; at++) if (keys[at] < last) last = keys[at];
    best->bound = best->unordered ? nextafterf(value_of(last), -INFINITY) : value_of(last);
}

/* Where indices come in ascending order, one as good as the bound has lost to k others. */
void best_push(Best *best, float value, int32_t index)
{
    if (!(value > best->bound)) return;
    best->keys[best->count++] = key_of(value, index);
    if (best->count == best->room) cut(best);
}

/* Quicksort, the highest first; qsort's calls of a function would cost more than all the rest of a short row. */
static void sort(uint64_t *keys, Py_ssize_t count)
{
    while (count > 12) {
        uint64_t pivot = keys[count / 2];
        Py_ssize_t i = 0, j = count - 1;
        while (i <= j) {
            while (keys[i] > pivot) i++;
            while (keys[j] < pivot) j--;
            if (i <= j) { uint64_t swap = keys[i]; keys[i++] = keys[j]; keys[j--] = swap; }
        }
        if (j + 1 < count - i) { sort(keys, j + 1); keys += i, count -= i; }
        else { sort(keys + i, count - i); count = j + 1; }
    }
    for (Py_ssize_t at = 1; at < count; at++) {
        uint64_t one = keys[at];
        Py_ssize_t to = at;
        for (; to > 0 && keys[to - 1] < one; to--) keys[to] = keys[to - 1];
        keys[to] = one;
    }
}

void best_write(Best *best, float scale, int32_t *indices, float *values)
{
    if (best->count > best->k) cut(best);
    sort(best->keys, best->count);
    for (Py_ssize_t at = 0; at < best->k; at++) {
        int there = at < best->count;
        indices[at] = there ? (int32_t)(0xFFFFFFFFu - (uint32_t)best->keys[at]) : -1;
        values[at] = there ? value_of(best->keys[at]) * scale : 0.0f;
    }
}

EACH_PROCESSOR
void best_of_row(Best *best, const float *scores, Py_ssize_t n)
{
    Py_ssize_t at = 0;
    for (; at + CHUNK <= n; at += CHUNK) {
        float bound = best->bound;
        int any = 0;
        for (int t = 0; t < CHUNK; t++) any |= scores[at + t] > bound;
        if (!any) continue;
        for (int t = 0; t < CHUNK; t++) best_push(best, scores[at + t], (int32_t)(at + t));
    }
    for (; at < n; at++) best_push(best, scores[at], (int32_t)at);
}
