/* Principal components against clouds whose axes are known, and what is gathered while a model writes against what it shows. */
#include <math.h>

#include "app/report/gather.h"
#include "app/report/principal.h"
#include "test_task.h"

/* ---- eigenvectors ---- */

static double at(const double *matrix, size_t n, size_t row, size_t column) { return matrix[row * n + column]; }

/* A V = V D, V orthogonal. */
static void eigenvectors_are_what_they_should_be(void **state)
{
    enum { MOST = 9 };
    (void)state;
    for (size_t n = 1; n <= MOST; n++) {
        double before[MOST * MOST], matrix[MOST * MOST], vectors[MOST * MOST];
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j <= i; j++)
                before[i * n + j] = before[j * n + i] = sin((double)(7 * i + 3 * j + n)) + (i == j ? (double)i : 0);
        if (n > 3) /* equal eigenvalues, and a row of zeros */
            for (size_t i = 0; i < n; i++)
                before[i * n + 2] = before[2 * n + i] = 0;
        memcpy(matrix, before, sizeof matrix);
        hni_eigen_symmetric(matrix, n, vectors);
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < n; j++) {
                double product = 0, inner = 0;
                for (size_t k = 0; k < n; k++) {
                    product += at(before, n, i, k) * at(vectors, n, k, j);
                    inner += at(vectors, n, k, i) * at(vectors, n, k, j);
                }
                assert_close(product, at(vectors, n, i, j) * at(matrix, n, j, j), 1e-10, 1e-10);
                assert_close(inner, i == j ? 1 : 0, 1e-12, 1e-12);
            }
        }
    }
}

/* ---- two components ---- */

static hn_context *open_context(void)
{
    hn_context *context = NULL;
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    return context;
}

static void close_context(hn_context *context)
{
    assert_int_equal(hn_context_memory(context), 0);
    hn_context_destroy(context);
}

/* p_i = m + 3 a_i u + b_i v + 0.1 c_i w with a, b, c uncorrelated of variance 1, u, v, w orthogonal of length 1. */
static void a_cloud_lies_on_its_axes(void **state)
{
    enum { COUNT = 8, WIDTH = 4 };
    static const float u[WIDTH] = {0.5f, 0.5f, 0.5f, 0.5f}, v[WIDTH] = {-0.5f, 0.5f, -0.5f, 0.5f},
                       w[WIDTH] = {0.5f, 0.5f, -0.5f, -0.5f};
    hn_context *context = open_context();
    float points[COUNT * WIDTH];
    double xy[COUNT * 2], share[2];
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        const float a = i & 1 ? 1 : -1, b = i & 2 ? 1 : -1, c = i & 4 ? 1 : -1;
        for (int k = 0; k < WIDTH; k++)
            points[i * WIDTH + k] = 10 + 3 * a * u[k] + b * v[k] + 0.1f * c * w[k];
    }
    const hni_cloud cloud = {.points = points, .count = COUNT, .width = WIDTH};
    assert_int_equal(hni_principal_two(context, &cloud, xy, share), HN_OK);
    for (int i = 0; i < COUNT; i++) {
        assert_close(fabs(xy[2 * i]), 3, 1e-5, 0);
        assert_close(fabs(xy[2 * i + 1]), 1, 1e-5, 0);
        assert_close(xy[2 * i], (i & 1 ? 3 : -3), 1e-5, 0); /* u is all positive, so its sign is known */
    }
    assert_true(xy[1] * xy[2 * 2 + 1] < 0);
    assert_close(share[0], 9 / 10.01, 1e-5, 0);
    assert_close(share[1], 1 / 10.01, 1e-5, 0);
    close_context(context);
}

static void small_clouds(void **state)
{
    hn_context *context = open_context();
    const float line[3] = {1, 2, 6}, still[4] = {5, 7, 5, 7};
    double xy[6], share[2];
    (void)state;
    assert_int_equal(hni_principal_two(context, &(hni_cloud){line, 3, 1}, xy, share), HN_OK);
    assert_close(xy[0], -2, 1e-12, 0);
    assert_close(xy[4], 3, 1e-12, 0);
    assert_true(xy[1] == 0 && xy[3] == 0 && xy[5] == 0 && share[1] == 0);
    assert_close(share[0], 1, 1e-12, 0);
    assert_int_equal(hni_principal_two(context, &(hni_cloud){still, 2, 2}, xy, share), HN_OK);
    assert_true(isnan(share[0]) && isnan(share[1]) && xy[0] == 0 && xy[3] == 0);
    assert_int_equal(hni_principal_two(context, &(hni_cloud){still, 0, 2}, xy, share), HN_ERROR_ARGUMENT);
    assert_int_equal(hni_principal_two(context, &(hni_cloud){still, 1, 0}, xy, share), HN_ERROR_ARGUMENT);
    close_context(context);
}

