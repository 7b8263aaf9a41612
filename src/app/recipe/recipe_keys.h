/* Keys of a recipe: found, or refused with the nearest right one. Shared by files and --set. */
#ifndef HNI_RECIPE_RECIPE_KEYS_H
#define HNI_RECIPE_RECIPE_KEYS_H

#include "app/recipe/recipe.h"

/* There being none of that name is an error that begins with `where`. */
HN_MUST_USE hn_status hni_recipe_find_section(hn_context *context, const char *where, const hni_recipe *recipe,
                                              const char *name, const hni_recipe_section **out_section);
HN_MUST_USE hn_status hni_recipe_find_key(hn_context *context, const char *where, const hni_recipe *recipe,
                                          const hni_recipe_section *section, const char *name,
                                          const hni_setting **out_row);

#endif
