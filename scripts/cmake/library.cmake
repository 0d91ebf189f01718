# SPDX-License-Identifier: Apache-2.0
# The library that others link: libpenstock.so with src/api/penstock.h, and what pkg-config and
# find_package need to find them. Shared only: its dependencies stay its own business, so a user
# needs none of their headers and names none of them. While the major version is 0 the
# soname has major and minor number.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

add_library(libpenstock SHARED $<TARGET_OBJECTS:ps_api>)
target_link_libraries(libpenstock PRIVATE ps_train ps_graph ps_nn ps_io ps_comm ps_kern ps_base m)
target_include_directories(libpenstock INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
set_target_properties(libpenstock PROPERTIES OUTPUT_NAME penstock EXPORT_NAME penstock
    LINKER_LANGUAGE C VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
if(PS_SANITIZE)
    target_link_options(libpenstock PRIVATE -fsanitize=${PS_SANITIZE})
else()
    target_link_options(libpenstock PRIVATE -Wl,--no-undefined)
endif()

# The .pc file finds its prefix from its own place, so `cmake --install --prefix` may choose it.
file(RELATIVE_PATH PS_PC_TO_PREFIX /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
string(REGEX REPLACE "/$" "" PS_PC_TO_PREFIX ${PS_PC_TO_PREFIX})
set(package ${PROJECT_BINARY_DIR}/package)
configure_file(scripts/cmake/penstock.pc.in ${package}/penstock.pc @ONLY)
file(WRITE ${package}/penstockConfig.cmake
    "include(\"\${CMAKE_CURRENT_LIST_DIR}/penstockTargets.cmake\")\n")
write_basic_package_version_file(${package}/penstockConfigVersion.cmake
    VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)

install(TARGETS libpenstock EXPORT penstockTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT penstockTargets NAMESPACE penstock::
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/penstock)
install(FILES ${package}/penstockConfig.cmake ${package}/penstockConfigVersion.cmake
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/penstock)
install(FILES ${package}/penstock.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES src/api/penstock.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/penstock)
