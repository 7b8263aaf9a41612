/* Tables 3 and 4 of the paper: character language models on Penn Treebank and enwik8, bits per character. */
#ifndef HNI_APP_TASKS_TEXT_PAPER_H
#define HNI_APP_TASKS_TEXT_PAPER_H

#include "app/data/text.h"
#include "app/tasks/paper.h"
#include "hypernet/nn.h"

/* The table of "penn_treebank" or "enwik8"; NULL for other names. */
const hni_paper_table *hni_text_paper_table(const char *data);
/* The data set of the paper that these settings read, the beginning of enwik8 included; NULL if it is none. */
const char *hni_text_paper_data(const hni_text_settings *settings);

/* The paper's own row of a model of this size, and the table it stands in (NULL: not wanted); NULL if there is none. */
const hni_paper_row *hni_text_paper_find(const hn_language_model *model, const hni_paper_table **out_table);

#endif
