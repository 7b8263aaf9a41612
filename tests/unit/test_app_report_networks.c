/* What pictures of networks are made of: weights as the network sees them, embeddings and the way between two, and the answers of a
 * classifier. */
#include <math.h>

#include "app/data/images.h"
#include "app/report/answers.h"
#include "app/report/weights.h"
#include "hypernet/image.h"
#include "test_support.h"

/* ---- a wide ResNet 10-1 without data ---- */

typedef struct fixture {
    hn_context *context;
    const hni_task *task;
    hn_image_model model;
    hni_task_work *work;
    hn_store *store;
    hn_graph *graph;
    hn_weights *weights;
} fixture;

static void set_up(fixture *f, hn_image_weights from)
{
    hni_images_settings data;
    hn_graph_options options;
    memset(f, 0, sizeof *f);
    assert_int_equal(hn_context_create(NULL, &f->context), HN_OK);
    f->task = hni_task_find("images");
    hni_settings_default(f->task->data_settings(), &data);
    hn_image_model_default(&f->model);
    f->model.network = HN_IMAGE_NETWORK_WIDE_RESNET;
    f->model.weights = from;
    f->model.depth = 10;
    f->model.embedding_size = 3;
    f->model.channels = 1;
    f->model.height = f->model.width = 8;
    f->model.classes = 3;
    data.batch = 2;
    const hni_task_open open = {.context = f->context, .data = &data, .model = &f->model};
    hn_graph_options_default(&options);
    assert_int_equal(f->task->open(&open, &f->work), HN_OK);
    assert_int_equal(hn_store_create(f->context, &f->store), HN_OK);
    assert_int_equal(f->task->declare(f->work, f->store), HN_OK);
    assert_int_equal(hn_graph_create(f->context, &options, &f->graph), HN_OK);
    assert_int_equal(hn_store_seal(f->store, f->graph, 5), HN_OK);
    assert_int_equal(hn_weights_create(f->graph, f->store, &f->weights), HN_OK);
    assert_int_equal(f->task->bind(f->work, f->weights), HN_OK);
}

static void tear_down(fixture *f)
{
    f->task->close(f->work);
    hn_weights_destroy(f->weights);
    hn_graph_destroy(f->graph);
    hn_store_destroy(f->store);
    assert_int_equal(hn_context_memory(f->context), 0);
    hn_context_destroy(f->context);
}

/* The weight as the network asks for it; [O,C,f,f]. */
static void read_weight(const fixture *f, const char *name, hn_shape shape, float *out_values)
{
    hn_graph_reset(f->graph);
    assert_int_equal(hn_image_generate(f->weights, &f->model), HN_OK);
    const hn_tensor weight = hn_weights_get(f->weights, name, shape, hn_init_zeros());
    assert_int_equal(hn_tensor_read(f->graph, weight, HN_DTYPE_F32, hn_shape_elements(shape), out_values), HN_OK);
    hn_graph_reset(f->graph);
}

static void a_weight_is_what_the_network_sees(void **state)
{
    static const hn_image_weights kinds[] = {HN_IMAGE_WEIGHTS_STORED, HN_IMAGE_WEIGHTS_HYPER,
                                             HN_IMAGE_WEIGHTS_HYPER_LINEAR};
    enum { O = 32, C = 16 };
    static float wanted[O * C * 9], laid[O * C * 9];
    (void)state;
    for (size_t k = 0; k < 3; k++) {
        fixture f;
        hni_gathered_weight weight;
        set_up(&f, kinds[k]);
        read_weight(&f, "groups.1.blocks.0.conv1.kernel", HN_SHAPE4(O, C, 3, 3), wanted);
        assert_int_equal(hni_gather_weight(f.context, f.task, f.work, "groups.1.blocks.0.conv1", &weight), HN_OK);
        assert_string_equal(weight.name.data, "groups.1.blocks.0.conv1.kernel");
        assert_true(hn_shape_equal(weight.shape, HN_SHAPE4(O, C, 3, 3)));
        assert_memory_equal(weight.values, wanted, sizeof wanted);
        assert_int_equal(weight.generated, k > 0);
        assert_int_equal(weight.filters.tile_rows, k > 0 ? 16 : 0);
        /* the filter of input channel 5 and output channel 20 */
        hni_filters_gather(&weight.filters, weight.values, laid);
        for (int y = 0; y < 3; y++)
            for (int x = 0; x < 3; x++)
                assert_true(laid[((5 * 3 + y) * O + 20) * 3 + x] == wanted[((20 * C + 5) * 3 + y) * 3 + x]);
        hni_gathered_weight_free(&weight);
        tear_down(&f);
    }
}

