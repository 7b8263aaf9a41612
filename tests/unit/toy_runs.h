/* Runs of the trainer on the task of toy_task.h, in a folder of their own, for programs that test the trainer. */
#ifndef TOY_RUNS_H
#define TOY_RUNS_H

#include "app/train/trainer.h"
#include "hypernet/io.h"
#include "test_allocator.h"
#include "toy_task.h"

/* ---- runs ---- */

static const char recipe_text[] =
    "task: toy\nmodel:\n  keep: 0.75\ntrain:\n  steps: 11\n  rate: 0.1\n  schedule: linear\n"
    "  warmup_steps: 3\n  average_decay: 0.5\n  validate_every: 4\n  log_every: 3\n";

typedef struct fixture {
    hn_context *context;
    char *folder, *recipe;
    test_allocator memory;
    int64_t stop_at;                    /* keep_going says no from this step on; 0: never */
    int64_t step, rows, samples, bests; /* what the events told */
} fixture;

static int open_fixture(void **state)
{
    fixture *made = calloc(1, sizeof *made);
    hn_context_options options;
    assert_non_null(made);
    hn_context_options_default(&options);
    options.threads = 1;
    options.allocator = test_allocator_hook(&made->memory);
    assert_int_equal(hn_context_create(&options, &made->context), HN_OK);
    made->folder = test_folder_create();
    made->recipe = test_path_join(made->folder, "toy.yaml");
    test_file_write(made->recipe, recipe_text, strlen(recipe_text));
    script = (struct toy_script){.bad_loss_at = -1, .bad_gradient_at = -1, .checksum = "abc"};
    *state = made;
    return 0;
}

static int close_fixture(void **state)
{
    fixture *made = *state;
    assert_int_equal(hn_context_memory(made->context), 0);
    hn_context_destroy(made->context);
    assert_int_equal(made->memory.blocks, 0);
    test_folder_remove(made->folder);
    free(made->recipe);
    free(made);
    return 0;
}

static bool keep_going(void *user)
{
    const fixture *made = user;
    return made->stop_at == 0 || made->step < made->stop_at;
}

static void on_step(void *user, int64_t step, double bits)
{
    ((fixture *)user)->step = step;
    assert_true(isfinite(bits));
}

static void on_row(void *user, const hni_train_row *row)
{
    assert_int_equal(row->step, ((fixture *)user)->step);
    ((fixture *)user)->rows++;
}

static void on_validated(void *user, const hni_metric *metric, bool is_best)
{
    assert_int_equal(metric->count, 1);
    ((fixture *)user)->bests += is_best;
}

static bool on_sample(void *user, const char *bytes, size_t size)
{
    if (bytes == NULL) {
        assert_int_equal(size, 0);
        ((fixture *)user)->samples++;
    }
    return true;
}

static hni_train_options options_of(fixture *made, const char *folder)
{
    static const hni_data_places places;
    return (hni_train_options){.folder = folder,
                               .places = &places,
                               .command = "hypernet train toy",
                               .events = {made, keep_going, on_step, on_row, on_validated, on_sample}};
}

static hn_status go(hni_trainer *trainer, hn_status status, hni_train_end *out_end)
{
    if (status == HN_OK) status = hni_trainer_run(trainer, out_end);
    hni_trainer_close(trainer);
    return status;
}

/* A fresh run in `name`, with changes to the recipe, up to update `stop` (0: to the end). */
static hn_status train(fixture *made, const char *name, const char *const *sets, size_t count, int64_t stop,
                       hni_train_end *out_end)
{
    char *folder = test_path_join(made->folder, name);
    hni_train_options options = options_of(made, folder);
    hni_plan *plan = NULL;
    hni_trainer *trainer = NULL;
    options.max_steps = stop;
    made->step = 0;
    hn_status status = hni_plan_read(made->context, made->recipe, sets, count, &plan);
    if (status == HN_OK) status = hni_trainer_start(plan, &options, &trainer);
    status = go(trainer, status, out_end);
    free(folder);
    return status;
}

static hn_status resume(fixture *made, const char *name, int64_t stop, hni_train_end *out_end)
{
    char *folder = test_path_join(made->folder, name);
    hni_train_options options = options_of(made, folder);
    hni_trainer *trainer = NULL;
    options.max_steps = stop;
    hn_status status = hni_trainer_resume(made->context, &options, &trainer);
    status = go(trainer, status, out_end);
    free(folder);
    return status;
}

#define assert_ok(made, call)                                                         \
    do {                                                                              \
        if ((call) != HN_OK) fail_msg("%s", hn_context_error((made)->context)->text); \
    } while (0)

static unsigned char *read_file(const fixture *made, const char *run, const char *name, size_t *out_size)
{
    char *folder = test_path_join(made->folder, run), *path = test_path_join(folder, name);
    unsigned char *bytes = test_file_read(path, out_size);
    free(folder);
    free(path);
    return bytes;
}

static void assert_same_runs(const fixture *made, const char *run, const char *other)
{
    static const char *const names[] = {HNI_RUN_RECIPE, HNI_RUN_LOG, HNI_RUN_LAST, HNI_RUN_BEST};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t size, other_size;
        unsigned char *bytes = read_file(made, run, names[i], &size),
                      *others = read_file(made, other, names[i], &other_size);
        if (size != other_size || memcmp(bytes, others, size) != 0)
            fail_msg("%s and %s: %s differs", run, other, names[i]);
        free(bytes);
        free(others);
    }
}

#endif
