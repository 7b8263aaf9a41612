/* Readings of the paper that are settings of a cell: each changes what it should and nothing else. A model is looked at twice: by the
 * names, shapes and starts of its parameters, and, with the same numbers under the same names, by what it puts out. */
#include <math.h>

#include "hypernet/hypernet.h"
#include "hypernet/optim.h"
#include "test_language.h"
#include "test_support.h"

enum { ROWS = 3, STEPS = 5, MOST_NUMBERS = 4096, MOST_SHOWN = 512 };

/* What a model is and does. */
typedef struct portrait {
    double starts[MOST_NUMBERS];  /* of all parameters behind each other */
    double logits[2][MOST_SHOWN]; /* in training, in evaluation */
    double phi[MOST_SHOWN], cell[MOST_SHOWN];
    int64_t logit_count, phi_count;
    char names[64][64];
    int64_t first[64], elements[64];
    int count;
} portrait;

static const test_language_options f64 = {HN_BACKEND_GENERIC, HN_DTYPE_F64, 1, NULL};

static void read(test_language *l, hn_tensor tensor, int64_t *out_count, double *out)
{
    double *numbers = test_tensor_numbers(l->graph, tensor, out_count);
    assert_true(*out_count <= MOST_SHOWN);
    memcpy(out, numbers, (size_t)*out_count * sizeof *out);
    test_free(numbers);
}

static void look_at_starts(const hn_language_model *model, portrait *p)
{
    const hn_graph_options options = {HN_BACKEND_GENERIC, HN_DTYPE_F64};
    hn_context *context;
    hn_store *store;
    hn_graph *graph;
    int64_t next = 0;
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    assert_int_equal(hn_store_create(context, &store), HN_OK);
    if (hn_language_model_declare(store, model) != HN_OK) fail_msg("%s", hn_context_error(context)->text);
    assert_int_equal(hn_graph_create(context, &options, &graph), HN_OK);
    assert_int_equal(hn_store_seal(store, graph, 11), HN_OK);
    p->count = (int)hn_store_count(store);
    assert_true(p->count <= 64);
    for (int i = 0; i < p->count; i++) {
        const hn_parameter *parameter = hn_store_parameter(store, i);
        snprintf(p->names[i], sizeof p->names[i], "%s", parameter->name);
        p->first[i] = next;
        p->elements[i] = parameter->elements;
        assert_true(next + parameter->elements <= MOST_NUMBERS);
        assert_int_equal(hn_store_read(store, i, HN_DTYPE_F64, parameter->elements, p->starts + next), HN_OK);
        next += parameter->elements;
    }
    hn_graph_destroy(graph);
    hn_store_destroy(store);
    hn_context_destroy(context);
}

static void look_at_values(const hn_language_model *model, portrait *p)
{
    test_language l;
    int64_t count;
    test_language_open(&l, model, &f64);
    for (int pass = 0; pass < 2; pass++) {
        hn_observation seen;
        hn_graph_reset(l.graph);
        hn_graph_train(l.graph, pass == 0);
        hn_graph_set_step(l.graph, 3, 4);
        const hn_window window = {.symbols = test_language_symbols(&l, ROWS, STEPS, 1)};
        const hn_tensor state = test_language_state(&l, ROWS, 2);
        const hn_language_result result = hn_language_run(l.weights, model, &window, &state, &seen);
        language_ok(&l, hn_graph_status(l.graph));
        read(&l, result.logits, &p->logit_count, p->logits[pass]);
        p->phi_count = 0;
        if (seen.phi.slot == 0) continue;
        read(&l, seen.phi, &p->phi_count, p->phi);
        read(&l, seen.cell, &count, p->cell);
    }
    test_language_close(&l);
}

static portrait *look(const hn_language_model *model)
{
    portrait *p = test_calloc(1, sizeof *p);
    look_at_starts(model, p);
    look_at_values(model, p);
    return p;
}

