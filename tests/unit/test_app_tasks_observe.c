/* What a model shows while it reads: each figure against a computation from the whole matrices, and the bits against evaluation. */
#include <math.h>

#include "test_task.h"

enum { N = 6, E = 3, GATES = 4, MOST = 200 };

typedef struct sighting {
    hni_task_observation seen;
    char bytes[4];
    float z_h[GATES * E], phi[N];
} sighting;

typedef struct sightings {
    sighting rows[MOST];
    int count;
} sightings;

static void keep(void *user, const hni_task_observation *seen)
{
    sightings *all = user;
    assert_true(all->count < MOST);
    sighting *row = &all->rows[all->count++];
    row->seen = *seen;
    memcpy(row->bytes, seen->bytes, seen->size);
    row->seen.bytes = row->bytes;
    if (seen->z_h != NULL) memcpy(row->z_h, seen->z_h, (size_t)(seen->gates * seen->embedding_size) * sizeof(float));
    if (seen->phi != NULL) memcpy(row->phi, seen->phi, (size_t)seen->units * sizeof(float));
}

/* At their start the embeddings do not depend on the state, so that nothing would change: every number becomes another one. */
static void stir(const test_task *t)
{
    for (int64_t i = 0; i < hn_store_count(t->store); i++) {
        const hn_parameter *parameter = hn_store_parameter(t->store, i);
        float *numbers = malloc((size_t)parameter->elements * sizeof *numbers);
        assert_non_null(numbers);
        for (int64_t k = 0; k < parameter->elements; k++)
            numbers[k] = 0.7f * sinf((float)(k * (i + 3)) + 0.3f * (float)i);
        test_task_ok(t, hn_store_write(t->store, i, HN_DTYPE_F32, parameter->elements, numbers));
        free(numbers);
    }
}

static int gates_of(hn_cell_kind kind) { return kind == HN_CELL_LSTM || kind == HN_CELL_HYPERLSTM ? GATES : 1; }

static void open_model(test_task *t, hn_cell_kind kind, int layers)
{
    test_task_prepare(t, 500);
    t->model.cell.kind = kind;
    t->model.cell.layer_norm = kind < HN_CELL_RNN;
    t->model.cell.units = N;
    t->model.cell.embedding_size = E;
    t->model.layers = layers;
    test_task_open(t, 4);
    stir(t);
}

static void read_parameter(const test_task *t, int layer, const char *name, int64_t count, float *out_numbers)
{
    char path[64];
    snprintf(path, sizeof path, "layers.%d.%s", layer, name);
    const int64_t index = hn_store_find(t->store, path);
    assert_true(index >= 0);
    test_task_ok(t, hn_store_read(t->store, index, HN_DTYPE_F32, count, out_numbers));
}

static int32_t row_of(const test_task *t, const sighting *row)
{
    const hni_text_source source = {.places = &t->places};
    hni_text_data *text = NULL;
    size_t used;
    test_task_ok(t, hni_text_open(t->context, &t->data, &source, &text));
    const int32_t found = (int32_t)hn_vocabulary_find(text->vocabulary, row->bytes, row->seen.size, &used);
    hni_text_close(text);
    return found;
}

static double bits_of(const float *logits, int64_t count, int32_t row)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += exp((double)logits[i]);
    return -log2(exp((double)logits[row]) / sum);
}

static sightings look(const test_task *t, const char *prime, int64_t length, int layer)
{
    sightings all = {.count = 0};
    const hni_sample_options options = {.prime = prime,
                                        .length = length,
                                        .temperature = 1,
                                        .seed = 7,
                                        .user = &all,
                                        .observe = keep,
                                        .observe_layer = layer};
    test_task_ok(t, t->task->sample(t->work, &options));
    return all;
}

static double norm_of_difference(const float *a, const float *b, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sqrt(sum);
}

/* W_h of all gates as it takes part in the step: [G,N,N]. */
static void effective_matrix(const test_task *t, int layer, const hn_stream_observation *seen, float *out_matrix)
{
    const int size = gates_of(t->model.cell.kind) * N * N;
    float slices[E * N * N];
    if (t->model.cell.kind != HN_CELL_HYPERRNN_FULL) {
        read_parameter(t, layer, "weight_h", size, out_matrix);
        for (int i = 0; i < size; i++)
            out_matrix[i] *= seen->d_h[i / N];
        return;
    }
    read_parameter(t, layer, "weight_h", E * N * N, slices);
    for (int i = 0; i < size; i++) {
        double sum = 0;
        for (int k = 0; k < E; k++)
            sum += (double)seen->z_h[k] * (double)slices[k * N * N + i];
        out_matrix[i] = (float)sum;
    }
}

/* The changes of one gate against the whole matrices before and after; returns the norm of the matrix's. */
static double compare_changes(const hni_task_observation *told, int gate, const float *before, const float *after)
{
    const int at = gate * N * N;
    const double moved = norm_of_difference(after + at, before + at, N * N);
    assert_close((double)told->change_weight[gate], moved, 1e-4, 1e-6);
    return moved;
}

