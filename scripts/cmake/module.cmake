# SPDX-License-Identifier: Apache-2.0
# ps_module(name layer folder deps...): one folder, one library, one layer.
# A dependency on the same or a higher layer stops the configure step.
function(ps_module name layer folder)
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.c)
    list(FILTER sources EXCLUDE REGEX "/src/cli/main\\.c$")
    add_library(${name} STATIC ${sources})
    set_target_properties(${name} PROPERTIES PS_LAYER ${layer} LINKER_LANGUAGE C)
    target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
    target_link_libraries(${name} PRIVATE ps_warnings PUBLIC m)
    foreach(dep IN LISTS ARGN)
        get_target_property(dep_layer ${dep} PS_LAYER)
        if(NOT dep_layer LESS layer)
            message(FATAL_ERROR "${name} (layer ${layer}) may not use ${dep} (layer ${dep_layer})")
        endif()
        target_link_libraries(${name} PUBLIC ${dep})
    endforeach()
endfunction()

# ps_double_twin(name): the sources of a module once more, with ps_real = double, as name_f64.
# For tests of gradients alone; it uses the twins of modules that have one.
function(ps_double_twin name)
    get_target_property(sources ${name} SOURCES)
    get_target_property(libraries ${name} LINK_LIBRARIES)
    set(twins)
    foreach(library IN LISTS libraries)
        if(TARGET ${library}_f64)
            list(APPEND twins ${library}_f64)
        else()
            list(APPEND twins ${library})
        endif()
    endforeach()
    add_library(${name}_f64 STATIC EXCLUDE_FROM_ALL ${sources})
    target_include_directories(${name}_f64 PUBLIC ${PROJECT_SOURCE_DIR})
    target_compile_definitions(${name}_f64 PUBLIC PS_REAL_DOUBLE)
    target_link_libraries(${name}_f64 PUBLIC ${twins})
endfunction()

set(PS_RANKS 1 2 3 4)
set(PS_MPIRUN mpirun --bind-to none --oversubscribe)
set(PS_TEST_ENV OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    OMPI_MCA_btl_vader_single_copy_mechanism=none OMP_WAIT_POLICY=passive
    OPENBLAS_NUM_THREADS=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
    LSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/supp/lsan.supp
    PENSTOCK=$<TARGET_FILE:penstock> PS_SOURCE_DIR=${PROJECT_SOURCE_DIR})

# A test program: exit 77 means skipped. t_grad*.c see double where the program has float.
function(ps_test_program name source)
    add_executable(${name} ${source})
    if(name MATCHES "^t_grad")
        target_link_libraries(${name} PRIVATE ps_warnings ps_nn_f64 PkgConfig::CMOCKA)
    else()
        target_link_libraries(${name} PRIVATE ps_warnings ps_cli ps_api PkgConfig::CMOCKA PkgConfig::XXHASH
                              PkgConfig::ZLIB)
    endif()
endfunction()

function(ps_add_test name timeout processors environment)
    add_test(NAME ${name} COMMAND ${ARGN})
    set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT ${timeout}
        PROCESSORS ${processors} ENVIRONMENT "${environment}")
endfunction()

# Tests find themselves: tests/unit/t_*.c run alone, tests/mpi/t_*.c at 1 to 4
# ranks, tests/cli/*.sh with the program in $PENSTOCK. Labels: unit, mpi, cli, and slow for
# tests/cli/slow_*.sh.
function(ps_tests)
    file(GLOB unit CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/unit/t_*.c)
    foreach(source IN LISTS unit)
        get_filename_component(name ${source} NAME_WE)
        ps_test_program(${name} ${source})
        ps_add_test(${name} 120 1 "${PS_TEST_ENV}" ${name})
        set_tests_properties(${name} PROPERTIES LABELS unit)
    endforeach()
    if(PS_SANITIZE MATCHES "thread")
        add_executable(planted_race ${PROJECT_SOURCE_DIR}/tests/tsan/planted_race.c)
        target_link_libraries(planted_race PRIVATE ps_warnings OpenMP::OpenMP_C)
        ps_add_test(tsan_sees_a_race 60 1 "${PS_TEST_ENV}" planted_race)
        set_tests_properties(tsan_sees_a_race PROPERTIES LABELS unit
            PASS_REGULAR_EXPRESSION "ThreadSanitizer: data race")
    endif()
    file(GLOB mpi CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/mpi/t_*.c)
    foreach(source IN LISTS mpi)
        get_filename_component(name ${source} NAME_WE)
        ps_test_program(${name} ${source})
        foreach(ranks IN LISTS PS_RANKS)
            ps_add_test(${name}_${ranks} 180 2 "${PS_TEST_ENV};ASAN_OPTIONS=detect_leaks=0"
                ${PS_MPIRUN} -n ${ranks} $<TARGET_FILE:${name}>)
            set_tests_properties(${name}_${ranks} PROPERTIES LABELS mpi)
        endforeach()
    endforeach()
    file(GLOB cli CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/cli/*.sh)
    list(FILTER cli EXCLUDE REGEX "/lib\\.sh$")
    foreach(script IN LISTS cli)
        get_filename_component(name ${script} NAME_WE)
        ps_add_test(cli_${name} 600 2 "${PS_TEST_ENV};ASAN_OPTIONS=detect_leaks=0" bash ${script})
        set_tests_properties(cli_${name} PROPERTIES LABELS cli)
        if(name MATCHES "^slow_")
            set_tests_properties(cli_${name} PROPERTIES LABELS "cli;slow" TIMEOUT 3600)
        endif()
    endforeach()
endfunction()
