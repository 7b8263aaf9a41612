/* Buffers in runs of the trainer, of a toy with a batch norm layer: checkpoints hold them, to the byte; the best one their average; an
 * update that fails leaves them; and what is wrong with one is said of it. */
#include "toy_runs.h"

static const char *const norm[] = {"model.norm=true"};

/* Two numbers of a tensor in a file of a run; false if there is no such tensor. */
static bool read_pair(const fixture *made, const char *run, const char *file, const char *name, float out[2])
{
    char *folder = test_path_join(made->folder, run), *path = test_path_join(folder, file);
    hn_safetensors *opened = NULL;
    assert_ok(made, hn_safetensors_open(made->context, path, &opened));
    const hn_file_tensor *tensor = hn_safetensors_find(opened, name);
    if (tensor != NULL) {
        assert_true(hn_shape_equal(tensor->shape, HN_SHAPE2(2, 1)));
        memcpy(out, tensor->data, 2 * sizeof out[0]);
    }
    hn_safetensors_close(opened);
    free(folder);
    free(path);
    return tensor != NULL;
}

static void test_checkpoints_hold_buffers(void **state)
{
    static const double figures[] = {3, 2, 1}; /* each validation is the best so far */
    fixture *made = *state;
    hni_train_end end;
    float value[2], average[2], best[2], first[2], none[2];
    script.figures = figures;
    assert_ok(made, train(made, "whole", norm, 1, 0, &end));
    assert_true(read_pair(made, "whole", HNI_RUN_LAST, "buffer.norm.statistics", value));
    assert_true(read_pair(made, "whole", HNI_RUN_LAST, "average.buffer.norm.statistics", average));
    assert_true(read_pair(made, "whole", HNI_RUN_BEST, "buffer.norm.statistics", best));
    assert_memory_equal(best, average, sizeof best); /* the average is what was validated */
    assert_true(memcmp(value, average, sizeof value) != 0);
    assert_false(read_pair(made, "whole", HNI_RUN_BEST, "average.buffer.norm.statistics", none));
    assert_ok(made, train(made, "one", norm, 1, 1, &end));
    assert_true(read_pair(made, "one", HNI_RUN_LAST, "buffer.norm.statistics", first));
    assert_true(first[1] > 0.9f &&
                memcmp(first, value, sizeof first) != 0); /* a tenth of the way from a variance of 1 */
    assert_ok(made, train(made, "without", NULL, 0, 1, &end));
    assert_false(read_pair(made, "without", HNI_RUN_LAST, "buffer.norm.statistics", none));
}

static void test_stopped_anywhere(void **state)
{
    fixture *made = *state;
    hni_train_end end;
    assert_ok(made, train(made, "whole", norm, 1, 0, &end));
    for (int64_t stop = 1; stop <= 10; stop++) {
        char name[32];
        snprintf(name, sizeof name, "stop-%d", (int)stop);
        script.validations = 0;
        assert_ok(made, train(made, name, norm, 1, stop, &end));
        assert_ok(made, resume(made, name, 0, &end));
        assert_same_runs(made, "whole", name);
    }
}

/* A variance that no float holds makes no loss infinite: the checkpoint is where it is found. */
static void test_bad_buffer(void **state)
{
    fixture *made = *state;
    hni_train_end end;
    script.huge_at = 2;
    assert_int_equal(train(made, "huge", norm, 1, 5, &end), HN_ERROR_NONFINITE);
    const char *text = hn_context_error(made->context)->text;
    if (strstr(text, "after update 4 buffer 'norm.statistics' is infinite or not a number") == NULL)
        fail_msg("%s", text);
    hn_context_clear(made->context);
    float value[2];
    assert_true(read_pair(made, "huge", HNI_RUN_LAST, "buffer.norm.statistics", value));
    assert_true(value[0] == 0 && value[1] == 1); /* as at the start */
}

