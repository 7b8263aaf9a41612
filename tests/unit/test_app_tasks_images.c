/* The task "images": the loss of an update and the error of an evaluation, each against a computation by hand on images normalised by
 * hand; and what an evaluation leaves as it was. */
#include <math.h>

#include "app/data/image_batch.h"
#include "app/tasks/registry.h"
#include "hypernet/image.h"
#include "image_sets.h"

/* Sizes that no batch divides: 17 images to train on, 7 to validate, 11 to test. */
enum { TRAIN = 24, VALID = 7, TEST = 11, ALL = TRAIN + TEST, LEARNT = TRAIN - VALID };
enum { SIDE = 8, AREA = SIDE * SIDE, CLASSES = 4, BATCH = 5, SEED = 9 };
static uint8_t pixels[ALL * AREA], labels[ALL];

typedef struct images_task {
    fixture files; /* change its settings and the model between prepare and open_task */
    hn_image_model model;
    const hni_task *task;
    hni_task_work *work;
    hn_store *store;
    hn_graph *graph;
    hn_weights *weights;
} images_task;

static void ok(const images_task *t, hn_status status)
{
    if (status != HN_OK) fail_msg("%s: %s", hn_status_name(status), hn_context_error(t->files.context)->text);
}

/* ---- a small set, and the task on it ---- */

