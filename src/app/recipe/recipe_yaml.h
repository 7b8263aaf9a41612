/* YAML as a row of events, by libyaml, with everything refused that a recipe does not need: anchors, aliases, tags, deep nesting.
 * Places in messages count lines and columns from 1. The only header with a libyaml type in it. */
#ifndef HNI_RECIPE_RECIPE_YAML_H
#define HNI_RECIPE_RECIPE_YAML_H

#include <yaml.h>

#include "core/context.h"

#define HNI_RECIPE_WHERE_SIZE 320

typedef struct hni_yaml {
    hn_context *context;
    const char *name; /* of the file */
    const char *text;
    size_t size;
    yaml_parser_t parser;
    yaml_event_t event; /* the last one; valid until the next */
    bool is_open, has_event;
} hni_yaml;

/* `text` must stay until hni_yaml_close, which may follow a failed open. */
HN_MUST_USE hn_status hni_yaml_open(hni_yaml *yaml, hn_context *context, const char *name, const char *text,
                                    size_t size);
void hni_yaml_close(hni_yaml *yaml);
/* Reads the next event into yaml->event. */
HN_MUST_USE hn_status hni_yaml_next(hni_yaml *yaml);
/* Goes from the event that begins a value to the one that ends it. */
HN_MUST_USE hn_status hni_yaml_skip(hni_yaml *yaml);
/* "my.yaml:4:3", the place of the event. where: HNI_RECIPE_WHERE_SIZE bytes. Returns it. */
const char *hni_yaml_where(const hni_yaml *yaml, char *where);
/* An error at the place of the event. */
HN_MUST_USE hn_status hni_yaml_refuse(const hni_yaml *yaml, const char *what);
/* The event is a scalar with this many bytes before its first 0: text of a key or a value. */
bool hni_yaml_is_text(const hni_yaml *yaml);

#endif
