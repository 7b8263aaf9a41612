/* See test_task.h. */
#include "test_task.h"

void test_task_ok(const test_task *t, hn_status status)
{
    if (status != HN_OK) fail_msg("%s: %s", hn_status_name(status), hn_context_error(t->context)->text);
}

/* Words in an order that repeats only after a long time. */
static void write_text(const char *path, size_t size)
{
    static const char *const words[] = {"the ", "water ", "of ", "light, ", "and ", "stone. ", "earth ", "was\n"};
    char *text = malloc(size + 16);
    uint32_t number = 12345;
    size_t count = 0;
    assert_non_null(text);
    while (count < size) {
        number = number * 1664525u + 1013904223u;
        const char *word = words[number >> 29];
        memcpy(text + count, word, strlen(word));
        count += strlen(word);
    }
    test_file_write(path, text, size);
    free(text);
}

void test_task_prepare(test_task *t, size_t size)
{
    hn_context_options options;
    memset(t, 0, sizeof *t);
    hn_context_options_default(&options);
    options.threads = 1;
    assert_int_equal(hn_context_create(&options, &t->context), HN_OK);
    t->task = hni_task_find("text");
    assert_non_null(t->task);
    t->folder = test_folder_create();
    char *path = test_path_join(t->folder, "words.txt");
    write_text(path, size);
    hni_settings_default(t->task->data_settings(), &t->data);
    hni_settings_default(t->task->model_settings(), &t->model);
    snprintf(t->data.path, sizeof t->data.path, "%s", path);
    free(path);
    t->data.vocabulary_size = 30;
    t->data.batch = 3;
    t->data.length = 7;
    t->backend = HN_BACKEND_GENERIC;
    t->dtype = HN_DTYPE_F32;
    t->model.cell.kind = HN_CELL_HYPERLSTM;
    t->model.cell.layer_norm = true;
    t->model.cell.units = 6;
    t->model.cell.hyper_units = 4;
    t->model.cell.embedding_size = 2;
}

void test_task_open(test_task *t, uint64_t seed)
{
    const hni_task_open open = {.context = t->context, .data = &t->data, .model = &t->model, .places = &t->places};
    hn_graph_options options;
    hn_graph_options_default(&options);
    options.backend = t->backend;
    options.dtype = t->dtype;
    test_task_ok(t, t->task->open(&open, &t->work));
    test_task_ok(t, hn_store_create(t->context, &t->store));
    test_task_ok(t, t->task->declare(t->work, t->store));
    test_task_ok(t, hn_graph_create(t->context, &options, &t->graph));
    test_task_ok(t, hn_store_seal(t->store, t->graph, seed));
    test_task_ok(t, hn_weights_create(t->graph, t->store, &t->weights));
    test_task_ok(t, t->task->bind(t->work, t->weights));
    t->model.vocabulary_size = t->data.vocabulary_size;
}

void test_task_close(test_task *t)
{
    t->task->close(t->work);
    hn_weights_destroy(t->weights);
    hn_store_destroy(t->store);
    hn_graph_destroy(t->graph);
    assert_int_equal(hn_context_memory(t->context), 0);
    hn_context_destroy(t->context);
    test_folder_remove(t->folder);
}
