# One component = one folder below src/ = one static library, with its tests beside the code.
#
#   tw_component(NAME DEPS tw_base … LIBS external …)
#
# makes tw_NAME from the folder's *.cc, and NAME_test from its *_test.cc (label: unit). A folder's
# testing/ subfolder holds fakes for other components' tests and becomes tw_NAME_testing.

add_library(tw_flags INTERFACE)
target_compile_options(tw_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor
  -Woverloaded-virtual -Wimplicit-fallthrough -fstack-protector-strong -fno-omit-frame-pointer
  $<$<BOOL:${TAPEWARDEN_WERROR}>:-Werror>
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
  # g++ 12 reports false positives of these two inside std::string and std::variant at -O2.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict;-Wno-maybe-uninitialized>
  # g++ 13 and later: the same about a vector that grows by one.
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_GREATER_EQUAL:$<CXX_COMPILER_VERSION>,13>>:-Wno-stringop-overflow>)
target_compile_definitions(tw_flags INTERFACE
  $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
target_include_directories(tw_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
if(TAPEWARDEN_SANITIZE)
  target_compile_options(tw_flags INTERFACE -fsanitize=${TAPEWARDEN_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(tw_flags INTERFACE -fsanitize=${TAPEWARDEN_SANITIZE})
endif()
if(TAPEWARDEN_FUZZ)
  target_compile_options(tw_flags INTERFACE -fsanitize=fuzzer-no-link,address,undefined)
  target_link_options(tw_flags INTERFACE -fsanitize=address,undefined)
endif()

function(tw_component name)
  cmake_parse_arguments(ARG "" "" "DEPS;LIBS;TEST_DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cc)
  file(GLOB tests CONFIGURE_DEPENDS *_test.cc)
  file(GLOB fakes CONFIGURE_DEPENDS testing/*.cc)
  list(REMOVE_ITEM sources "" ${tests})
  if(sources)
    add_library(tw_${name} STATIC ${sources})
    target_link_libraries(tw_${name} PUBLIC tw_flags ${ARG_DEPS} PRIVATE ${ARG_LIBS} Threads::Threads)
  else()
    add_library(tw_${name} INTERFACE)
    target_link_libraries(tw_${name} INTERFACE tw_flags ${ARG_DEPS})
  endif()
  if(fakes)
    add_library(tw_${name}_testing STATIC ${fakes})
    target_link_libraries(tw_${name}_testing PUBLIC tw_${name})
  endif()
  if(tests AND NOT TAPEWARDEN_FUZZ)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE tw_${name} ${ARG_TEST_DEPS} ${ARG_LIBS} GTest::gmock GTest::gtest_main)
    if(fakes)
      target_link_libraries(${name}_test PRIVATE tw_${name}_testing)
    endif()
    add_test(NAME ${name}_test COMMAND ${name}_test)
    set_tests_properties(${name}_test PROPERTIES LABELS unit TIMEOUT 900)
  endif()
endfunction()
