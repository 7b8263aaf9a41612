/* See eval_classes.h. */
#include "eval_classes.h"

#include <math.h>
#include <string.h>

#include "app/plot/frame.h"
#include "format.h"
#include "io/json.h"

#define WIDEST_NAME 24

static uint64_t count_at(const hni_confusion *confusion, size_t class, size_t said)
{
    return confusion->counts[class * confusion->classes + said];
}

/* The class that this one is most often taken for; itself if it never is. */
static size_t most_taken_for(const hni_confusion *confusion, size_t class)
{
    size_t most = class;
    for (size_t said = 0; said < confusion->classes; said++) {
        if (said == class || count_at(confusion, class, said) == 0) continue;
        if (most == class || count_at(confusion, class, said) > count_at(confusion, class, most)) most = said;
    }
    return most;
}

/* ---- a table ---- */

/* Characters of UTF-8. */
static int width_of(const char *text)
{
    int width = 0;
    for (; *text != 0; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

static int widest_name(const hni_confusion *confusion)
{
    char name[4 * WIDEST_NAME + 8];
    int widest = width_of("class");
    for (size_t i = 0; i < confusion->classes; i++) {
        hni_short_name(confusion->names[i], WIDEST_NAME, name, sizeof name);
        widest = width_of(name) > widest ? width_of(name) : widest;
    }
    return widest;
}

static void print_class(const hni_confusion *confusion, size_t class, int width, FILE *file)
{
    const size_t other = most_taken_for(confusion, class);
    char count[32], name[4 * WIDEST_NAME + 8];
    hni_count_print((int64_t)hni_confusion_count(confusion, class), count, sizeof count);
    hni_short_name(confusion->names[class], WIDEST_NAME, name, sizeof name);
    fprintf(file, "%s%*s  %9s  ", name, width - width_of(name), "", count);
    if (hni_confusion_count(confusion, class) == 0) {
        fprintf(file, "%7s\n", "-");
        return;
    }
    fprintf(file, "%7.2f", 100.0 * hni_confusion_share_right(confusion, class));
    if (other != class) {
        hni_short_name(confusion->names[other], WIDEST_NAME, name, sizeof name);
        fprintf(file, "  %s (%llu)", name, (unsigned long long)count_at(confusion, class, other));
    }
    fputc('\n', file);
}

void hni_eval_classes_print(const hni_class_counts *counts, FILE *file)
{
    const hni_confusion *confusion = &counts->confusion;
    if (confusion->counts == NULL) {
        fprintf(file, "%zu classes: up to %d are counted one by one\n", confusion->classes, HNI_CLASS_COUNTS_MOST);
        return;
    }
    if (confusion->classes > HNI_EVAL_CLASSES_PRINTED) {
        fprintf(file, "%zu classes: --json lists them\n", confusion->classes);
        return;
    }
    const int width = widest_name(confusion);
    fprintf(file, "%-*s  %9s  %7s  most often taken for\n", width, "class", "count", "right %");
    for (size_t i = 0; i < confusion->classes; i++)
        print_class(confusion, i, width, file);
}

/* ---- JSON ---- */

static json_t *class_json(const hni_class_counts *counts, size_t class)
{
    const hni_confusion *confusion = &counts->confusion;
    const uint64_t count = hni_confusion_count(confusion, class);
    const char *name = confusion->names[class];
    json_t *taken_for = json_array();
    for (size_t said = 0; said < confusion->classes; said++)
        json_array_append_new(taken_for, json_integer((json_int_t)count_at(confusion, class, said)));
    return json_pack("{s:o,s:I,s:I,s:o,s:o}", "name", hni_json_bytes(counts->context, name, strlen(name)), "count",
                     (json_int_t)count, "right", (json_int_t)count_at(confusion, class, class), "percent",
                     count > 0 ? json_real(100.0 * hni_confusion_share_right(confusion, class)) : json_null(),
                     "taken_for", taken_for);
}

json_t *hni_eval_classes_json(const hni_class_counts *counts)
{
    json_t *all = json_array();
    for (size_t i = 0; counts->confusion.counts != NULL && i < counts->confusion.classes; i++)
        if (json_array_append_new(all, class_json(counts, i)) != 0) {
            json_decref(all);
            return NULL;
        }
    return all;
}