/* Numbers that look like chance, the same everywhere. */
static uint32_t draw(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

static void put_files(const fixture *f)
{
    uint32_t state = 1;
    for (int i = 0; i < ALL * AREA; i++)
        pixels[i] = (uint8_t)draw(&state);
    for (int i = 0; i < ALL; i++)
        labels[i] = (uint8_t)(i < CLASSES ? (uint32_t)i : draw(&state) % CLASSES);
    const int64_t train[] = {TRAIN, SIDE, SIDE}, test[] = {TEST, SIDE, SIDE};
    test_put_bytes(f->data, "train-images-idx3-ubyte", test_idx(3, train, pixels));
    test_put_bytes(f->data, "train-labels-idx1-ubyte", test_idx(1, train, labels));
    test_put_bytes(f->data, "t10k-images-idx3-ubyte", test_idx(3, test, pixels + TRAIN * AREA));
    test_put_bytes(f->data, "t10k-labels-idx1-ubyte", test_idx(1, test, labels + TRAIN));
}

static void prepare(images_task *t)
{
    memset(t, 0, sizeof *t);
    set_up(&t->files);
    put_files(&t->files);
    t->files.settings.batch = BATCH;
    t->files.settings.valid_images = VALID;
    t->files.settings.valid_drawn = HNI_IMAGES_DRAWN_LAST;
    t->task = hni_task_find("images");
    assert_non_null(t->task);
    hn_image_model_default(&t->model);
    t->model.channels = 1;
    t->model.height = t->model.width = SIDE;
    t->model.classes = CLASSES;
    t->model.filters = 4;
    t->model.kernel_size = 3;
    t->model.units = 9;
    t->model.depth = 10;
    t->model.embedding_size = 3;
    t->model.basic_size = 2;
}

/* Every parameter gets numbers in [-1/2, 1/2): at the start the generator's biases are zero, and what it makes is very small. */
static void fill_store(const images_task *t)
{
    uint32_t state = 2;
    for (int64_t i = 0; i < hn_store_count(t->store); i++) {
        const int64_t elements = hn_store_parameter(t->store, i)->elements;
        float *numbers = malloc((size_t)elements * sizeof *numbers);
        assert_non_null(numbers);
        for (int64_t k = 0; k < elements; k++)
            numbers[k] = (float)draw(&state) / 65536.0f - 0.5f;
        ok(t, hn_store_write(t->store, i, HN_DTYPE_F32, elements, numbers));
        free(numbers);
    }
}

static void open_task(images_task *t)
{
    const hni_data_places places = {0};
    const hni_task_open open = {
        .context = t->files.context, .data = &t->files.settings, .model = &t->model, .places = &places};
    hn_graph_options options;
    hn_graph_options_default(&options);
    options.backend = HN_BACKEND_GENERIC;
    ok(t, t->task->open(&open, &t->work));
    ok(t, hn_store_create(t->files.context, &t->store));
    ok(t, t->task->declare(t->work, t->store));
    ok(t, hn_graph_create(t->files.context, &options, &t->graph));
    ok(t, hn_store_seal(t->store, t->graph, 4));
    ok(t, hn_weights_create(t->graph, t->store, &t->weights));
    ok(t, t->task->bind(t->work, t->weights));
    fill_store(t);
}

static void close_task(images_task *t)
{
    t->task->close(t->work);
    hn_weights_destroy(t->weights);
    hn_store_destroy(t->store);
    hn_graph_destroy(t->graph);
    tear_down(&t->files);
}

static double loss_of(const images_task *t, int64_t step)
{
    hn_tensor loss;
    double value;
    hn_graph_reset(t->graph);
    hn_graph_set_step(t->graph, SEED, (uint32_t)step);
    ok(t, t->task->loss(t->work, step, &loss));
    ok(t, hn_tensor_read(t->graph, loss, HN_DTYPE_F64, 1, &value));
    return value;
}

/* ---- by hand ---- */

/* Normalised by mean and deviation of what is learnt from. */
static void normalise(const int64_t *rows, int64_t count, float *out)
{
    double mean = 0, variance = 0;
    for (int i = 0; i < LEARNT * AREA; i++)
        mean += pixels[i] / 255.0 / (LEARNT * AREA);
    for (int i = 0; i < LEARNT * AREA; i++)
        variance += (pixels[i] / 255.0 - mean) * (pixels[i] / 255.0 - mean) / (LEARNT * AREA);
    for (int64_t i = 0; i < count * AREA; i++)
        out[i] = (float)((pixels[rows[i / AREA] * AREA + i % AREA] / 255.0 - mean) / sqrt(variance));
}

/* Outputs [count,CLASSES] of the network for these images, as the graph trains or not. */
static void run_network(const images_task *t, const int64_t *rows, int64_t count, float *out_logits)
{
    float data[ALL * AREA];
    normalise(rows, count, data);
    hn_graph_reset(t->graph);
    const hn_image_batch batch = {
        .images = hn_tensor_from(t->graph, HN_DTYPE_F32, HN_SHAPE4(count, 1, SIDE, SIDE), data, false)};
    const hn_image_result result = hn_image_run(t->weights, &t->model, &batch);
    ok(t, hn_graph_status(t->graph));
    ok(t, hn_tensor_read(t->graph, result.logits, HN_DTYPE_F32, count * CLASSES, out_logits));
}

/* Nats of a target that is spread over all classes by a share. */
static double nats(const float *logits, int64_t label, double smoothing)
{
    double sum = 0, loss = 0;
    for (int64_t k = 0; k < CLASSES; k++)
        sum += exp((double)logits[k] - (double)logits[label]);
    for (int64_t k = 0; k < CLASSES; k++) {
        const double target = (k == label ? 1 - smoothing : 0) + smoothing / CLASSES;
        loss += target * (log(sum) + (double)logits[label] - (double)logits[k]);
    }
    return loss;
}

static double mean_nats(const float *logits, const int64_t *rows, int64_t count, double smoothing)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += nats(logits + i * CLASSES, labels[rows[i]], smoothing);
    return sum / (double)count;
}

/* Squares of everything that is penalised, and of the part of it that is generated. */
typedef struct squares {
    double all, generated;
} squares;

static bool is_penalised(const char *name)
{
    const char *last = strrchr(name, '.');
    return last != NULL &&
           (strcmp(last, ".kernel") == 0 || strcmp(name, "linear.weight") == 0 || strcmp(name, "hidden.weight") == 0);
}

static void add_squares(void *user, const hni_task_weight *weight)
{
    squares *sums = user;
    double sum = 0;
    for (int64_t i = 0; i < hn_shape_elements(weight->shape); i++)
        sum += (double)weight->values[i] * (double)weight->values[i];
    if (!is_penalised(weight->name)) return;
    sums->all += sum;
    if (weight->generated) sums->generated += sum;
}

/* ---- the loss ---- */

typedef struct network {
    hn_image_network network;
    hn_image_weights weights;
} network;