static int find(const portrait *p, const char *name)
{
    for (int i = 0; i < p->count; i++)
        if (strcmp(p->names[i], name) == 0) return i;
    return -1;
}

/* The list of names is words between spaces. */
static bool lists(const char *list, const char *name)
{
    const char *short_name = name + strlen("layers.0.");
    const size_t length = strlen(short_name);
    if (strncmp(name, "layers.0.", strlen("layers.0.")) != 0) return false;
    for (const char *at = strstr(list, short_name); at != NULL; at = strstr(at + 1, short_name))
        if ((at == list || at[-1] == ' ') && (at[length] == ' ' || at[length] == 0)) return true;
    return false;
}

/* ---- the table ---- */

typedef struct reading {
    const char *json; /* the setting as the model's JSON says it */
    hn_cell_kind kind;
    bool layer_norm;
    void (*change)(hn_cell *cell);
    const char *starts, *added, *gone; /* names below layers.0, between spaces */
    bool trained, evaluated, phi;      /* whether logits in training, in evaluation, and the observed phi change */
} reading;

static void previous(hn_cell *c) { c->hyper_output = HN_HYPER_OUTPUT_PREVIOUS; }
static void uniform(hn_cell *c) { c->input_init = HN_INPUT_INIT_UNIFORM; }
static void one(hn_cell *c) { c->scale_start = HN_SCALE_START_ONE; }
static void no_forget_bias(hn_cell *c) { c->forget_bias = 0; }
static void always(hn_cell *c) { c->hyper_layer_norm = HN_HYPER_LAYER_NORM_ALWAYS; }
static void epsilon(hn_cell *c) { c->layer_norm_epsilon = 0.01; }
static void jitter(hn_cell *c) { c->embedding_init = HN_EMBEDDING_INIT_JITTER; }
static void raw(hn_cell *c) { c->observed_phi = HN_OBSERVED_PHI_RAW; }
static void relu(hn_cell *c) { c->activation = HN_ACTIVATION_RELU; }
static void zoneout_cell(hn_cell *c) { c->zoneout_cell = 0.3; }
static void zoneout_hidden(hn_cell *c) { c->zoneout_hidden = 0.3; }

#define LSTM HN_CELL_LSTM
#define HYPER HN_CELL_HYPERLSTM
#define ROWS_SCALED HN_CELL_HYPERRNN
#define FULL HN_CELL_HYPERRNN_FULL
#define HYPER_NORM "hyper.ln_gates.gain hyper.ln_gates.shift hyper.ln_cell.gain hyper.ln_cell.shift"
#define ALL_JITTER "z_h.weight z_x.weight d_h.weight d_x.weight"

