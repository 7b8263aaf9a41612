/* See images_cache.h. */
#include "app/data/images_cache.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "app/data/images_read.h"
#include "core/alloc.h"
#include "core/settings.h"
#include "hypernet/io.h"
#include "io/text.h"

/* zlib counts in unsigned int. */
#define LARGEST_PIECE ((size_t)1 << 30)

static bool join(char *out_path, const char *folder, const char *name)
{
    const int length = snprintf(out_path, HNI_DATA_PATH_SIZE, "%s/%s", folder, name);
    return length > 0 && length < HNI_DATA_PATH_SIZE;
}

/* The folder of all copies, which need not be there. A relative $XDG_CACHE_HOME does not count, as its specification says. */
static bool find_folder(char *out_path)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache != NULL && cache[0] == '/') return join(out_path, cache, "hypernet");
    return home != NULL && home[0] == '/' && join(out_path, home, ".cache/hypernet");
}

static void make_folders(const char *file)
{
    char path[HNI_DATA_PATH_SIZE];
    snprintf(path, sizeof path, "%s", file);
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        (void)mkdir(path, 0777); /* what cannot be made is seen when the file is written */
        *slash = '/';
    }
}

void hni_images_cache_begin(hni_images_cache *cache, const char *kind)
{
    hni_sha256_begin(&cache->hash);
    hni_sha256_add(&cache->hash, kind, strlen(kind));
    if (!find_folder(cache->path)) cache->path[0] = 0;
}

