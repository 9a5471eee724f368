// SPDX-License-Identifier: MIT
/* What comes between the C library's start and the program's main(): the linker has the library call this one. */
#include "trusted/program.h"

int __real_main(int argc, char **argv, char **envp);
int __wrap_main(int argc, char **argv, char **envp);

int __wrap_main(int argc, char **argv, char **envp)
{
	trusted_begin_processes();
	return __real_main(argc, argv, envp);
}
