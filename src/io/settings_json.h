/* Settings as one JSON object on one line, and back: what a checkpoint holds. The rows of core/settings.h are all it knows. */
#ifndef HNI_IO_SETTINGS_JSON_H
#define HNI_IO_SETTINGS_JSON_H

#include "core/settings.h"

/* {"units":1000,"cell":"lstm",...}: every row, in the order of the table; hni_free(context, *out_text). */
HN_MUST_USE hn_status hni_settings_to_json(hn_context *context, const hni_settings *settings, const void *object,
                                           char **out_text);
/* Stores what `text` holds. A row that is missing there keeps its value in `object` (an older file: set defaults first). Unknown
 * or doubled keys and values of the wrong kind or out of range are errors that begin with `where`. */
HN_MUST_USE hn_status hni_settings_from_json(hn_context *context, const char *where, const hni_settings *settings,
                                             const char *text, void *object);

#endif
