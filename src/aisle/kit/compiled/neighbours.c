/* The k rows most alike to each row of a sparse matrix: what two rows have in common is added up, measured, and the best kept.
 *
 *   tail   for every column of the row, for every other row in that column: one addition
 *   head   columns that very many rows have, for yes/no data: 64 of them in a word, counted by and + popcount, four rows at once
 *   best   one look at all rows, or only at those that were touched where these are few
 *
 * Room for four numbers a row, never n². Equal to kit.nearest in numpy: counts to the bit, sums of decimals within rounding. */
#include "kernels.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

enum { GROUP = 4, WORD_ROWS = 8, CHUNK = 64 };
#define NEARLY 0.9999f /* a quick test lets through what rounding might */

typedef struct {
    const Neighbours *in;
    Py_ssize_t n;
    uint32_t *counts[GROUP]; /* (n rounded up,) columns in common; all 0 between rows */
    float *sums;             /* (n rounded up,) products, where values are not all the same */
    int32_t *touched;
    Best best[GROUP];
} Work;

/* ---- tail ---------------------------------------------------------------------------------------------------------- */

static void count_row(const Neighbours *in, Py_ssize_t row, uint32_t *counts)
{
    const int32_t *starts = in->columns.starts;
    for (int32_t at = in->rows.starts[row]; at < in->rows.starts[row + 1]; at++) {
        int32_t column = in->rows.columns[at];
        for (int32_t to = starts[column]; to < starts[column + 1]; to++) counts[in->columns.columns[to]]++;
    }
}

static Py_ssize_t list_row(const Neighbours *in, Py_ssize_t row, uint32_t *counts, float *sums, int32_t *touched)
{
    Py_ssize_t size = 0;
    const int32_t *starts = in->columns.starts;
    for (int32_t at = in->rows.starts[row]; at < in->rows.starts[row + 1]; at++) {
        int32_t column = in->rows.columns[at];
        float own = sums == NULL ? 0.0f : in->rows.values[at];
        for (int32_t to = starts[column]; to < starts[column + 1]; to++) {
            int32_t other = in->columns.columns[to];
            touched[size] = other;
            size += counts[other]++ == 0;
            if (sums != NULL) sums[other] += own * in->columns.values[to];
        }
    }
    return size;
}

static void sum_row(const Neighbours *in, Py_ssize_t row, float *sums)
{
    const int32_t *starts = in->columns.starts;
    for (int32_t at = in->rows.starts[row]; at < in->rows.starts[row + 1]; at++) {
        int32_t column = in->rows.columns[at];
        float own = in->rows.values[at];
        for (int32_t to = starts[column]; to < starts[column + 1]; to++)
            sums[in->columns.columns[to]] += own * in->columns.values[to];
    }
}

/* ---- best ---------------------------------------------------------------------------------------------------------- */

/* `product` may be measured above the bound. */
INLINE void offer(const Neighbours *in, Best *best, Py_ssize_t row, Py_ssize_t other, float product, uint32_t count)
{
    if (other == row) return;
    float value = in->lengths != NULL ? product / (in->lengths[other] + in->lengths[row] - product) : product * in->scale[other];
    if (in->shrinkage > 0) value *= (float)count / ((float)count + in->shrinkage);
    best_push(best, value, (int32_t)other);
}

EACH_PROCESSOR
static void look_at_counts(const Work *work, Py_ssize_t row, Best *best)
{
    const Neighbours *in = work->in;
    uint32_t *counts = work->counts[0];
    for (Py_ssize_t from = 0; from < work->n; from += CHUNK) { /* scale and lengths end with room for a chunk */
        float bound = best->bound, own = in->lengths == NULL ? 0.0f : in->lengths[row];
        int any = 0;
        if (in->lengths == NULL && in->shrinkage > 0)
            for (int t = 0; t < CHUNK; t++) {
                float both = (float)(int32_t)counts[from + t];
                any |= both * both * in->scale[from + t] > bound * (both + in->shrinkage) * NEARLY;
            }
        else if (in->lengths == NULL)
            for (int t = 0; t < CHUNK; t++) any |= (float)(int32_t)counts[from + t] * in->scale[from + t] > bound;
        else
            for (int t = 0; t < CHUNK; t++) {
                float both = (float)(int32_t)counts[from + t];
                any |= both > bound * (in->lengths[from + t] + own - both) * NEARLY;
            }
        if (any)
            for (Py_ssize_t other = from; other < from + CHUNK; other++)
                if (counts[other]) offer(in, best, row, other, (float)counts[other], counts[other]);
        memset(counts + from, 0, CHUNK * sizeof(uint32_t));
    }
}

