/* Before training: what it will need, by a dry run of one update, against what the machine has. */
#include <stdio.h>
#include <string.h>

#include "app/train/run.h"
#include "core/alloc.h"

/* ---- what there is ---- */

/* The number behind `key` in a file of lines "key number", or alone in it ("" as key); -1 if there is none. */
static int64_t read_number(const char *path, const char *key)
{
    char line[256];
    long long value = -1;
    FILE *file = fopen(path, "r");
    while (file != NULL && value < 0 && fgets(line, sizeof line, file) != NULL) {
        const size_t length = strlen(key);
        if (strncmp(line, key, length) != 0 || sscanf(line + length, "%lld", &value) != 1) value = -1;
    }
    if (file != NULL) fclose(file);
    return value;
}

typedef struct group_files { /* of the control group that this process runs in, as a container sees it */
    const char *limit, *used, *entries, *cache; /* `cache` is what the system takes back when it is needed */
} group_files;

/* Room below the group's limit; INT64_MAX if there is none. */
static int64_t group_room(const group_files *group)
{
    const int64_t limit = read_number(group->limit, ""), used = read_number(group->used, "");
    if (limit < 0 || used < 0) return INT64_MAX;
    const int64_t cache = read_number(group->entries, group->cache);
    const int64_t held = used - (cache > 0 ? cache : 0);
    return limit > held ? limit - held : 1;
}

int64_t hni_free_memory(void)
{
    static const group_files groups[] = {
        {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat", "inactive_file "},
        {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes",
         "/sys/fs/cgroup/memory/memory.stat", "total_inactive_file "},
    };
    const int64_t kilobytes = read_number("/proc/meminfo", "MemAvailable:");
    int64_t least = kilobytes < 0 ? INT64_MAX : kilobytes * 1024;
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        const int64_t room = group_room(&groups[i]);
        if (room < least) least = room;
    }
    return least == INT64_MAX ? 0 : least;
}

/* ---- what is needed ---- */

/* Step memory of an update in `parts` parts, by a graph that computes nothing: that of its first part, the largest. */
static hn_status dry_step(hni_trainer *trainer, int64_t parts, int64_t *out_bytes)
{
    const hn_graph_options options = {HN_BACKEND_DRY, HN_DTYPE_F32};
    hn_graph *graph = NULL;
    hn_weights *weights = NULL;
    hn_tensor loss;
    hn_status status;
    const bool bf16 = trainer->plan->train.precision != HNI_TRAIN_F32; /* auto may choose it */
    HNI_TRY(hn_graph_create(trainer->context, &options, &graph));
    HNI_TRY(hn_graph_set_precision(graph, bf16 ? HN_PRECISION_BF16 : HN_PRECISION_F32));
    HNI_TRY(hn_weights_create(graph, trainer->store, &weights));
    HNI_TRY(trainer->task->bind(trainer->work, weights));
    if (trainer->task->take_part != NULL) trainer->task->take_part(trainer->work, 0, parts);
    HNI_TRY(trainer->task->loss(trainer->work, 0, &loss));
    HNI_TRY(hn_backward(graph, loss));
    *out_bytes = hn_graph_peak_bytes(graph);
cleanup:
    hn_weights_destroy(weights);
    hn_graph_destroy(graph);
    return status;
}

int64_t hni_forecast_bytes(const hn_store *store, int64_t step_bytes, int state_blocks)
{
    const double parameters = (double)hn_store_elements(store), buffers = (double)hn_store_buffer_elements(store);
    const int blocks = 2 + state_blocks; /* values, gradients, what the optimiser keeps */
    /* A checkpoint gathers all blocks but the gradients once more; buffers are few, and counted as if they had an average. */
    const double bytes = (double)step_bytes + 4.0 * (parameters * (2 * blocks - 1) + buffers * 4);
    return bytes < 9e18 ? (int64_t)bytes : INT64_MAX;
}

/* What is left of what the context may take; INT64_MAX: no limit. */
static int64_t room(const hn_context *context)
{
    if (context->memory_limit == 0) return INT64_MAX;
    const int64_t left = context->memory_limit - context->memory_held;
    return left > 1 ? left : 1;
}

