/* Images opened: settings, the reader that fits the path, parts, checksum, and every complaint about what was found. Readers are in
 * images_idx.c, images_cifar.c and images_folder.c, the drawing of the validation part in image_batch.c. */
#include "app/data/images.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "app/data/image_batch.h"
#include "app/data/images_read.h"
#include "app/data/sha256.h"
#include "app/data/unpack.h"
#include "core/alloc.h"
#include "core/size.h"

#define MOST_BATCH 1048576

static const char *const kind_words[] = {"auto", "idx", "cifar10", "folder", NULL};
static const char *const drawn_words[] = {"random", "last", NULL};

static const hni_setting rows[] = {
    HNI_SETTING_CHOICE(
        "kind", hni_images_settings, kind, kind_words, "auto",
        "idx: the four files of MNIST's kind; cifar10: its binary files or their tar; folder: PNG files in a folder "
        "a class; auto: what the path looks like"),
    HNI_SETTING_TEXT("path", hni_images_settings, path, "mnist", "a folder, a file, or a name below the data places"),
    HNI_SETTING_INTEGER("batch", hni_images_settings, batch, 1, MOST_BATCH, 128,
                        "B, images of an update; what is left at an epoch's end and fills no batch is left out of it"),
    HNI_SETTING_INTEGER("valid_images", hni_images_settings, valid_images, 0, INT32_MAX, 5000,
                        "training images that are kept for validation"),
    HNI_SETTING_CHOICE("valid_drawn", hni_images_settings, valid_drawn, drawn_words, "random",
                       "which ones: drawn at random by split_seed, or the last"),
    HNI_SETTING_INTEGER("split_seed", hni_images_settings, split_seed, 0, INT32_MAX, 1,
                        "seed of that draw, apart from train.seed so that runs share their parts"),
    HNI_SETTING_INTEGER("pad", hni_images_settings, pad, 0, 1024, 0,
                        "zeros around a training image, out of which a piece of its size is cut at random"),
    HNI_SETTING_BOOL("flip", hni_images_settings, flip, false,
                     "half of the training images are mirrored, left to right"),
    HNI_SETTING_NUMBER("rotate", hni_images_settings, rotate, 0, 180, 0, "turned at random by up to so many degrees"),
    HNI_SETTING_NUMBER("scale", hni_images_settings, scale, 0, 0.9, 0,
                       "enlarged or lessened at random by up to this share: 0.1 is 0.9 to 1.1"),
    HNI_SETTING_NUMBER("shift", hni_images_settings, shift, 0, 1, 0,
                       "moved at random by up to this share of width and height, by whole pixels"),
};
static const hni_settings table = HNI_SETTINGS("data", rows);

const hni_settings *hni_images_settings_table(void) { return &table; }
const char *hni_images_kind_name(hni_images_kind kind) { return kind_words[kind]; }

static const char *const split_words[HNI_IMAGES_SPLITS] = {"train", "valid", "test"};

const char *hni_images_split_name(hni_images_split split) { return split_words[split]; }

int hni_images_split_find(const char *name)
{
    for (int split = 0; split < HNI_IMAGES_SPLITS; split++)
        if (strcmp(split_words[split], name) == 0) return split;
    return -1;
}

/* ---- what readers use ---- */

int64_t hni_images_size(const hni_images *images) { return images->channels * images->height * images->width; }

hn_status hni_images_grow(hni_images *images, int64_t more)
{
    int64_t size, bytes;
    void *pixels = images->pixels, *labels = images->labels;
    hn_status status;
    const bool counted = hni_i64_mul(images->channels, images->height, &size) &&
                         hni_i64_mul(size, images->width, &size) && more <= INT32_MAX - images->count &&
                         hni_i64_mul(images->count + more, size, &bytes);
    if (!counted) return hni_error(images->context, HN_ERROR_MEMORY, "data.path: more images than can be counted");
    HNI_TRY(hni_realloc_array(images->context, "images", (size_t)bytes, 1, &pixels));
    images->pixels = pixels;
    HNI_TRY(
        hni_realloc_array(images->context, "labels", (size_t)(images->count + more), sizeof *images->labels, &labels));
    images->labels = labels;
    images->count += more;
cleanup:
    return status;
}

hn_status hni_images_add_class(hni_images *images, const char *where, const char *name, size_t length)
{
    const int64_t count = images->classes;
    if (length == 0 || length >= HNI_CLASS_NAME_SIZE || memchr(name, 0, length) != NULL ||
        memchr(name, '\n', length) != NULL || count == HNI_MOST_CLASSES) {
        return hni_error(
            images->context, HN_ERROR_FORMAT,
            "%.300s: name %lld of a class has %zu bytes: there are at most %d classes, with one line of 1 to %d bytes "
            "each",
            where, (long long)count, length, HNI_MOST_CLASSES, HNI_CLASS_NAME_SIZE - 1);
    }
    if ((count & (count - 1)) == 0) { /* room for 1, 2, 4, 8 .. */
        void *names = images->class_names;
        const size_t room = count == 0 ? 1 : 2 * (size_t)count;
        const hn_status status =
            hni_realloc_array(images->context, "class names", room, sizeof *images->class_names, &names);
        if (status != HN_OK) return status;
        images->class_names = names;
    }
    memcpy(images->class_names[count], name, length);
    images->class_names[count][length] = 0;
    images->classes++;
    return HN_OK;
}

