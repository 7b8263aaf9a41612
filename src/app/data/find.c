/* Data paths: as they stand, then below the data places; the one file of a folder where a data set is one file; and what to do for
 * data sets whose name is known. */
#include "app/data/find.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PLACE_COUNT (sizeof((hni_data_places *)0)->folders / sizeof((hni_data_places *)0)->folders[0])

typedef struct known_data {
    const char *name; /* the folder below a data place */
    const char *remedy;
    bool
        is_file; /* one file of the folder is the data: the one of this name, packed or not, or else its longest beginning */
    const char *package; /* where a package of Debian's puts it: looked at last; NULL: none has it */
} known_data;

/* Checksums are those of the unpacked files. */
static const known_data known[] = {
    {"ptb",
     "ptb.train.txt, ptb.valid.txt and ptb.test.txt of T. Mikolov's simple-examples, SHA-256 "
     "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf, "
     "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2, "
     "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0",
     false, NULL},
    {"kjv",
     "kjv.txt, which './dev setup' in the source tree writes to ~/.local/share/hypernet/kjv from Debian's "
     "package bible-kjv "
     "(4,152,750 bytes, SHA-256 6632f9286e91589dd54d8af74a7f18dd67fd5950eedda81aa1f67aebcf98ad14)",
     false, NULL},
    {"enwik8",
     "the file enwik8, out of M. Mahoney's enwik8.zip (100,000,000 bytes, SHA-256 "
     "2b49720ec4d78c3c9fabaee6e4179a5e997302b3a70029f30f2d582218c024a8), plain, enwik8.gz or enwik8.xz; or its "
     "beginning alone as enwik8.first4000000 (any number)",
     true, NULL},
    {"tinyshakespeare",
     "input.txt (1,115,394 bytes, SHA-256 86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed)", false,
     NULL},
    {"mnist",
     "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, plain or "
     ".gz, "
     "SHA-256 unpacked ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db, "
     "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5, "
     "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7, "
     "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
     false, NULL},
    {"cifar10",
     "data_batch_1.bin to data_batch_5.bin and test_batch.bin of CIFAR-10's binary version, or cifar-10-binary.tar of "
     "them, packed or "
     "not; SHA-256 unpacked cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5, "
     "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed, "
     "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67, "
     "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48, "
     "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add, "
     "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
     false, NULL},
    {"fashion-mnist",
     "Fashion-MNIST's four files, named as MNIST's, SHA-256 unpacked "
     "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888, "
     "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9, "
     "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b, "
     "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34; or install Debian's package "
     "dataset-fashion-mnist, as './dev setup' in the source tree does",
     false, "/usr/share/datasets/fashion-mnist"},
};

static bool exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0;
}

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool set_place(char *folder, const char *path)
{
    const int length = snprintf(folder, HNI_DATA_PATH_SIZE, "%s", path);
    if (length >= 0 && length < HNI_DATA_PATH_SIZE) return true;
    folder[0] = 0;
    return false;
}

hn_status hni_data_places_find(hn_context *context, const char *option, hni_data_places *out_places)
{
    const char *const variable = getenv("HYPERNET_DATA"), *const home = getenv("HOME");
    memset(out_places, 0, sizeof *out_places);
    if (option != NULL && !is_folder(option)) {
        return hni_error(context, HN_ERROR_IO,
                         "--data: '%.500s' is not a folder: give the folder that holds ptb/, kjv/ and so on", option);
    }
    if (option != NULL && !set_place(out_places->folders[0], option)) {
        return hni_error(context, HN_ERROR_ARGUMENT, "--data: the path is longer than %d bytes",
                         HNI_DATA_PATH_SIZE - 1);
    }
    if (variable != NULL) (void)set_place(out_places->folders[1], variable);
    if (home != NULL && home[0] != 0) {
        char folder[HNI_DATA_PATH_SIZE];
        const int length = snprintf(folder, sizeof folder, "%s/.local/share/hypernet", home);
        if (length >= 0 && (size_t)length < sizeof folder) (void)set_place(out_places->folders[2], folder);
    }
    (void)set_place(out_places->folders[3], "/usr/share/hypernet");
    return HN_OK;
}

/* The known data set that `path` names or lies in, or NULL. */
static const known_data *find_known(const char *path)
{
    const size_t length = strcspn(path, "/");
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strlen(known[i].name) == length && memcmp(known[i].name, path, length) == 0) return &known[i];
    }
    return NULL;
}

/* ---- data sets that are one file ---- */