/* A run that starts from another takes its buffers too, and a file without them is refused. */
static void test_init_from(void **state)
{
    fixture *made = *state;
    hni_train_end end;
    float trained[2], taken[2];
    assert_ok(made, train(made, "first", norm, 1, 0, &end));
    assert_ok(made, train(made, "plain", NULL, 0, 1, &end));
    for (int with = 1; with >= 0; with--) {
        char *from = test_path_join(made->folder, with == 1 ? "first" : "plain");
        char *folder = test_path_join(made->folder, with == 1 ? "second" : "third");
        hni_train_options options = options_of(made, folder);
        hni_plan *plan = NULL;
        hni_trainer *trainer = NULL;
        options.init_from = from;
        assert_ok(made, hni_plan_read(made->context, made->recipe, norm, 1, &plan));
        const hn_status status = hni_trainer_start(plan, &options, &trainer);
        hni_trainer_close(trainer);
        assert_int_equal(status, with == 1 ? HN_OK : HN_ERROR_FORMAT);
        free(from);
        free(folder);
    }
    assert_non_null(strstr(hn_context_error(made->context)->text, "'norm.gain' [1] is missing"));
    hn_context_clear(made->context);
    assert_true(read_pair(made, "first", HNI_RUN_BEST, "buffer.norm.statistics", trained));
    assert_true(read_pair(made, "second", HNI_RUN_LAST, "buffer.norm.statistics", taken));
    assert_memory_equal(trained, taken, sizeof taken);
}

/* Copies RUN/last.safetensors with one tensor left out, or made NaN. */
static void spoil(fixture *made, const char *run, const char *name, bool leave_out)
{
    char *folder = test_path_join(made->folder, run), *path = test_path_join(folder, HNI_RUN_LAST);
    hn_safetensors *file = NULL;
    hn_file_tensor tensors[16];
    hn_file_text texts[16];
    int64_t count = 0, text_count = 0;
    static const char *const keys[] = {"format", "task", "model", "recipe", "data_checksum", "seed", "training"};
    static const float bad[2] = {NAN, 1};
    assert_ok(made, hn_safetensors_open(made->context, path, &file));
    for (int64_t i = 0; i < hn_safetensors_count(file); i++) {
        hn_file_tensor tensor = *hn_safetensors_tensor(file, i);
        const bool is_it = strcmp(tensor.name, name) == 0;
        if (is_it && leave_out) continue;
        if (is_it) tensor.data = bad;
        tensors[count++] = tensor;
    }
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        texts[text_count++] = (hn_file_text){keys[i], hn_safetensors_text(file, keys[i])};
    const hn_safetensors_content content = {tensors, count, texts, text_count};
    assert_ok(made, hn_safetensors_write(made->context, path, &content));
    hn_safetensors_close(file);
    free(folder);
    free(path);
}

static void test_damaged_checkpoints(void **state)
{
    static const struct {
        const char *run, *name;
        bool leave_out;
        const char *text;
    } rows[] = {
        {"a", "buffer.norm.statistics", true, "tensor 'buffer.norm.statistics' [2,1] is missing"},
        {"b", "buffer.norm.statistics", false,
         "tensor 'buffer.norm.statistics' holds a value that is infinite or NaN at 0"},
        {"c", "average.buffer.norm.statistics", true, "tensor 'average.buffer.norm.statistics' [2,1] is missing"},
    };
    fixture *made = *state;
    hni_train_end end;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_ok(made, train(made, rows[i].run, norm, 1, 2, &end));
        spoil(made, rows[i].run, rows[i].name, rows[i].leave_out);
        assert_true(resume(made, rows[i].run, 0, &end) != HN_OK);
        const char *text = hn_context_error(made->context)->text;
        if (strstr(text, rows[i].text) == NULL) fail_msg("%s", text);
        hn_context_clear(made->context);
    }
}

int main(void)
{
#define RUN(test) cmocka_unit_test_setup_teardown(test, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        RUN(test_checkpoints_hold_buffers), RUN(test_stopped_anywhere), RUN(test_bad_buffer), RUN(test_init_from),
        RUN(test_damaged_checkpoints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