static void names_of_weights(void **state)
{
    fixture f;
    hni_gathered_weight weight;
    (void)state;
    set_up(&f, HN_IMAGE_WEIGHTS_HYPER);
    assert_int_equal(hni_gather_weight(f.context, f.task, f.work, NULL, &weight), HN_OK);
    assert_string_equal(weight.name.data, "groups.0.blocks.0.conv2.kernel");
    hni_gathered_weight_free(&weight);
    static const char *const wrong[] = {"groups.0", "groups.0.blocks.0.conv", "linear", "bn_last", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(hni_gather_weight(f.context, f.task, f.work, wrong[i], &weight), HN_ERROR_ARGUMENT);
        assert_non_null(strstr(hn_context_error(f.context)->text, "name one of conv1.kernel"));
        hn_context_clear(f.context);
        hni_gathered_weight_free(&weight);
    }
    assert_int_equal(hni_gather_weight(f.context, hni_task_find("text"), f.work, NULL, &weight), HN_ERROR_ARGUMENT);
    hni_gathered_weight_free(&weight);
    tear_down(&f);
}

/* Both ends of the way are tiles of the kernels that the network runs with; the middle is neither. */
static void a_strip_ends_in_the_networks_kernels(void **state)
{
    enum { TILE = 16 * 16 * 9 };
    static float first[TILE], last[32 * 16 * 9];
    static const hni_way way = {.from = "groups.0.blocks.0.conv2", .to = "groups.1.blocks.0.conv1", .steps = 3};
    fixture f;
    hni_gathered_embeddings all;
    hni_gathered_strip strip;
    (void)state;
    set_up(&f, HN_IMAGE_WEIGHTS_HYPER);
    read_weight(&f, "groups.0.blocks.0.conv2.kernel", HN_SHAPE4(16, 16, 3, 3), first);
    read_weight(&f, "groups.1.blocks.0.conv1.kernel", HN_SHAPE4(32, 16, 3, 3), last);
    assert_int_equal(hni_gather_embeddings(f.context, f.task, f.work, 2, &all), HN_OK);
    assert_int_equal(all.count, 1 + 1 + 2 + 4 + 8 + 16);
    assert_int_equal(hni_gather_strip(&all, f.task, f.work, &way, &strip), HN_OK);
    assert_string_equal(strip.strip.name, "groups.0.blocks.0.conv2 to groups.1.blocks.0.conv1");
    assert_string_equal(strip.strip.labels[0], "0");
    assert_string_equal(strip.strip.labels[1], "0.5");
    assert_string_equal(strip.strip.labels[2], "1");
    bool differs = false;
    for (int c = 0; c < 16; c++)
        for (int o = 0; o < 16; o++)
            for (int i = 0; i < 9;
                 i++) { /* a tile is [inputs,outputs,f,f]; the first of `last` has its first outputs */
                const int tile = (c * 16 + o) * 9 + i, kernel = (o * 16 + c) * 9 + i;
                assert_close((double)strip.strip.kernels[0][tile], (double)first[kernel], 1e-6, 1e-6);
                assert_close((double)strip.strip.kernels[2][tile], (double)last[kernel], 1e-6, 1e-6);
                differs = differs || fabs((double)(first[kernel] - last[kernel])) > 1e-4;
            }
    assert_true(differs);
    hni_gathered_strip_free(&strip);
    hni_gathered_embeddings_free(&all);
    tear_down(&f);
}

static void embeddings_have_their_places(void **state)
{
    fixture f;
    hni_gathered_embeddings all;
    (void)state;
    set_up(&f, HN_IMAGE_WEIGHTS_HYPER);
    assert_int_equal(hni_gather_embeddings(f.context, f.task, f.work, 2, &all), HN_OK);
    assert_int_equal(hni_gathered_embeddings_spread(&all), HN_OK);
    assert_int_equal(all.scatter.group_count, 3);
    assert_string_equal(all.scatter.groups[2], "group 2");
    assert_int_equal(all.scatter.points[1].group, 0);
    assert_int_equal(all.scatter.points[2].group, 1);
    assert_int_equal(all.scatter.points[31].group, 2);
    assert_string_equal(all.scatter.points[0].words, "groups.0.blocks.0.conv1.kernel");
    assert_string_equal(all.scatter.points[3].words, "groups.1.blocks.0.conv1.kernel, tile 2 of 2");
    hni_gathered_embeddings_free(&all);
    assert_int_equal(hni_gather_embeddings(f.context, f.task, f.work, 33, &all), HN_ERROR_ARGUMENT);
    assert_non_null(strstr(hn_context_error(f.context)->text, "has 32 embeddings"));
    hni_gathered_embeddings_free(&all);
    tear_down(&f);
}