static const network networks[] = {
    {HN_IMAGE_NETWORK_CONV, HN_IMAGE_WEIGHTS_STORED},       {HN_IMAGE_NETWORK_CONV, HN_IMAGE_WEIGHTS_HYPER},
    {HN_IMAGE_NETWORK_CONV, HN_IMAGE_WEIGHTS_HYPER_LINEAR}, {HN_IMAGE_NETWORK_MLP, HN_IMAGE_WEIGHTS_STORED},
    {HN_IMAGE_NETWORK_MLP, HN_IMAGE_WEIGHTS_COORDINATES},   {HN_IMAGE_NETWORK_WIDE_RESNET, HN_IMAGE_WEIGHTS_STORED},
    {HN_IMAGE_NETWORK_WIDE_RESNET, HN_IMAGE_WEIGHTS_HYPER},
};

static void open_network(images_task *t, const network *which, double kernel_decay)
{
    prepare(t);
    t->model.network = which->network;
    t->model.weights = which->weights;
    t->model.kernel_decay = kernel_decay;
    t->model.label_smoothing = 0.1;
    open_task(t);
}

/* Steps of three epochs of three batches each, in which batches have other images in another order. */
static void assert_losses(const images_task *t, double penalty)
{
    hni_images *images = open_images(&t->files);
    assert_int_equal(hni_image_batches(images, BATCH), LEARNT / BATCH);
    for (int64_t step = 0; step < 8; step += 3 + step % 2) {
        const hni_image_batch batch = {.batch = BATCH, .seed = SEED, .step = step, .count = BATCH};
        int64_t rows[BATCH];
        float logits[BATCH * CLASSES];
        hni_image_batch_rows(images, &batch, rows);
        run_network(t, rows, BATCH, logits);
        const double wanted = mean_nats(logits, rows, BATCH, t->model.label_smoothing) + penalty;
        assert_true(penalty == 0 || penalty > 0.1 * wanted); /* else it could be left out unseen */
        assert_close(loss_of(t, step), wanted, 1e-5, 0);
    }
    hni_images_close(images);
}

static void loss_is_cross_entropy_and_half_the_squares_of_kernels(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++) {
        for (int decays = 0; decays < 2; decays++) {
            const double kernel_decay = decays * 0.25;
            images_task t;
            squares sums = {0, 0};
            open_network(&t, &networks[i], kernel_decay);
            ok(&t, t.task->weights(t.work, add_squares, &sums));
            assert_int_equal(sums.generated > 0.1 * sums.all, networks[i].weights != HN_IMAGE_WEIGHTS_STORED);
            assert_losses(&t, kernel_decay * sums.all / 2);
            close_task(&t);
        }
    }
}

/* ---- a kernel out of the store's numbers ---- */

static float *read_parameter(const images_task *t, const char *name, int64_t elements)
{
    const int64_t index = hn_store_find(t->store, name);
    float *numbers = malloc((size_t)elements * sizeof *numbers);
    assert_non_null(numbers);
    assert_true(index >= 0);
    ok(t, hn_store_read(t->store, index, HN_DTYPE_F32, elements, numbers));
    return numbers;
}

/* row i of [.,count] times x, and a bias */
static double linear(const float *matrix, const float *bias, int64_t i, const double *x, int64_t count)
{
    double sum = (double)bias[i];
    for (int64_t k = 0; k < count; k++)
        sum += (double)matrix[i * count + k] * x[k];
    return sum;
}

/* Equation 2 for every embedding z and every input channel c: a = W_c z + b_c, a row of the basic kernel is W a + b. */
static double squares_of_made_kernels(const images_task *t)
{
    enum { E = 3, D = 5, C = 2, TILES = 4, COLUMNS = C * 9 };
    float *z = read_parameter(t, "generator.embeddings", TILES * E);
    float *weight_in = read_parameter(t, "generator.weight_in", C * D * E);
    float *bias_in = read_parameter(t, "generator.bias_in", C * D);
    float *weight_out = read_parameter(t, "generator.weight_out", COLUMNS * D);
    float *bias_out = read_parameter(t, "generator.bias_out", COLUMNS);
    double sum = 0;
    for (int tile = 0; tile < TILES; tile++) {
        const double embedding[E] = {(double)z[tile * E], (double)z[tile * E + 1], (double)z[tile * E + 2]};
        for (int c = 0; c < C; c++) {
            double a[D];
            for (int d = 0; d < D; d++)
                a[d] = linear(weight_in, bias_in, c * D + d, embedding, E);
            for (int k = 0; k < COLUMNS; k++)
                sum += pow(linear(weight_out, bias_out, k, a, D), 2);
        }
    }
    free(z);
    free(weight_in);
    free(bias_in);
    free(weight_out);
    free(bias_out);
    return sum;
}

