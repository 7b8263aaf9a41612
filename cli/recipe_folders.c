/* Where the program looks for recipes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

/* The program lies at most so many folders below the source tree: build/PRESET/hypernet. */
#define DEEPEST_BUILD 3

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

static bool is_there(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0;
}

/* Writes "FOLDER/NAME" into buffer if it fits. */
static bool join(char *buffer, size_t size, const char *folder, const char *name)
{
    const int length = snprintf(buffer, size, "%s/%s", folder, name);
    return length > 0 && (size_t)length < size;
}

/* The folder of the running program; false if the system does not tell. */
static bool program_folder(char *buffer, size_t size)
{
    const ssize_t length = readlink("/proc/self/exe", buffer, size - 1);
    if (length <= 0 || (size_t)length >= size - 1) return false;
    buffer[length] = 0;
    char *slash = strrchr(buffer, '/');
    if (slash) *slash = 0;
    return slash != NULL;
}

/* recipes/ of the source tree above `folder`, where the program is run from its build. */
static bool find_in_source(const char *folder, char *buffer, size_t size)
{
    char above[4096], marker[4096 + 64];
    snprintf(above, sizeof above, "%s", folder);
    for (int depth = 0; depth < DEEPEST_BUILD; depth++) {
        char *slash = strrchr(above, '/');
        if (!slash || slash == above) return false;
        *slash = 0;
        if (join(marker, sizeof marker, above, "include/hypernet/core.h") && is_there(marker) &&
            join(buffer, size, above, "recipes"))
            return is_there(buffer);
    }
    return false;
}

void hni_cli_find_recipes(hni_cli_recipes *out_recipes)
{
    memset(out_recipes, 0, sizeof *out_recipes);
    const char *chosen = environment("HYPERNET_RECIPES");
    if (chosen) out_recipes->folders[out_recipes->count++] = chosen;
    char folder[4096];
    if (program_folder(folder, sizeof folder)) {
        char *source = out_recipes->beside[0], *installed = out_recipes->beside[1];
        if (find_in_source(folder, source, sizeof out_recipes->beside[0]))
            out_recipes->folders[out_recipes->count++] = source;
        if (join(installed, sizeof out_recipes->beside[1], folder, "../share/hypernet/recipes") && is_there(installed))
            out_recipes->folders[out_recipes->count++] = installed;
    }
    if (is_there(HYPERNET_RECIPES_DIR)) out_recipes->folders[out_recipes->count++] = HYPERNET_RECIPES_DIR;
}