static const reading readings[] = {
    {"\"hyper_output\":\"previous\"", HYPER, true, previous, "", "", "", true, true, true},
    {"\"hyper_output\":\"previous\"", ROWS_SCALED, false, previous, "", "", "", true, true, false},
    {"\"hyper_output\":\"previous\"", FULL, false, previous, "", "", "", true, true, false},
    {"\"input_init\":\"uniform\"", LSTM, false, uniform, "weight_x", "", "", false, false, false},
    {"\"input_init\":\"uniform\"", HYPER, true, uniform, "weight_x", "", "", false, false, false},
    {"\"input_init\":\"uniform\"", FULL, false, uniform, "weight_x", "", "", false, false, false},
    {"\"scale_start\":\"one\"", HYPER, false, one, "d_h.weight d_x.weight", "", "", false, false, false},
    {"\"forget_bias\":0.0", LSTM, true, no_forget_bias, "", "", "", true, true, true},
    {"\"forget_bias\":0.0", HYPER, false, no_forget_bias, "", "", "", true, true, true},
    {"\"hyper_layer_norm\":\"always\"", HYPER, false, always, "", HYPER_NORM, "hyper.bias", true, true, true},
    {"\"hyper_layer_norm\":\"always\"", HYPER, true, always, "", "", "", false, false, false},
    {"\"layer_norm_epsilon\":0.01", LSTM, true, epsilon, "", "", "", true, true, true},
    {"\"layer_norm_epsilon\":0.01", HYPER, true, epsilon, "", "", "", true, true, true},
    {"\"embedding_init\":\"jitter\"", HYPER, true, jitter, ALL_JITTER, "", "", false, false, false},
    {"\"embedding_init\":\"jitter\"", ROWS_SCALED, false, jitter, ALL_JITTER, "", "", false, false, false},
    {"\"embedding_init\":\"jitter\"", FULL, false, jitter, "z_h.weight z_x.weight", "", "", false, false, false},
    {"\"observed_phi\":\"raw\"", LSTM, true, raw, "", "", "", false, false, true},
    {"\"observed_phi\":\"raw\"", LSTM, false, raw, "", "", "", false, false, false},
    {"\"activation\":\"relu\"", HN_CELL_RNN, false, relu, "", "", "", true, true, false},
    {"\"activation\":\"relu\"", FULL, false, relu, "", "", "", true, true, false},
    {"\"zoneout_cell\":0.3", LSTM, true, zoneout_cell, "", "", "", true, true, true},
    {"\"zoneout_hidden\":0.3", HYPER, false, zoneout_hidden, "", "", "", true, true, true},
    {"\"zoneout_hidden\":0.3", HN_CELL_RNN, false, zoneout_hidden, "", "", "", true, true, false},
};

static void compare_parameters(const reading *r, const portrait *plain, const portrait *changed)
{
    for (int i = 0; i < plain->count; i++) {
        const int other = find(changed, plain->names[i]);
        if ((other < 0) != lists(r->gone, plain->names[i])) fail_msg("%s: %s gone or not", r->json, plain->names[i]);
        if (other < 0) continue;
        assert_int_equal(changed->elements[other], plain->elements[i]);
        const bool same = memcmp(plain->starts + plain->first[i], changed->starts + changed->first[other],
                                 (size_t)plain->elements[i] * sizeof(double)) == 0;
        if (same == lists(r->starts, plain->names[i]))
            fail_msg("%s: %s begins %s", r->json, plain->names[i], same ? "as before" : "differently");
    }
    for (int i = 0; i < changed->count; i++)
        if ((find(plain, changed->names[i]) < 0) != lists(r->added, changed->names[i]))
            fail_msg("%s: %s added or not", r->json, changed->names[i]);
}

static void compare_numbers(const reading *r, const char *what, const double *a, const double *b, int64_t count,
                            bool differ)
{
    if ((memcmp(a, b, (size_t)count * sizeof *a) != 0) != differ)
        fail_msg("%s, kind %d: %s %s", r->json, (int)r->kind, what, differ ? "stays" : "changes");
}

static void test_each_changes_what_it_should(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof readings / sizeof readings[0]; i++) {
        const reading *r = &readings[i];
        hn_language_model model = test_language_model(r->kind, r->layer_norm);
        portrait *plain = look(&model);
        r->change(&model.cell);
        portrait *changed = look(&model);
        compare_parameters(r, plain, changed);
        assert_int_equal(plain->logit_count, changed->logit_count);
        compare_numbers(r, "what it learns from", plain->logits[0], changed->logits[0], plain->logit_count, r->trained);
        compare_numbers(r, "what it says", plain->logits[1], changed->logits[1], plain->logit_count, r->evaluated);
        compare_numbers(r, "phi", plain->phi, changed->phi, plain->phi_count, r->phi);
        test_free(plain);
        test_free(changed);
    }
}

/* ---- settings as JSON ---- */

