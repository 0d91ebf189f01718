# SPDX-License-Identifier: Apache-2.0
add_library(ps_warnings INTERFACE)
target_compile_options(ps_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wundef -Wvla -Wformat=2
    -Wconversion -Wsign-conversion -Wdouble-promotion
    -Wcast-qual -Wcast-align -Wpointer-arith -Wwrite-strings
    -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum -Wnull-dereference
    $<$<C_COMPILER_ID:GNU>:-Wlogical-op -Wduplicated-cond -Wduplicated-branches -Warith-conversion>
    $<$<C_COMPILER_ID:Clang>:-Wmissing-variable-declarations -Wno-gnu-alignof-expression>
    $<$<BOOL:${PS_WERROR}>:-Werror>
    -fno-common -ffp-contract=off)
target_compile_definitions(ps_warnings INTERFACE _GNU_SOURCE $<$<BOOL:${PS_DEBUG}>:PS_DEBUG>)
if(PS_SANITIZE)
    target_compile_options(ps_warnings INTERFACE -fsanitize=${PS_SANITIZE}
                           -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(ps_warnings INTERFACE -fsanitize=${PS_SANITIZE})
endif()
