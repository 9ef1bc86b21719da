/* What the kernels share: vectors of 16 numbers, and functions compiled once for each generation of processors. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

typedef float Wide __attribute__((vector_size(64), aligned(4)));
typedef int32_t Places __attribute__((vector_size(64), aligned(4)));
#define LANES 16

/* The loader chooses what the processor has; elsewhere the compiler's own target is the only one. */
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#define EACH_PROCESSOR __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define EACH_PROCESSOR
#endif
#define INLINE static inline __attribute__((always_inline))

/* A csr matrix; `values` may be NULL where all are 1. */
typedef struct { const int32_t *starts; const int32_t *columns; const float *values; Py_ssize_t rows; } Sparse;

/* ridge.c */
typedef struct {
    Sparse met;          /* (rows, columns), values ≥ 0: how much each entry counts */
    const float *fixed;  /* (columns, width) */
    const float *shared; /* (width,) the diagonal all rows have in common */
    const float *ridge;  /* (rows,) what is added to it */
    float *found;        /* (rows, width) where to start; overwritten */
    Py_ssize_t width;    /* a multiple of LANES */
    int steps;
} Ridge;
int ridge_rows(const Ridge *in, Py_ssize_t longest); /* 0, or -1 where memory ran out */

/* best.c: the k highest of a row, ties to the lower index */
typedef struct { uint64_t *keys; Py_ssize_t count, room, k; float bound; int unordered; } Best;
int best_begin(Best *best, Py_ssize_t k);
void best_restart(Best *best, float least); /* values below `least` do not count */
void best_push(Best *best, float value, int32_t index);
void best_write(Best *best, float scale, int32_t *indices, float *values);
void best_end(Best *best);
void best_of_row(Best *best, const float *scores, Py_ssize_t n);

/* sums.c: sums[column] += weight · value over the entries of the chosen rows; values may be NULL (all 1), met too (how many) */
void add_rows(const int32_t *starts, const int32_t *columns, const double *values, const int64_t *chosen, const double *weights,
              Py_ssize_t count, double *sums, int64_t *met);

/* neighbours.c */
typedef struct {
    Sparse rows, columns; /* (n, columns) and its transpose: what is added up entry by entry */
    const uint64_t *bits; /* (blocks of 8 rows, words, 8): the columns that are counted bit by bit; NULL: none */
    Py_ssize_t words;
    const float *scale;   /* (n and up to 64 more,) the measure of rows i, j is products · scale[i] · scale[j]; or NULL and */
    const float *lengths; /* (n and up to 64 more,) products / (lengths[i] + lengths[j] − products): Jaccard */
    float shrinkage;
    int wide;             /* the bits are counted 512 at once */
    int listed;           /* only rows that share something are looked at */
    Py_ssize_t k;
    int32_t *indices;     /* (stop − start, k) */
    float *values;
} Neighbours;
int neighbours_of(const Neighbours *in, Py_ssize_t start, Py_ssize_t stop);
int counts_bits(void); /* whether the processor counts 512 bits at once */