static void test_each_is_kept_with_the_model(void **state)
{
    hn_context *context;
    (void)state;
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    for (size_t i = 0; i < sizeof readings / sizeof readings[0]; i++) {
        hn_language_model model = test_language_model(readings[i].kind, readings[i].layer_norm), back;
        char text[2048], again[2048];
        assert_int_equal(hn_language_model_to_json(context, &model, text, sizeof text), HN_OK);
        assert_null(strstr(text, readings[i].json));
        readings[i].change(&model.cell);
        assert_int_equal(hn_language_model_to_json(context, &model, text, sizeof text), HN_OK);
        if (strstr(text, readings[i].json) == NULL) fail_msg("%s is not in %s", readings[i].json, text);
        assert_int_equal(hn_language_model_from_json(context, text, &back), HN_OK);
        assert_int_equal(hn_language_model_to_json(context, &back, again, sizeof again), HN_OK);
        assert_string_equal(again, text);
    }
    hn_context_destroy(context);
}

/* A model that was written before there were these settings reads as it did then. */
static void test_settings_of_an_older_file(void **state)
{
    static const char old[] =
        "{\"vocabulary_size\":60,\"cell\":\"hyperlstm\",\"layer_norm\":true,\"layers\":1,\"units\":8,\"hyper_units\":4,"
        "\"embedding_size\":2,\"forget_bias\":1.0,\"keep_input\":1.0,\"keep_between\":1.0,\"keep_output\":1.0,"
        "\"keep_recurrent\":1.0,\"keep_hyper_recurrent\":1.0,\"hyper_output\":\"new\",\"input_init\":\"orthogonal\","
        "\"scale_start\":\"paper\"}";
    hn_context *context;
    hn_language_model model;
    (void)state;
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    assert_int_equal(hn_language_model_from_json(context, old, &model), HN_OK);
    assert_int_equal(hn_language_model_check(context, &model), HN_OK);
    assert_int_equal(model.cell.activation, HN_ACTIVATION_TANH);
    assert_true(model.cell.zoneout_cell == 0 && model.cell.zoneout_hidden == 0);
    assert_int_equal(model.cell.hyper_layer_norm, HN_HYPER_LAYER_NORM_FOLLOW);
    assert_true(model.cell.layer_norm_epsilon == 1e-3);
    assert_int_equal(model.cell.embedding_init, HN_EMBEDDING_INIT_PAPER);
    assert_int_equal(model.cell.observed_phi, HN_OBSERVED_PHI_NORMALISED);
    hn_context_destroy(context);
}

/* ---- sizes of what changes ---- */

static void mean_and_deviation(const double *values, int64_t count, double *out_mean, double *out_deviation)
{
    double mean = 0, squares = 0;
    for (int64_t i = 0; i < count; i++)
        mean += values[i] / (double)count;
    for (int64_t i = 0; i < count; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    *out_mean = mean;
    *out_deviation = sqrt(squares / (double)count);
}

/* The starts that the paper's specification states, and those of jitter: bounds are five standard errors. */
static void test_starts_of_embeddings(void **state)
{
    static const struct {
        hn_cell_kind kind;
        hn_scale_start scale;
        double d;
    } cases[] = {
        {HYPER, HN_SCALE_START_PAPER, 0.1}, {HYPER, HN_SCALE_START_ONE, 1}, {ROWS_SCALED, HN_SCALE_START_PAPER, 1}};
    (void)state;
    for (int i = 0; i < 6; i++) {
        hn_language_model model = test_language_model(cases[i / 2].kind, false);
        const bool noisy = i % 2 == 1;
        model.cell.scale_start = cases[i / 2].scale;
        if (noisy) jitter(&model.cell);
        portrait *p = test_calloc(1, sizeof *p);
        look_at_starts(&model, p);
        const int z = find(p, "layers.0.z_h.weight"), d = find(p, "layers.0.d_x.weight");
        const double start = cases[i / 2].d / (double)model.cell.embedding_size;
        double mean, deviation;
        mean_and_deviation(p->starts + p->first[z], p->elements[z], &mean, &deviation);
        const double z_error = noisy ? 5 * 0.01 / sqrt((double)p->elements[z]) : 0;
        assert_close(mean, 0, 0, z_error);
        assert_close(deviation, noisy ? 0.01 : 0, 0, z_error);
        mean_and_deviation(p->starts + p->first[d], p->elements[d], &mean, &deviation);
        const double d_error = noisy ? 5 * 0.1 * start / sqrt((double)p->elements[d]) : 1e-15;
        assert_close(mean, start, 0, d_error);
        assert_close(deviation, noisy ? 0.1 * start : 0, 0, d_error);
        test_free(p);
    }
}

/* The full HyperRNN begins as strong as a plain RNN: E matrices, each orthogonal over sqrt(E). */
static void test_starts_of_made_matrices(void **state)
{
    hn_language_model model = test_language_model(FULL, false);
    portrait *p = test_calloc(1, sizeof *p);
    (void)state;
    look_at_starts(&model, p);
    const int w = find(p, "layers.0.weight_h");
    const int64_t n = model.cell.units, e = model.cell.embedding_size;
    assert_int_equal(p->elements[w], e * n * n);
    for (int64_t k = 0; k < e; k++) {
        const double *slice = p->starts + p->first[w] + k * n * n;
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < n; j++) {
                double product = 0;
                for (int64_t m = 0; m < n; m++)
                    product += slice[i * n + m] * slice[j * n + m];
                assert_close(product, i == j ? 1 / (double)e : 0, 0, 1e-12);
            }
    }
    test_free(p);
}

