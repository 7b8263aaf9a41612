/* See adapt.h. Passes of the kernels over the store's flat blocks. The change is summed up on its own and added at the end, so that
 * with rate 0 the values stay what they are to the last bit, whatever the decay. */
#include "optim/adapt.h"

#include "core/alloc.h"
#include "params/store.h"

struct hni_adapter {
    hn_store *store;
    void *trained, *change; /* flat blocks */
};

static hni_view flat(const hni_adapter *adapter, void *block)
{
    return hni_view_of(block, adapter->store->kernels->dtype, HN_SHAPE1(adapter->store->parameters.reals));
}

/* out (+)= f(inputs; factor, 0) */
static hn_status pass(hni_adapter *adapter, hni_map map, double factor, const hni_view *inputs, hni_view *out,
                      bool accumulate)
{
    hn_store *store = adapter->store;
    const double parameters[2] = {factor, 0};
    if (store->parameters.reals == 0) return HN_OK;
    return store->kernels->map(&store->exec, map, parameters, inputs, out, accumulate);
}

static hn_status copy(hni_adapter *adapter, void *from, void *to)
{
    const hni_view source = flat(adapter, from);
    hni_view out = flat(adapter, to);
    return pass(adapter, HNI_MAP_COPY, 0, &source, &out, false);
}

hn_status hni_adapter_create(hn_store *store, hni_adapter **out_adapter)
{
    hni_adapter *adapter = NULL;
    void *memory = NULL;
    hn_status status;
    *out_adapter = NULL;
    HNI_TRY(hni_store_want_numbers(store, "dynamic evaluation"));
    HNI_TRY(hni_alloc(store->context, "dynamic evaluation", sizeof *adapter, &memory));
    adapter = memory;
    adapter->store = store;
    HNI_TRY(hni_section_block(store, &store->parameters, "dynamic evaluation", &adapter->trained));
    HNI_TRY(hni_section_block(store, &store->parameters, "dynamic evaluation", &adapter->change));
    HNI_TRY(copy(adapter, store->parameters.values, adapter->trained));
    *out_adapter = adapter;
    adapter = NULL;
cleanup:
    hni_adapter_destroy(adapter);
    return status;
}

void hni_adapter_destroy(hni_adapter *adapter)
{
    if (adapter == NULL) return;
    hn_store *store = adapter->store;
    if (adapter->trained != NULL) store->kernels->release(store->context, adapter->trained);
    if (adapter->change != NULL) store->kernels->release(store->context, adapter->change);
    hni_free(store->context, adapter);
}

hn_status hni_adapter_step(hni_adapter *adapter, double rate, double decay)
{
    const hni_view gradients = flat(adapter, adapter->store->gradients);
    const hni_view apart[2] = {flat(adapter, adapter->trained), flat(adapter, adapter->store->parameters.values)};
    hni_view change = flat(adapter, adapter->change), values = apart[1];
    hn_status status;
    HNI_TRY(pass(adapter, HNI_MAP_SUB, 0, apart, &change, false));
    HNI_TRY(pass(adapter, HNI_MAP_SCALE, decay, &change, &change, false));
    HNI_TRY(pass(adapter, HNI_MAP_SCALE, -rate, &gradients, &change, true));
    HNI_TRY(pass(adapter, HNI_MAP_COPY, 0, &change, &values, true));
cleanup:
    return status;
}

hn_status hni_adapter_restore(hni_adapter *adapter)
{
    return copy(adapter, adapter->trained, adapter->store->parameters.values);
}
