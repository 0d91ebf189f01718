# SPDX-License-Identifier: Apache-2.0
# Fuzz targets find themselves: tests/fuzz/f_NAME.c. In every build with tests, f_NAME_replay runs
# the target over tests/fuzz/corpus/NAME and tests/fuzz/golden/NAME, as test fuzz_NAME. With
# PS_FUZZ (preset fuzz, clang) f_NAME is the target with libFuzzer; scripts/fuzz.sh runs these.
function(ps_fuzz)
    file(GLOB targets CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/fuzz/f_*.c)
    foreach(source IN LISTS targets)
        get_filename_component(target ${source} NAME_WE)
        string(REGEX REPLACE "^f_" "" name ${target})
        if(PS_FUZZ)
            add_executable(${target} ${source})
            target_link_libraries(${target} PRIVATE ps_warnings ps_cli PkgConfig::CMOCKA)
            target_link_options(${target} PRIVATE -fsanitize=fuzzer)
        endif()
        if(PS_TESTS)
            add_executable(${target}_replay ${source} ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.c)
            target_link_libraries(${target}_replay PRIVATE ps_warnings ps_cli PkgConfig::CMOCKA)
            ps_add_test(fuzz_${name} 120 1 "${PS_TEST_ENV}" ${target}_replay
                ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name}
                ${PROJECT_SOURCE_DIR}/tests/fuzz/golden/${name})
            set_tests_properties(fuzz_${name} PROPERTIES LABELS fuzz)
        endif()
    endforeach()
endfunction()