/* Raw: tanh of the very c that is observed beside it; normalised: not. */
static void test_raw_phi_is_tanh_of_c(void **state)
{
    (void)state;
    for (int is_raw = 0; is_raw < 2; is_raw++) {
        hn_language_model model = test_language_model(HYPER, true);
        if (is_raw) raw(&model.cell);
        portrait *p = look(&model);
        double largest = 0;
        for (int64_t i = 0; i < p->phi_count; i++)
            largest = fmax(largest, fabs(p->phi[i] - tanh(p->cell[i])));
        assert_true(is_raw ? largest < 1e-15 : largest > 1e-2);
        test_free(p);
    }
}

/* ---- zoneout ---- */

/* One step of many rows: about the given share of c, and of h, is exactly what it was; each by masks of its own. */
static void test_zoneout_keeps_a_share(void **state)
{
    enum { MANY = 200 };
    hn_language_model model = test_language_model(LSTM, false);
    const int64_t n = model.cell.units, size = 2 * n;
    static double before[MANY * 20], after[MANY * 20];
    double kept[2] = {0, 0}, both = 0;
    test_language l;
    (void)state;
    model.cell.zoneout_hidden = 0.2;
    model.cell.zoneout_cell = 0.35;
    test_language_open(&l, &model, &f64);
    hn_graph_set_step(l.graph, 5, 1);
    for (int64_t i = 0; i < MANY * size; i++)
        before[i] = sin((double)i);
    const hn_tensor state_tensor = hn_tensor_from(l.graph, HN_DTYPE_F64, HN_SHAPE2(MANY, size), before, false);
    const hn_window window = {.symbols = test_language_symbols(&l, MANY, 1, 1)};
    const hn_language_result result = hn_language_run(l.weights, &model, &window, &state_tensor, NULL);
    language_ok(&l, hn_tensor_read(l.graph, result.state[0], HN_DTYPE_F64, MANY * size, after));
    for (int64_t row = 0; row < MANY; row++)
        for (int64_t i = 0; i < n; i++) {
            const int64_t h = row * size + i, c = h + n;
            const bool h_kept = !(before[h] < after[h]) && !(before[h] > after[h]);
            const bool c_kept = !(before[c] < after[c]) && !(before[c] > after[c]);
            kept[0] += h_kept;
            kept[1] += c_kept;
            both += h_kept && c_kept;
        }
    const double units = (double)(MANY * n), error = 5 * 0.5 / sqrt(units);
    assert_close(kept[0] / units, 0.2, 0, error);
    assert_close(kept[1] / units, 0.35, 0, error);
    assert_close(both / units, 0.2 * 0.35, 0, error);
    test_language_close(&l);
}

