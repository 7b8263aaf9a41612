/* The idx files of MNIST, Fashion-MNIST and their likes: two zero bytes, a type (8: bytes), the number of dimensions, each dimension in 32
 * bits, the most significant byte first, then the bytes. Images are [n,H,W], or [n,C,H,W] or [n,H,W,C] with 1 to 4 channels. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "app/data/images_read.h"
#include "app/data/unpack.h"
#include "core/alloc.h"
#include "core/size.h"

enum { MOST_DIMENSIONS = 4, MOST_CHANNELS = 4 };

typedef struct idx_header {
    int dimensions;
    int64_t size[MOST_DIMENSIONS];
    const uint8_t *bytes; /* behind it */
} idx_header;

static int64_t big_endian(const uint8_t *bytes)
{
    return (int64_t)((uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3]);
}

/* Reads a header of `least` to `most` dimensions and makes sure that just as many bytes follow as it promises. */
static hn_status parse_header(hn_context *context, const char *name, const hni_file_bytes *file, const int *range,
                              idx_header *out)
{
    static const char *const kinds[] = {"", "labels (0x00000801)", "", "images (0x00000803 or 0x00000804)"};
    const int least = range[0], most = range[1];
    int64_t bytes = 1;
    memset(out, 0, sizeof *out);
    if (file->size < 8) {
        return hni_error(context, HN_ERROR_FORMAT, "%s: is %zu bytes long, which is no idx file: fetch the file again",
                         name, file->size);
    }
    out->dimensions = file->data[3];
    if (file->data[0] != 0 || file->data[1] != 0 || file->data[2] != 8 || out->dimensions < least ||
        out->dimensions > most) {
        return hni_error(context, HN_ERROR_FORMAT,
                         "%s: begins with 0x%02X%02X%02X%02X, not as an idx file of %s: is it the right file?", name,
                         file->data[0], file->data[1], file->data[2], file->data[3], kinds[least]);
    }
    const size_t header = 4 + 4 * (size_t)out->dimensions;
    if (file->size < header) {
        return hni_error(context, HN_ERROR_FORMAT, "%s: ends within its header: fetch the file again", name);
    }
    for (int i = 0; i < out->dimensions; i++) {
        out->size[i] = big_endian(file->data + 4 + 4 * (size_t)i);
        if (out->size[i] == 0) {
            return hni_error(context, HN_ERROR_FORMAT,
                             "%s: its header says that dimension %d has size 0: fetch the file again", name, i);
        }
        if (!hni_i64_mul(bytes, out->size[i], &bytes)) bytes = INT64_MAX;
    }
    if ((uint64_t)bytes != file->size - header) {
        return hni_error(context, HN_ERROR_FORMAT,
                         "%s: its header promises %lld bytes, %zu follow it: cut off or damaged, fetch the file again",
                         name, (long long)bytes, file->size - header);
    }
    out->bytes = file->data + header;
    return HN_OK;
}

/* [n,H,W,C] to [n,C,H,W]. */
static void channels_first(const uint8_t *from, int64_t images, int64_t channels, int64_t area, uint8_t *to)
{
    for (int64_t i = 0; i < images; i++)
        for (int64_t c = 0; c < channels; c++)
            for (int64_t pixel = 0; pixel < area; pixel++)
                *to++ = from[(i * area + pixel) * channels + c];
}

hn_status hni_idx_images_parse(hn_context *context, const char *name, const hni_file_bytes *file,
                               hni_pixels *out_pixels)
{
    static const int range[2] = {3, 4};
    idx_header header;
    void *memory = NULL;
    memset(out_pixels, 0, sizeof *out_pixels);
    hn_status status = parse_header(context, name, file, range, &header);
    if (status != HN_OK) return status;
    const int64_t *size = header.size;
    const bool grey = header.dimensions == 3, last = !grey && size[1] > MOST_CHANNELS;
    *out_pixels = (hni_pixels){.count = size[0],
                               .channels = grey ? 1 : size[last ? 3 : 1],
                               .height = grey || last ? size[1] : size[2],
                               .width = grey || last ? size[2] : size[3]};
    if (out_pixels->channels > MOST_CHANNELS) {
        return hni_error(context, HN_ERROR_FORMAT,
                         "%s: is [%lld,%lld,%lld,%lld]: colours must be the second or the last dimension, 1 to %d of "
                         "them",
                         name, (long long)size[0], (long long)size[1], (long long)size[2], (long long)size[3],
                         MOST_CHANNELS);
    }
    const size_t bytes = (size_t)(file->data + file->size - header.bytes);
    status = hni_alloc_unzeroed(context, "images", bytes, &memory);
    if (status != HN_OK) return status;
    out_pixels->data = memory;
    if (last) {
        channels_first(header.bytes, size[0], size[3], size[1] * size[2], out_pixels->data);
    } else {
        memcpy(out_pixels->data, header.bytes, bytes);
    }
    return HN_OK;
}

hn_status hni_idx_labels_parse(hn_context *context, const char *name, const hni_file_bytes *file,
                               const uint8_t **out_labels, int64_t *out_count)
{
    static const int range[2] = {1, 1};
    idx_header header;
    const hn_status status = parse_header(context, name, file, range, &header);
    *out_labels = header.bytes;
    *out_count = header.size[0];
    return status;
}

/* ---- the four files ---- */

enum { TRAIN, TEST };
static const char *const part_words[2][2] = {{"train", "train"}, {"t10k", "test"}};

