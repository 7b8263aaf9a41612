/* The table of sizes of images of `hypernet bench`. */
#ifndef HNI_CLI_BENCH_IMAGES_H
#define HNI_CLI_BENCH_IMAGES_H

#include "bench.h"

void hni_bench_images_print(const hni_bench_image_result *results, size_t count, int64_t repeats);
json_t *hni_bench_images_json(const hni_bench_image_result *result);

#endif