EACH_PROCESSOR
static void look_at_sums(const Work *work, Py_ssize_t row, Best *best)
{
    const Neighbours *in = work->in;
    for (Py_ssize_t from = 0; from < work->n; from += CHUNK) {
        float bound = best->bound, *sums = work->sums;
        int any = 0;
        if (in->shrinkage > 0)
            for (int t = 0; t < CHUNK; t++) {
                float both = (float)(int32_t)work->counts[0][from + t];
                any |= sums[from + t] * both * in->scale[from + t] > bound * (both + in->shrinkage) * NEARLY;
            }
        else
            for (int t = 0; t < CHUNK; t++) any |= sums[from + t] * in->scale[from + t] > bound;
        if (any)
            for (Py_ssize_t other = from; other < from + CHUNK; other++)
                if (sums[other] > 0) offer(in, best, row, other, sums[other], work->counts[0][other]);
        memset(sums + from, 0, CHUNK * sizeof(float));
        if (in->shrinkage > 0) memset(work->counts[0] + from, 0, CHUNK * sizeof(uint32_t));
    }
}

static void look_at_touched(const Work *work, Py_ssize_t row, Py_ssize_t size, Best *best)
{
    uint32_t *counts = work->counts[0];
    for (Py_ssize_t at = 0; at < size; at++) {
        int32_t other = work->touched[at];
        float product = work->sums == NULL ? (float)counts[other] : work->sums[other];
        offer(work->in, best, row, other, product, counts[other]);
        counts[other] = 0;
        if (work->sums != NULL) work->sums[other] = 0.0f;
    }
}

/* ---- head ---------------------------------------------------------------------------------------------------------- */

INLINE uint64_t word_of(const Neighbours *in, Py_ssize_t row, Py_ssize_t word)
{
    return in->bits[(row / WORD_ROWS * in->words + word) * WORD_ROWS + row % WORD_ROWS];
}

/* Whether a product may be above the bound; then it is offered. */
INLINE void consider(const Work *work, Py_ssize_t row, Py_ssize_t other, uint32_t count, Best *best)
{
    if (count) offer(work->in, best, row, other, (float)count, count);
}

static void head_plain(const Work *work, Py_ssize_t row, int rows)
{
    const Neighbours *in = work->in;
    for (Py_ssize_t from = 0; from < work->n; from += WORD_ROWS)
        for (int g = 0; g < rows; g++) {
            uint32_t *counts = work->counts[g] + from;
            for (Py_ssize_t word = 0; word < in->words; word++) {
                const uint64_t *theirs = in->bits + (from / WORD_ROWS * in->words + word) * WORD_ROWS;
                uint64_t own = word_of(in, row + g, word);
                for (int lane = 0; lane < WORD_ROWS; lane++) counts[lane] += (uint32_t)__builtin_popcountll(theirs[lane] & own);
            }
            for (int lane = 0; lane < WORD_ROWS && from + lane < work->n; lane++)
                consider(work, row + g, from + lane, counts[lane], &((Work *)work)->best[g]);
            memset(counts, 0, WORD_ROWS * sizeof(uint32_t));
        }
}

#if defined(__x86_64__) && defined(__GNUC__)
#define WIDE_COUNTS __attribute__((target("avx512f,avx512vl,avx512dq,avx512vpopcntdq")))

/* Which of eight rows may be above the bound. */
WIDE_COUNTS INLINE __mmask8 above(const Neighbours *in, __m256i count, Py_ssize_t from, float bound, float length)
{
    __m256 product = _mm256_cvtepi32_ps(count);
    if (in->lengths == NULL && in->shrinkage > 0) {
        __m256 held = _mm256_mul_ps(_mm256_add_ps(product, _mm256_set1_ps(in->shrinkage)), _mm256_set1_ps(bound * NEARLY));
        __m256 whole = _mm256_mul_ps(_mm256_mul_ps(product, product), _mm256_loadu_ps(in->scale + from));
        return _mm256_cmp_ps_mask(whole, held, _CMP_GT_OQ);
    }
    if (in->lengths == NULL)
        return _mm256_cmp_ps_mask(_mm256_mul_ps(product, _mm256_loadu_ps(in->scale + from)), _mm256_set1_ps(bound), _CMP_GT_OQ);
    __m256 either = _mm256_sub_ps(_mm256_add_ps(_mm256_loadu_ps(in->lengths + from), _mm256_set1_ps(length)), product);
    return _mm256_cmp_ps_mask(_mm256_div_ps(product, either), _mm256_set1_ps(bound), _CMP_GT_OQ);
}

