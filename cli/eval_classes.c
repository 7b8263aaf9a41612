/* See eval_classes.h. */
#include "eval_classes.h"

#include <math.h>
#include <string.h>

#include "format.h"

#define WIDEST_NAME 24

static uint64_t count_at(const hni_confusion *confusion, size_t class, size_t said)
{
    return confusion->counts[class * confusion->classes + said];
}

static uint64_t count_of(const hni_confusion *confusion, size_t class)
{
    uint64_t all = 0;
    for (size_t said = 0; said < confusion->classes; said++)
        all += count_at(confusion, class, said);
    return all;
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

static int widest_name(const hni_confusion *confusion)
{
    size_t widest = strlen("class");
    for (size_t i = 0; i < confusion->classes; i++) {
        const size_t length = strlen(confusion->names[i]);
        widest = length > widest ? length : widest;
    }
    return (int)(widest < WIDEST_NAME ? widest : WIDEST_NAME);
}

static void print_class(const hni_confusion *confusion, size_t class, int width, FILE *file)
{
    const size_t other = most_taken_for(confusion, class);
    char count[32];
    hni_count_print((int64_t)count_of(confusion, class), count, sizeof count);
    fprintf(file, "%-*.*s  %9s  ", width, width, confusion->names[class], count);
    if (count_of(confusion, class) == 0) {
        fprintf(file, "%7s\n", "-");
        return;
    }
    fprintf(file, "%7.2f", 100.0 * hni_confusion_right(confusion, class));
    if (other != class)
        fprintf(file, "  %s (%llu)", confusion->names[other], (unsigned long long)count_at(confusion, class, other));
    fputc('\n', file);
}

void hni_eval_classes_print(const hni_class_counts *counts, FILE *file)
{
    const hni_confusion *confusion = &counts->confusion;
    const int width = widest_name(confusion);
    if (confusion->classes > HNI_EVAL_CLASSES_PRINTED) {
        fprintf(file, "%zu classes: --json lists them\n", confusion->classes);
        return;
    }
    fprintf(file, "%-*s  %9s  %7s  most often taken for\n", width, "class", "count", "right %");
    for (size_t i = 0; i < confusion->classes; i++)
        print_class(confusion, i, width, file);
}

static json_t *class_json(const hni_confusion *confusion, size_t class)
{
    json_t *taken_for = json_array();
    for (size_t said = 0; said < confusion->classes; said++)
        json_array_append_new(taken_for, json_integer((json_int_t)count_at(confusion, class, said)));
    const uint64_t count = count_of(confusion, class);
    return json_pack("{s:s,s:I,s:I,s:o,s:o}", "name", confusion->names[class], "count", (json_int_t)count, "right",
                     (json_int_t)count_at(confusion, class, class), "percent",
                     count > 0 ? json_real(100.0 * hni_confusion_right(confusion, class)) : json_null(), "taken_for",
                     taken_for);
}

json_t *hni_eval_classes_json(const hni_class_counts *counts)
{
    json_t *all = json_array();
    for (size_t i = 0; i < counts->confusion.classes; i++)
        if (json_array_append_new(all, class_json(&counts->confusion, i)) != 0) {
            json_decref(all);
            return NULL;
        }
    return all;
}