/* Numbers that never change add nothing; with more numbers than points it is the inner products that are taken apart. */
static void a_wide_cloud_is_like_a_narrow_one(void **state)
{
    enum { COUNT = 6, NARROW = 5, WIDE = 3000 };
    hn_context *context = open_context();
    float narrow[COUNT * NARROW], *wide = calloc(COUNT * WIDE, sizeof *wide);
    double xy[COUNT * 2], wide_xy[COUNT * 2], share[2], wide_share[2];
    (void)state;
    assert_non_null(wide);
    for (int i = 0; i < COUNT; i++) {
        for (int k = 0; k < WIDE; k++)
            wide[i * WIDE + k] = (float)k;
        for (int k = 0; k < NARROW; k++)
            wide[i * WIDE + k * 500 + 499] = narrow[i * NARROW + k] = sinf((float)(7 * i + 3 * k * i + k));
    }
    assert_int_equal(hni_principal_two(context, &(hni_cloud){narrow, COUNT, NARROW}, xy, share), HN_OK);
    assert_int_equal(hni_principal_two(context, &(hni_cloud){wide, COUNT, WIDE}, wide_xy, wide_share), HN_OK);
    for (int part = 0; part < 2; part++) {
        assert_true(share[part] > 0.1);
        assert_close(wide_share[part], share[part], 1e-12, 0);
    }
    for (int i = 0; i < COUNT * 2; i++)
        assert_close(wide_xy[i], xy[i], 1e-12, 1e-12);
    free(wide);
    close_context(context);
}

/* Two points lie on a line however wide they are, and one point has no direction. */
static void a_wide_cloud_of_few_points(void **state)
{
    hn_context *context = open_context();
    const float points[6] = {1, 2, 2, 3, 5, 8};
    double xy[4], share[2];
    (void)state;
    assert_int_equal(hni_principal_two(context, &(hni_cloud){points, 2, 3}, xy, share), HN_OK);
    assert_close(xy[0], -3.5, 1e-12, 0);
    assert_close(xy[2], 3.5, 1e-12, 0);
    assert_close(share[0], 1, 1e-12, 0);
    assert_true(fabs(xy[1]) < 1e-6 && fabs(xy[3]) < 1e-6 && fabs(share[1]) < 1e-12);
    assert_int_equal(hni_principal_two(context, &(hni_cloud){points, 1, 6}, xy, share), HN_OK);
    assert_true(isnan(share[0]) && isnan(share[1]) && xy[0] == 0 && xy[1] == 0);
    close_context(context);
}

static void a_cloud_that_takes_too_long(void **state)
{
    hn_context *context = open_context();
    const hni_cloud cloud = {.points = NULL, .count = HNI_PRINCIPAL_MOST + 1, .width = HNI_PRINCIPAL_MOST + 2};
    double share[2];
    (void)state;
    assert_int_equal(hni_principal_two(context, &cloud, NULL, share), HN_ERROR_ARGUMENT);
    assert_non_null(strstr(hn_context_error(context)->text, "2049 points of 2050 numbers"));
    hn_context_clear(context);
    close_context(context);
}

/* ---- gathering ---- */

enum { UNITS = 6, WIDTH = 8, MOST = 64 };

typedef struct seen_all {
    float z_h[MOST * WIDTH], phi[MOST * UNITS];
    char text[MOST];
    size_t count;
    bool sampled;
} seen_all;

static void keep(void *user, const hni_task_observation *seen)
{
    seen_all *all = user;
    if (seen->sampled != all->sampled) return;
    assert_true(all->count < MOST && seen->size == 1);
    if (seen->z_h != NULL) memcpy(all->z_h + all->count * WIDTH, seen->z_h, WIDTH * sizeof(float));
    memcpy(all->phi + all->count * UNITS, seen->phi, UNITS * sizeof(float));
    all->text[all->count++] = seen->bytes[0];
}

static void open_model(test_task *t, hn_cell_kind kind)
{
    float numbers[WIDTH * 4];
    test_task_prepare(t, 500);
    t->model.cell.kind = kind;
    test_task_open(t, 4);
    for (int i = 0; i < WIDTH * 4; i++)
        numbers[i] = sinf((float)i);
    /* Else nothing of z_h would move at the start. */
    if (kind == HN_CELL_HYPERLSTM)
        test_task_ok(t, hn_store_write(t->store, hn_store_find(t->store, "layers.0.z_h.weight"), HN_DTYPE_F32,
                                       WIDTH * 4, numbers));
}