WIDE_COUNTS INLINE void head_group(Work *work, Py_ssize_t row, const int rows)
{
    const Neighbours *in = work->in;
    uint64_t own[GROUP * 1024];
    float length[GROUP];
    for (int g = 0; g < rows; g++) {
        length[g] = in->lengths == NULL ? 0.0f : in->lengths[row + g];
        for (Py_ssize_t word = 0; word < in->words; word++) own[word * GROUP + g] = word_of(in, row + g, word);
    }
    for (Py_ssize_t from = 0; from < work->n; from += WORD_ROWS) {
        const uint64_t *theirs = in->bits + from * in->words;
        __m512i sum[GROUP];
        for (int g = 0; g < rows; g++) sum[g] = _mm512_setzero_si512();
        for (Py_ssize_t word = 0; word < in->words; word++) {
            __m512i eight = _mm512_loadu_si512(theirs + word * WORD_ROWS);
            for (int g = 0; g < rows; g++) {
                __m512i both = _mm512_and_si512(eight, _mm512_set1_epi64((long long)own[word * GROUP + g]));
                sum[g] = _mm512_add_epi64(sum[g], _mm512_popcnt_epi64(both));
            }
        }
        for (int g = 0; g < rows; g++) {
            uint32_t *tail = work->counts[g] + from;
            __m256i count = _mm256_add_epi32(_mm512_cvtepi64_epi32(sum[g]), _mm256_loadu_si256((const __m256i *)tail));
            _mm256_storeu_si256((__m256i *)tail, _mm256_setzero_si256());
            __mmask8 found = above(in, count, from, work->best[g].bound, length[g]);
            if (!found) continue;
            uint32_t each[WORD_ROWS];
            _mm256_storeu_si256((__m256i *)each, count);
            for (int lane = 0; lane < WORD_ROWS; lane++)
                if (found >> lane & 1) consider(work, row + g, from + lane, each[lane], &work->best[g]);
        }
    }
}

WIDE_COUNTS static void head_wide(Work *work, Py_ssize_t row, int rows)
{
    if (rows == GROUP) head_group(work, row, GROUP);
    else for (int g = 0; g < rows; g++) {
        Work one = *work;
        one.counts[0] = work->counts[g];
        one.best[0] = work->best[g];
        head_group(&one, row + g, 1);
        work->best[g] = one.best[0];
    }
}

int counts_bits(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512vpopcntdq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}
#else
static void head_wide(Work *work, Py_ssize_t row, int rows) { head_plain(work, row, rows); }
int counts_bits(void) { return 0; }
#endif

/* ---- all of it ----------------------------------------------------------------------------------------------------- */

static void find(Work *work, Py_ssize_t row, int rows)
{
    const Neighbours *in = work->in;
    for (int g = 0; g < rows; g++) best_restart(&work->best[g], 1.17549435e-38f); /* the least that is not nothing */
    if (in->bits != NULL) {
        for (int g = 0; g < rows; g++) count_row(in, row + g, work->counts[g]);
        if (in->wide) head_wide(work, row, rows);
        else head_plain(work, row, rows);
    } else if (in->listed) {
        Py_ssize_t size = list_row(in, row, work->counts[0], work->sums, work->touched);
        look_at_touched(work, row, size, &work->best[0]);
    } else if (work->sums != NULL) {
        if (in->shrinkage > 0) count_row(in, row, work->counts[0]);
        sum_row(in, row, work->sums);
        look_at_sums(work, row, &work->best[0]);
    } else {
        count_row(in, row, work->counts[0]);
        look_at_counts(work, row, &work->best[0]);
    }
}

static int begin(Work *work)
{
    int groups = work->in->bits == NULL ? 1 : GROUP;
    size_t room = (work->n + CHUNK) / CHUNK * CHUNK;
    for (int g = 0; g < groups; g++) {
        work->counts[g] = calloc(room, sizeof(uint32_t));
        if (work->counts[g] == NULL || best_begin(&work->best[g], work->in->k) < 0) return -1;
        work->best[g].unordered = work->in->listed;
    }
    if (work->in->rows.values != NULL && (work->sums = calloc(room, sizeof(float))) == NULL) return -1;
    if (work->in->listed && (work->touched = malloc((room + 1) * sizeof(int32_t))) == NULL) return -1;
    return 0;
}

static void end(Work *work)
{
    for (int g = 0; g < GROUP; g++) {
        free(work->counts[g]);
        best_end(&work->best[g]);
    }
    free(work->sums);
    free(work->touched);
}

int neighbours_of(const Neighbours *in, Py_ssize_t start, Py_ssize_t stop)
{
    Work work = {.in = in, .n = in->rows.rows};
    int bad = begin(&work), most = in->bits == NULL ? 1 : GROUP;
    for (Py_ssize_t row = start; !bad && row < stop; row += most) {
        int rows = stop - row < most ? (int)(stop - row) : most;
        find(&work, row, rows);
        for (int g = 0; g < rows; g++) {
            Py_ssize_t at = (row + g - start) * in->k;
            float scale = in->lengths == NULL ? in->scale[row + g] : 1.0f;
            best_write(&work.best[g], scale, in->indices + at, in->values + at);
        }
    }
    end(&work);
    return bad;
}
