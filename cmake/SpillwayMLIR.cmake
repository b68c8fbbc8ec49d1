# MLIR, the precompiled header that all compiler targets share, and helpers.

list(PREPEND CMAKE_PREFIX_PATH /usr/lib/llvm-22)
find_package(MLIR 22.1 REQUIRED CONFIG)
list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
include(TableGen)
include(AddLLVM)
include(AddMLIR)

# Plugins take the dialects from the program that loads them: two copies of a
# dialect would be two dialects. So the compiler's symbols are not hidden.
set(CMAKE_CXX_VISIBILITY_PRESET default)
set(CMAKE_VISIBILITY_INLINES_HIDDEN OFF)

add_library(spillway_mlir INTERFACE)
target_include_directories(spillway_mlir SYSTEM INTERFACE ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
target_include_directories(spillway_mlir INTERFACE
  ${PROJECT_SOURCE_DIR}/dialects ${PROJECT_BINARY_DIR}/dialects)
target_compile_options(spillway_mlir INTERFACE -fno-exceptions)
# The shared libraries only: mixing them with the static archives would give
# two copies of every TypeID.
target_link_libraries(spillway_mlir INTERFACE spillway_options MLIR LLVM)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(spillway_mlir INTERFACE "SHELL:-Xclang -fno-pch-timestamp")
endif()

add_library(spillway_pch STATIC ${PROJECT_SOURCE_DIR}/cmake/pch.cpp)
target_link_libraries(spillway_pch PUBLIC spillway_mlir)
target_precompile_headers(spillway_pch PRIVATE ${PROJECT_SOURCE_DIR}/cmake/pch.h)

# add_spillway_mlir_library(NAME SOURCES... [LINK LIBS...] [DEPENDS TARGETS...])
function(add_spillway_mlir_library name)
  cmake_parse_arguments(ARG "" "" "LINK;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC spillway_mlir ${ARG_LINK})
  target_precompile_headers(${name} REUSE_FROM spillway_pch)
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()

# spillway_use_pch(TARGET): for a program. The header was compiled as
# position-independent code of a library, and clang takes it only for the same.
function(spillway_use_pch name)
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${name} PRIVATE -fPIC)
  target_precompile_headers(${name} REUSE_FROM spillway_pch)
endfunction()

function(spillway_asan_options name)
  if(SPILLWAY_SANITIZE MATCHES "address")
    target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/cmake/asan_options.cpp)
  endif()
endfunction()

# add_spillway_mlir_tool(NAME SOURCES... [LINK LIBS...]): a program in build/bin.
function(add_spillway_mlir_tool name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE spillway_mlir ${ARG_LINK})
  spillway_use_pch(${name})
  spillway_asan_options(${name})
  install(TARGETS ${name} RUNTIME DESTINATION bin)
endfunction()

# add_spillway_mlir_unittest(NAME SOURCES... [LINK LIBS...])
function(add_spillway_mlir_unittest name)
  add_spillway_unittest(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE spillway_mlir)
  spillway_use_pch(${name})
  spillway_asan_options(${name})
endfunction()

# add_spillway_plugin(NAME SOURCES... [DEPENDS TARGETS...]): a dialect or pass
# plugin, build/lib/NAME.so. Links nothing: the program that loads it has it all.
function(add_spillway_plugin name)
  cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
  add_library(${name} MODULE ${ARG_UNPARSED_ARGUMENTS})
  set_target_properties(${name} PROPERTIES PREFIX "")
  target_include_directories(${name} SYSTEM PRIVATE
    $<TARGET_PROPERTY:spillway_mlir,INTERFACE_INCLUDE_DIRECTORIES>)
  target_compile_options(${name} PRIVATE
    $<TARGET_PROPERTY:spillway_mlir,INTERFACE_COMPILE_OPTIONS>)
  target_link_libraries(${name} PRIVATE spillway_options)
  target_precompile_headers(${name} REUSE_FROM spillway_pch)
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()
