/* SHA-256 (FIPS 180-4), for telling whether data is the same. Not for secrets. */
#ifndef HNI_APP_DATA_SHA256_H
#define HNI_APP_DATA_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define HNI_SHA256_TEXT_SIZE 65

typedef struct hni_sha256 {
    uint32_t words[8];
    uint64_t bytes; /* taken so far */
    unsigned char block[64];
} hni_sha256;

void hni_sha256_begin(hni_sha256 *hash);
void hni_sha256_add(hni_sha256 *hash, const void *data, size_t size);
/* Writes 64 hexadecimal digits and a 0. The hash must begin again after that. */
void hni_sha256_end(hni_sha256 *hash, char out_text[HNI_SHA256_TEXT_SIZE]);

#endif
