# SPDX-License-Identifier: Apache-2.0
# Build rules every folder uses, so that its own list stays a list.
#   cleat_library(NAME [MUSL] SOURCES a.c ... LINK targets ...)
#   cleat_program(NAME [STATIC|MUSL] [NO_LEAKS] SOURCES a.c ... LINK targets ...)   binary in bin/
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
	# Of two shared runtimes only ASan's would know where reports go; in one program they are one.
	if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND CLEAT_SANITIZE STREQUAL "address,undefined")
		add_link_options(-static-libasan -static-libubsan)
	endif()
	set(CLEAT_REPORTS ${CMAKE_BINARY_DIR}/reports)
	file(MAKE_DIRECTORY ${CLEAT_REPORTS})
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

# musl for the programs that are started for each container: api/musl/README.md says why.
option(CLEAT_MUSL "link small programs with musl where it is installed" ON)
find_file(MUSL_SPECS musl-gcc.specs PATHS /usr/lib/${CMAKE_SYSTEM_PROCESSOR}-linux-musl NO_DEFAULT_PATH)
if(CLEAT_SANITIZE OR NOT CMAKE_C_COMPILER_ID STREQUAL "GNU" OR NOT MUSL_SPECS)
	set(CLEAT_MUSL OFF)
endif()
if(CLEAT_MUSL)
	# The kernel's headers and those of the libraries, without glibc's.
	set(MUSL_INCLUDE ${CMAKE_BINARY_DIR}/musl-include)
	file(MAKE_DIRECTORY ${MUSL_INCLUDE})
	foreach(header linux asm-generic ${CMAKE_LIBRARY_ARCHITECTURE}/asm protobuf-c jansson.h
			jansson_config.h seccomp.h seccomp-syscalls.h)
		get_filename_component(leaf ${header} NAME)
		file(CREATE_LINK /usr/include/${header} ${MUSL_INCLUDE}/${leaf} SYMBOLIC)
	endforeach()
endif()

# Compiles the target for musl and links it with the variants NAME_musl of what is listed. The other
# variant of the same source has the full set of warnings, which musl's types would trip. Libraries of
# the system are their archives; musl has the ABI that these few C libraries need.
function(cleat_for_musl TARGET SCOPE)
	target_compile_options(${TARGET} PRIVATE -specs=${MUSL_SPECS} -I${CMAKE_SOURCE_DIR}/api/musl
		-idirafter ${MUSL_INCLUDE} -Wno-conversion -Wno-sign-conversion)
	foreach(library ${ARGN})
		if(TARGET ${library}_musl)
			set(library ${library}_musl)
		elseif(NOT TARGET ${library} AND NOT IS_ABSOLUTE ${library})
			find_library(${library}_ARCHIVE lib${library}.a)
			if(${library}_ARCHIVE)
				set(library ${${library}_ARCHIVE})
			else()
				set(library ${library}_musl) # of a folder that comes later
			endif()
		endif()
		target_link_libraries(${TARGET} ${SCOPE} ${library})
	endforeach()
endfunction()

# MUSL: a variant NAME_musl as well, for programs that are linked with musl.
function(cleat_library NAME)
	cmake_parse_arguments(A "MUSL" "" "SOURCES;LINK" ${ARGN})
	add_library(${NAME} STATIC ${A_SOURCES})
	target_compile_options(${NAME} PRIVATE ${CLEAT_WARNINGS})
	target_include_directories(${NAME} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
	target_link_libraries(${NAME} PUBLIC ${A_LINK})
	if(A_MUSL AND CLEAT_MUSL)
		add_library(${NAME}_musl STATIC ${A_SOURCES})
		target_compile_options(${NAME}_musl PRIVATE ${CLEAT_WARNINGS})
		target_include_directories(${NAME}_musl PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
		cleat_for_musl(${NAME}_musl PUBLIC ${A_LINK})
	endif()
endfunction()

# MUSL: static, with musl where it is there and with glibc otherwise. NO_LEAKS: no leak checker.
function(cleat_program NAME)
	cmake_parse_arguments(A "STATIC;MUSL;NO_LEAKS" "" "SOURCES;LINK" ${ARGN})
	add_executable(${NAME} ${A_SOURCES})
	if(CLEAT_SANITIZE AND NOT CLEAT_FUZZ)
		target_sources(${NAME} PRIVATE ${CMAKE_SOURCE_DIR}/integration/sanitize/options.c)
		target_compile_definitions(${NAME} PRIVATE CLEAT_REPORTS="${CLEAT_REPORTS}/${NAME}"
			$<$<BOOL:${A_NO_LEAKS}>:CLEAT_NO_LEAKS>)
	endif()
	target_compile_options(${NAME} PRIVATE ${CLEAT_WARNINGS})
	if(A_MUSL AND CLEAT_MUSL)
		cleat_for_musl(${NAME} PRIVATE ${A_LINK} musl_compat)
		target_link_options(${NAME} PRIVATE -specs=${MUSL_SPECS})
	else()
		target_link_libraries(${NAME} PRIVATE ${A_LINK})
	endif()
	if((A_STATIC OR A_MUSL) AND NOT CLEAT_SANITIZE)
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
	target_compile_options(${NAME}_fuzz PRIVATE ${CLEAT_WARNINGS})
	target_link_libraries(${NAME}_fuzz PRIVATE ${A_LINK})
	set_target_properties(${NAME}_fuzz PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
endfunction()
