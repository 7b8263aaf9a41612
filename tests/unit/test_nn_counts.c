/* Numbers of parameters, summed over the store of a model that was built dry: each recurrent row of the paper's tables, to the digit
 * (one-hot input, plain stacking, separate embeddings for each gate, the output layer counted), and the HyperRNN's counts. */
#include "hypernet/hypernet.h"
#include "test_support.h"

enum { PENN_TREEBANK = 50, ENWIK8 = 205, PEN = 3, MIXTURE = 121 };

typedef struct row {
    const char *name;
    int64_t vocabulary, units, hyper_units, embedding;
    int layers;
    hn_cell_kind kind;
    bool layer_norm;
    int64_t total;
} row;

static const row rows[] = {
    {"PTB LSTM 1000", PENN_TREEBANK, 1000, 1, 1, 1, HN_CELL_LSTM, false, 4254050},
    {"PTB LSTM 1250", PENN_TREEBANK, 1250, 1, 1, 1, HN_CELL_LSTM, false, 6567550},
    {"PTB LSTM 2 x 1000", PENN_TREEBANK, 1000, 1, 1, 2, HN_CELL_LSTM, false, 12258050},
    {"PTB LN LSTM 1000", PENN_TREEBANK, 1000, 1, 1, 1, HN_CELL_LSTM, true, 4260050},
    {"PTB HyperLSTM 1000", PENN_TREEBANK, 1000, 128, 4, 1, HN_CELL_HYPERLSTM, false, 4911874},
    {"PTB LN HyperLSTM 1000", PENN_TREEBANK, 1000, 128, 4, 1, HN_CELL_HYPERLSTM, true, 4922642},
    {"PTB LN HyperLSTM 1000, large embedding", PENN_TREEBANK, 1000, 128, 16, 1, HN_CELL_HYPERLSTM, true, 5085170},
    {"PTB LN HyperLSTM 2 x 1000", PENN_TREEBANK, 1000, 128, 16, 2, HN_CELL_HYPERLSTM, true, 14406690},
    {"enwik8 LSTM 1800", ENWIK8, 1800, 1, 1, 1, HN_CELL_LSTM, false, 14812405},
    {"enwik8 LSTM 2000", ENWIK8, 2000, 1, 1, 1, HN_CELL_LSTM, false, 18058205},
    {"enwik8 LN LSTM 1800", ENWIK8, 1800, 1, 1, 1, HN_CELL_LSTM, true, 14823205},
    {"enwik8 HyperLSTM 1800", ENWIK8, 1800, 256, 64, 1, HN_CELL_HYPERLSTM, false, 18708213},
    {"enwik8 LN HyperLSTM 1800", ENWIK8, 1800, 256, 64, 1, HN_CELL_HYPERLSTM, true, 18727749},
    {"enwik8 LN HyperLSTM 2048", ENWIK8, 2048, 512, 64, 1, HN_CELL_HYPERLSTM, true, 26539725},
};

static const row handwriting[] = {
    {"IAM LSTM 900", PEN, 900, 1, 1, 1, HN_CELL_LSTM, false, 3363421},
    {"IAM LSTM 1000", PEN, 1000, 1, 1, 1, HN_CELL_LSTM, false, 4137121},
    {"IAM LSTM 3 x 400", PEN, 400, 1, 1, 3, HN_CELL_LSTM, false, 3258121},
    {"IAM LSTM 2 x 650", PEN, 650, 1, 1, 2, HN_CELL_LSTM, false, 5161771},
    {"IAM LN LSTM 900", PEN, 900, 1, 1, 1, HN_CELL_LSTM, true, 3368821},
    {"IAM LN LSTM 1000", PEN, 1000, 1, 1, 1, HN_CELL_LSTM, true, 4143121},
    {"IAM HyperLSTM 900", PEN, 900, 128, 4, 1, HN_CELL_HYPERLSTM, false, 3941181},
    {"IAM LN HyperLSTM 900", PEN, 900, 128, 4, 1, HN_CELL_HYPERLSTM, true, 3950949},
};