/* Follows what was seen with a stream of its own. */
static void compare(const test_task *t, const sightings *all, int given, int layer)
{
    const hn_cell_kind kind = t->model.cell.kind;
    const bool hyper = kind != HN_CELL_LSTM && kind != HN_CELL_RNN, scaled = hyper && kind != HN_CELL_HYPERRNN_FULL;
    const int gates = gates_of(kind);
    float matrix[GATES * N * N] = {0}, before[GATES * N * N] = {0}, scales[GATES * N] = {0}, logits[30];
    double largest = 0;
    hn_stream *stream = NULL;
    test_task_ok(t, hn_stream_create(t->store, &t->model, 1, &stream));
    test_task_ok(t, hn_stream_observe(stream, layer));
    for (int i = 0; i < all->count; i++) {
        const hni_task_observation *told = &all->rows[i].seen;
        const int32_t symbol = row_of(t, &all->rows[i]);
        hn_stream_observation seen;
        assert_int_equal(told->sampled, i >= given);
        assert_int_equal(told->gates, gates);
        assert_int_equal(told->units, N);
        if (i == 0) assert_true(isnan(told->bits));
        if (i > 0) assert_close(told->bits, bits_of(logits, 30, symbol), 1e-5, 1e-9);
        test_task_ok(t, hn_stream_step(stream, &symbol, logits));
        test_task_ok(t, hn_stream_observation_read(stream, &seen));
        assert_int_equal(told->phi != NULL, gates == GATES);
        if (told->phi != NULL) assert_memory_equal(all->rows[i].phi, seen.phi, N * sizeof(float));
        assert_int_equal(told->z_h != NULL, hyper);
        if (hyper) {
            assert_int_equal(told->embedding_size, E);
            assert_memory_equal(all->rows[i].z_h, seen.z_h, (size_t)(gates * E) * sizeof(float));
            effective_matrix(t, layer, &seen, matrix);
        }
        for (int gate = 0; gate < GATES; gate++) {
            const bool known = i > 0 && gate < gates;
            assert_int_equal(isnan(told->change_weight[gate]), !(known && hyper));
            assert_int_equal(isnan(told->change_scale[gate]), !(known && scaled));
            if (known && hyper) largest = fmax(largest, compare_changes(told, gate, before, matrix));
            if (known && scaled)
                assert_close((double)told->change_scale[gate],
                             norm_of_difference(seen.d_h + gate * N, scales + gate * N, N), 1e-4, 1e-6);
        }
        memcpy(before, matrix, sizeof before);
        if (scaled) memcpy(scales, seen.d_h, (size_t)(gates * N) * sizeof scales[0]);
    }
    if (hyper) assert_true(largest > 1e-2);
    hn_stream_destroy(stream);
}

static void changes_are_those_of_the_matrix(void **state)
{
    static const hn_cell_kind kinds[] = {HN_CELL_HYPERLSTM, HN_CELL_HYPERRNN, HN_CELL_HYPERRNN_FULL};
    (void)state;
    for (int i = 0; i < 6; i++) {
        test_task t;
        open_model(&t, kinds[i / 2], 2);
        const sightings all = look(&t, "the ", 60, i % 2);
        assert_int_equal(all.count, 64);
        compare(&t, &all, 4, i % 2);
        test_task_close(&t);
    }
}

static void plain_cells_show_what_they_have(void **state)
{
    static const hn_cell_kind kinds[] = {HN_CELL_LSTM, HN_CELL_RNN};
    (void)state;
    for (int i = 0; i < 2; i++) {
        test_task t;
        open_model(&t, kinds[i], 1);
        const sightings all = look(&t, "water ", 20, 0);
        assert_int_equal(all.count, 26);
        compare(&t, &all, 6, 0);
        test_task_close(&t);
    }
}

/* Text that is only read: all of it is seen, and nothing else. */
static void given_text_is_seen_whole(void **state)
{
    test_task t;
    (void)state;
    open_model(&t, HN_CELL_HYPERLSTM, 1);
    const sightings all = look(&t, "the light of stone", 0, 0);
    assert_int_equal(all.count, 18);
    compare(&t, &all, 18, 0);
    for (int i = 0; i < 18; i++)
        assert_int_equal(all.rows[i].bytes[0], "the light of stone"[i]);
    test_task_close(&t);
}

