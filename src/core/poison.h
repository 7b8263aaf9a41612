/* Telling AddressSanitizer which bytes of a block may not be touched. Nothing at all in other builds. */
#ifndef HNI_CORE_POISON_H
#define HNI_CORE_POISON_H

#if defined(__SANITIZE_ADDRESS__)
#define HNI_HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HNI_HAVE_ASAN 1
#endif
#endif

#ifdef HNI_HAVE_ASAN
#include <sanitizer/asan_interface.h>
#define hni_poison(pointer, size) __asan_poison_memory_region((pointer), (size))
#define hni_unpoison(pointer, size) __asan_unpoison_memory_region((pointer), (size))
#define HNI_RED_ZONE 64 /* bytes kept free behind a block */
#else
#define hni_poison(pointer, size) ((void)(pointer), (void)(size))
#define hni_unpoison(pointer, size) ((void)(pointer), (void)(size))
#define HNI_RED_ZONE 0
#endif

#endif
