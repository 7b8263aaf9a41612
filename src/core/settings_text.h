/* Shared by the files of settings: how rows, bounds and quoted values look in messages. Nothing outside needs it. */
#ifndef HNI_CORE_SETTINGS_TEXT_H
#define HNI_CORE_SETTINGS_TEXT_H

#include "core/settings.h"

#define HNI_NAME_SIZE 384  /* "r.yaml:4:3: model.units" */
#define HNI_SHOWN_SIZE 100 /* a value in a message */

/* "WHERE: section.name", or without either where it is NULL or empty. name: HNI_NAME_SIZE bytes. */
void hni_setting_place(const char *where, const hni_settings *settings, const hni_setting *row, char *name);
/* Text of a user in quotes, cut after some 60 bytes. shown: HNI_SHOWN_SIZE bytes. Returns it. */
char *hni_quote(const char *text, char *shown);
/* An end of a row's range. bound: 32 bytes. */
void hni_bound_print(const hni_setting *row, double value, char *bound);
/* "NAME: needs a whole number from 1 to 8, not SHOWN". */
HN_MUST_USE hn_status hni_setting_refuse_range(hn_context *context, const char *name, const hni_setting *row,
                                               const char *shown);
/* Place of a word in a NULL-terminated list, or -1. */
int hni_word_index(const char *const *words, const char *text);
/* Value of an INTEGER, INT or CHOICE. */
int64_t hni_setting_whole(const hni_setting *row, const void *object);

#endif
