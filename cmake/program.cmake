# The program: src/app (a static library, so that tests can link it) and cli/.
file(GLOB_RECURSE app_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/app/*.c)
file(GLOB cli_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cli/*.c)

if(app_sources OR cli_sources)
  pkg_check_modules(app_libraries REQUIRED IMPORTED_TARGET yaml-0.1 zlib liblzma cairo)
endif()
if(app_sources)
  add_library(hypernet_app STATIC ${app_sources})
  target_link_libraries(hypernet_app PRIVATE hypernet_flags PUBLIC PkgConfig::app_libraries PkgConfig::jansson m)
endif()
if(cli_sources AND TARGET hypernet_static)
  add_executable(hypernet ${cli_sources})
  # What --version says: "NAME VERSION, ...", as found when the build was set up.
  set(library_versions "jansson ${jansson_VERSION}")
  foreach(library yaml-0.1 zlib liblzma cairo)
    string(APPEND library_versions ", ${library} ${app_libraries_${library}_VERSION}")
  endforeach()
  set(build_words "${CMAKE_C_COMPILER_ID} ${CMAKE_C_COMPILER_VERSION}, ${CMAKE_BUILD_TYPE}")
  foreach(option HYPERNET_CPU HYPERNET_SHARED HYPERNET_SANITIZE)
    string(APPEND build_words ", ${option}=${${option}}")
  endforeach()
  target_compile_definitions(hypernet PRIVATE
    HYPERNET_BUILD="${build_words}"
    HYPERNET_RECIPES_DIR="${CMAKE_INSTALL_FULL_DATADIR}/hypernet/recipes"
    HYPERNET_ONEDNN="${dnnl_VERSION}"
    HYPERNET_LIBRARIES="${library_versions}")
  if(TARGET hypernet_app)
    target_link_libraries(hypernet PRIVATE hypernet_app)
  endif()
  set(THREADS_PREFER_PTHREAD_FLAG ON)
  find_package(Threads REQUIRED) # cli/stop.c
  target_link_libraries(hypernet PRIVATE Threads::Threads hypernet_flags hypernet_static PkgConfig::app_libraries PkgConfig::jansson)

  # The manual page is what the tables of options say, so it cannot differ from them. A program for another machine cannot be
  # asked, and one with sanitizers is not for installing: then it is left out.
  if(NOT CMAKE_CROSSCOMPILING AND NOT HYPERNET_SANITIZE AND NOT HYPERNET_FUZZ)
    add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/hypernet.1
      COMMAND sh -c [["$1" __manual >"$2"]] sh $<TARGET_FILE:hypernet> ${PROJECT_BINARY_DIR}/hypernet.1
      VERBATIM DEPENDS hypernet)
    add_custom_target(hypernet_manual ALL DEPENDS ${PROJECT_BINARY_DIR}/hypernet.1)
  endif()
endif()
