/* See machine.h. */
#include "app/bench/machine.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/bench/timing.h"
#include "graph/graph.h"

#define PRODUCT 2048
#define PRODUCT_QUICK 64
#define ARRAY (48LL << 20) /* numbers: 192 MiB */
#define ARRAY_QUICK (1LL << 14)

/* ---- words from /proc ---- */

/* What stands behind `key` on its line of a file; false if there is none. */
static bool find_line(const char *path, const char *key, char *out_text, size_t size)
{
    char line[512];
    bool found = false;
    FILE *file = fopen(path, "r");
    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, strlen(key)) != 0) continue;
        const char *value = line + strlen(key);
        value += strspn(value, " \t:");
        snprintf(out_text, size, "%.*s", (int)strcspn(value, "\n"), value);
        found = true;
    }
    if (file != NULL) fclose(file);
    return found;
}

int64_t hni_bench_process_peak(void)
{
    char text[64];
    long long kilobytes = 0;
    if (!find_line("/proc/self/status", "VmHWM", text, sizeof text) || sscanf(text, "%lld", &kilobytes) != 1) return 0;
    return (int64_t)kilobytes * 1024;
}

void hni_bench_process_peak_reset(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (file == NULL) return; /* then the figure is that of the whole process */
    fputs("5", file);
    fclose(file);
}

/* ---- rates ---- */

static hn_status measure_product(hn_context *context, hni_probe_kind kind, int64_t size, size_t repeats,
                                 double *out_rate)
{
    const hni_probe_shape shape = {.m = size, .n = size, .k = size};
    hni_bench_times times = {.count = 0};
    hni_probe *probe = NULL;
    hn_status status;
    HNI_TRY(hni_probe_create(context, kind, &shape, hn_context_threads(context), &probe));
    HNI_TRY(hni_probe_run(probe, 1));
    for (size_t i = 0; i < repeats; i++) {
        const double start = hni_bench_now();
        HNI_TRY(hni_probe_run(probe, 2));
        hni_bench_times_add(&times, (hni_bench_now() - start) / 2);
    }
    *out_rate = 2.0 * pow((double)size, 3) / hni_bench_spread_of(&times).median;
cleanup:
    hni_probe_destroy(probe);
    return status;
}

/* The faster of plain and packed. */
static hn_status measure_f32(hn_context *context, int64_t size, size_t repeats, double *out_rate)
{
    double packed = 0, plain = 0;
    hn_status status;
    HNI_TRY(measure_product(context, HNI_PROBE_PACKED_F32, size, repeats, &packed));
    HNI_TRY(measure_product(context, HNI_PROBE_SGEMM, size, repeats, &plain));
    *out_rate = fmax(packed, plain);
cleanup:
    return status;
}

/* out = x + y by the kernel that training uses: two arrays read, one written. */
static hn_status measure_memory(hn_context *context, int64_t count, size_t repeats, double *out_rate)
{
    const double parameters[2] = {0, 0};
    hn_graph *graph = NULL;
    hni_bench_times times = {.count = 0};
    hni_view views[3];
    hn_status status;
    HNI_TRY(hn_graph_create(context, NULL, &graph));
    for (int i = 0; i < 3; i++) {
        hn_tensor array;
        HNI_TRY(hn_tensor_persist(graph, HN_DTYPE_F32, HN_SHAPE1(count), &array));
        views[i] = hni_graph_want(graph, array, "bench")->view;
    }
    const hni_kernels *kernels = hni_graph_kernels(graph);
    for (size_t i = 0; i <= repeats; i++) { /* the first one touches the memory */
        const double start = hni_bench_now();
        HNI_TRY(kernels->map(hni_graph_exec(graph), HNI_MAP_ADD, parameters, views, &views[2], false));
        if (i > 0) hni_bench_times_add(&times, hni_bench_now() - start);
    }
    *out_rate = 3.0 * sizeof(float) * (double)count / hni_bench_spread_of(&times).median;
cleanup:
    hn_graph_destroy(graph);
    return status;
}

hn_status hni_bench_machine_measure(hn_context *context, size_t repeats, bool quick, hni_bench_machine *out_machine)
{
    hni_bench_machine *machine = out_machine;
    const int64_t size = quick ? PRODUCT_QUICK : PRODUCT, count = quick ? ARRAY_QUICK : ARRAY;
    hn_status status = HN_OK;
    *machine = (hni_bench_machine){.f32 = (double)NAN, .bf16 = (double)NAN, .support = hni_probe_bf16_support()};
    if (!find_line("/proc/cpuinfo", "model name", machine->processor, sizeof machine->processor))
        machine->processor[0] = 0;
    if (hni_kernels_cpu(HN_DTYPE_F32) != NULL) HNI_TRY(measure_f32(context, size, repeats, &machine->f32));
    if (machine->support != HNI_PROBE_BF16_ABSENT)
        HNI_TRY(measure_product(context, HNI_PROBE_PACKED_BF16, size, repeats, &machine->bf16));
    machine->memory_bytes = count * (int64_t)sizeof(float);
    HNI_TRY(measure_memory(context, count, repeats, &machine->memory));
cleanup:
    return status;
}
