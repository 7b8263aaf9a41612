/* One line for one reading. */
#include "app/tasks/readings.h"

#include <stdarg.h>
#include <stdio.h>

bool hni_reading_print(const hni_reading *reading, const hni_settings *settings, const void *object, char *buffer,
                       size_t size)
{
    char value[128];
    buffer[0] = 0;
    if (reading->key == NULL) {
        snprintf(buffer, size, "%s", reading->text);
        return true;
    }
    const hni_setting *row = hni_settings_find(settings, reading->key);
    if (row == NULL) return false;
    snprintf(buffer, size, "%s.%s = %s: %s", settings->section, reading->key,
             hni_setting_print(row, object, value, sizeof value), reading->text != NULL ? reading->text : row->help);
    return true;
}

void hni_line(const hni_lines *out, const char *key, const char *format, ...)
{
    char value[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    out->write(out->user, key, value);
}
