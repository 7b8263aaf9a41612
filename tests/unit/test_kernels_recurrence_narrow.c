/* The loops over time with narrow products, on any machine: a backend whose 16 bit numbers lose nothing, since the float that each stands
 * for is kept beside its address. So all cases of recurrences must come out as those of float do. */
#include "kernel_cases.h"
#include "kernels/recurrence.h"

#include <pthread.h>
#include <stdlib.h>

extern const hni_recurrence_rows hni_generic_recurrence_rows_f32;

/* ---- floats by the address of their 16 bits ---- */

enum { SLOTS = 1 << 20 }; /* the largest case keeps 280,000 */

static struct {
    uintptr_t address;
    float value;
} kept[SLOTS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static size_t slot_of(const void *address)
{
    const uintptr_t at = (uintptr_t)address;
    size_t slot = (size_t)(at / 2 * 2654435761u) % SLOTS;
    for (int tried = 0; kept[slot].address != 0 && kept[slot].address != at; slot = (slot + 1) % SLOTS)
        assert_true(tried++ < SLOTS);
    return slot;
}

static void forget_all(void) { memset(kept, 0, sizeof kept); }

static void round_to_address(int64_t n, const void *x, void *out)
{
    pthread_mutex_lock(&lock);
    for (int64_t i = 0; i < n; i++) {
        uint16_t *to = (uint16_t *)out + i;
        const size_t slot = slot_of(to);
        *to = 0x7fc0; /* a NaN, for whoever reads it as a number */
        kept[slot].address = (uintptr_t)to;
        kept[slot].value = ((const float *)x)[i];
    }
    pthread_mutex_unlock(&lock);
}

/* What `numbers` of them in a row stand for; the caller frees it. */
static float *values_of(const void *a, int64_t numbers)
{
    float *values = malloc((size_t)numbers * sizeof values[0]);
    assert_non_null(values);
    pthread_mutex_lock(&lock);
    for (int64_t i = 0; i < numbers; i++) {
        const size_t slot = slot_of((const uint16_t *)a + i);
        assert_true(kept[slot].address != 0); /* it was rounded */
        values[i] = kept[slot].value;
    }
    pthread_mutex_unlock(&lock);
    return values;
}

/* ---- the backend ---- */

static int opened;

static hn_status pack(int threads, const hni_product_matrix *m, void *out_packed)
{
    (void)threads;
    memcpy(out_packed, m, sizeof *m); /* the weight stays where it is for the call */
    return HN_OK;
}

static hn_status count_open(hni_packed_product *product)
{
    assert_int_equal(product->ldc, product->n);
    pthread_mutex_lock(&lock);
    opened++;
    pthread_mutex_unlock(&lock);
    return HN_OK;
}

static void count_close(hni_packed_product *product)
{
    (void)product;
    pthread_mutex_lock(&lock);
    opened--;
    pthread_mutex_unlock(&lock);
}

static hn_status run(const hni_packed_product *p, const void *a, int64_t lda, void *c)
{
    hni_product_matrix m;
    memcpy(&m, p->packed, sizeof m);
    assert_int_equal(lda, p->k);
    float *x = values_of(a, p->rows * p->k);
    for (int64_t r = 0; r < p->rows; r++)
        for (int64_t j = 0; j < p->n; j++) {
            float *out = (float *)c + r * p->n + j, sum = 0;
            for (int64_t i = 0; i < p->k; i++)
                sum += x[r * p->k + i] * ((const float *)m.data)[i * m.row + j * m.column];
            *out = p->beta == 0 ? sum : *out + sum;
        }
    free(x);
    return HN_OK;
}

static hn_status outer(hni_exec *exec, const hni_gemm *gemm)
{
    assert_int_equal(gemm->lda, gemm->m);
    float *a = values_of(gemm->a, gemm->k * gemm->m);
    hni_gemm whole = *gemm;
    whole.a = a;
    const hn_status status = hni_kernels_generic(HN_DTYPE_F32)->gemm(exec, &whole);
    free(a);
    return status;
}

static double number(const void *x, int64_t index) { return (double)((const float *)x)[index]; }

static const hni_recurrence_products products = {.narrow = true,
                                                 .pack = pack,
                                                 .run = run,
                                                 .open = count_open,
                                                 .close = count_close,
                                                 .round = round_to_address,
                                                 .outer = outer};

/* ---- its slots ---- */

static hni_recurrence_backend begin(hni_exec *exec)
{
    forget_all();
    exec->precision = HN_PRECISION_BF16;
    return (hni_recurrence_backend){.size = sizeof(float),
                                    .rows = &hni_generic_recurrence_rows_f32,
                                    .number = number,
                                    .gemm = hni_kernels_generic(HN_DTYPE_F32)->gemm,
                                    .products = &products};
}

static hn_status end(hni_exec *exec, hn_status status)
{
    exec->precision = HN_PRECISION_F32;
    assert_int_equal(opened, 0);
    return status;
}

static hn_status forward(hni_exec *exec, const hni_recurrence *r)
{
    const hni_recurrence_backend narrow = begin(exec);
    return end(exec, hni_recurrence_forward(&narrow, exec, r));
}

static hn_status backward(hni_exec *exec, const hni_recurrence_vjp *vjp)
{
    const hni_recurrence_backend narrow = begin(exec);
    return end(exec, hni_recurrence_backward(&narrow, exec, vjp));
}

int main(void)
{
    hni_kernels table = *hni_kernels_generic(HN_DTYPE_F32);
    table.recurrence = forward;
    table.recurrence_vjp = backward;
    return kernel_cases_run_recurrences("narrow products, one thread", &table, 1) +
           kernel_cases_run_recurrences("narrow products, three threads", &table, 3);
}
