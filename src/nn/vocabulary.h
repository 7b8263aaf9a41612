/* The symbols of a model: made from a text's own list, or from a checkpoint's. What can be asked is in hypernet/nn.h. */
#ifndef HNI_NN_VOCABULARY_H
#define HNI_NN_VOCABULARY_H

#include "hypernet/nn.h"

/* From the symbols one after the other in the order of the rows: 1 to 256 bytes, each once; or UTF-8 characters, rising in code point.
 * Anything else is an error in the words of the checkpoint it comes from: a list made from a text is right by construction. */
HN_MUST_USE hn_status hni_vocabulary_create(hn_context *context, hn_symbol_kind kind, const void *text, size_t size,
                                            hn_vocabulary **out_vocabulary);
/* NULL is allowed. */
void hni_vocabulary_destroy(hn_vocabulary *vocabulary);

hn_symbol_kind hni_vocabulary_kind(const hn_vocabulary *vocabulary);
/* All symbols one after the other: what a checkpoint keeps. */
const uint8_t *hni_vocabulary_text(const hn_vocabulary *vocabulary, size_t *out_size);
/* Whether both have the same symbols in the same rows. */
bool hni_vocabulary_equal(const hn_vocabulary *a, const hn_vocabulary *b);

#endif
