/* Weights that follow a text while it is read (dynamic evaluation, Krause et al. 2018), and come back afterwards. After each segment,
 * with its gradient g in the store:
 *
 *     value += decay * (trained - value) - rate * g
 *
 *     hni_adapter_create(store, &adapter);       // now the values are the trained ones
 *     hni_adapter_step(adapter, rate, decay);    // any number of times
 *     hni_adapter_restore(adapter);              // the trained values, bit for bit
 *     hni_adapter_destroy(adapter);              // restores nothing; NULL is allowed
 */
#ifndef HNI_OPTIM_ADAPT_H
#define HNI_OPTIM_ADAPT_H

#include "hypernet/params.h"

typedef struct hni_adapter hni_adapter;
HN_MUST_USE hn_status hni_adapter_create(hn_store *store, hni_adapter **out_adapter);
HN_MUST_USE hn_status hni_adapter_step(hni_adapter *adapter, double rate, double decay);
HN_MUST_USE hn_status hni_adapter_restore(hni_adapter *adapter);
void hni_adapter_destroy(hni_adapter *adapter);
/* Flat blocks of the parameters' size that an adapter takes. */
#define HNI_ADAPTER_BLOCKS 2

#endif