/* ---- answers ---- */

static const char *three_classes(const hni_task_work *work, int64_t index, size_t *out_size)
{
    static const char names[] = "catdogcow";
    (void)work;
    *out_size = 3;
    return index < 3 ? names + 3 * index : NULL;
}

static void tell(hni_answers *answers, int64_t place, int64_t label, float right, float wrong)
{
    const uint8_t pixels[4] = {(uint8_t)place, 1, 2, 3};
    float probabilities[3] = {0, 0, 0};
    const int64_t other = (label + 1) % 3, said = right >= wrong ? label : other;
    probabilities[label] = right;
    probabilities[other] = wrong;
    hni_answers_take(answers, &(hni_task_item){.place = place,
                                               .count = 1000,
                                               .label = label,
                                               .said = said,
                                               .probabilities = probabilities,
                                               .classes = 3,
                                               .pixels = pixels,
                                               .channels = 1,
                                               .height = 2,
                                               .width = 2});
}

static void mistakes_are_the_worst(void **state)
{
    const hni_task task = {.name = "toy", .class_name = three_classes};
    hn_context *context = NULL;
    hni_answers answers;
    (void)state;
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    assert_int_equal(hni_answers_begin(context, &task, NULL, &answers), HN_OK);
    for (int64_t i = 0; i < 100; i++) /* every place once, in a mixed order: the larger, the surer of the wrong class */
        tell(&answers, i * 37 % 100, i * 37 % 100 % 3, 0.4f - 0.004f * (float)(i * 37 % 100), 0.6f);
    tell(&answers, 100, 1, 0.9f, 0.1f);
    hni_answers_take(&answers, &(hni_task_item){.label = -1, .said = 1});
    assert_int_equal(hni_answers_end(&answers), HN_OK);
    assert_int_equal(answers.wrong, 100);
    assert_int_equal(answers.album.count, HNI_MISTAKES_MOST);
    for (size_t i = 0; i < HNI_MISTAKES_MOST; i++) {
        assert_int_equal(answers.worst[i].place, 99 - (int64_t)i);
        assert_int_equal(answers.items[i].image.pixels[0], 99 - (int)i);
    }
    assert_string_equal(answers.items[0].words, "cat, said dog");
    assert_non_null(strstr(answers.items[0].hover, "image 99: cat (0.4 %), said dog (60 %)"));
    assert_int_equal(answers.classes.counts[0 * 3 + 1], 34);
    assert_int_equal(answers.classes.counts[1 * 3 + 2], 33);
    assert_int_equal(answers.classes.counts[1 * 3 + 1], 1);
    assert_string_equal(answers.classes.confusion.names[2], "cow");
    hni_answers_free(&answers);
    assert_int_equal(hn_context_memory(context), 0);
    hn_context_destroy(context);
}

static const char *very_many_classes(const hni_task_work *work, int64_t index, size_t *out_size)
{
    (void)work;
    *out_size = 1;
    return index <= HNI_CLASS_COUNTS_MOST ? "x" : NULL;
}

/* The worst mistakes are kept all the same. */
static void of_very_many_classes_nothing_is_counted(void **state)
{
    const hni_task task = {.name = "toy", .class_name = very_many_classes};
    hn_context *context = NULL;
    hni_answers answers;
    (void)state;
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    assert_int_equal(hni_answers_begin(context, &task, NULL, &answers), HN_OK);
    assert_int_equal(answers.classes.confusion.classes, HNI_CLASS_COUNTS_MOST + 1);
    assert_null(answers.classes.confusion.counts);
    tell(&answers, 5, 1, 0.1f, 0.9f);
    assert_int_equal(hni_answers_end(&answers), HN_OK);
    assert_int_equal(answers.wrong, 1);
    assert_int_equal(answers.album.count, 1);
    hni_answers_free(&answers);
    assert_int_equal(hn_context_memory(context), 0);
    hn_context_destroy(context);
}

static void a_text_has_no_classes(void **state)
{
    hn_context *context = NULL;
    hni_answers answers;
    (void)state;
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    assert_int_equal(hni_answers_begin(context, hni_task_find("text"), NULL, &answers), HN_ERROR_ARGUMENT);
    hni_answers_free(&answers);
    hn_context_destroy(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_weight_is_what_the_network_sees),
                                       cmocka_unit_test(names_of_weights),
                                       cmocka_unit_test(a_strip_ends_in_the_networks_kernels),
                                       cmocka_unit_test(embeddings_have_their_places),
                                       cmocka_unit_test(mistakes_are_the_worst),
                                       cmocka_unit_test(of_very_many_classes_nothing_is_counted),
                                       cmocka_unit_test(a_text_has_no_classes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