/* The paper prints no count for these; without the softmax layer. */
static const row basic[] = {
    {"RNN 1000", PENN_TREEBANK, 1000, 1, 1, 1, HN_CELL_RNN, false, 1051000},
    {"HyperRNN 1000, rows scaled", PENN_TREEBANK, 1000, 128, 4, 1, HN_CELL_HYPERRNN, false, 1215456},
    {"HyperRNN 1000, full", PENN_TREEBANK, 1000, 128, 4, 1, HN_CELL_HYPERRNN_FULL, false, 4357456},
};

static hn_cell cell_of(const row *r)
{
    hn_cell cell;
    hn_cell_default(r->kind, &cell);
    cell.layer_norm = r->layer_norm;
    cell.units = r->units;
    cell.hyper_units = r->hyper_units;
    cell.embedding_size = r->embedding;
    return cell;
}

static void ok(const hn_context *context, hn_status status)
{
    if (status != HN_OK) fail_msg("%s", hn_context_error(context)->text);
}

/* Elements of every tensor whose name does not begin with `without` (NULL: of all). */
static int64_t sum(const hn_store *store, const char *without)
{
    int64_t total = 0;
    for (int64_t i = 0; i < hn_store_count(store); i++) {
        const hn_parameter *parameter = hn_store_parameter(store, i);
        if (without != NULL && strncmp(parameter->name, without, strlen(without)) == 0) continue;
        total += hn_shape_elements(parameter->shape);
    }
    return total;
}

static int64_t count_language_model(const row *r, const char *without)
{
    hn_context *context;
    hn_store *store;
    hn_language_model model;
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    hn_language_model_default(&model);
    model.vocabulary_size = r->vocabulary;
    model.layers = r->layers;
    model.cell = cell_of(r);
    ok(context, hn_store_create(context, &store));
    ok(context, hn_language_model_declare(store, &model));
    const int64_t total = sum(store, without);
    if (without == NULL) assert_int_equal(total, hn_store_elements(store));
    hn_store_destroy(store);
    hn_context_destroy(context);
    return total;
}

/* Layers on pen offsets [1,1,3], and a linear layer of 121 numbers: 20 bivariate Gaussians and an end-of-stroke bit. */
static int64_t count_handwriting(const row *r)
{
    const hn_graph_options dry = {HN_BACKEND_DRY, HN_DTYPE_F32};
    hn_context *context;
    hn_store *store;
    hn_graph *graph;
    hn_weights *weights;
    hn_cell cell = cell_of(r);
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    ok(context, hn_store_create(context, &store));
    ok(context, hn_graph_create(context, &dry, &graph));
    ok(context, hn_weights_create(graph, store, &weights));
    hn_tensor x = hn_tensor_from(graph, HN_DTYPE_F32, HN_SHAPE3(1, 1, PEN), NULL, false);
    for (int k = 0; k < r->layers; k++) {
        char name[32];
        snprintf(name, sizeof name, "layers.%d", k);
        cell.input_size = k == 0 ? PEN : r->units;
        const hn_shape state = HN_SHAPE2(1, hn_cell_state_size(&cell));
        const hn_tensor start = hn_tensor_from(graph, HN_DTYPE_F32, state, NULL, false);
        x = hn_sequence(weights, name, &cell, x, start, NULL).outputs;
    }
    const hn_tensor top = hn_reshape(graph, x, HN_SHAPE2(1, r->units));
    (void)hn_linear(weights, "mixture", top, MIXTURE, hn_init_orthogonal(1, 1));
    ok(context, hn_graph_status(graph));
    const int64_t total = sum(store, NULL);
    hn_weights_destroy(weights);
    hn_graph_destroy(graph);
    hn_store_destroy(store);
    hn_context_destroy(context);
    return total;
}

static void expect(const row *r, int64_t count)
{
    if (count != r->total) fail_msg("%s: %lld numbers, not %lld", r->name, (long long)count, (long long)r->total);
}

static void test_language_models(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect(&rows[i], count_language_model(&rows[i], NULL));
}

static void test_handwriting(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof handwriting / sizeof handwriting[0]; i++)
        expect(&handwriting[i], count_handwriting(&handwriting[i]));
}

static void test_basic_cells_without_softmax(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof basic / sizeof basic[0]; i++)
        expect(&basic[i], count_language_model(&basic[i], "softmax."));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_language_models),
        cmocka_unit_test(test_handwriting),
        cmocka_unit_test(test_basic_cells_without_softmax),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
