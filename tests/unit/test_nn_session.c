/* All of an embedder's life with a model: make it, train a step, save it to a file and to memory, load it from both, stream. Every
 * request for memory of it is refused once, and every question of the progress callback answered with no once: always a clear
 * error, nothing lost; and after a cancelled call the same objects go on to the very same result. */
#include <dirent.h>

#include "graph/graph.h"
#include "hypernet/hypernet.h"
#include "params/store.h"
#include "test_allocator.h"

enum { ROWS = 2, STEPS = 5, VOCABULARY = 7, MOST_PARAMETERS = 64, MOST_BYTES = 1 << 16 };

typedef struct session {
    hn_context *context;
    hn_language_model model;
    hn_graph *graph;
    hn_store *store;
    hn_weights *weights;
    hn_optimizer *optimizer;
    hn_trained *trained[2]; /* from the file, from memory */
    hn_stream *stream;
    char path[512];
    unsigned char saved[MOST_BYTES];
    size_t saved_size;
    float logits[VOCABULARY];
} session;

static hn_status make(session *s)
{
    const hn_graph_options options = {HN_BACKEND_GENERIC, HN_DTYPE_F32};
    hn_status status = HN_OK;
    hn_language_model_default(&s->model);
    s->model.cell.kind = HN_CELL_HYPERLSTM;
    s->model.cell.layer_norm = true;
    s->model.cell.units = 6;
    s->model.cell.hyper_units = 3;
    s->model.cell.embedding_size = 2;
    s->model.vocabulary_size = VOCABULARY;
    if (s->graph == NULL) status = hn_graph_create(s->context, &options, &s->graph);
    if (status == HN_OK && s->store == NULL) status = hn_store_create(s->context, &s->store);
    if (status == HN_OK) status = hn_language_model_declare(s->store, &s->model);
    if (status == HN_OK) status = hn_store_seal(s->store, s->graph, 3);
    if (status == HN_OK) status = hn_weights_create(s->graph, s->store, &s->weights);
    return status == HN_OK ? hn_optimizer_create(s->store, NULL, &s->optimizer) : status;
}

static hn_status train(session *s)
{
    int32_t symbols[ROWS * STEPS], targets[ROWS * STEPS];
    for (int i = 0; i < ROWS * STEPS; i++) {
        symbols[i] = i % VOCABULARY;
        targets[i] = (i + 1) % VOCABULARY;
    }
    hn_graph_reset(s->graph);
    const hn_shape shape = HN_SHAPE2(ROWS, STEPS);
    const hn_window window = {.symbols = hn_tensor_from(s->graph, HN_DTYPE_I32, shape, symbols, false),
                              .targets = hn_tensor_from(s->graph, HN_DTYPE_I32, shape, targets, false)};
    const hn_tensor state =
        hn_tensor_from(s->graph, HN_DTYPE_F32, HN_SHAPE2(ROWS, hn_cell_state_size(&s->model.cell)), NULL, false);
    const hn_language_result result = hn_language_run(s->weights, &s->model, &window, &state, NULL);
    hn_status status = hn_store_zero_gradients(s->store);
    if (status == HN_OK) status = hn_backward(s->graph, result.loss);
    return status == HN_OK ? hn_optimizer_step(s->optimizer, 0.01, NULL) : status;
}

static hn_status save(session *s)
{
    static float numbers[MOST_BYTES / sizeof(float)];
    static const uint8_t vocabulary[VOCABULARY] = {'a', 'b', 'c', 'd', 'e', 'f', 'g'};
    hn_file_tensor tensors[MOST_PARAMETERS];
    char model[2048];
    int64_t count = hn_store_count(s->store), used = 0;
    hn_status status = hn_language_model_to_json(s->context, &s->model, model, sizeof model);
    for (int64_t i = 0; status == HN_OK && i < count; i++) {
        const hn_parameter *parameter = hn_store_parameter(s->store, i);
        status = hn_store_read(s->store, i, HN_DTYPE_F32, parameter->elements, numbers + used);
        tensors[i] = (hn_file_tensor){parameter->name, HN_DTYPE_F32, parameter->shape, numbers + used};
        used += parameter->elements;
    }
    if (status != HN_OK) return status;
    tensors[count++] = (hn_file_tensor){"blob.vocabulary", HN_DTYPE_U8, HN_SHAPE1(VOCABULARY), vocabulary};
    const hn_file_text text = {"model", model};
    const hn_safetensors_content content = {tensors, count, &text, 1};
    status = hn_safetensors_write(s->context, s->path, &content);
    if (status != HN_OK) return status;
    return hn_safetensors_print(s->context, &content, s->saved, sizeof s->saved, &s->saved_size);
}

static hn_status load(session *s)
{
    const hn_graph_options options = {HN_BACKEND_GENERIC, HN_DTYPE_F32};
    hn_status status = HN_OK;
    if (s->trained[0] == NULL) status = hn_trained_open(s->context, s->path, &options, &s->trained[0]);
    if (status != HN_OK) return status;
    return hn_trained_parse(s->context, "memory", s->saved, s->saved_size, &options, &s->trained[1]);
}

