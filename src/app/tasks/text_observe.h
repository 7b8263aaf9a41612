/* What a layer of a language model shows while it reads, symbol by symbol: by how much its recurrent matrix has just changed
 * (figures 4 and 7 of the paper), the embeddings that make it, and phi(c) (figure 5). */
#ifndef HNI_APP_TASKS_TEXT_OBSERVE_H
#define HNI_APP_TASKS_TEXT_OBSERVE_H

#include "app/tasks/text.h"

typedef struct hni_text_observer {
    const hni_task_work *work;
    int64_t gates, units, embedding; /* G, N, E */
    float *row_norms;                /* [G,N] of W_h, where its rows are scaled */
    double *slice_products; /* [E,E] of the matrices whose sum W_h is: sums over all elements of one times the other */
    float *previous_d_h;    /* [G,N] after the symbol before */
    float *previous_z_h;    /* [E] */
    bool has_previous;
} hni_text_observer;

/* Has the stream observe `layer`. Closed by the caller, after a failure too. */
HN_MUST_USE hn_status hni_text_observer_open(const hni_task_work *work, hn_stream *stream, int layer,
                                             hni_text_observer *out_observer);
void hni_text_observer_close(hni_text_observer *observer);
/* After a step of the stream: what its row `lane` shows. Fills all but the symbol and its bits. */
HN_MUST_USE hn_status hni_text_observer_read(hni_text_observer *observer, const hn_stream *stream, int64_t lane,
                                             hni_task_observation *out_seen);

#endif
