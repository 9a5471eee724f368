// SPDX-License-Identifier: MIT
/* Where one's identity is: apart from reading it, so that who only hands the path on needs no channel. */
#include <stdio.h>
#include <stdlib.h>

#include "attach/keys.h"

bool keys_identity_path(char path[PATH_MAX])
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int n;

	if (config && config[0] == '/')
		n = snprintf(path, PATH_MAX, "%s/scwatcher/identity.key", config);
	else if (home && home[0] == '/')
		n = snprintf(path, PATH_MAX, "%s/.config/scwatcher/identity.key", home);
	else
		return false;
	return n > 0 && n < PATH_MAX;
}