static seen_all look(const test_task *t, const hni_sample_options *options)
{
    seen_all all = {.sampled = options->length > 0};
    hni_sample_options sample = *options;
    sample.observe = keep;
    sample.user = &all;
    test_task_ok(t, t->task->sample(t->work, &sample));
    return all;
}

static void what_is_gathered_is_what_is_seen(void **state)
{
    test_task t;
    (void)state;
    open_model(&t, HN_CELL_HYPERLSTM);
    const hni_sample_options cases[] = {{.prime = "the ", .length = 50, .temperature = 1, .seed = 3},
                                        {.prime = "light and water", .temperature = 1}};
    for (size_t i = 0; i < 2; i++) {
        hni_gathered_path path;
        hni_histogram_counts counts = {.total = 0}, wanted = {.total = 0};
        double xy[2 * MOST], share[2];
        const seen_all all = look(&t, &cases[i]);
        test_task_ok(&t, hni_gather_phi(t.context, t.task, t.work, &cases[i], &counts));
        hni_histogram_add(&wanted, all.phi, all.count * UNITS);
        assert_memory_equal(&counts, &wanted, sizeof counts);
        assert_int_equal(counts.total, (i == 0 ? 50 : 15) * UNITS);
        test_task_ok(&t, hni_gather_path(t.context, t.task, t.work, &cases[i], &path));
        assert_int_equal(path.path.count, all.count);
        const hni_cloud cloud = {.points = all.z_h, .count = all.count, .width = WIDTH};
        test_task_ok(&t, hni_principal_two(t.context, &cloud, xy, share));
        assert_true(share[0] > 0.2 && path.path.share[0] == share[0] && path.path.share[1] == share[1]);
        for (size_t k = 0; k < all.count; k++) {
            const hni_path_point *point = &path.path.points[k];
            assert_true(point->x == xy[2 * k] && point->y == xy[2 * k + 1]);
            assert_int_equal(point->size, 1);
            assert_memory_equal(point->bytes, &all.text[k], 1);
        }
        hni_gathered_path_free(&path);
    }
    test_task_close(&t);
}

static void assert_refused(const test_task *t, hn_status status, const char *words)
{
    assert_int_not_equal(status, HN_OK);
    if (strstr(hn_context_error(t->context)->text, words) == NULL)
        fail_msg("'%s' is not in: %s", words, hn_context_error(t->context)->text);
    hn_context_clear(t->context);
}

static void refuses_what_there_is_not(void **state)
{
    hni_sample_options options = {.prime = "the ", .length = 5, .temperature = 1};
    hni_histogram_counts counts = {.total = 0};
    hni_gathered_path path = {.points = NULL};
    test_task t;
    (void)state;
    open_model(&t, HN_CELL_LSTM);
    test_task_ok(&t, hni_gather_phi(t.context, t.task, t.work, &options, &counts));
    assert_int_equal(counts.total, 5 * UNITS);
    assert_refused(&t, hni_gather_path(t.context, t.task, t.work, &options, &path), "'hyper'");
    hni_gathered_path_free(&path);
    options.observe_layer = 1;
    assert_refused(&t, hni_gather_phi(t.context, t.task, t.work, &options, &counts), "layer 1 of 1");
    test_task_close(&t);
    open_model(&t, HN_CELL_HYPERLSTM);
    assert_refused(&t, hni_gather_path(t.context, t.task, t.work, &options, &path), "layer 1 of 1");
    hni_gathered_path_free(&path);
    options = (hni_sample_options){.prime = "", .temperature = 1};
    assert_refused(&t, hni_gather_path(t.context, t.task, t.work, &options, &path), "no symbol was read");
    hni_gathered_path_free(&path);
    test_task_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eigenvectors_are_what_they_should_be),
        cmocka_unit_test(a_cloud_lies_on_its_axes),
        cmocka_unit_test(small_clouds),
        cmocka_unit_test(a_wide_cloud_is_like_a_narrow_one),
        cmocka_unit_test(a_wide_cloud_of_few_points),
        cmocka_unit_test(a_cloud_that_takes_too_long),
        cmocka_unit_test(what_is_gathered_is_what_is_seen),
        cmocka_unit_test(refuses_what_there_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
