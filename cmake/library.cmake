# libhypernet: src/core ... src/io. Kernels are compiled once; the rest a second time with HNI_TEST_HOOKS for the tests.
#   hypernet_static  libhypernet.a: always built, since the program uses internal functions
#   hypernet_shared  libhypernet.so, of the same objects; -DHYPERNET_SHARED=OFF and sanitizers leave it out
#   hypernet_hooks   the copy that only tests link

find_package(PkgConfig REQUIRED)
pkg_check_modules(jansson REQUIRED IMPORTED_TARGET jansson)

set(hypernet_source_dir ${PROJECT_SOURCE_DIR}/src)
set(hypernet_objects "")

# One object library; does nothing while its folder is still empty.
function(hypernet_add_objects target)
  if(ARGN)
    add_library(${target} OBJECT ${ARGN})
    target_link_libraries(${target} PRIVATE hypernet_flags)
    set(hypernet_objects ${hypernet_objects} $<TARGET_OBJECTS:${target}> PARENT_SCOPE)
  endif()
endfunction()

# ---- kernels ---------------------------------------------------------------------------------------------------------
file(GLOB kernel_sources CONFIGURE_DEPENDS
  ${hypernet_source_dir}/kernels/*.c
  ${hypernet_source_dir}/kernels/generic/*.c
  ${hypernet_source_dir}/kernels/dry/*.c)
hypernet_add_objects(hypernet_kernels ${kernel_sources})

set(hypernet_libraries m PkgConfig::jansson)
if(HYPERNET_CPU)
  target_compile_definitions(hypernet_flags INTERFACE HNI_HAVE_CPU=1)
  find_package(OpenMP COMPONENTS C)
  find_package(dnnl CONFIG)
  if(NOT OpenMP_C_FOUND OR NOT dnnl_FOUND)
    message(FATAL_ERROR "The CPU backend needs OpenMP and oneDNN (Debian: libdnnl-dev ocl-icd-opencl-dev, and libomp-dev "
      "for clang). Install them, or configure with -DHYPERNET_CPU=OFF for plain C.")
  endif()
  # What an installed static library links: gcc's code runs on both runtimes, so it takes that of whatever compiler links;
  # clang's needs its own.
  set(hypernet_openmp -fopenmp)
  if(CMAKE_C_COMPILER_ID MATCHES "Clang")
    list(GET OpenMP_C_LIB_NAMES 0 openmp_name)
    set(hypernet_openmp ${OpenMP_${openmp_name}_LIBRARY})
  endif()
  list(APPEND hypernet_libraries DNNL::dnnl $<BUILD_INTERFACE:OpenMP::OpenMP_C> $<INSTALL_INTERFACE:${hypernet_openmp}>)

  file(GLOB cpu_sources CONFIGURE_DEPENDS ${hypernet_source_dir}/kernels/cpu/*.c)
  set(simd_sources ${cpu_sources})
  list(FILTER simd_sources INCLUDE REGEX "_simd\\.c$")
  list(FILTER cpu_sources EXCLUDE REGEX "_simd\\.c$")

  # Vector code is compiled once a level of the instruction set; the level is chosen when the program runs.
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    set(isa_levels v2 v3 v4)
  else()
    set(isa_levels base)
  endif()
  # As a property of the sources, since it must come after the -ffp-contract=off that everything is compiled with.
  set_source_files_properties(${cpu_sources} ${simd_sources} PROPERTIES COMPILE_OPTIONS -ffp-contract=fast)
  # Packed products say themselves what is fused: every block of rows must be rounded alike.
  set_source_files_properties(${hypernet_source_dir}/kernels/cpu/packed_simd.c PROPERTIES COMPILE_OPTIONS -ffp-contract=off)
  hypernet_add_objects(hypernet_cpu ${cpu_sources})
  foreach(level IN LISTS isa_levels)
    hypernet_add_objects(hypernet_cpu_${level} ${simd_sources})
    if(TARGET hypernet_cpu_${level})
      target_compile_definitions(hypernet_cpu_${level} PRIVATE HNI_ISA=${level})
      if(NOT level STREQUAL "base")
        target_compile_options(hypernet_cpu_${level} PRIVATE -march=x86-64-${level})
      endif()
    endif()
  endforeach()
  foreach(target hypernet_cpu hypernet_cpu_v2 hypernet_cpu_v3 hypernet_cpu_v4 hypernet_cpu_base)
    if(TARGET ${target})
      target_link_libraries(${target} PRIVATE DNNL::dnnl OpenMP::OpenMP_C)
      if(HYPERNET_SANITIZE AND CMAKE_C_COMPILER_ID MATCHES "Clang")
        target_compile_options(${target} PRIVATE -Wno-pass-failed) # checks inside a loop keep clang from vectorising it
      endif()
    endif()
  endforeach()
endif()

# ---- everything else -------------------------------------------------------------------------------------------------
set(module_sources "")
foreach(module core tensor ops graph params nn optim io)
  file(GLOB sources CONFIGURE_DEPENDS ${hypernet_source_dir}/${module}/*.c)
  list(APPEND module_sources ${sources})
endforeach()
if(HYPERNET_CPU)
  file(GLOB parallel_sources CONFIGURE_DEPENDS ${hypernet_source_dir}/core/parallel*.c)
  set_source_files_properties(${parallel_sources} PROPERTIES
    COMPILE_OPTIONS "${OpenMP_C_FLAGS}" COMPILE_DEFINITIONS HNI_HAVE_OPENMP=1)
endif()

set(hypernet_kernel_objects ${hypernet_objects})
hypernet_add_objects(hypernet_modules ${module_sources})
if(TARGET hypernet_modules)
  target_link_libraries(hypernet_modules PRIVATE PkgConfig::jansson)
endif()

if(module_sources OR kernel_sources)
  add_library(hypernet_static STATIC ${hypernet_objects})
  set_target_properties(hypernet_static PROPERTIES OUTPUT_NAME hypernet LINKER_LANGUAGE C)
  set(hypernet_targets hypernet_static)
  if(HYPERNET_SHARED AND NOT HYPERNET_SANITIZE AND NOT HYPERNET_FUZZ)
    add_library(hypernet_shared SHARED ${hypernet_objects})
    set_target_properties(hypernet_shared PROPERTIES OUTPUT_NAME hypernet EXPORT_NAME hypernet LINKER_LANGUAGE C
      VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
    target_link_options(hypernet_shared PRIVATE LINKER:--no-undefined)
    list(APPEND hypernet_targets hypernet_shared)
  endif()
  foreach(target IN LISTS hypernet_targets)
    target_include_directories(${target} PUBLIC
      $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    target_link_libraries(${target} PRIVATE ${hypernet_libraries})
  endforeach()

  if(HYPERNET_TESTS AND NOT HYPERNET_FUZZ)
    add_library(hypernet_hooks STATIC ${module_sources} ${hypernet_kernel_objects})
    set_target_properties(hypernet_hooks PROPERTIES LINKER_LANGUAGE C)
    target_link_libraries(hypernet_hooks PRIVATE hypernet_flags ${hypernet_libraries})
    if(HYPERNET_TEST_HOOKS)
      target_compile_definitions(hypernet_hooks PUBLIC HNI_TEST_HOOKS)
    endif()
  endif()
endif()
