/* See recipe_yaml.h. */
#include "app/recipe/recipe_yaml.h"

#include <stdio.h>
#include <string.h>

#include "io/text.h"

/* A recipe is two levels deep; skipping a stranger's file looks a little further before it gives up. */
#define DEEPEST 16

hn_status hni_yaml_open(hni_yaml *yaml, hn_context *context, const char *name, const char *text, size_t size)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf"; /* some editors begin every file with it */
    size_t mark = size >= 3 && memcmp(text, byte_order_mark, 3) == 0 ? 3 : 0;
    *yaml = (hni_yaml){.context = context, .name = name, .text = text + mark, .size = size - mark};
    if (yaml_parser_initialize(&yaml->parser) == 0) {
        return hni_error(context, HN_ERROR_MEMORY, "%s: out of memory while reading YAML: close other programs", name);
    }
    yaml->is_open = true;
    yaml_parser_set_encoding(&yaml->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&yaml->parser, (const unsigned char *)yaml->text, yaml->size);
    return HN_OK;
}

static void drop_event(hni_yaml *yaml)
{
    if (yaml->has_event) yaml_event_delete(&yaml->event);
    yaml->has_event = false;
}

void hni_yaml_close(hni_yaml *yaml)
{
    drop_event(yaml);
    if (yaml->is_open) yaml_parser_delete(&yaml->parser);
    yaml->is_open = false;
}

const char *hni_yaml_where(const hni_yaml *yaml, char *where)
{
    char name[HNI_RECIPE_WHERE_SIZE - 48];
    (void)snprintf(where, HNI_RECIPE_WHERE_SIZE, "%s:%zu:%zu", hni_printable(yaml->name, name, sizeof name),
                   yaml->event.start_mark.line + 1, yaml->event.start_mark.column + 1);
    return where;
}

hn_status hni_yaml_refuse(const hni_yaml *yaml, const char *what)
{
    char where[HNI_RECIPE_WHERE_SIZE];
    return hni_error(yaml->context, HN_ERROR_FORMAT, "%s: %s", hni_yaml_where(yaml, where), what);
}

/* Line and column of a byte, which libyaml leaves out when the byte itself is the problem. */
static void locate(const hni_yaml *yaml, size_t offset, size_t *out_line, size_t *out_column)
{
    *out_line = *out_column = 1;
    for (size_t i = 0; i < offset && i < yaml->size; i++) {
        unsigned char byte = (unsigned char)yaml->text[i];
        if (byte == '\n') {
            ++*out_line;
            *out_column = 1;
        } else if ((byte & 0xc0) != 0x80) {
            ++*out_column;
        }
    }
}

/* libyaml could not go on: its words, with the place. */
static hn_status syntax_error(const hni_yaml *yaml)
{
    const yaml_parser_t *parser = &yaml->parser;
    size_t line = parser->problem_mark.line + 1, column = parser->problem_mark.column + 1;
    const char *problem = parser->problem != NULL ? parser->problem : "not understood";
    if (parser->error == YAML_MEMORY_ERROR) {
        return hni_error(yaml->context, HN_ERROR_MEMORY, "%s: out of memory while reading YAML: close other programs",
                         yaml->name);
    }
    if (parser->error == YAML_READER_ERROR) {
        locate(yaml, parser->problem_offset, &line, &column);
        return hni_error(yaml->context, HN_ERROR_FORMAT,
                         "%s:%zu:%zu: %s: a recipe is text in UTF-8, is it the right file?", yaml->name, line, column,
                         problem);
    }
    return hni_error(yaml->context, HN_ERROR_FORMAT, "%s:%zu:%zu: not YAML here: %s%s%s", yaml->name, line, column,
                     problem, parser->context != NULL ? ", " : "", parser->context != NULL ? parser->context : "");
}

/* Anchors, aliases and tags make one text mean several things; no recipe needs them. */
static hn_status check_plain(const hni_yaml *yaml)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (yaml->event.type) {
    case YAML_ALIAS_EVENT:
        return hni_yaml_refuse(yaml, "an alias ('*name') has no place in a recipe: write the value itself");
    case YAML_SCALAR_EVENT:
        anchor = yaml->event.data.scalar.anchor;
        tag = yaml->event.data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = yaml->event.data.sequence_start.anchor;
        tag = yaml->event.data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = yaml->event.data.mapping_start.anchor;
        tag = yaml->event.data.mapping_start.tag;
        break;
    default: break;
    }
    if (anchor != NULL) return hni_yaml_refuse(yaml, "an anchor ('&name') has no place in a recipe: leave it out");
    if (tag != NULL) return hni_yaml_refuse(yaml, "a tag ('!name') has no place in a recipe: leave it out");
    return HN_OK;
}

hn_status hni_yaml_next(hni_yaml *yaml)
{
    drop_event(yaml);
    if (yaml_parser_parse(&yaml->parser, &yaml->event) == 0) return syntax_error(yaml);
    yaml->has_event = true;
    return check_plain(yaml);
}

hn_status hni_yaml_skip(hni_yaml *yaml)
{
    int depth = 0;
    for (;;) {
        yaml_event_type_t type = yaml->event.type;
        if (type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT) depth++;
        if (type == YAML_MAPPING_END_EVENT || type == YAML_SEQUENCE_END_EVENT) depth--;
        if (depth <= 0) return HN_OK;
        if (depth > DEEPEST) return hni_yaml_refuse(yaml, "nested too deeply for a recipe: is it the right file?");
        hn_status status = hni_yaml_next(yaml);
        if (status != HN_OK) return status;
    }
}

bool hni_yaml_is_text(const hni_yaml *yaml)
{
    return yaml->event.type == YAML_SCALAR_EVENT &&
           strlen((const char *)yaml->event.data.scalar.value) == yaml->event.data.scalar.length;
}
