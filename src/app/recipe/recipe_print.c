/* The effective recipe: every value spelled out, in bytes that depend on the values alone. See recipe.h. Text is quoted when
 * some YAML reader could take it for something else; numbers are printed by core/settings.h and always read back. */
#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "io/text.h"
#include "app/recipe/recipe.h"

/* Words that YAML 1.1 readers take for true, false or nothing, in any case of letters. */
static bool is_yaml_word(const char *text)
{
    static const char *const words[] = {"true", "false", "yes", "no", "on", "off", "y", "n", "null"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(text, words[i]) == 0) return true;
    }
    return false;
}

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* Text that every YAML reader takes for this text: begins like a word or a path, and holds nothing with a meaning. */
static bool is_plain_text(const char *text)
{
    static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./+";
    bool is_path = strncmp(text, "./", 2) == 0 || strncmp(text, "../", 3) == 0;
    bool has_start = is_letter(text[0]) || text[0] == '/' || text[0] == '_' || is_path;
    return has_start && strspn(text, harmless) == strlen(text) && !is_yaml_word(text);
}

/* Characters that must not stand in a YAML file as they are, beyond those of ASCII: C1 controls, separators of lines and of
 * paragraphs, the byte order mark and two values that are no characters. */
static bool is_hidden(uint32_t code)
{
    return (code >= 0x80 && code < 0xa0) || code == 0x2028 || code == 0x2029 || code == 0xfeff || code == 0xfffe ||
           code == 0xffff;
}

static uint32_t decode(const unsigned char *bytes, size_t length)
{
    uint32_t code = length == 1 ? bytes[0] : bytes[0] & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++)
        code = code << 6 | (bytes[i] & 0x3f);
    return code;
}

static void add_quoted(hni_text *out, const char *text)
{
    hni_text_add(out, "\"");
    for (size_t at = 0, size = strlen(text), step; at < size; at += step) {
        step = hni_utf8_length(text + at, size - at); /* checked by the caller: never 0 */
        if (step == 0) step = 1;
        uint32_t code = decode((const unsigned char *)text + at, step);
        if (code == '"' || code == '\\') {
            hni_text_add(out, "\\%c", (int)code);
        } else if (code < 0x20 || code == 0x7f) {
            hni_text_add(out, "\\x%02X", (unsigned)code);
        } else if (is_hidden(code)) {
            hni_text_add(out, "\\u%04X", (unsigned)code);
        } else {
            hni_text_add_bytes(out, text + at, step);
        }
    }
    hni_text_add(out, "\"");
}

static hn_status check_utf8(hn_context *context, const hni_settings *settings, const hni_setting *row, const char *text)
{
    size_t place;
    if (hni_is_utf8(text, &place)) return HN_OK;
    return hni_error(context, HN_ERROR_ARGUMENT, "recipe: %s.%s: byte %zu is not UTF-8, so a recipe cannot hold it",
                     settings->section, row->name, place);
}

static hn_status add_row(hni_text *out, const hni_recipe_section *section, const hni_setting *row)
{
    hn_status status = HN_OK;
    hn_context *context = out->context;
    void *value = NULL;
    size_t size = row->size < 256 ? 256 : row->size + 1;
    HNI_TRY(hni_alloc(context, "recipe", size, &value));
    (void)hni_setting_print(row, section->object, value, size);
    HNI_TRY(check_utf8(context, section->settings, row, value));
    bool is_text = row->kind == HNI_SETTING_KIND_TEXT || row->kind == HNI_SETTING_KIND_CHOICE;
    hni_text_add(out, "  %s: ", row->name);
    if (is_text && !is_plain_text(value)) {
        add_quoted(out, value);
    } else {
        hni_text_add(out, "%s", (const char *)value);
    }
    hni_text_add(out, "\n");
cleanup:
    hni_free(context, value);
    return status;
}

hn_status hni_recipe_print(hn_context *context, const hni_recipe *recipe, char **out_text)
{
    hn_status status = HN_OK;
    hni_text out = {.context = context};
    *out_text = NULL;
    hni_text_add(&out, "task: %s\n", recipe->task);
    for (size_t i = 0; i < recipe->section_count; i++) {
        const hni_recipe_section *section = &recipe->sections[i];
        HNI_TRY(hni_settings_check(context, "recipe", section->settings, section->object));
        hni_text_add(&out, "%s:%s\n", section->settings->section, section->settings->count == 0 ? " {}" : "");
        for (size_t k = 0; k < section->settings->count; k++) {
            HNI_TRY(add_row(&out, section, &section->settings->rows[k]));
        }
    }
    HNI_TRY(hni_text_take(&out, out_text));
cleanup:
    hni_text_free(&out);
    return status;
}