/* ---- the paper's start is symmetric ---- */

/* Largest difference between two elements of one z of one gate over all rows and steps: z [B,T,G,E]. */
static double spread(test_language *l, hn_tensor z)
{
    const int64_t e = l->model.cell.embedding_size;
    double largest = 0;
    int64_t count;
    double *values = test_tensor_numbers(l->graph, z, &count);
    for (int64_t i = 0; i < count; i += e)
        for (int64_t k = 1; k < e; k++)
            largest = fmax(largest, fabs(values[i + k] - values[i]));
    test_free(values);
    return largest;
}

/* 100 steps of Adam from the model's own start. -> the largest spread of z_h and z_x on the way, and how far z_h moved from 1. */
static double train(const hn_language_model *model, double *out_moved)
{
    const hn_graph_options options = {HN_BACKEND_GENERIC, HN_DTYPE_F64};
    test_language l = {.model = *model};
    hn_optimizer *optimizer;
    double largest = 0, first = 0;
    assert_int_equal(hn_context_create(NULL, &l.context), HN_OK);
    language_ok(&l, hn_store_create(l.context, &l.store));
    language_ok(&l, hn_language_model_declare(l.store, model));
    language_ok(&l, hn_graph_create(l.context, &options, &l.graph));
    language_ok(&l, hn_store_seal(l.store, l.graph, 1));
    language_ok(&l, hn_weights_create(l.graph, l.store, &l.weights));
    language_ok(&l, hn_optimizer_create(l.store, NULL, &optimizer));
    for (uint32_t step = 0; step < 100; step++) {
        hn_observation seen;
        hn_graph_reset(l.graph);
        hn_graph_set_step(l.graph, 1, step);
        language_ok(&l, hn_store_zero_gradients(l.store));
        const hn_window window = {.symbols = test_language_symbols(&l, ROWS, STEPS, step),
                                  .targets = test_language_symbols(&l, ROWS, STEPS, step + 1000)};
        const hn_tensor state = test_language_state(&l, ROWS, 2);
        const hn_language_result result = hn_language_run(l.weights, model, &window, &state, &seen);
        language_ok(&l, hn_backward(l.graph, result.loss));
        largest = fmax(largest, fmax(spread(&l, seen.z_h), spread(&l, seen.z_x)));
        language_ok(&l, hn_optimizer_step(optimizer, 0.01, NULL));
        int64_t count;
        double *z = test_tensor_numbers(l.graph, seen.z_h, &count);
        first = z[0];
        test_free(z);
    }
    *out_moved = fabs(first - 1);
    hn_optimizer_destroy(optimizer);
    test_language_close(&l);
    return largest;
}

static void test_the_papers_start_stays_symmetric(void **state)
{
    hn_language_model model = test_language_model(HYPER, true);
    double moved;
    (void)state;
    const double paper = train(&model, &moved);
    if (!(paper < 1e-12)) fail_msg("all elements of z should stay alike, they are up to %g apart", paper);
    assert_true(moved > 0.05); /* though they move */
    jitter(&model.cell);
    const double noisy = train(&model, &moved);
    if (!(noisy > 1e-2)) fail_msg("noise should tell the elements of z apart, they stay within %g", noisy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_changes_what_it_should), cmocka_unit_test(test_each_is_kept_with_the_model),
        cmocka_unit_test(test_settings_of_an_older_file),   cmocka_unit_test(test_starts_of_embeddings),
        cmocka_unit_test(test_starts_of_made_matrices),     cmocka_unit_test(test_raw_phi_is_tanh_of_c),
        cmocka_unit_test(test_zoneout_keeps_a_share),       cmocka_unit_test(test_the_papers_start_stays_symmetric),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
