/* See bench_images.h. What each figure means is said in docs/speed.md. */
#include "bench_images.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench_figures.h"

typedef hni_bench_image_result image_result;

/* ---- figures: NaN where there is none ---- */

static hni_bench_spread step_of(const hni_bench_network *network) { return hni_bench_spread_of(&network->step); }

static double convolutions(const image_result *r) { return hni_bench_convolutions_seconds(&r->convolutions); }

static double rate(const image_result *r, const hni_bench_network *network)
{
    return (double)r->size.batch / step_of(network).median;
}

static double share(const hni_bench_network *network, hni_bench_part part)
{
    return 100 * hni_bench_spread_of(&network->parts[part]).median;
}

static double hyper(const image_result *r) { return step_of(&r->hyper).median; }
static double hyper_low(const image_result *r) { return step_of(&r->hyper).low; }
static double hyper_high(const image_result *r) { return step_of(&r->hyper).high; }
static double hyper_images(const image_result *r) { return rate(r, &r->hyper); }
static double hyper_ratio(const image_result *r) { return hyper(r) / convolutions(r); }
static double hyper_numbers(const image_result *r) { return (double)r->hyper.parameters; }
static double augmentation(const image_result *r) { return share(&r->hyper, HNI_BENCH_PART_AUGMENTATION); }
static double generator(const image_result *r) { return share(&r->hyper, HNI_BENCH_PART_GENERATOR); }
static double within(const image_result *r) { return share(&r->hyper, HNI_BENCH_PART_CONVOLUTION); }
static double norms(const image_result *r) { return share(&r->hyper, HNI_BENCH_PART_NORM); }
static double rest(const image_result *r) { return share(&r->hyper, HNI_BENCH_PART_REST); }
static double hyper_memory(const image_result *r) { return hni_bench_megabytes(r->hyper.bytes); }
static double hyper_peak(const image_result *r) { return hni_bench_megabytes(r->hyper.process_peak); }

static double stored(const image_result *r) { return step_of(&r->stored).median; }
static double stored_images(const image_result *r) { return rate(r, &r->stored); }
static double stored_ratio(const image_result *r) { return stored(r) / convolutions(r); }
static double stored_numbers(const image_result *r) { return (double)r->stored.parameters; }
static double stored_memory(const image_result *r) { return hni_bench_megabytes(r->stored.bytes); }

/* ---- for people ---- */

typedef struct image_row {
    const char *label;
    hni_bench_figure kind;
    double (*value)(const image_result *result); /* NULL: a heading */
} image_row;

static const image_row image_rows[] = {
    {"generated kernels", HNI_BENCH_FIGURE_COUNT, NULL},
    {"  learned numbers", HNI_BENCH_FIGURE_COUNT, hyper_numbers},
    {"  step, s", HNI_BENCH_FIGURE_SECONDS, hyper},
    {"    lower quartile", HNI_BENCH_FIGURE_SECONDS, hyper_low},
    {"    upper quartile", HNI_BENCH_FIGURE_SECONDS, hyper_high},
    {"  images a second", HNI_BENCH_FIGURE_COUNT, hyper_images},
    {"  convolutions alone, s", HNI_BENCH_FIGURE_SECONDS, convolutions},
    {"    step over them", HNI_BENCH_FIGURE_RATIO, hyper_ratio},
    {"  of it: augmentation, %", HNI_BENCH_FIGURE_PERCENT, augmentation},
    {"    generator", HNI_BENCH_FIGURE_PERCENT, generator},
    {"    convolutions", HNI_BENCH_FIGURE_PERCENT, within},
    {"    batch norm", HNI_BENCH_FIGURE_PERCENT, norms},
    {"    everything else", HNI_BENCH_FIGURE_PERCENT, rest},
    {"  step over that of stored", HNI_BENCH_FIGURE_RATIO, hni_bench_over_stored},
    {"  graph and store, MB", HNI_BENCH_FIGURE_COUNT, hyper_memory},
    {"  process, most, MB", HNI_BENCH_FIGURE_COUNT, hyper_peak},
    {"stored kernels", HNI_BENCH_FIGURE_COUNT, NULL},
    {"  learned numbers", HNI_BENCH_FIGURE_COUNT, stored_numbers},
    {"  step, s", HNI_BENCH_FIGURE_SECONDS, stored},
    {"  images a second", HNI_BENCH_FIGURE_COUNT, stored_images},
    {"  step over convolutions", HNI_BENCH_FIGURE_RATIO, stored_ratio},
    {"  graph and store, MB", HNI_BENCH_FIGURE_COUNT, stored_memory},
};

static void print_words(const image_result *results, size_t count, const char *label,
                        void (*word)(const hni_bench_image_size *size, char *out_text))
{
    printf("%-*s", HNI_BENCH_LABEL_WIDTH, label);
    for (size_t i = 0; i < count; i++) {
        char text[HNI_BENCH_CELL];
        if (results[i].skipped) continue;
        word(&results[i].size, text);
        printf("%*s", HNI_BENCH_CELL_WIDTH, text);
    }
    puts("");
}

