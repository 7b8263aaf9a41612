/* A passage that a model writes or reads, kept: its bytes, the bits of each symbol and, where its weights change, by how much under
 * each of them. What `sample --heat` and `plot change` draw and `report` shows. */
#ifndef HNI_CLI_PASSAGE_H
#define HNI_CLI_PASSAGE_H

#include "app/plot/heat.h"
#include "app/tasks/task.h"
#include "cli.h"
#include "io/text.h"

/* What of the hypernetwork's work is shown: the change of the effective matrix, or of the vectors that scale its rows (the text on
 * figure 4 speaks of both). */
typedef enum hni_change { HNI_CHANGE_WEIGHTS = 0, HNI_CHANGE_SCALES, HNI_CHANGES } hni_change;
/* "weights", "scales" */
extern const char *const hni_change_words[HNI_CHANGES];
/* The argument of --change; another word ends the program with a message. */
hni_change hni_change_parse(struct argp_state *state, const char *word);
/* Refuses a model that has no such thing, or not this layer. */
HN_MUST_USE hn_status hni_change_check(hn_context *context, const hni_task *task, const hni_task_work *work,
                                       hni_change change, int layer);

typedef struct hni_passage {
    hni_change which;
    bool given;                 /* of text that was only read */
    hni_text text;              /* what was written; or, if nothing was to be, what was read */
    hni_text change[HNI_GATES]; /* floats, one a byte */
    hni_text bits;              /* doubles, one a symbol */
    int gates;                  /* G: 4, or 1 */
    bool changes;               /* whether the JSON form tells them */
    const hni_cli *cli;
} hni_passage;

void hni_passage_open(const hni_cli *cli, hni_passage *out_passage);
void hni_passage_close(hni_passage *passage);
/* Lets the model write after the prime; with length 0 the prime itself is the passage. `write`, `observe` and `user` of the options
 * are set here. */
HN_MUST_USE hn_status hni_passage_take(const hni_task *task, hni_task_work *work, const hni_sample_options *options,
                                       hni_passage *passage);
/* "i", "g", "f", "o"; "h" where there is but one. */
const char *hni_passage_gate(const hni_passage *passage, int gate);
/* Adds text, given, bits and, where something changes, weight_change or scale_change by gates. */
void hni_passage_to_json(const hni_passage *passage, json_t *object);
/* "Weight change of LN-HyperLSTM 256 while it writes". */
void hni_passage_title(const hni_passage *passage, const hni_task *task, const hni_task_work *work, char *out_title,
                       size_t size);
/* The passage as a picture's data; borrowed. */
hni_heat hni_passage_heat(const hni_passage *passage);

#endif
