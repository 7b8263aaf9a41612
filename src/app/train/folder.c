/* The folder of a run: made without writing over anything, and held by one process at a time. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/train/run.h"
#include "core/alloc.h"
#include "io/file_errors.h"

/* Makes the folders above the last part of the path, as far as they are missing. */
static hn_status make_parents(hn_context *context, const char *path)
{
    char *part = NULL;
    hn_status status = hni_copy_text(context, path, &part);
    for (char *slash = status == HN_OK ? strchr(part + 1, '/') : NULL; slash != NULL; slash = strchr(slash + 1, '/')) {
        if (slash[strspn(slash, "/")] == 0) break;
        *slash = 0;
        if (mkdir(part, 0777) != 0 && errno != EEXIST) {
            status = hni_file_error(context, part, "cannot make this folder", errno);
            break;
        }
        *slash = '/';
    }
    hni_free(context, part);
    return status;
}

/* A folder without any file but hidden ones. */
static bool is_empty_folder(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL) return false;
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL && entry->d_name[0] == '.')
        continue;
    closedir(folder);
    return entry == NULL;
}

hn_status hni_folder_refuse_used(hn_context *context, const char *path)
{
    struct stat found;
    if (path[0] == 0) return hni_error(context, HN_ERROR_ARGUMENT, "the name of the run directory is empty");
    if (hni_is_run(context, path)) {
        return hni_error(context, HN_ERROR_STATE,
                         "%s: there is a run already: go on with 'hypernet train --resume %s', or name another", path,
                         path);
    }
    if (lstat(path, &found) != 0 || is_empty_folder(path)) return HN_OK;
    return hni_error(context, HN_ERROR_STATE, "%s: exists already and is no empty folder: name another with -o", path);
}

hn_status hni_folder_make(hn_context *context, const char *path)
{
    hn_status status;
    HNI_TRY(hni_folder_refuse_used(context, path));
    HNI_TRY(make_parents(context, path));
    if (mkdir(path, 0777) != 0 && errno != EEXIST) {
        HNI_TRY(hni_file_error(context, path, "cannot make the run directory", errno));
    }
cleanup:
    return status;
}

hn_status hni_folder_lock(hn_context *context, const char *path, int *out_lock)
{
    *out_lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*out_lock < 0) return hni_file_error(context, path, "cannot open the run directory", errno);
    /* A file system that knows no locks is no reason not to train. */
    if (flock(*out_lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return HN_OK;
    hni_folder_unlock(*out_lock);
    *out_lock = -1;
    return hni_error(context, HN_ERROR_STATE, "%s: another process is training this run: wait for it, or stop it first",
                     path);
}

void hni_folder_unlock(int lock)
{
    if (lock >= 0) close(lock);
}
