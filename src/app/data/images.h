/* Labelled images as bytes: read, cut into training, validation and test part, measured. Knows nothing of graphs and models; batches
 * of them are in image_batch.h.
 *
 *     hni_images *images = NULL;
 *     HNI_TRY(hni_images_open(context, &settings, &source, &images));
 *     const hni_images_part *train = &images->part[HNI_IMAGES_TRAIN];
 *     ... images->pixels, images->labels[train->rows[i]] ...
 */
#ifndef HNI_APP_DATA_IMAGES_H
#define HNI_APP_DATA_IMAGES_H

#include "app/data/find.h"
#include "core/settings.h"

typedef enum hni_images_kind {
    HNI_IMAGES_KIND_AUTO = 0, /* whichever of the others the path looks like */
    HNI_IMAGES_KIND_IDX,      /* the four files of MNIST and its likes, plain, .gz or .xz */
    HNI_IMAGES_KIND_CIFAR10, /* data_batch_1.bin .. 5, test_batch.bin, plain, .gz or .xz, or the tar of them, packed or not */
    HNI_IMAGES_KIND_FOLDER /* PNG files, a folder a class: DIR/CLASS, or DIR/train/CLASS and DIR/test/CLASS */
} hni_images_kind;

typedef enum hni_images_drawn {
    HNI_IMAGES_DRAWN_RANDOM = 0, /* validation images are drawn from the training images by split_seed */
    HNI_IMAGES_DRAWN_LAST        /* they are the last ones */
} hni_images_drawn;

#define HNI_MOST_CLASSES 65536
#define HNI_CLASS_NAME_SIZE 64

typedef struct hni_images_settings {
    hni_images_kind kind;
    char path[HNI_DATA_PATH_SIZE];
    int64_t batch;        /* B */
    int64_t valid_images; /* of the training images, kept for validation */
    hni_images_drawn valid_drawn;
    int64_t split_seed;
    /* What happens to an image when it is trained on, in this order; see image_batch.h. */
    int64_t pad;
    bool flip;
    double rotate, scale, shift;
} hni_images_settings;

/* Section "data" over hni_images_settings. */
const hni_settings *hni_images_settings_table(void);
/* The word of a recipe: "cifar10". */
const char *hni_images_kind_name(hni_images_kind kind);

typedef enum hni_images_split {
    HNI_IMAGES_TRAIN = 0,
    HNI_IMAGES_VALID,
    HNI_IMAGES_TEST,
    HNI_IMAGES_SPLITS
} hni_images_split;

/* "train", "valid", "test". */
const char *hni_images_split_name(hni_images_split split);
/* The place of a split's name; -1 if it is none of them. */
int hni_images_split_find(const char *name);

/* A part as places in the whole, in growing order. */
typedef struct hni_images_part {
    int32_t *rows;
    int64_t count; /* 0: there is none, as the test part of a folder without one */
} hni_images_part;

typedef struct hni_images_source {
    const hni_data_places *places;
    bool look; /* only to be looked at: there may be too few to learn from */
} hni_images_source;

typedef struct hni_images {
    hn_context *context;
    hni_images_kind kind;                   /* what was read: never AUTO */
    int64_t count, channels, height, width; /* n, C, H, W */
    uint8_t *pixels;     /* [n,C,H,W]: all training images, validation included, then all test images */
    int32_t *labels;     /* [n], in [0,classes) */
    int64_t train_count; /* of the first part of pixels */
    int64_t classes;     /* at least 2 */
    char (*class_names)[HNI_CLASS_NAME_SIZE]; /* [classes] */
    hni_images_part part[HNI_IMAGES_SPLITS];
    double *mean, *deviation; /* [C] of byte / 255 over the training part; deviation is 1 where all bytes are equal */
    char checksum[65];        /* SHA-256 of shape, pixels and labels, before any split */
} hni_images;

/* Everything that can be wrong with the images is said here: missing, damaged, of several sizes, labels outside, too few for a batch. */
HN_MUST_USE hn_status hni_images_open(hn_context *context, const hni_images_settings *settings,
                                      const hni_images_source *source, hni_images **out_images);
/* NULL is allowed. */
void hni_images_close(hni_images *images);
/* Whether the names at the path are those of one of the kinds; looks into no file. */
bool hni_images_are_here(const char *path);

/* Images without labels, of one file. */
typedef struct hni_pixels {
    int64_t count, channels, height, width;
    uint8_t *data; /* [count,channels,height,width]; hni_free */
} hni_pixels;

/* A PNG file (one image), or an idx file of images, plain or packed. */
HN_MUST_USE hn_status hni_pixels_read(hn_context *context, const char *path, hni_pixels *out_pixels);

#endif
