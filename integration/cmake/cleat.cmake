# SPDX-License-Identifier: Apache-2.0
# Build rules every folder uses, so that its own list stays a list.
#   cleat_library(NAME SOURCES a.c ... LINK targets ...)
#   cleat_program(NAME [STATIC] SOURCES a.c ... LINK targets ...)   binary in bin/
#   cleat_unit(NAME LINK targets ...)    NAME_test.c with cmocka, a ctest of the same name
#   cleat_fuzz(NAME LINK targets ...)    NAME_fuzz.c; libFuzzer under the fuzz preset, else a replay
#                                        of integration/corpus/NAME as a ctest
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
if(NOT CMAKE_BUILD_TYPE)
	set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_C_FLAGS_RELEASE "-O2 -g1")
set(CLEAT_SANITIZE "" CACHE STRING "value of -fsanitize= for everything; empty = none")
option(CLEAT_FUZZ "build the fuzz targets with libFuzzer (clang)" OFF)

find_package(PkgConfig REQUIRED)
find_program(CCACHE ccache)
if(CCACHE)
	set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()

add_compile_definitions(_GNU_SOURCE _FILE_OFFSET_BITS=64 CLEAT_VERSION="${PROJECT_VERSION}")
add_compile_options(-fno-omit-frame-pointer -ffunction-sections -fdata-sections)
add_link_options(-Wl,--gc-sections)
if(CLEAT_SANITIZE)
	add_compile_options(-fsanitize=${CLEAT_SANITIZE} -fno-sanitize-recover=all)
	add_link_options(-fsanitize=${CLEAT_SANITIZE})
endif()
if(CLEAT_FUZZ)
	add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# Flags of the code we write; generated code is compiled without them.
set(CLEAT_WARNINGS -Wall -Wextra -Werror -Wshadow -Wconversion -Wstrict-prototypes -Wvla
	-Wmissing-prototypes)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
	list(APPEND CLEAT_WARNINGS -Wno-format-truncation)
else()
	list(APPEND CLEAT_WARNINGS -Wno-gnu-statement-expression -Wno-implicit-int-conversion)
endif()

function(cleat_library NAME)
	cmake_parse_arguments(A "" "" "SOURCES;LINK" ${ARGN})
	add_library(${NAME} STATIC ${A_SOURCES})
	target_compile_options(${NAME} PRIVATE ${CLEAT_WARNINGS})
	target_include_directories(${NAME} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
	target_link_libraries(${NAME} PUBLIC ${A_LINK})
endfunction()

function(cleat_program NAME)
	cmake_parse_arguments(A "STATIC" "" "SOURCES;LINK" ${ARGN})
	add_executable(${NAME} ${A_SOURCES})
	target_compile_options(${NAME} PRIVATE ${CLEAT_WARNINGS})
	target_link_libraries(${NAME} PRIVATE ${A_LINK})
	if(A_STATIC AND NOT CLEAT_SANITIZE)
		target_link_options(${NAME} PRIVATE -static)
	endif()
endfunction()

function(cleat_unit NAME)
	cmake_parse_arguments(A "" "" "SOURCES;LINK" ${ARGN})
	add_executable(${NAME}_test ${NAME}_test.c ${A_SOURCES})
	target_compile_options(${NAME}_test PRIVATE ${CLEAT_WARNINGS})
	target_link_libraries(${NAME}_test PRIVATE ${A_LINK} cmocka)
	set_target_properties(${NAME}_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test)
	add_test(NAME ${NAME} COMMAND ${NAME}_test)
	set_tests_properties(${NAME} PROPERTIES TIMEOUT 300)
endfunction()

function(cleat_fuzz NAME)
	cmake_parse_arguments(A "" "" "SOURCES;LINK" ${ARGN})
	if(CLEAT_FUZZ)
		add_executable(${NAME}_fuzz ${NAME}_fuzz.c ${A_SOURCES})
		target_link_options(${NAME}_fuzz PRIVATE -fsanitize=fuzzer)
	else()
		add_executable(${NAME}_fuzz ${NAME}_fuzz.c ${A_SOURCES}
			${CMAKE_SOURCE_DIR}/integration/fuzz/replay.c)
		add_test(NAME ${NAME}_fuzz
			COMMAND ${NAME}_fuzz ${CMAKE_SOURCE_DIR}/integration/corpus/${NAME})
	endif()
	target_link_libraries(${NAME}_fuzz PRIVATE ${A_LINK})
	set_target_properties(${NAME}_fuzz PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
endfunction()
