/* Fuzzes the readers of image sets on the same bytes: idx files of images and of labels, records of CIFAR-10, its names of classes, a
 * tar archive, whose files are taken for records, and a decoded copy: as it is, and with its checksum put right. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/data/images_cache.h"
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

/* Ten names, which stand in the file one behind the other. */
static void check_names(hn_context *context, const hni_file_bytes *file)
{
    hni_images images = {.context = context};
    const uint8_t *at = file->data, *end = file->data + file->size;
    const hn_status status = hni_cifar_parse_names(context, "fuzz", file, &images);
    check_refusal(context, status, false);
    if (status == HN_OK && images.classes != 10) abort();
    for (int64_t i = 0; status == HN_OK && i < images.classes; i++) {
        const size_t length = strlen(images.class_names[i]);
        if (length == 0 || strchr(images.class_names[i], '\n') != NULL) abort();
        at = memmem(at, (size_t)(end - at), images.class_names[i], length);
        if (at == NULL) abort();
        at += length;
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

/* ---- a decoded copy ---- */

/* Everything that the copy holds, and nothing else. */
static void check_taken(const hn_safetensors *file, const hni_images *images)
{
    const char *lines = hn_safetensors_text(file, "class_names");
    const size_t bytes = (size_t)(images->count * hni_images_size(images)), rows = (size_t)images->count;
    size_t length = 0;
    if (images->count < 1 || images->train_count < 0 || images->train_count > images->count) abort();
    if (strcmp(images->checksum, hn_safetensors_text(file, "sha256")) != 0) abort();
    if (memcmp(images->pixels, hn_safetensors_find(file, "pixels")->data, bytes) != 0) abort();
    if (memcmp(images->labels, hn_safetensors_find(file, "labels")->data, rows * sizeof(int32_t)) != 0) abort();
    for (int64_t i = 0; i < images->classes; i++) {
        const size_t more = strlen(images->class_names[i]);
        if (more == 0 || memcmp(images->class_names[i], lines + length, more) != 0) abort();
        length += more + 1;
    }
    if (length != strlen(lines) && length != strlen(lines) + 1) abort(); /* a line's end behind the last, or none */
}

static void take(hn_context *context, const hn_safetensors *file)
{
    hni_images images = {.context = context};
    const hn_status status = hni_images_cache_take(context, "fuzz", file, &images);
    check_refusal(context, status, images.count != 0 || images.pixels != NULL || images.class_names != NULL);
    if (status == HN_OK) check_taken(file, &images);
    hni_images_clear(&images);
}

/* The same copy anew, with the checksum that fits it. */
static void take_repaired(hn_context *context, const hn_safetensors *file, uint32_t crc)
{
    char number[16];
    snprintf(number, sizeof number, "%" PRIu32, crc);
    const hn_file_tensor tensors[] = {*hn_safetensors_find(file, "pixels"), *hn_safetensors_find(file, "labels")};
    const hn_file_text texts[] = {{"train", hn_safetensors_text(file, "train")},
                                  {"class_names", hn_safetensors_text(file, "class_names")},
                                  {"sha256", hn_safetensors_text(file, "sha256")},
                                  {"crc32", number}};
    const hn_safetensors_content content = {tensors, 2, texts, 4};
    hn_safetensors *repaired = NULL;
    size_t size;
    if (hn_safetensors_print(context, &content, NULL, 0, &size) != HN_OK) abort();
    uint8_t *bytes = malloc(size);
    if (bytes == NULL || hn_safetensors_print(context, &content, bytes, size, &size) != HN_OK) abort();
    if (hn_safetensors_parse(context, "fuzz", bytes, size, &repaired) != HN_OK) abort();
    take(context, repaired);
    hn_safetensors_close(repaired);
    free(bytes);
}

static void check_copy(hn_context *context, const hni_file_bytes *bytes)
{
    hn_safetensors *file = NULL;
    uint32_t crc;
    const hn_status status = hn_safetensors_parse(context, "fuzz", bytes->data, bytes->size, &file);
    check_refusal(context, status, file != NULL);
    if (status != HN_OK) return;
    take(context, file);
    if (hni_images_cache_crc(file, &crc)) take_repaired(context, file, crc);
    hn_safetensors_close(file);
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
    check_names(context, &file);
    check_tar(context, &file);
    check_copy(context, &file);
    if (hn_context_memory(context) != 0) abort();
    hn_context_destroy(context);
    free(copy);
    return 0;
}