static hn_status speak(session *s)
{
    const int32_t symbol = 3;
    hn_status status = HN_OK;
    if (s->stream == NULL) status = hn_stream_create(s->trained[1]->store, &s->trained[1]->model, 1, &s->stream);
    return status == HN_OK ? hn_stream_step(s->stream, &symbol, s->logits) : status;
}

static hn_status (*const phases[])(session *) = {make, train, save, load, speak};
enum { PHASES = sizeof phases / sizeof phases[0] };

static void close_session(session *s)
{
    hn_stream_destroy(s->stream);
    hn_trained_close(s->trained[0]);
    hn_trained_close(s->trained[1]);
    hn_optimizer_destroy(s->optimizer);
    hn_weights_destroy(s->weights);
    hn_store_destroy(s->store);
    hn_graph_destroy(s->graph);
    hn_context_destroy(s->context);
}

static session *new_session(const char *folder)
{
    session *s = test_calloc(1, sizeof *s);
    assert_non_null(s);
    (void)snprintf(s->path, sizeof s->path, "%s/model.safetensors", folder);
    return s;
}

/* Files in the folder: a partial one left behind would be a second. */
static int files_in(const char *path)
{
    int count = 0;
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

/* ---- memory ---------------------------------------------------------------------------------------------------------- */

static void every_request_may_fail(void **state)
{
    char *folder = test_folder_create();
    long failures = 0;
    (void)state;
    for (long n = 1;; n++) {
        test_allocator memory = {.fail_at = n};
        hn_context_options options;
        session *s = new_session(folder);
        hn_context_options_default(&options);
        options.threads = 1;
        options.allocator = test_allocator_hook(&memory);
        if (hn_context_create(&options, &s->context) == HN_OK) {
            hn_status status = HN_OK;
            for (int i = 0; status == HN_OK && i < PHASES; i++)
                status = phases[i](s);
            assert_int_equal(status, memory.has_failed ? HN_ERROR_MEMORY : HN_OK);
            assert_int_equal(hn_context_error(s->context)->status, status);
            close_session(s);
        }
        assert_int_equal(memory.blocks, 0);
        assert_true(files_in(folder) <= 1);
        test_free(s);
        if (!memory.has_failed) break;
        failures++;
    }
    assert_true(failures > 100);
    test_folder_remove(folder);
}

/* ---- cancelling ------------------------------------------------------------------------------------------------------- */

typedef struct asked {
    long calls, refuse_at; /* 0: never */
    bool has_refused;
    unsigned kinds; /* bit k: words[k] was asked */
} asked;

static const char *const words[] = {"initialise", "orthogonalise", "read",    "write",
                                    "parameters", "sequence",      "backward"};
enum { WORDS = sizeof words / sizeof words[0] };

static bool may_go_on(void *user, const char *what, int64_t done, int64_t total)
{
    asked *question = user;
    int kind = 0;
    while (kind < WORDS && strcmp(words[kind], what) != 0)
        kind++;
    if (kind == WORDS) fail_msg("the callback was asked about '%s', which the header does not name", what);
    if (done < 0 || (total != 0 && done > total)) fail_msg("%s: %ld of %ld", what, (long)done, (long)total);
    question->kinds |= 1u << kind;
    question->calls++;
    if (question->calls != question->refuse_at) return true;
    question->has_refused = true;
    return false;
}

/* The whole session; a phase that is cancelled is done again, with the same objects. */
static session *run_session(const char *folder, asked *question, test_allocator *memory)
{
    hn_context_options options;
    session *s = new_session(folder);
    hn_context_options_default(&options);
    options.threads = 1;
    options.allocator = test_allocator_hook(memory);
    options.progress = may_go_on;
    options.progress_user = question;
    assert_int_equal(hn_context_create(&options, &s->context), HN_OK);
    for (int i = 0; i < PHASES; i++) {
        const bool refused_before = question->has_refused;
        hn_status status = phases[i](s);
        if (question->has_refused && !refused_before) {
            assert_int_equal(status, HN_ERROR_CANCELLED);
            assert_non_null(strstr(hn_context_error(s->context)->text, "cancelled by the progress callback"));
            hn_context_clear(s->context);
            status = phases[i](s);
        }
        if (status != HN_OK) fail_msg("phase %d: %s", i, hn_context_error(s->context)->text);
    }
    return s;
}

static void every_question_may_be_answered_with_no(void **state)
{
    char *folder = test_folder_create();
    test_allocator memory = {.fail_at = 0};
    asked question = {.refuse_at = 0};
    session *whole = run_session(folder, &question, &memory);
    (void)state;
    assert_int_equal(question.kinds, (1u << WORDS) - 1);
    assert_true(question.calls > 60);
    for (long n = 1; n <= question.calls; n++) {
        asked again = {.refuse_at = n};
        session *s = run_session(folder, &again, &memory);
        assert_true(again.has_refused);
        assert_int_equal(s->saved_size, whole->saved_size);
        assert_memory_equal(s->saved, whole->saved, whole->saved_size);
        assert_memory_equal(s->logits, whole->logits, sizeof whole->logits);
        assert_int_equal(files_in(folder), 1);
        close_session(s);
        test_free(s);
    }
    close_session(whole);
    test_free(whole);
    assert_int_equal(memory.blocks, 0);
    test_folder_remove(folder);
}

/* A file that was there stays as it was when writing over it is cancelled. */
static void a_cancelled_write_leaves_the_old_file(void **state)
{
    char *folder = test_folder_create(), *path = test_path_join(folder, "model.safetensors");
    asked question = {.refuse_at = 1};
    hn_context_options options;
    hn_context *context;
    size_t size;
    (void)state;
    hn_context_options_default(&options);
    options.progress = may_go_on;
    options.progress_user = &question;
    assert_int_equal(hn_context_create(&options, &context), HN_OK);
    test_file_write(path, "old", 3);
    const float number = 1;
    const hn_file_tensor tensor = {"a", HN_DTYPE_F32, HN_SHAPE1(1), &number};
    const hn_safetensors_content content = {&tensor, 1, NULL, 0};
    assert_int_equal(hn_safetensors_write(context, path, &content), HN_ERROR_CANCELLED);
    unsigned char *bytes = test_file_read(path, &size);
    assert_int_equal(size, 3);
    assert_memory_equal(bytes, "old", 3);
    assert_int_equal(files_in(folder), 1);
    free(bytes);
    free(path);
    hn_context_destroy(context);
    test_folder_remove(folder);
}

/* ---- memory as a file -------------------------------------------------------------------------------------------------- */

static void memory_holds_what_the_file_holds(void **state)
{
    char *folder = test_folder_create();
    test_allocator memory = {.fail_at = 0};
    asked question = {.refuse_at = 0};
    session *s = run_session(folder, &question, &memory);
    size_t size;
    unsigned char *bytes = test_file_read(s->path, &size), small[8] = {9, 9, 9, 9, 9, 9, 9, 9};
    (void)state;
    assert_int_equal(size, s->saved_size);
    assert_memory_equal(bytes, s->saved, size);
    free(bytes);

    const float number = 1;
    const hn_file_tensor tensor = {"a", HN_DTYPE_F32, HN_SHAPE1(1), &number};
    const hn_safetensors_content content = {&tensor, 1, NULL, 0};
    assert_int_equal(hn_safetensors_print(s->context, &content, NULL, 0, &size), HN_OK);
    assert_true(size > sizeof small);
    const size_t wanted = size;
    assert_int_equal(hn_safetensors_print(s->context, &content, small, sizeof small, &size), HN_ERROR_ARGUMENT);
    assert_int_equal(size, wanted);
    assert_int_equal(small[0], 9);
    assert_non_null(strstr(hn_context_error(s->context)->text, "the buffer has 8"));

    hn_trained *trained = (hn_trained *)s;
    hn_context_clear(s->context);
    assert_int_equal(hn_trained_parse(s->context, "the blob", s->saved, s->saved_size - 1, NULL, &trained),
                     HN_ERROR_FORMAT);
    assert_null(trained);
    assert_non_null(strstr(hn_context_error(s->context)->text, "the blob: "));
    close_session(s);
    test_free(s);
    assert_int_equal(memory.blocks, 0);
    test_folder_remove(folder);
}

/* ---- threads ------------------------------------------------------------------------------------------------------------ */

static void threads_change_when_a_step_begins(void **state)
{
    hn_context_options options;
    session *s = new_session("unused");
    (void)state;
    hn_context_options_default(&options);
    options.threads = 1;
    assert_int_equal(hn_context_create(&options, &s->context), HN_OK);
    assert_int_equal(make(s), HN_OK);
    assert_int_equal(hn_context_set_threads(s->context, 3), HN_OK);
    assert_int_equal(hn_context_threads(s->context), 3);
    assert_int_equal(s->graph->exec.threads, 1);
    assert_int_equal(s->store->exec.threads, 1);
    assert_int_equal(train(s), HN_OK);
    assert_int_equal(s->graph->exec.threads, 3);
    assert_int_equal(s->store->exec.threads, 3);
    assert_int_equal(hn_context_set_threads(s->context, -1), HN_ERROR_ARGUMENT);
    assert_non_null(strstr(hn_context_error(s->context)->text, "threads: -1 is outside"));
    assert_int_equal(hn_context_threads(s->context), 3);
    hn_context_clear(s->context);
    assert_int_equal(hn_context_set_threads(s->context, 0), HN_OK);
    assert_true(hn_context_threads(s->context) >= 1);
    close_session(s);
    test_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_may_fail),
        cmocka_unit_test(every_question_may_be_answered_with_no),
        cmocka_unit_test(a_cancelled_write_leaves_the_old_file),
        cmocka_unit_test(threads_change_when_a_step_begins),
        cmocka_unit_test(memory_holds_what_the_file_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
