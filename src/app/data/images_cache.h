/* A decoded copy of images that are slow to unpack, below $XDG_CACHE_HOME/hypernet, else ~/.cache/hypernet: a safetensors file with a
 * checksum. Never needed: what cannot be written is not, what is damaged is made anew, and the folder may be deleted at any time. A copy
 * belongs to the very files it was made of: their paths, sizes and times of change.
 *
 *     hni_images_cache cache;
 *     hni_images_cache_begin(&cache, "cifar10");
 *     hni_images_cache_add(&cache, path);                  // every file that is read
 *     if (!hni_images_cache_load(&cache, images)) {
 *         ... read the files ...
 *         hni_images_cache_store(&cache, images);
 *     }
 */
#ifndef HNI_APP_DATA_IMAGES_CACHE_H
#define HNI_APP_DATA_IMAGES_CACHE_H

#include "app/data/images.h"
#include "app/data/sha256.h"
#include "hypernet/io.h"

typedef struct hni_images_cache {
    hni_sha256 hash;
    char path[HNI_DATA_PATH_SIZE]; /* of the copy; "": there is no place for one */
} hni_images_cache;

void hni_images_cache_begin(hni_images_cache *cache, const char *kind);
/* A file that cannot be looked at leaves no place for a copy. */
void hni_images_cache_add(hni_images_cache *cache, const char *path);
/* Fills shape, pixels, labels, train_count and checksum of `images`, in which nothing stands yet, or leaves it as it is. */
bool hni_images_cache_load(hni_images_cache *cache, hni_images *images);
/* What load has not found. Needs the checksum. */
void hni_images_cache_store(const hni_images_cache *cache, const hni_images *images);

/* Inside of load; beside it for tests. The images of an open copy, or, for one that is damaged, an error and nothing. `path` is its
 * name in messages. */
HN_MUST_USE hn_status hni_images_cache_take(hn_context *context, const char *path, const hn_safetensors *file,
                                            hni_images *images);
/* The checksum that the text "crc32" of a copy must have for what it holds; false if it is none. */
bool hni_images_cache_crc(const hn_safetensors *file, uint32_t *out_crc);

#endif
