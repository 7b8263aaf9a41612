/* What the page needs from a run's recipe, read by the tables of settings that training used. */
#include <string.h>

#include "app/report/load.h"
#include "app/data/images.h"
#include "app/tasks/images_paper.h"
#include "app/tasks/text_paper.h"
#include "app/train/plan.h"

static void take_images(const hni_plan *plan, hni_run *run)
{
    run->paper = hni_images_paper_table(((const hni_images_settings *)plan->data)->path);
}

static void take_text(const hni_plan *plan, hni_run *run)
{
    const hn_language_model *model = plan->model;
    const char *data = hni_text_paper_data(plan->data);
    if (data != NULL) run->paper = hni_text_paper_table(data);
    run->embedding_size = model->cell.embedding_size;
}

hn_status hni_run_read_recipe(hn_context *context, const char *path, hni_run *run)
{
    hni_plan *plan = NULL;
    const hn_status status = hni_plan_read(context, path, NULL, 0, &plan);
    if (status == HN_OK && strcmp(plan->task->name, "text") == 0) take_text(plan, run);
    if (status == HN_OK && strcmp(plan->task->name, "images") == 0) take_images(plan, run);
    hni_plan_destroy(plan);
    if (status == HN_OK || status == HN_ERROR_MEMORY) return status;
    hni_log(context, HN_LOG_WARNING, "%s: shown as text, without rows of the paper", hn_context_error(context)->text);
    hn_context_clear(context);
    return HN_OK;
}