void hni_images_hash(hni_images *images)
{
    hni_sha256 hash;
    char head[160];
    snprintf(head, sizeof head, "images [%lld,%lld,%lld,%lld], %lld for training\n", (long long)images->count,
             (long long)images->channels, (long long)images->height, (long long)images->width,
             (long long)images->train_count);
    hni_sha256_begin(&hash);
    hni_sha256_add(&hash, head, strlen(head));
    hni_sha256_add(&hash, images->pixels, (size_t)(images->count * hni_images_size(images)));
    for (int64_t i = 0; i < images->count; i++) {
        const uint32_t label = (uint32_t)images->labels[i];
        const uint8_t bytes[4] = {(uint8_t)label, (uint8_t)(label >> 8), (uint8_t)(label >> 16),
                                  (uint8_t)(label >> 24)};
        hni_sha256_add(&hash, bytes, sizeof bytes);
    }
    hni_sha256_end(&hash, images->checksum);
}

void hni_images_clear(hni_images *images)
{
    hn_context *context = images->context;
    hni_free(context, images->pixels);
    hni_free(context, images->labels);
    hni_free(context, images->class_names);
    for (int split = 0; split < HNI_IMAGES_SPLITS; split++)
        hni_free(context, images->part[split].rows);
    hni_free(context, images->mean); /* and deviation */
    memset(images, 0, sizeof *images);
    images->context = context;
}

/* ---- the reader ---- */

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* What lies at the path, by the names of its files; AUTO: nothing that is known. */
static hni_images_kind kind_of(const char *path)
{
    return hni_cifar_is_here(path)    ? HNI_IMAGES_KIND_CIFAR10
           : !is_folder(path)         ? HNI_IMAGES_KIND_AUTO
           : hni_idx_is_here(path)    ? HNI_IMAGES_KIND_IDX
           : hni_folder_is_here(path) ? HNI_IMAGES_KIND_FOLDER
                                      : HNI_IMAGES_KIND_AUTO;
}

bool hni_images_are_here(const char *path) { return kind_of(path) != HNI_IMAGES_KIND_AUTO; }

static hn_status choose_kind(hn_context *context, const hni_images_settings *settings, const char *path,
                             hni_images_kind *out_kind)
{
    *out_kind = settings->kind != HNI_IMAGES_KIND_AUTO ? settings->kind : kind_of(path);
    if (*out_kind != HNI_IMAGES_KIND_AUTO) return HN_OK;
    return hni_error(
        context, HN_ERROR_IO,
        "data.path: %.300s: no images are recognised there: a folder with train-images-idx3-ubyte and its three "
        "companions, CIFAR-10's data_batch_1.bin or cifar-10-binary.tar.gz, or a folder of PNG files for each class is "
        "(data.kind names one of them)",
        path);
}

static hn_status read_images(hn_context *context, const char *path, hni_images *images)
{
    switch (images->kind) {
    case HNI_IMAGES_KIND_IDX: return hni_idx_read(context, path, images);
    case HNI_IMAGES_KIND_CIFAR10: return hni_cifar_read(context, path, images);
    default: return hni_folder_read(context, path, images);
    }
}

/* ---- complaints ---- */

static hn_status check_labels(const hni_images *images, const char *path)
{
    const int64_t first = images->count > 0 ? images->labels[0] : 0;
    bool differ = false;
    for (int64_t i = 0; i < images->count; i++) {
        const int64_t label = images->labels[i];
        differ = differ || (i < images->train_count && label != first);
        if (label >= 0 && label < images->classes) continue;
        return hni_error(
            images->context, HN_ERROR_FORMAT,
            "%.300s: test image %lld has label %lld, the training images have labels 0 to %lld: the files do not "
            "belong together, or are damaged",
            path, (long long)(i - images->train_count), (long long)label, (long long)(images->classes - 1));
    }
    if (differ) return HN_OK;
    return hni_error(images->context, HN_ERROR_ARGUMENT,
                     "%.300s: all training images are of one class: there is nothing to tell apart, add a second class",
                     path);
}

static hn_status check_sizes(hn_context *context, const hni_images_settings *settings, const hni_images *images,
                             const char *path)
{
    const int64_t train = images->train_count - settings->valid_images;
    if (train < settings->batch) {
        return hni_error(
            context, HN_ERROR_ARGUMENT,
            "data.path: %.300s: of %lld training images %lld are kept for validation, and %lld are left; one batch "
            "needs %lld: take more images, or lower data.valid_images or data.batch",
            path, (long long)images->train_count, (long long)settings->valid_images, (long long)(train > 0 ? train : 0),
            (long long)settings->batch);
    }
    if (settings->valid_images < 1) {
        return hni_error(context, HN_ERROR_ARGUMENT,
                         "data.valid_images: is 0, but training measures itself on validation images: keep at least 1");
    }
    return HN_OK;
}

/* ---- parts ---- */

