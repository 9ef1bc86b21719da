/* What the compiled ranker keeps: see ranker.c. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

enum { SEEN = 1, DISMISSED = 2, BOUGHT = 4, RATED = 8 }; /* the first three as in model.py */
#define MOST_TYPES 32

/* The loader chooses what the processor has; elsewhere the compiler's own target is the only one. */
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#define EACH_PROCESSOR __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define EACH_PROCESSOR
#endif

/* What one request knows of an item; fields are valid where `turn` is the request's. `winner` is its number among the best, and
 * with user neighbours, until these are found, how many of them stand behind it. */
typedef struct { double score; uint32_t turn; int32_t winner; } Cell;
typedef struct { int64_t bought; uint32_t turn; int32_t entry; uint8_t flag; } Met;

/* An item of the history. */
typedef struct { double total, purchases, strength; int32_t item, refunded, bought, rank; } Entry;
typedef struct { double score, top, second; int32_t place, top_entry, second_entry, count; } Winner;

typedef struct { Py_buffer indices, values, open, unheard, indptr, had, had_flag, had_bought, fades,
                           arrival_start, arrival_place, arrival_value; } Arrays;

/* What user neighbours need besides: see crowd.c. `neighbours` is 0 where lists answer. */
typedef struct {
    Py_buffer post_start, post_row, post_value, norms, taste_start, taste_column, taste_value, want_start, want_item, want_value,
              first, last;
    PyObject *column, *said, *kind; /* said: the words for so many neighbours */
    double uniform;                 /* the value of every entry, where they are all equal, else 0 */
    Py_ssize_t neighbours, users, columns;
    double *dots;                   /* (users,) */
    uint32_t *turn;                 /* (columns,) the request that `part` is of */
    int32_t *part;                  /* (columns,) of the vector */
} Crowd;

typedef struct {
    PyObject_HEAD
    Arrays arrays;
    Crowd crowd;
    PyObject *place, *names, *words, *say, *reason, *rest, *because, *content, *other;
    double weight[MOST_TYPES];
    int64_t rank[MOST_TYPES], by_rank[MOST_TYPES];
    uint8_t flag[MOST_TYPES];
    Py_ssize_t size, k, types, known, users, steps, arrivals;
    double half_life, neutral, span, keen, enough, nothing_left, again;
    int alike, most, always, rate, purchase, refund;
    uint32_t turn;
    Cell *cells;
    Met *met;
} Ranker;

/* The work of one request. */
typedef struct {
    const Ranker *in;
    int64_t now;
    uint32_t turn;
    Entry *entries;   /* (events,) */
    int32_t *touched; /* (pairs,) places with a score */
    int32_t *places;  /* (events,) of each event's item; -1: not in the view */
    Winner *winners;  /* (n,) */
    Py_ssize_t entry_count, touched_count, winner_count;
} Work;

/* events -> work->winners, best first. 0, or -1 with an exception set. `scratch` has room for a double an event. */
int compute(Work *work, PyObject *const *events, Py_ssize_t count, Py_ssize_t row, double *scratch);
/* The n best of what `compute` added up, best first. */
void best(Work *work, const uint8_t *mask, int wanted, Py_ssize_t n);
/* What each entry gave to these. */
void explain(Work *work);
/* The same as `compute` and what follows `weigh` in it, by user neighbours (crowd.c). */
int by_users(Work *work, PyObject *const *events, Py_ssize_t count, Py_ssize_t row);
PyObject *Ranker_ask_users(Ranker *self, PyObject *args, PyObject *given);
void crowd_free(Ranker *self);