/* The first of the usual names that is there: FOLDER/PART-images-idx3-ubyte, with a dot, "idx4", .gz or .xz. */
static bool find_file(const char *folder, int part, bool labels, char *out_path)
{
    static const char *const endings[] = {"", ".gz", ".xz"};
    static const char *const image_kinds[] = {"idx3", "idx4"}, *const label_kinds[] = {"idx1", "idx1"};
    struct stat found;
    for (int i = 0; i < 2 * 2 * 2 * 3; i++) {
        const char *kind = labels ? label_kinds[i / 3 % 2] : image_kinds[i / 3 % 2];
        const int length =
            snprintf(out_path, HNI_DATA_PATH_SIZE, "%s/%s-%s%c%s-ubyte%s", folder, part_words[part][i / 12],
                     labels ? "labels" : "images", i / 6 % 2 == 0 ? '-' : '.', kind, endings[i % 3]);
        if (length > 0 && length < HNI_DATA_PATH_SIZE && stat(out_path, &found) == 0 && S_ISREG(found.st_mode))
            return true;
    }
    return false;
}

bool hni_idx_is_here(const char *folder)
{
    char path[HNI_DATA_PATH_SIZE];
    return find_file(folder, TRAIN, false, path);
}

static hn_status want_file(hn_context *context, const char *folder, int part, bool labels, char *out_path)
{
    if (find_file(folder, part, labels, out_path)) return HN_OK;
    return hni_error(
        context, HN_ERROR_IO,
        "data.path: the folder %.300s has no %s-%s-idx%d-ubyte, plain, .gz or .xz (idx data are four files: images and "
        "labels of 'train' and of 't10k')",
        folder, part_words[part][0], labels ? "labels" : "images", labels ? 1 : 3);
}

/* The images of a part behind what is there. */
static hn_status add_images(hni_images *images, const char *name, const hni_pixels *pixels)
{
    if (images->count > 0 &&
        (images->channels != pixels->channels || images->height != pixels->height || images->width != pixels->width)) {
        return hni_error(images->context, HN_ERROR_FORMAT,
                         "%s: its images are [%lld,%lld,%lld], those of the training part [%lld,%lld,%lld]: they must "
                         "be of one shape",
                         name, (long long)pixels->channels, (long long)pixels->height, (long long)pixels->width,
                         (long long)images->channels, (long long)images->height, (long long)images->width);
    }
    images->channels = pixels->channels;
    images->height = pixels->height;
    images->width = pixels->width;
    const int64_t size = hni_images_size(images), before = images->count;
    const hn_status status = hni_images_grow(images, pixels->count);
    if (status == HN_OK) memcpy(images->pixels + before * size, pixels->data, (size_t)(pixels->count * size));
    return status;
}

static hn_status read_part(hni_images *images, const char *folder, int part)
{
    hn_context *context = images->context;
    hni_file_bytes file = {NULL, 0}, labels_file = {NULL, 0};
    hni_pixels pixels = {.data = NULL};
    char path[HNI_DATA_PATH_SIZE], labels_path[HNI_DATA_PATH_SIZE];
    const uint8_t *labels;
    const int64_t before = images->count;
    int64_t count;
    hn_status status;
    HNI_TRY(want_file(context, folder, part, false, path));
    HNI_TRY(want_file(context, folder, part, true, labels_path));
    HNI_TRY(hni_unpack_file(context, path, 0, &file));
    HNI_TRY(hni_unpack_file(context, labels_path, 0, &labels_file));
    HNI_TRY(hni_idx_images_parse(context, path, &file, &pixels));
    HNI_TRY(hni_idx_labels_parse(context, labels_path, &labels_file, &labels, &count));
    if (count != pixels.count) {
        HNI_TRY(hni_error(context, HN_ERROR_FORMAT, "%s: has %lld labels, %s has %lld images: fetch both files again",
                          labels_path, (long long)count, path, (long long)pixels.count));
    }
    HNI_TRY(add_images(images, path, &pixels));
    for (int64_t i = 0; i < count; i++)
        images->labels[before + i] = labels[i];
cleanup:
    hni_free(context, file.data);
    hni_free(context, labels_file.data);
    hni_free(context, pixels.data);
    return status;
}

/* Sets whose classes have names, by their checksum. */
static const struct {
    const char *checksum;
    int64_t classes;
    const char *names[10];
} named_sets[] = {
    {"75e8c1e173917ca8febd8195e1372e50e760bd8acdfe4d94ce2af7309084bd98", /* Fashion-MNIST */
     10,
     {"T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"}},
};

/* Numbers, unless the set is known. */
static hn_status name_classes(hni_images *images, const char *folder, int64_t classes)
{
    const char *const *names = NULL;
    hn_status status = HN_OK;
    for (size_t i = 0; i < sizeof named_sets / sizeof named_sets[0]; i++) {
        if (strcmp(named_sets[i].checksum, images->checksum) == 0 && named_sets[i].classes == classes)
            names = named_sets[i].names;
    }
    for (int64_t label = 0; status == HN_OK && label < classes; label++) {
        char number[24];
        snprintf(number, sizeof number, "%lld", (long long)label);
        const char *name = names != NULL ? names[label] : number;
        status = hni_images_add_class(images, folder, name, strlen(name));
    }
    return status;
}

hn_status hni_idx_read(hn_context *context, const char *folder, hni_images *images)
{
    int64_t largest = 0;
    hn_status status;
    images->context = context;
    HNI_TRY(read_part(images, folder, TRAIN));
    images->train_count = images->count;
    HNI_TRY(read_part(images, folder, TEST));
    for (int64_t i = 0; i < images->train_count; i++)
        largest = images->labels[i] > largest ? images->labels[i] : largest;
    hni_images_hash(images);
    HNI_TRY(name_classes(images, folder, largest + 1));
cleanup:
    return status;
}
