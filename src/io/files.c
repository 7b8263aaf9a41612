/* Reading whole files, and appending. See files.h; files that are replaced as one are in file_writer.c. */
#include "io/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/size.h"
#include "io/file_errors.h"

bool hni_ends_in(const char *name, const char *ending)
{
    const size_t length = strlen(name), tail = strlen(ending);
    return length > tail && strcmp(name + length - tail, ending) == 0;
}

/* Bytes between two questions whether to go on. (A single read or write beyond 2 GiB is cut short by Linux anyway.) */
#define LARGEST_PIECE ((size_t)16 << 20)

const char *hni_file_advice(int error)
{
    switch (error) {
    case ENOENT: return "check the path";
    case ENOTDIR: return "a part of the path is a file, not a folder";
    case EACCES:
    case EPERM: return "change its permissions or choose another place";
    case EROFS: return "this file system cannot be written to: choose another place";
    case ENOSPC:
    case EDQUOT: return "make room on the disk or choose another place";
    case EFBIG: return "the file would be larger than the system allows here";
    case EISDIR: return "this is a folder: name a file";
    case ENAMETOOLONG: return "choose a shorter name";
    case ELOOP: return "too many symbolic links";
    case EMFILE:
    case ENFILE: return "too many open files: close some, or raise the limit with ulimit -n";
    case EIO: return "the disk reports an error: check it";
    default: return "check the file and its folder";
    }
}

hn_status hni_file_error(hn_context *context, const char *path, const char *what, int error)
{
    return hni_error(context, HN_ERROR_IO, "%s: %s: %s (%s)", path, what, strerror(error), hni_file_advice(error));
}

hn_status hni_file_put(hn_context *context, const char *path, int descriptor, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    size_t done = 0;
    while (done < size) {
        size_t piece = size - done < LARGEST_PIECE ? size - done : LARGEST_PIECE;
        ssize_t written = write(descriptor, bytes + done, piece);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return hni_file_error(context, path, "cannot write", errno);
        done += (size_t)written;
    }
    return HN_OK;
}

/* Refuses whatever could not be read to an end, and gives the size to begin with. */
static hn_status check_readable(hn_context *context, const char *path, int descriptor, size_t *out_size)
{
    struct stat place;
    if (fstat(descriptor, &place) != 0) return hni_file_error(context, path, "cannot look at it", errno);
    if (S_ISDIR(place.st_mode)) {
        return hni_error(context, HN_ERROR_IO, "%s: this is a folder: name a file in it", path);
    }
    if (!S_ISREG(place.st_mode) && !S_ISFIFO(place.st_mode)) {
        return hni_error(context, HN_ERROR_IO, "%s: this is a device, not a file: name a file", path);
    }
    *out_size = place.st_size > 0 ? (size_t)place.st_size : 0;
    return HN_OK;
}

static hn_status too_large(hn_context *context, const char *path, size_t limit)
{
    return hni_error(context, HN_ERROR_FORMAT,
                     "%s: larger than the %zu bytes that such a file may have: is it the right file?", path, limit);
}

/* Reads to the end. The size that the file system states is only where to begin: pipes have none, and files may grow. */
static hn_status read_to_end(hn_context *context, const char *path, int descriptor, size_t limit, hni_file_bytes *bytes)
{
    const size_t stated = bytes->size;
    hn_status status = HN_OK;
    size_t capacity = bytes->size;
    void *data = NULL;
    ssize_t got = 1;
    bytes->size = 0;
    if (!hni_size_add(capacity, 2, &capacity)) capacity = SIZE_MAX; /* one to see the end, one for the 0 */
    HNI_TRY(hni_alloc_unzeroed(context, path, capacity, &data));
    for (;;) {
        HNI_TRY(hni_go_on(context, "read", (int64_t)bytes->size, (int64_t)stated));
        if (bytes->size + 1 == capacity) {
            if (!hni_size_add(capacity, capacity / 2 + 65536, &capacity)) capacity = SIZE_MAX;
            HNI_TRY(hni_realloc_array(context, path, capacity, 1, &data));
        }
        size_t room = capacity - 1 - bytes->size;
        got = read(descriptor, (unsigned char *)data + bytes->size, room < LARGEST_PIECE ? room : LARGEST_PIECE);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) HNI_TRY(hni_file_error(context, path, "cannot read", errno));
        if (got == 0) break;
        bytes->size += (size_t)got;
        if (limit > 0 && bytes->size > limit) HNI_TRY(too_large(context, path, limit));
    }
    ((unsigned char *)data)[bytes->size] = 0;
cleanup:
    bytes->data = data;
    return status;
}

hn_status hni_file_read(hn_context *context, const char *path, size_t limit, hni_file_bytes *out_bytes)
{
    hn_status status = HN_OK;
    hni_file_bytes bytes = {NULL, 0};
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) HNI_TRY(hni_file_error(context, path, "cannot open", errno));
    HNI_TRY(check_readable(context, path, descriptor, &bytes.size));
    if (limit > 0 && bytes.size > limit) HNI_TRY(too_large(context, path, limit));
    HNI_TRY(read_to_end(context, path, descriptor, limit, &bytes));
    if (bytes.size == 0)
        HNI_TRY(hni_error(context, HN_ERROR_FORMAT, "%s: the file is empty: is it the right file?", path));
    *out_bytes = bytes;
    bytes.data = NULL;
cleanup:
    hni_free(context, bytes.data);
    if (descriptor >= 0) (void)close(descriptor);
    return status;
}

/* Cuts the file to `length`, and stands at its end. */
static hn_status cut_to(hn_context *context, const char *path, int descriptor, uint64_t length)
{
    struct stat place;
    if (fstat(descriptor, &place) != 0) return hni_file_error(context, path, "cannot look at it", errno);
    uint64_t size = place.st_size > 0 ? (uint64_t)place.st_size : 0;
    if (size < length) {
        return hni_error(
            context, HN_ERROR_FORMAT,
            "%s: has %llu bytes, at least %llu were written before: put the whole file back, or start anew", path,
            (unsigned long long)size, (unsigned long long)length);
    }
    if (size > length && ftruncate(descriptor, (off_t)length) != 0) {
        return hni_file_error(context, path, "cannot cut it", errno);
    }
    if (length > 0 && lseek(descriptor, (off_t)length, SEEK_SET) < 0) {
        return hni_file_error(context, path, "cannot go to its end", errno);
    }
    return HN_OK;
}

hn_status hni_file_append(hn_context *context, const char *path, uint64_t *length, const void *data, size_t size)
{
    hn_status status = HN_OK;
    int descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor < 0) HNI_TRY(hni_file_error(context, path, "cannot open for writing", errno));
    HNI_TRY(cut_to(context, path, descriptor, *length));
    HNI_TRY(hni_file_put(context, path, descriptor, data, size));
    /* A checkpoint written next says how long this file is, so the bytes must be on the disk before; pipes have no disk. */
    if (fsync(descriptor) != 0 && errno != EINVAL) {
        HNI_TRY(hni_file_error(context, path, "cannot flush it to disk", errno));
    }
    int closed = close(descriptor);
    descriptor = -1;
    if (closed != 0) HNI_TRY(hni_file_error(context, path, "cannot write", errno));
    *length += size;
cleanup:
    if (descriptor >= 0) (void)close(descriptor);
    return status;
}