static void generated_kernels_are_penalised_as_they_are_made(void **state)
{
    images_task t;
    squares sums = {0, 0};
    (void)state;
    prepare(&t);
    t.model.weights = HN_IMAGE_WEIGHTS_HYPER;
    t.model.generator_units = 5;
    t.model.kernel_decay = 0.25;
    open_task(&t);
    ok(&t, t.task->weights(t.work, add_squares, &sums));
    assert_close(sums.generated, squares_of_made_kernels(&t), 1e-5, 0);
    assert_losses(&t, 0.25 * (sums.all - sums.generated + squares_of_made_kernels(&t)) / 2);
    close_task(&t);
}

/* ---- evaluation ---- */

typedef struct told {
    int64_t places[ALL], count, wrong;
    float probabilities[ALL * CLASSES];
} told;

static void take_item(void *user, const hni_task_item *item)
{
    told *all = user;
    int64_t best = 0;
    assert_true(all->count < ALL);
    assert_int_equal(item->count, ALL);
    assert_int_equal(item->classes, CLASSES);
    assert_int_equal(item->label, labels[item->place]);
    assert_memory_equal(item->pixels, pixels + item->place * AREA, AREA);
    for (int64_t k = 0; k < CLASSES; k++)
        if (item->probabilities[k] > item->probabilities[best]) best = k;
    assert_int_equal(item->said, best);
    memcpy(all->probabilities + all->count * CLASSES, item->probabilities, CLASSES * sizeof(float));
    all->places[all->count++] = item->place;
    all->wrong += best != labels[item->place];
}

/* What was told, against outputs of the network for the same images. */
static void assert_outputs(const images_task *t, const told *all, const hni_metric *metric)
{
    float logits[ALL * CLASSES];
    int64_t wrong = 0;
    hn_graph_train(t->graph, false);
    run_network(t, all->places, all->count, logits);
    hn_graph_train(t->graph, true);
    for (int64_t i = 0; i < all->count; i++) {
        const float *row = logits + i * CLASSES;
        int64_t best = 0;
        for (int64_t k = 0; k < CLASSES; k++) {
            if (row[k] > row[best]) best = k;
            assert_close((double)all->probabilities[i * CLASSES + k], exp(-nats(row, k, 0)), 1e-5, 1e-7);
        }
        wrong += best != labels[all->places[i]];
    }
    assert_int_equal(wrong, all->wrong);
    assert_int_equal(metric->figure_count, 1);
    assert_string_equal(metric->figures[0].name, "valid_loss");
    assert_close(metric->figures[0].value, mean_nats(logits, all->places, all->count, 0), 1e-5, 0);
}

static void error_is_a_count_by_hand(void **state)
{
    static const struct {
        const char *split;
        int64_t first, count;
    } parts[] = {{"train", 0, LEARNT}, {"valid", LEARNT, VALID}, {"test", TRAIN, TEST}, {"all", 0, ALL}};
    (void)state;
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++) {
        images_task t;
        open_network(&t, &networks[i], 0); /* smoothed labels must not act here */
        for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
            told all = {.count = 0};
            const hni_evaluate_options options = {.split = parts[p].split, .item = take_item, .user = &all};
            hni_metric metric;
            ok(&t, t.task->evaluate(t.work, &options, &metric));
            assert_int_equal(metric.count, parts[p].count);
            assert_int_equal(all.count, parts[p].count);
            for (int64_t k = 0; k < all.count; k++)
                assert_int_equal(all.places[k], parts[p].first + k);
            assert_true(metric.value == 100.0 * (double)all.wrong / (double)all.count);
            assert_outputs(&t, &all, &metric);
            assert_true(all.count < ALL || (all.wrong > 0 && all.wrong < ALL));
        }
        close_task(&t);
    }
}