static hn_status set_part(hni_images *images, hni_images_split split, int64_t count)
{
    void *memory = NULL;
    const hn_status status = hni_alloc_array(images->context, "parts", (size_t)count, sizeof(int32_t), &memory);
    images->part[split] = (hni_images_part){memory, status == HN_OK ? count : 0};
    return status;
}

static hn_status cut_into_parts(const hni_images_settings *settings, hni_images *images)
{
    const int64_t all = images->train_count;
    const int64_t valid = settings->valid_images < all ? settings->valid_images : all; /* fewer, if only looked at */
    hni_images_part *part = images->part;
    int64_t used[2] = {0, 0};
    hn_status status;
    HNI_TRY(set_part(images, HNI_IMAGES_TRAIN, all - valid));
    HNI_TRY(set_part(images, HNI_IMAGES_VALID, valid));
    HNI_TRY(set_part(images, HNI_IMAGES_TEST, images->count - all));
    for (int64_t i = 0; i < all; i++) {
        const int64_t place = settings->valid_drawn == HNI_IMAGES_DRAWN_LAST
                                  ? all - 1 - i
                                  : hni_shuffled_place((uint64_t)settings->split_seed, "validation", 0, all, i);
        const hni_images_split split = place < valid ? HNI_IMAGES_VALID : HNI_IMAGES_TRAIN;
        part[split].rows[used[split]++] = (int32_t)i;
    }
    for (int64_t i = all; i < images->count; i++)
        part[HNI_IMAGES_TEST].rows[i - all] = (int32_t)i;
cleanup:
    return status;
}

/* Mean and deviation of one channel over the training part, from how often each byte occurs: exact sums. */
static void measure(const hni_images *images, int64_t channel, double *out_mean, double *out_deviation)
{
    const hni_images_part *train = &images->part[HNI_IMAGES_TRAIN];
    const int64_t area = images->height * images->width;
    int64_t counts[256] = {0};
    double sum = 0, square = 0;
    for (int64_t i = 0; i < train->count; i++) {
        const uint8_t *plane = images->pixels + (train->rows[i] * images->channels + channel) * area;
        for (int64_t pixel = 0; pixel < area; pixel++)
            counts[plane[pixel]]++;
    }
    const double all = (double)(train->count * area);
    for (int byte = 0; byte < 256; byte++)
        sum += (double)counts[byte] * byte;
    const double mean = all > 0 ? sum / all : 0;
    for (int byte = 0; byte < 256; byte++)
        square += (double)counts[byte] * (byte - mean) * (byte - mean);
    *out_mean = mean / 255;
    *out_deviation = square > 0 ? sqrt(square / all) / 255 : 1;
}

static hn_status measure_channels(hni_images *images)
{
    void *memory = NULL;
    const hn_status status =
        hni_alloc_array(images->context, "channels", (size_t)images->channels, 2 * sizeof(double), &memory);
    if (status != HN_OK) return status;
    images->mean = memory;
    images->deviation = images->mean + images->channels;
    for (int64_t c = 0; c < images->channels; c++)
        measure(images, c, &images->mean[c], &images->deviation[c]);
    return HN_OK;
}

/* ---- the whole ---- */

hn_status hni_images_open(hn_context *context, const hni_images_settings *settings, const hni_images_source *source,
                          hni_images **out_images)
{
    char path[HNI_DATA_PATH_SIZE];
    hni_images *images = NULL;
    void *memory = NULL;
    hn_status status;
    *out_images = NULL;
    HNI_TRY(hni_data_want(context, settings->path, source->places, path));
    HNI_TRY(hni_alloc(context, "images", sizeof *images, &memory));
    images = memory;
    images->context = context;
    HNI_TRY(choose_kind(context, settings, path, &images->kind));
    HNI_TRY(read_images(context, path, images));
    HNI_TRY(check_labels(images, path));
    if (!source->look) HNI_TRY(check_sizes(context, settings, images, path));
    HNI_TRY(cut_into_parts(settings, images));
    HNI_TRY(measure_channels(images));
    *out_images = images;
    images = NULL;
cleanup:
    hni_images_close(images);
    return status;
}

void hni_images_close(hni_images *images)
{
    if (images == NULL) return;
    hni_images_clear(images);
    hni_free(images->context, images);
}

hn_status hni_pixels_read(hn_context *context, const char *path, hni_pixels *out_pixels)
{
    hni_file_bytes file = {NULL, 0};
    hn_status status;
    memset(out_pixels, 0, sizeof *out_pixels);
    HNI_TRY(hni_unpack_file(context, path, 0, &file));
    if (hni_png_begins(&file)) {
        HNI_TRY(hni_png_parse(context, path, &file, out_pixels));
    } else if (file.size > 0 && file.data[0] == 0) {
        HNI_TRY(hni_idx_images_parse(context, path, &file, out_pixels));
    } else {
        status = hni_error(context, HN_ERROR_FORMAT,
                           "%s: is neither a PNG file nor an idx file of images: convert it first (for example with "
                           "ImageMagick: convert IN OUT.png)",
                           path);
    }
cleanup:
    hni_free(context, file.data);
    return status;
}
