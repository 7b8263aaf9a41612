/* What the readers of image data share; for src/app/data/images*.c, png.c and tests of them only. A reader fills pixels, labels, classes,
 * train_count and checksum of an hni_images whose other fields are zero; hni_images_open checks them and does the rest. */
#ifndef HNI_APP_DATA_IMAGES_READ_H
#define HNI_APP_DATA_IMAGES_READ_H

#include "app/data/images.h"
#include "io/files.h"

/* One file's images or labels from memory; `name` is the file's name in messages. Images take over nothing: the pixels are a copy. */
HN_MUST_USE hn_status hni_idx_images_parse(hn_context *context, const char *name, const hni_file_bytes *file,
                                           hni_pixels *out_pixels);
/* The labels are the bytes behind the header: *out_labels points into the file. */
HN_MUST_USE hn_status hni_idx_labels_parse(hn_context *context, const char *name, const hni_file_bytes *file,
                                           const uint8_t **out_labels, int64_t *out_count);
/* The files of a folder. */
HN_MUST_USE hn_status hni_idx_read(hn_context *context, const char *folder, hni_images *images);
/* Whether the folder has the training images of such a set. */
bool hni_idx_is_here(const char *folder);

/* Records of CIFAR-10: adds those of one file to `images`. */
HN_MUST_USE hn_status hni_cifar_parse(hn_context *context, const char *name, const hni_file_bytes *file,
                                      hni_images *images);
/* The names in the lines of batches.meta.txt, added to those of `images`; anything but ten in all is an error. */
HN_MUST_USE hn_status hni_cifar_parse_names(hn_context *context, const char *name, const hni_file_bytes *file,
                                            hni_images *images);
/* The files of a folder or of a tar; packed ones are remembered unpacked (images_cache.c). */
HN_MUST_USE hn_status hni_cifar_read(hn_context *context, const char *path, hni_images *images);
bool hni_cifar_is_here(const char *path);

/* PNG files in a folder a class. */
HN_MUST_USE hn_status hni_folder_read(hn_context *context, const char *folder, hni_images *images);
bool hni_folder_is_here(const char *folder);

/* One PNG file from memory as [1,C,H,W] with 1 or 3 channels. */
HN_MUST_USE hn_status hni_png_parse(hn_context *context, const char *name, const hni_file_bytes *file,
                                    hni_pixels *out_pixels);
bool hni_png_begins(const hni_file_bytes *file);

/* Room for `more` images behind those that are there; sets neither pixels nor labels. Fails if they cannot be counted. */
HN_MUST_USE hn_status hni_images_grow(hni_images *images, int64_t more);
/* One more class, which takes the next number; `where` is the file or folder that names it. */
HN_MUST_USE hn_status hni_images_add_class(hni_images *images, const char *where, const char *name, size_t length);
/* Bytes of one image. */
int64_t hni_images_size(const hni_images *images);
/* Writes the checksum. */
void hni_images_hash(hni_images *images);

/* Frees what a reader has filled in, and clears it. */
void hni_images_clear(hni_images *images);

#endif
