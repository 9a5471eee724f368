// SPDX-License-Identifier: MIT
/*
 * The measured configuration at start: arguments and environment as the signer fixed them, before libc
 * sees any. From outside come only the arguments (unless the signer gave some) and the variables
 * that the signer named.
 */
#include <string.h>
#include <sys/mman.h>

#include "base/checked.h"
#include "layer.h"
#include "trusted/files.h"
#include "trusted/runtime.h"

static struct config parsed;

const struct config *trusted_settings(void)
{
	return &parsed;
}

/* Memory that lasts: there is no malloc() yet. */
static char *take(size_t size)
{
	long at = trusted_mmap(0, size ? size : 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);

	if (at < 0)
		trusted_abort("no memory for arguments and environment");
	return (char *)at;
}

/* `ret` (of count + 1) and the texts, NUL-terminated. */
static void put_texts(const struct config_text *texts, size_t count, char **ret)
{
	size_t size = 0;
	char *at;

	for (size_t i = 0; i < count; i++)
		size += texts[i].size + 1;
	at = take(size);
	for (size_t i = 0; i < count; i++) {
		ret[i] = at;
		memcpy(at, texts[i].text, texts[i].size);
		at[texts[i].size] = '\0';
		at += texts[i].size + 1;
	}
}

static void apply_arguments(struct trusted_info *info)
{
	static char *argv[CONFIG_ARGUMENTS_MAX + 1];

	if (!parsed.argument_count)
		return;
	put_texts(parsed.arguments, parsed.argument_count, argv);
	info->argv = argv;
	info->argc = parsed.argument_count;
}

static void apply_environment(struct trusted_info *info)
{
	struct config_text own[CONFIG_ENVIRONMENT_MAX];
	size_t own_count = 0, count = 0;
	char **envp;

	for (size_t i = 0; i < parsed.environment_count; i++)
		if (memchr(parsed.environment[i].text, '=', parsed.environment[i].size))
			own[own_count++] = parsed.environment[i];
	envp = (char **)(void *)take((info->envc + own_count + 1) * sizeof(*envp));
	for (size_t i = 0; i < info->envc; i++) {
		const char *entry = info->envp[i];

		if (strchr(entry, '=') && config_environment_allows(&parsed, entry, strlen(entry)))
			envp[count++] = info->envp[i];
	}
	put_texts(own, own_count, envp + count);
	info->envc = count + own_count;
	envp[info->envc] = NULL;
	info->envp = envp;
}

void trusted_config_apply(struct trusted_info *info)
{
	size_t size = 0;
	const void *data = trusted_config(&size);

	if (config_parse(data, size, &parsed, NULL))
		trusted_abort("the measured configuration can't be read");
	apply_arguments(info);
	apply_environment(info);
}
