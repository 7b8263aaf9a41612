/* Files that are replaced as one: written beside, flushed, renamed, folder flushed. See files.h.
 * A symbolic link at the path is replaced by the file, not followed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/alloc.h"
#include "io/file_errors.h"
#include "io/files.h"
#include "io/text.h"

/* Small pieces are gathered here, so that a header of many texts or many small tensors is not many system calls. */
#define BUFFER_SIZE ((size_t)65536)
/* Partial files with this process's number that an earlier process may have left behind. */
#define MOST_LEFT_OVER 100

struct hni_file_writer {
    hn_context *context;
    char *path, *partial_path;
    int descriptor; /* -1: closed */
    bool is_partial_there;
    size_t buffered;
    unsigned char buffer[BUFFER_SIZE];
};

/* Makes the partial file: a name that nobody has. The file gets the permissions of any new file. */
static hn_status create_partial(hni_file_writer *writer)
{
    hn_context *context = writer->context;
    for (int attempt = 0; attempt < MOST_LEFT_OVER; attempt++) {
        hni_text name = {.context = context};
        hni_text_add(&name, "%s.%ld-%d.partial", writer->path, (long)getpid(), attempt);
        hni_free(context, writer->partial_path);
        hn_status status = hni_text_take(&name, &writer->partial_path);
        if (status != HN_OK) return status;
        writer->descriptor = open(writer->partial_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        writer->is_partial_there = writer->descriptor >= 0;
        if (writer->is_partial_there) return HN_OK;
        if (errno != EEXIST) return hni_file_error(context, writer->path, "cannot make a file in its folder", errno);
    }
    return hni_error(context, HN_ERROR_IO, "%s: too many partial files beside it: remove '%s' and its likes",
                     writer->path, writer->partial_path);
}

hn_status hni_file_writer_open(hn_context *context, const char *path, hni_file_writer **out_writer)
{
    hn_status status = HN_OK;
    void *memory = NULL;
    hni_file_writer *writer = NULL;
    *out_writer = NULL;
    HNI_TRY(hni_alloc(context, "file writer", sizeof *writer, &memory));
    writer = memory;
    writer->context = context;
    writer->descriptor = -1;
    HNI_TRY(hni_copy_text(context, path, &writer->path));
    HNI_TRY(create_partial(writer));
    *out_writer = writer;
    writer = NULL;
cleanup:
    hni_file_writer_close(writer);
    return status;
}

static hn_status flush_buffer(hni_file_writer *writer)
{
    size_t size = writer->buffered;
    writer->buffered = 0;
    return hni_file_put(writer->context, writer->path, writer->descriptor, writer->buffer, size);
}

hn_status hni_file_writer_put(hni_file_writer *writer, const void *data, size_t size)
{
    if (size > BUFFER_SIZE - writer->buffered) {
        hn_status status = flush_buffer(writer);
        if (status != HN_OK) return status;
    }
    if (size >= BUFFER_SIZE) return hni_file_put(writer->context, writer->path, writer->descriptor, data, size);
    if (size > 0) memcpy(writer->buffer + writer->buffered, data, size);
    writer->buffered += size;
    return HN_OK;
}

/* The rename itself must reach the disk. Folders that may not be opened, and file systems without such a flush, are passed over:
 * the file is whole and in place. */
static hn_status flush_folder(hn_context *context, const char *path)
{
    hn_status status = HN_OK;
    char *folder = NULL;
    const char *slash = strrchr(path, '/');
    HNI_TRY(hni_copy_text(context, slash != NULL ? path : ".", &folder));
    if (slash != NULL) folder[slash == path ? 1 : slash - path] = 0;
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) goto cleanup;
    int error = fsync(descriptor) != 0 ? errno : 0;
    (void)close(descriptor);
    if (error == EIO || error == ENOSPC || error == EDQUOT) {
        HNI_TRY(hni_file_error(context, folder, "cannot flush the folder to disk", error));
    }
cleanup:
    hni_free(context, folder);
    return status;
}

hn_status hni_file_writer_commit(hni_file_writer *writer)
{
    hn_status status = HN_OK;
    HNI_TRY(flush_buffer(writer));
    if (fsync(writer->descriptor) != 0) {
        HNI_TRY(hni_file_error(writer->context, writer->path, "cannot flush it to disk", errno));
    }
    int closed = close(writer->descriptor);
    writer->descriptor = -1;
    if (closed != 0) HNI_TRY(hni_file_error(writer->context, writer->path, "cannot write", errno));
    if (rename(writer->partial_path, writer->path) != 0) {
        HNI_TRY(hni_file_error(writer->context, writer->path, "cannot put the new file in its place", errno));
    }
    writer->is_partial_there = false;
    HNI_TRY(flush_folder(writer->context, writer->path));
cleanup:
    return status;
}

void hni_file_writer_close(hni_file_writer *writer)
{
    if (writer == NULL) return;
    if (writer->descriptor >= 0) (void)close(writer->descriptor);
    if (writer->is_partial_there) (void)unlink(writer->partial_path);
    hni_free(writer->context, writer->partial_path);
    hni_free(writer->context, writer->path);
    hni_free(writer->context, writer);
}

hn_status hni_file_write_atomic(hn_context *context, const char *path, const void *data, size_t size)
{
    hn_status status = HN_OK;
    hni_file_writer *writer = NULL;
    HNI_TRY(hni_file_writer_open(context, path, &writer));
    HNI_TRY(hni_file_writer_put(writer, data, size));
    HNI_TRY(hni_file_writer_commit(writer));
cleanup:
    hni_file_writer_close(writer);
    return status;
}