void hni_images_cache_add(hni_images_cache *cache, const char *path)
{
    char real[PATH_MAX], whole[PATH_MAX + 160];
    struct stat s;
    if (realpath(path, real) == NULL || stat(path, &s) != 0) {
        cache->path[0] = 0;
    } else {
        snprintf(whole, sizeof whole, "\n%s %lld %lld.%09ld %lld.%09ld %llu %llu", real, (long long)s.st_size,
                 (long long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec, (long long)s.st_ctim.tv_sec, s.st_ctim.tv_nsec,
                 (unsigned long long)s.st_dev, (unsigned long long)s.st_ino);
        hni_sha256_add(&cache->hash, whole, strlen(whole));
    }
}

static void end_key(hni_images_cache *cache)
{
    char folder[HNI_DATA_PATH_SIZE], key[HNI_SHA256_TEXT_SIZE], name[64];
    hni_sha256_end(&cache->hash, key);
    snprintf(name, sizeof name, "images-%.32s.safetensors", key);
    if (cache->path[0] == 0) return;
    memcpy(folder, cache->path, sizeof folder);
    if (!join(cache->path, folder, name)) cache->path[0] = 0;
}

static uint32_t add_crc(uint32_t crc, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    while (size > 0) {
        const size_t piece = size < LARGEST_PIECE ? size : LARGEST_PIECE;
        crc = (uint32_t)crc32(crc, bytes, (uInt)piece);
        bytes += piece;
        size -= piece;
    }
    return crc;
}

/* Of everything that load takes out of the copy; `names` are one a line. */
static uint32_t crc_of(const hni_images *images, const char *names, const uint8_t *pixels, const int32_t *labels)
{
    char text[160];
    snprintf(text, sizeof text, "%lld %lld %lld %lld %lld %s\n", (long long)images->count, (long long)images->channels,
             (long long)images->height, (long long)images->width, (long long)images->train_count, images->checksum);
    uint32_t crc = add_crc(add_crc(0, text, strlen(text)), names, strlen(names));
    crc = add_crc(crc, labels, (size_t)images->count * sizeof *labels);
    return add_crc(crc, pixels, (size_t)(images->count * hni_images_size(images)));
}

static bool number_of(const hn_safetensors *file, const char *key, int64_t *out_number)
{
    const char *text = hn_safetensors_text(file, key);
    return text != NULL && hni_whole_parse(text, out_number);
}

/* Shape, counts and checksum out of the file; false if it is no copy. */
static bool describe(const hn_safetensors *file, hni_images *found)
{
    const hn_file_tensor *pixels = hn_safetensors_find(file, "pixels"), *labels = hn_safetensors_find(file, "labels");
    const char *checksum = hn_safetensors_text(file, "sha256"), *names = hn_safetensors_text(file, "class_names");
    if (pixels == NULL || labels == NULL || names == NULL || checksum == NULL ||
        strlen(checksum) != HNI_SHA256_TEXT_SIZE - 1 || !number_of(file, "train", &found->train_count))
        return false;
    if (pixels->dtype != HN_DTYPE_U8 || pixels->shape.rank != 4 || labels->dtype != HN_DTYPE_I32 ||
        labels->shape.rank != 1 || labels->shape.size[0] != pixels->shape.size[0])
        return false;
    found->count = pixels->shape.size[0];
    found->channels = pixels->shape.size[1];
    found->height = pixels->shape.size[2];
    found->width = pixels->shape.size[3];
    memcpy(found->checksum, checksum, sizeof found->checksum);
    return found->train_count >= 0 && found->train_count <= found->count;
}

/* Of a copy that is described. */
static uint32_t crc_of_copy(const hn_safetensors *file, const hni_images *found)
{
    return crc_of(found, hn_safetensors_text(file, "class_names"), hn_safetensors_find(file, "pixels")->data,
                  hn_safetensors_find(file, "labels")->data);
}

bool hni_images_cache_crc(const hn_safetensors *file, uint32_t *out_crc)
{
    hni_images found = {.context = NULL};
    if (!describe(file, &found)) return false;
    *out_crc = crc_of_copy(file, &found);
    return true;
}

/* What the file says, held against its own checksum; `found` is no more than shape, counts and checksum. */
static bool is_whole(const hn_safetensors *file, hni_images *found)
{
    int64_t crc;
    return describe(file, found) && number_of(file, "crc32", &crc) && crc == (int64_t)crc_of_copy(file, found);
}

static hn_status take_names(hni_images *images, const char *file, const char *lines)
{
    hn_status status = HN_OK;
    while (status == HN_OK && lines[0] != 0) {
        const size_t length = strcspn(lines, "\n");
        status = hni_images_add_class(images, file, lines, length);
        lines += lines[length] == 0 ? length : length + 1;
    }
    return status;
}

hn_status hni_images_cache_take(hn_context *context, const char *path, const hn_safetensors *file, hni_images *images)
{
    hni_images found = {.context = context};
    hn_status status;
    if (!is_whole(file, &found)) return hni_error(context, HN_ERROR_FORMAT, "%s: is damaged", path);
    const int64_t count = found.count, train_count = found.train_count;
    found.count = 0;
    HNI_TRY(hni_images_grow(&found, count));
    found.train_count = train_count;
    memcpy(found.pixels, hn_safetensors_find(file, "pixels")->data, (size_t)(count * hni_images_size(&found)));
    memcpy(found.labels, hn_safetensors_find(file, "labels")->data, (size_t)count * sizeof(int32_t));
    HNI_TRY(take_names(&found, path, hn_safetensors_text(file, "class_names")));
    found.kind = images->kind;
    *images = found;
cleanup:
    if (status != HN_OK) hni_images_clear(&found);
    return status;
}

bool hni_images_cache_load(hni_images_cache *cache, hni_images *images)
{
    hn_context *context = images->context;
    hn_safetensors *file = NULL;
    struct stat found;
    end_key(cache);
    if (cache->path[0] == 0 || stat(cache->path, &found) != 0) return false;
    hn_status status = hn_safetensors_open(context, cache->path, &file);
    if (status == HN_OK) status = hni_images_cache_take(context, cache->path, file, images);
    hn_safetensors_close(file);
    if (status == HN_OK) return true;
    hn_context_clear(context);
    hni_log(context, HN_LOG_INFO, "%s: this copy of unpacked images is damaged: it is made anew", cache->path);
    return false;
}

static hn_status store(const char *path, const hni_images *images)
{
    hni_text names = {.context = images->context};
    char crc[16], train[32], *lines = NULL;
    hn_status status;
    for (int64_t i = 0; i < images->classes; i++)
        hni_text_add(&names, "%s\n", images->class_names[i]);
    HNI_TRY(hni_text_take(&names, &lines));
    snprintf(crc, sizeof crc, "%llu", (unsigned long long)crc_of(images, lines, images->pixels, images->labels));
    snprintf(train, sizeof train, "%lld", (long long)images->train_count);
    const hn_file_tensor tensors[] = {{"pixels", HN_DTYPE_U8,
                                       HN_SHAPE4(images->count, images->channels, images->height, images->width),
                                       images->pixels},
                                      {"labels", HN_DTYPE_I32, HN_SHAPE1(images->count), images->labels}};
    const hn_file_text texts[] = {
        {"train", train}, {"class_names", lines}, {"sha256", images->checksum}, {"crc32", crc}};
    make_folders(path);
    HNI_TRY(hn_safetensors_write(images->context, path, &(hn_safetensors_content){tensors, 2, texts, 4}));
cleanup:
    hni_text_free(&names);
    hni_free(images->context, lines);
    return status;
}

void hni_images_cache_store(const hni_images_cache *cache, const hni_images *images)
{
    if (cache->path[0] == 0) return;
    if (store(cache->path, images) == HN_OK) {
        hni_log(images->context, HN_LOG_INFO, "%s: a copy of them for the next time", cache->path);
        return;
    }
    hni_log(images->context, HN_LOG_INFO, "no copy of the unpacked images was kept: %s",
            hn_context_error(images->context)->text);
    hn_context_clear(images->context);
}
