# cmake --install: library, headers, program, recipes, and a package file for find_package(hypernet).
include(CMakePackageConfigHelpers)

if(TARGET hypernet_lib)
  install(TARGETS hypernet_lib EXPORT hypernet-targets)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/hypernet TYPE INCLUDE FILES_MATCHING PATTERN "*.h")
  install(EXPORT hypernet-targets NAMESPACE hypernet:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/hypernet)
  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/hypernet-config.cmake.in
    ${PROJECT_BINARY_DIR}/hypernet-config.cmake INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/hypernet)
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/hypernet-config-version.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/hypernet-config.cmake ${PROJECT_BINARY_DIR}/hypernet-config-version.cmake
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/hypernet)
endif()
if(TARGET hypernet)
  install(TARGETS hypernet)
endif()
if(IS_DIRECTORY ${PROJECT_SOURCE_DIR}/recipes)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/recipes/ DESTINATION ${CMAKE_INSTALL_DATADIR}/hypernet/recipes
    FILES_MATCHING PATTERN "*.yaml")
endif()
