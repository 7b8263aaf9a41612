/* Before training: what it will need, by a dry run of one update, against what the machine has. */
#include <stdio.h>
#include <string.h>

#include "app/train/run.h"
#include "core/alloc.h"

/* Bytes of memory that programs can still take; 0 where the system does not say. */
static int64_t free_memory(void)
{
    char line[256];
    int64_t kilobytes = 0;
    FILE *file = fopen("/proc/meminfo", "r");
    if (file == NULL) return 0;
    while (fgets(line, sizeof line, file) != NULL) {
        long long value;
        if (sscanf(line, "MemAvailable: %lld kB", &value) == 1) kilobytes = value;
    }
    fclose(file);
    return kilobytes * 1024;
}

/* Step memory of one update, by a graph that computes nothing. */
static hn_status dry_step(hni_trainer *trainer, int64_t *out_bytes)
{
    const hn_graph_options options = {HN_BACKEND_DRY, HN_DTYPE_F32};
    hn_graph *graph = NULL;
    hn_weights *weights = NULL;
    hn_tensor loss;
    hn_status status;
    HNI_TRY(hn_graph_create(trainer->context, &options, &graph));
    HNI_TRY(hn_weights_create(graph, trainer->store, &weights));
    HNI_TRY(trainer->task->bind(trainer->work, weights));
    HNI_TRY(trainer->task->loss(trainer->work, 0, &loss));
    HNI_TRY(hn_backward(graph, loss));
    *out_bytes = hn_graph_peak_bytes(graph);
cleanup:
    hn_weights_destroy(weights);
    hn_graph_destroy(graph);
    return status;
}

int64_t hni_forecast_bytes(int64_t parameters, int64_t step_bytes, bool has_average)
{
    const int64_t blocks = 4 + has_average; /* values, gradients, two of Adam, average */
    /* A checkpoint gathers all blocks but the gradients once more. */
    const double bytes = (double)step_bytes + 4.0 * (double)parameters * (double)(2 * blocks - 1);
    return bytes < 9e18 ? (int64_t)bytes : INT64_MAX;
}

hn_status hni_forecast(hni_trainer *trainer)
{
    hni_train_forecast *forecast = &trainer->forecast;
    int64_t step_bytes = 0;
    const hn_status status = dry_step(trainer, &step_bytes);
    if (status != HN_OK) return status;
    forecast->parameters = hn_store_elements(trainer->store);
    forecast->free_bytes = free_memory();
    forecast->steps = trainer->steps;
    forecast->bytes = hni_forecast_bytes(forecast->parameters, step_bytes, trainer->plan->train.average_decay > 0);
    if (forecast->free_bytes > 0 && forecast->bytes > forecast->free_bytes) {
        char needs[32], has[32];
        return hni_error(trainer->context, HN_ERROR_MEMORY,
                         "training needs %s, %s free: make model.units, data.batch or data.length smaller",
                         hni_bytes_print((uint64_t)forecast->bytes, needs, sizeof needs),
                         hni_bytes_print((uint64_t)forecast->free_bytes, has, sizeof has));
    }
    return HN_OK;
}