/* ---- what is left as it was ---- */

static void ignore_item(void *user, const hni_task_item *item)
{
    (void)item;
    ++*(int64_t *)user;
}

static bool stop(void *user, int64_t done, int64_t total)
{
    (void)user;
    assert_true(done == BATCH && total == VALID);
    return false;
}

static void assert_mode(const images_task *t, bool records, bool trains)
{
    assert_int_equal(hn_graph_is_recording(t->graph), records);
    assert_int_equal(hn_graph_is_training(t->graph), trains);
}

/* Whatever becomes of it: done, stopped, refused, and the same of images of a file. */
static void evaluate_in_mode(const images_task *t, bool records, bool trains)
{
    hni_metric metric;
    int64_t told_items = 0;
    hni_evaluate_options options = {.split = "valid"};
    char *path = test_path_join(t->files.data, "t10k-images-idx3-ubyte");
    hn_graph_record(t->graph, records);
    hn_graph_train(t->graph, trains);
    ok(t, t->task->evaluate(t->work, &options, &metric));
    assert_mode(t, records, trains);
    options.progress = stop;
    assert_int_equal(t->task->evaluate(t->work, &options, &metric), HN_ERROR_CANCELLED);
    hn_context_clear(t->files.context);
    assert_mode(t, records, trains);
    options = (hni_evaluate_options){.split = "holdout"};
    assert_int_equal(t->task->evaluate(t->work, &options, &metric), HN_ERROR_ARGUMENT);
    assert_non_null(strstr(hn_context_error(t->files.context)->text, "'holdout' is unknown: it is valid, test, train"));
    hn_context_clear(t->files.context);
    assert_mode(t, records, trains);
    ok(t, t->task->predict(t->work, path, ignore_item, &told_items));
    assert_int_equal(told_items, TEST);
    assert_mode(t, records, trains);
    assert_int_not_equal(t->task->predict(t->work, "nowhere.png", ignore_item, &told_items), HN_OK);
    hn_context_clear(t->files.context);
    assert_mode(t, records, trains);
    free(path);
}

static void evaluation_leaves_the_graphs_mode_alone(void **state)
{
    images_task t;
    (void)state;
    open_network(&t, &networks[1], 0.25);
    for (int mode = 0; mode < 4; mode++)
        evaluate_in_mode(&t, (mode & 1) != 0, (mode & 2) != 0);
    close_task(&t);
}

/* Running statistics of batch norm, and the loss of the next update, are what they would be without. */
static void evaluation_leaves_training_alone(void **state)
{
    static const char name[] = "bn1.statistics";
    images_task t;
    hni_metric first, second;
    float before[32], after[32];
    const hni_evaluate_options options = {.split = "valid"};
    (void)state;
    open_network(&t, &networks[6], 0.25);
    (void)loss_of(&t, 0);
    ok(&t, hn_weights_commit(t.weights)); /* an update's: they are no longer those of the start */
    const int64_t index = hn_store_buffer_find(t.store, name);
    assert_true(index >= 0);
    ok(&t, hn_store_buffer_read(t.store, index, HN_DTYPE_F32, 32, before));
    assert_true(before[0] != 0);
    const double loss = loss_of(&t, 1);
    ok(&t, t.task->evaluate(t.work, &options, &first));
    const double valid_loss = first.figures[0].value;
    assert_true(loss == loss_of(&t, 1));
    ok(&t, t.task->evaluate(t.work, &options, &second));
    assert_true(valid_loss == second.figures[0].value && first.value == second.value);
    ok(&t, hn_store_buffer_read(t.store, index, HN_DTYPE_F32, 32, after));
    assert_memory_equal(before, after, sizeof before);
    close_task(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_is_cross_entropy_and_half_the_squares_of_kernels),
        cmocka_unit_test(generated_kernels_are_penalised_as_they_are_made),
        cmocka_unit_test(error_is_a_count_by_hand),
        cmocka_unit_test(evaluation_leaves_the_graphs_mode_alone),
        cmocka_unit_test(evaluation_leaves_training_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