/* Fills `bytes` for an update in `parts` parts. Chunks of step memory grow by doubling: what is not used of them the machine does not
 * miss, but the context counts it. */
static hn_status try_parts(hni_trainer *trainer, int64_t parts, bool *out_fits)
{
    hni_train_forecast *forecast = &trainer->forecast;
    const int64_t machine = hni_free_memory(), context = room(trainer->context);
    int64_t step_bytes = 0;
    const hn_status status = dry_step(trainer, parts, &step_bytes);
    if (status != HN_OK) return status;
    forecast->micro_batches = parts;
    forecast->bytes = hni_forecast_bytes(trainer->store, step_bytes, hni_train_state_blocks(&trainer->plan->train));
    *out_fits = (machine <= 0 || forecast->bytes <= machine) && forecast->bytes <= context - step_bytes;
    forecast->free_bytes = machine <= 0 || context < machine ? context : machine;
    if (forecast->free_bytes == INT64_MAX) forecast->free_bytes = 0;
    return HN_OK;
}

/* The fewest parts that fit; all rows alone if nothing does. More parts never take more memory. */
static hn_status choose_parts(hni_trainer *trainer, int64_t most, bool *out_fits)
{
    int64_t too_few = 0, enough = most;
    hn_status status;
    HNI_TRY(try_parts(trainer, 1, out_fits));
    if (*out_fits || most == 1) goto cleanup;
    too_few = 1;
    while (enough - too_few > 1) {
        const int64_t middle = too_few + (enough - too_few) / 2;
        HNI_TRY(try_parts(trainer, middle, out_fits));
        if (*out_fits) {
            enough = middle;
        } else {
            too_few = middle;
        }
    }
    HNI_TRY(try_parts(trainer, enough, out_fits));
cleanup:
    return status;
}

static hn_status check_parts(const hni_trainer *trainer, int64_t most)
{
    const int64_t wanted = trainer->plan->train.micro_batches;
    if (wanted <= most) return HN_OK;
    if (trainer->task->take_part == NULL) {
        return hni_error(
            trainer->context, HN_ERROR_ARGUMENT,
            "recipe: train.micro_batches is %lld, but a batch of task '%s' cannot be divided (batch norm reads it as a "
            "whole): set it to 1",
            (long long)wanted, trainer->task->name);
    }
    return hni_error(
        trainer->context, HN_ERROR_ARGUMENT,
        "recipe: train.micro_batches is %lld, but a batch has %lld rows: at most so many parts, or 0 to have "
        "the number chosen",
        (long long)wanted, (long long)most);
}

hn_status hni_forecast(hni_trainer *trainer)
{
    hni_train_forecast *forecast = &trainer->forecast;
    hni_train_settings *settings = &trainer->plan->train;
    const int64_t most =
        trainer->task->take_part != NULL && trainer->size.rows_per_step > 0 ? trainer->size.rows_per_step : 1;
    bool fits = true;
    hn_status status;
    HNI_TRY(check_parts(trainer, most));
    forecast->parameters = hn_store_elements(trainer->store);
    forecast->steps = trainer->steps;
    forecast->chosen = settings->micro_batches == 0;
    HNI_TRY(forecast->chosen ? choose_parts(trainer, most, &fits) : try_parts(trainer, settings->micro_batches, &fits));
    forecast->rows = (trainer->size.rows_per_step + forecast->micro_batches - 1) / forecast->micro_batches;
    if (!fits) {
        char needs[32], has[32];
        return hni_error(trainer->context, HN_ERROR_MEMORY, "training needs %s, %s free: make %s smaller%s",
                         hni_bytes_print((uint64_t)forecast->bytes, needs, sizeof needs),
                         hni_bytes_print((uint64_t)forecast->free_bytes, has, sizeof has), trainer->task->sizes,
                         forecast->micro_batches < most ? ", or train.micro_batches larger (0: as it fits)" : "");
    }
    settings->micro_batches = forecast->micro_batches; /* from here on it stands in the recipe */
cleanup:
    return status;
}
