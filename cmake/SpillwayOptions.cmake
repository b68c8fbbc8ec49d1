# Flags that every target of the project shares.

add_library(spillway_options INTERFACE)
target_include_directories(spillway_options INTERFACE
  ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/include)
target_compile_options(spillway_options INTERFACE
  -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers
  # Contraction would make a result depend on the compiler's mood: where a fused
  # multiply-add is wanted, the source says so.
  -ffp-contract=off)
# GCC 12 sees overflows in inlined standard containers where there are none
# (its bugs 105651, 105329); clang and the sanitizers look for the real ones.
target_compile_options(spillway_options INTERFACE
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overflow>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
if(SPILLWAY_WERROR)
  target_compile_options(spillway_options INTERFACE -Werror)
endif()
if(SPILLWAY_SANITIZE)
  target_compile_options(spillway_options INTERFACE
    -fsanitize=${SPILLWAY_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer
    # Instrumented loops do not vectorise, and need not.
    $<$<CXX_COMPILER_ID:Clang>:-Wno-pass-failed>)
  target_link_options(spillway_options INTERFACE -fsanitize=${SPILLWAY_SANITIZE})
endif()

find_program(SPILLWAY_CCACHE ccache)
if(SPILLWAY_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${SPILLWAY_CCACHE})
  # A precompiled header is cached only when these are forgiven.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
    ${SPILLWAY_CCACHE})
endif()

find_program(SPILLWAY_LLD NAMES ld.lld-22 ld.lld)
if(SPILLWAY_LLD AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  add_link_options(-fuse-ld=lld)
endif()

# add_spillway_library(NAME SOURCES... [LINK LIBS...]): a static library of plain C++.
function(add_spillway_library name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC spillway_options ${ARG_LINK})
endfunction()

# add_spillway_unittest(NAME SOURCES... [LINK LIBS...]): a GoogleTest program in
# build/bin/unit, found by scripts/check.sh and by ctest.
function(add_spillway_unittest name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  find_package(GTest REQUIRED)
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin/unit)
  target_link_libraries(${name} PRIVATE spillway_options ${ARG_LINK} GTest::gtest_main GTest::gmock)
  # EXPECT_... holds an else of its own.
  target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-dangling-else>)
  add_test(NAME ${name} COMMAND ${name})
endfunction()