/* FOLDER/NAME as a file; 0: it is not there. */
static int64_t file_size(const char *folder, const char *name, char *out_path)
{
    struct stat status;
    const int length = snprintf(out_path, HNI_DATA_PATH_SIZE, "%s/%s", folder, name);
    if (length < 0 || length >= HNI_DATA_PATH_SIZE || stat(out_path, &status) != 0 || !S_ISREG(status.st_mode))
        return 0;
    return (int64_t)status.st_size;
}

/* "enwik8.first4000000" or "enwik8.first4000000.xz": the number of bytes of the whole that it has; 0: another name. */
static long long beginning_of(const char *whole, const char *name)
{
    const size_t length = strlen(whole);
    char *end;
    if (strncmp(name, whole, length) != 0 || strncmp(name + length, ".first", 6) != 0) return 0;
    const long long count = strtoll(name + length + 6, &end, 10);
    return count > 0 && (end[0] == 0 || strcmp(end, ".gz") == 0 || strcmp(end, ".xz") == 0) ? count : 0;
}

/* The file of the longest beginning in the folder. */
static bool find_beginning(const char *folder, const char *whole, char *out_path)
{
    char path[HNI_DATA_PATH_SIZE];
    long long longest = 0;
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;) {
        const long long count = beginning_of(whole, entry->d_name);
        if (count <= longest || file_size(folder, entry->d_name, path) == 0) continue;
        longest = count;
        memcpy(out_path, path, sizeof path);
    }
    if (entries != NULL) (void)closedir(entries);
    return longest > 0;
}

static bool find_data_file(const char *folder, const char *whole, char *out_path)
{
    static const char *const endings[] = {"", ".xz", ".gz"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s%s", whole, endings[i]);
        if (file_size(folder, name, out_path) > 0) return true;
    }
    return find_beginning(folder, whole, out_path);
}

/* A folder of a data set that is one file becomes that file; without it the data are not here. */
static void settle_on_file(const known_data *data, const char *path, hni_data_status *status)
{
    char file[HNI_DATA_PATH_SIZE];
    if (data == NULL || !data->is_file || strcmp(data->name, path) != 0 || !is_folder(status->where)) return;
    status->available = find_data_file(status->where, data->name, file);
    status->where[0] = 0;
    if (status->available) memcpy(status->where, file, sizeof file);
}

/* ---- finding ---- */

/* Where a data set should be put: below the first place, which is the one that was asked for. */
static const char *first_place(const hni_data_places *places)
{
    for (size_t i = 0; places != NULL && i < PLACE_COUNT; i++)
        if (places->folders[i][0] != 0) return places->folders[i];
    return "~/.local/share/hypernet";
}

static void set_remedy(const known_data *data, const hni_data_places *places, hni_data_status *status)
{
    const char *place = first_place(places);
    if (data != NULL) {
        snprintf(status->remedy, sizeof status->remedy, "put into %.120s/%s: %s", place, data->name, data->remedy);
    } else {
        snprintf(
            status->remedy, sizeof status->remedy,
            "give the path of a file or a folder with --set data.path=PATH, or the folder it lies in with --data DIR");
    }
}

hn_status hni_data_find(hn_context *context, const char *path, const hni_data_places *places,
                        hni_data_status *out_status)
{
    const known_data *data = find_known(path);
    memset(out_status, 0, sizeof *out_status);
    if (path[0] == 0) {
        return hni_error(context, HN_ERROR_ARGUMENT,
                         "data.path: is empty: name a file, a folder, or a data set such as kjv or ptb");
    }
    if (exists(path)) {
        out_status->available = set_place(out_status->where, path);
        settle_on_file(data, path, out_status);
    }
    for (size_t i = 0; !out_status->available && places != NULL && path[0] != '/' && i < PLACE_COUNT; i++) {
        char joined[HNI_DATA_PATH_SIZE];
        const int length = snprintf(joined, sizeof joined, "%s/%s", places->folders[i], path);
        if (places->folders[i][0] == 0 || length < 0 || (size_t)length >= sizeof joined || !exists(joined)) continue;
        out_status->available = set_place(out_status->where, joined);
        settle_on_file(data, path, out_status);
    }
    if (!out_status->available && data != NULL && data->package != NULL && strcmp(data->name, path) == 0 &&
        is_folder(data->package))
        out_status->available = set_place(out_status->where, data->package);
    if (!out_status->available) set_remedy(data, places, out_status);
    return HN_OK;
}

hn_status hni_data_want(hn_context *context, const char *path, const hni_data_places *places, char *out_path)
{
    hni_data_status found;
    const hn_status status = hni_data_find(context, path, places, &found);
    if (status != HN_OK) return status;
    if (!found.available) {
        return hni_error(context, HN_ERROR_IO, "data.path: '%.160s' was not found: %s", path, found.remedy);
    }
    memcpy(out_path, found.where, sizeof found.where);
    return HN_OK;
}
