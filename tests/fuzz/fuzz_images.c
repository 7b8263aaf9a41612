/* Fuzzes the readers of image sets on the same bytes: idx files of images and of labels, records of CIFAR-10, and a tar archive, whose
 * files are taken for records. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/data/images_read.h"
#include "app/data/tar.h"
#include "core/alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Refusals say which file it is, and leave nothing behind. */
static void check_refusal(hn_context *context, hn_status status, bool left)
{
    if (status == HN_OK) return;
    if (left || strncmp(hn_context_error(context)->text, "fuzz", 4) != 0) abort();
    hn_context_clear(context);
}

static void check_idx(hn_context *context, const hni_file_bytes *file)
{
    hni_pixels pixels;
    const uint8_t *labels;
    int64_t count;
    uint64_t sum = 0, expected = 0;
    hn_status status = hni_idx_images_parse(context, "fuzz", file, &pixels);
    check_refusal(context, status, status != HN_OK && pixels.data != NULL);
    if (status == HN_OK) {
        const size_t bytes = (size_t)(pixels.count * pixels.channels * pixels.height * pixels.width);
        if (bytes < 1 || bytes >= file->size || pixels.channels > 4) abort();
        for (size_t i = 0; i < bytes; i++) { /* colours first or last: the same bytes */
            sum += pixels.data[i];
            expected += file->data[file->size - bytes + i];
        }
        if (sum != expected) abort();
        hni_free(context, pixels.data);
    }
    status = hni_idx_labels_parse(context, "fuzz", file, &labels, &count);
    check_refusal(context, status, false);
    if (status == HN_OK && (count < 1 || labels + count != file->data + file->size)) abort();
}

static void check_cifar(hn_context *context, const hni_file_bytes *file)
{
    hni_images images = {.context = context};
    for (int time = 0; time < 2; time++) { /* the second behind the first */
        const int64_t before = images.count;
        const hn_status status = hni_cifar_parse(context, "fuzz", file, &images);
        check_refusal(context, status, images.count != before && status != HN_OK);
        if (status != HN_OK) break;
        if (images.count != before + (int64_t)(file->size / 3073)) abort();
        for (int64_t i = before; i < images.count; i++)
            if (images.labels[i] < 0 || images.labels[i] > 9) abort();
        if (memcmp(images.pixels + before * 3072, file->data + 1, 3072) != 0) abort();
    }
    hni_images_clear(&images);
}

static void check_tar(hn_context *context, const hni_file_bytes *file)
{
    hni_tar tar = {.context = context, .name = "fuzz", .archive = file};
    size_t before = 0;
    while (hni_tar_next(&tar)) {
        if (tar.at <= before || tar.at > file->size || tar.file.data + tar.file.size > file->data + tar.at) abort();
        if (strchr(tar.entry, '/') != NULL) abort();
        check_cifar(context, &tar.file);
        before = tar.at;
    }
    check_refusal(context, tar.status, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hn_context *context;
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL || hn_context_create(NULL, &context) != HN_OK) abort();
    memcpy(copy, data, size);
    const hni_file_bytes file = {copy, size};
    check_idx(context, &file);
    check_cifar(context, &file);
    check_tar(context, &file);
    if (hn_context_memory(context) != 0) abort();
    hn_context_destroy(context);
    free(copy);
    return 0;
}