static void name_word(const hni_bench_image_size *size, char *text)
{
    snprintf(text, HNI_BENCH_CELL, "%s", size->name);
}

static void images_word(const hni_bench_image_size *size, char *text)
{
    snprintf(text, HNI_BENCH_CELL, "%lld x %lldx%lld", (long long)size->channels, (long long)size->height,
             (long long)size->width);
}

static void batch_word(const hni_bench_image_size *size, char *text)
{
    snprintf(text, HNI_BENCH_CELL, "%lld", (long long)size->batch);
}

void hni_bench_images_print(const hni_bench_image_result *results, size_t count, int64_t repeats)
{
    print_words(results, count, "", name_word);
    print_words(results, count, "images", images_word);
    print_words(results, count, "batch", batch_word);
    for (size_t row = 0; row < sizeof image_rows / sizeof image_rows[0]; row++) {
        if (image_rows[row].value == NULL) {
            printf("\n%s\n", image_rows[row].label);
            continue;
        }
        printf("%-*s", HNI_BENCH_LABEL_WIDTH, image_rows[row].label);
        for (size_t i = 0; i < count; i++)
            if (!results[i].skipped) hni_bench_figure_print(image_rows[row].kind, image_rows[row].value(&results[i]));
        puts("");
    }
    printf("\nMedians of %lld, taken in turns; crops and flips, L2 on kernels, batch-norm statistics, Adam.\n",
           (long long)repeats);
    for (size_t i = 0; i < count; i++)
        if (results[i].skipped)
            hni_bench_skipped_print(results[i].size.name, results[i].hyper.forecast + results[i].stored.forecast,
                                    results[i].free_bytes);
}

/* ---- JSON ---- */

static json_t *network_json(const image_result *r, const hni_bench_network *network)
{
    json_t *shares = json_object();
    for (hni_bench_part part = 0; part < HNI_BENCH_PARTS; part++)
        json_object_set_new(shares, hni_bench_part_name(part), hni_bench_spread_json(&network->parts[part]));
    return json_pack("{s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "parameters", (json_int_t)network->parameters, "step",
                     hni_bench_spread_json(&network->step), "forward", hni_bench_spread_json(&network->forward),
                     "backward", hni_bench_spread_json(&network->backward), "update",
                     hni_bench_spread_json(&network->update), "shares", shares, "images_per_second",
                     hni_cli_number_json(rate(r, network)), "over_convolutions",
                     hni_cli_number_json(step_of(network).median / convolutions(r)), "bytes",
                     hni_bench_bytes_json(network->bytes), "process_peak", hni_bench_bytes_json(network->process_peak));
}

static json_t *shape_json(const hn_shape *shape)
{
    json_t *json = json_array();
    for (int i = 0; i < shape->rank; i++)
        json_array_append_new(json, json_integer((json_int_t)shape->size[i]));
    return json;
}

static json_t *convolutions_json(const image_result *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->convolutions.count; i++) {
        const hni_bench_convolution_row *row = &r->convolutions.rows[i];
        const double operations = hni_bench_convolution_operations(&row->convolution) * (double)row->convolution.count;
        for (hni_bench_pass pass = 0; pass < HNI_BENCH_PASSES; pass++) {
            const double seconds = hni_bench_convolution_seconds(row, pass);
            if (!hni_bench_convolution_has(row, pass)) continue;
            json_array_append_new(
                list,
                json_pack("{s:o,s:o,s:I,s:s,s:I,s:o,s:o}", "images", shape_json(&row->convolution.x), "kernel",
                          shape_json(&row->convolution.kernel), "stride", (json_int_t)row->convolution.stride, "pass",
                          hni_bench_pass_name(pass), "count", (json_int_t)row->convolution.count, "seconds",
                          hni_cli_number_json(seconds), "gflops", hni_cli_number_json(operations / seconds / 1e9)));
        }
    }
    return list;
}

json_t *hni_bench_images_json(const hni_bench_image_result *r)
{
    json_t *memory = json_pack("{s:I,s:I,s:o}", "hyper", (json_int_t)r->hyper.forecast, "stored",
                               (json_int_t)r->stored.forecast, "free", hni_bench_bytes_json(r->free_bytes));
    json_t *json = json_pack("{s:s,s:o,s:b,s:o}", "size", r->size.name, "shape", hni_bench_image_shape_json(&r->size),
                             "skipped", (int)r->skipped, "forecast", memory);
    if (json == NULL || r->skipped) return json;
    json_object_set_new(json, "hyper", network_json(r, &r->hyper));
    json_object_set_new(json, "stored", network_json(r, &r->stored));
    json_object_set_new(json, "over_stored", hni_cli_number_json(hni_bench_over_stored(r)));
    json_object_set_new(json, "convolutions_alone", hni_cli_number_json(convolutions(r)));
    json_object_set_new(json, "convolutions", convolutions_json(r));
    return json;
}
