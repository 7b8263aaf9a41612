# Compiler flags shared by every target, as interface targets:
#   hypernet_flags   language, warnings, numerics, sanitizers: everything of ours is compiled with it
# kernels/cpu alone may contract a*b+c into one instruction (see cmake/library.cmake).

add_library(hypernet_flags INTERFACE)
target_compile_definitions(hypernet_flags INTERFACE
  _GNU_SOURCE
  HYPERNET_VERSION="${PROJECT_VERSION}")
target_include_directories(hypernet_flags INTERFACE
  ${PROJECT_SOURCE_DIR}/include
  ${PROJECT_SOURCE_DIR}/src)
target_compile_options(hypernet_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wdouble-promotion
  $<$<BOOL:${HYPERNET_WERROR}>:-Werror>
  -fno-math-errno -fno-trapping-math -ffp-contract=off)

if(HYPERNET_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "HYPERNET_FUZZ needs clang: configure with -DCMAKE_C_COMPILER=clang, or run './dev fuzz'")
  endif()
  set(hypernet_sanitizer_flags -fsanitize=fuzzer-no-link,address,undefined -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
elseif(HYPERNET_SANITIZE)
  if(NOT HYPERNET_SANITIZE MATCHES "^(address|undefined|address,undefined|thread)$")
    message(FATAL_ERROR "HYPERNET_SANITIZE is '${HYPERNET_SANITIZE}': use address,undefined or thread")
  endif()
  set(hypernet_sanitizer_flags -fsanitize=${HYPERNET_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
endif()
target_compile_options(hypernet_flags INTERFACE ${hypernet_sanitizer_flags})
target_link_options(hypernet_flags INTERFACE ${hypernet_sanitizer_flags})