/* Without a prime a line has just ended; that line end is no part of the text, but the first change is since then. */
static void the_start_of_a_line_is_not_told(void **state)
{
    test_task t;
    (void)state;
    open_model(&t, HN_CELL_HYPERLSTM, 1);
    const sightings bare = look(&t, "", 10, 0), primed = look(&t, "\n", 10, 0);
    assert_int_equal(bare.count, 10);
    assert_int_equal(primed.count, 11);
    for (int i = 0; i < 10; i++) {
        assert_true(bare.rows[i].seen.sampled);
        assert_true(bare.rows[i].seen.bits == primed.rows[i + 1].seen.bits);
        for (int gate = 0; gate < GATES; gate++)
            assert_true(bare.rows[i].seen.change_weight[gate] == primed.rows[i + 1].seen.change_weight[gate]);
    }
    test_task_close(&t);
}

static void collect_bits(void *user, int64_t row, const char *bytes, size_t size, double bits)
{
    double **next = user;
    (void)row, (void)bytes, (void)size;
    *(*next)++ = bits;
}

/* A prime may hold 0 bytes, and its bits are those that evaluation counts. */
static void bits_are_those_of_evaluation(void **state)
{
    static const char text[] = "the\0 water of\0 light";
    double bits[sizeof text], *next = bits;
    test_task t;
    hni_metric metric;
    sightings all = {.count = 0};
    (void)state;
    test_task_prepare(&t, 500);
    char *path = test_path_join(t.folder, "words.txt");
    test_file_write(path, text, sizeof text - 1);
    free(path);
    t.data.batch = t.data.length = 1;
    t.data.valid_fraction = t.data.test_fraction = 0.2;
    test_task_open(&t, 4);
    stir(&t);
    const hni_evaluate_options evaluation = {.split = "all", .tracks = 1, .symbol = collect_bits, .user = &next};
    test_task_ok(&t, t.task->evaluate(t.work, &evaluation, &metric));
    const hni_sample_options options = {
        .prime = text, .prime_size = sizeof text - 1, .temperature = 1, .user = &all, .observe = keep};
    test_task_ok(&t, t.task->sample(t.work, &options));
    assert_int_equal(all.count, sizeof text - 1);
    assert_int_equal(metric.count, sizeof text - 2);
    assert_true(isnan(all.rows[0].seen.bits) && isnan(bits[0]));
    for (int i = 1; i < all.count; i++)
        assert_close(all.rows[i].seen.bits, bits[i], 1e-5, 1e-6);
    test_task_close(&t);
}

static void sights_tell_what_there_is(void **state)
{
    static const struct {
        hn_cell_kind kind;
        int layers;
        hni_task_sights sights;
    } cases[] = {
        {HN_CELL_LSTM, 3, {.layers = 3, .gates = 4, .phi = true}},
        {HN_CELL_RNN, 1, {.layers = 1, .gates = 1}},
        {HN_CELL_HYPERRNN,
         2,
         {.layers = 2, .gates = 1, .change_weight = true, .change_scale = true, .embedding = true}},
        {HN_CELL_HYPERRNN_FULL, 1, {.layers = 1, .gates = 1, .change_weight = true, .embedding = true}},
        {HN_CELL_HYPERLSTM,
         1,
         {.layers = 1, .gates = 4, .change_weight = true, .change_scale = true, .embedding = true, .phi = true}}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const hni_task_sights *wanted = &cases[i].sights;
        hni_task_sights found;
        test_task t;
        open_model(&t, cases[i].kind, cases[i].layers);
        t.task->sights(t.work, &found);
        assert_int_equal(found.layers, wanted->layers);
        assert_int_equal(found.gates, wanted->gates);
        assert_int_equal(found.change_weight, wanted->change_weight);
        assert_int_equal(found.change_scale, wanted->change_scale);
        assert_int_equal(found.embedding, wanted->embedding);
        assert_int_equal(found.phi, wanted->phi);
        if (found.phi) {
            assert_string_equal(found.phi_quantity, "φ(LN(c))");
        } else {
            assert_null(found.phi_quantity);
        }
        test_task_close(&t);
    }
}

/* What is observed as phi depends on layer norm and on a reading. */
static void phi_is_named(void **state)
{
    static const struct {
        bool layer_norm, raw;
        const char *name;
    } cases[] = {{true, false, "φ(LN(c))"}, {true, true, "φ(c)"}, {false, false, "φ(c)"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hni_task_sights found;
        test_task t;
        test_task_prepare(&t, 500);
        t.model.cell.layer_norm = cases[i].layer_norm;
        t.model.cell.observed_phi = cases[i].raw ? HN_OBSERVED_PHI_RAW : HN_OBSERVED_PHI_NORMALISED;
        test_task_open(&t, 4);
        t.task->sights(t.work, &found);
        assert_string_equal(found.phi_quantity, cases[i].name);
        test_task_close(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_those_of_the_matrix),
        cmocka_unit_test(plain_cells_show_what_they_have),
        cmocka_unit_test(given_text_is_seen_whole),
        cmocka_unit_test(the_start_of_a_line_is_not_told),
        cmocka_unit_test(bits_are_those_of_evaluation),
        cmocka_unit_test(sights_tell_what_there_is),
        cmocka_unit_test(phi_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
