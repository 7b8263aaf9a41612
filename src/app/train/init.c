/* The start of a run from the parameters of another, or of any safetensors file: everything is checked before a folder is made. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "app/train/run.h"
#include "core/alloc.h"
#include "nn/trained.h"
#include "optim/options.h"

/* RUN's best checkpoint, or before its first validation the last one; a file as it is. */
static hn_status find_file(hni_trainer *trainer, const char *name)
{
    hn_context *context = trainer->context;
    struct stat found;
    if (stat(name, &found) != 0 || !S_ISDIR(found.st_mode)) return hni_copy_text(context, name, &trainer->init_path);
    if (!hni_is_run(context, name)) {
        return hni_error(context, HN_ERROR_IO, "--init-from: %s: this is no run directory (it has no %s)", name,
                         HNI_RUN_RECIPE);
    }
    hn_status status = hni_run_path(context, name, HNI_RUN_BEST, &trainer->init_path);
    if (status != HN_OK || stat(trainer->init_path, &found) == 0) return status;
    hni_free(context, trainer->init_path);
    trainer->init_path = NULL;
    return hni_run_path(context, name, HNI_RUN_LAST, &trainer->init_path);
}

hn_status hni_init_open(hni_trainer *trainer)
{
    hn_status status = HN_OK;
    if (trainer->options.init_from == NULL) return HN_OK;
    HNI_TRY(find_file(trainer, trainer->options.init_from));
    HNI_TRY(hn_safetensors_open(trainer->context, trainer->init_path, &trainer->init));
cleanup:
    return status;
}

/* What a checkpoint of ours holds beside parameters: state that begins anew. */
static bool is_state(const char *name)
{
    const char *word;
    if (strncmp(name, "blob.", 5) == 0 || strncmp(name, "state.", 6) == 0) return true;
    for (int i = 0; (word = hni_optimizer_block_word(i)) != NULL; i++) {
        const size_t length = strlen(word);
        if (strncmp(name, word, length) == 0 && name[length] == '.') return true;
    }
    return false;
}

/* Whether the model has that parameter, or that buffer. */
static bool is_stored(const hn_store *store, const char *name)
{
    for (int k = 0; k < HNI_STORED_KINDS; k++) {
        const hni_stored_kind *kind = &hni_stored_kinds[k];
        const size_t length = strlen(kind->prefix);
        const bool fits = length == 0 || (strncmp(name, kind->prefix, length) == 0 && name[length] == '.');
        if (fits && kind->find(store, name + (length == 0 ? 0 : length + 1)) >= 0) return true;
    }
    return false;
}

static hn_status check_names(const hni_trainer *trainer)
{
    for (int64_t i = 0; i < hn_safetensors_count(trainer->init); i++) {
        const hn_file_tensor *tensor = hn_safetensors_tensor(trainer->init, i);
        char shape[96];
        if (is_stored(trainer->store, tensor->name) || is_state(tensor->name)) continue;
        return hni_error(
            trainer->context, HN_ERROR_FORMAT,
            "checkpoint: tensor '%.200s' %s is no parameter of the recipe's model: is this another model's "
            "file?",
            tensor->name, hn_shape_print(tensor->shape, shape, sizeof shape));
    }
    return HN_OK;
}

hn_status hni_init_check(hni_trainer *trainer)
{
    if (trainer->init == NULL) return HN_OK;
    hn_status status = hni_trained_check_parameters(trainer->context, trainer->init, trainer->store);
    if (status == HN_OK) status = check_names(trainer);
    return hni_trained_name_file(trainer->context, trainer->init_path, status);
}

hn_status hni_init_read(hni_trainer *trainer)
{
    if (trainer->init == NULL) return HN_OK;
    const hn_status status = hni_trained_read_parameters(trainer->context, trainer->init, trainer->store);
    hn_safetensors_close(trainer->init); /* as large as the model */
    trainer->init = NULL;
    return hni_trained_name_file(trainer->context, trainer->init_path, status);
}
