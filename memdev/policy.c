// SPDX-License-Identifier: MIT
/* See memdev/policy.h. */
#include "memdev/policy.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "attach/keys.h"
#include "base/checked.h"
#include "channel/evidence.h"
#include "channel/frame.h"
#include "settings.h"

struct memdev_policy_identity {
	char name[MEMDEV_POLICY_NAME_MAX + 1];
	uint32_t type;
	/* a key; of an enclave its MRENCLAVE, or MRSIGNER with product and least version */
	uint8_t key[MEMDEV_POLICY_KEY_SIZE];
	bool by_signer;
	uint16_t product, version;
	char **patterns;
	size_t pattern_count;
};

struct memdev_policy {
	struct memdev_policy_identity *identities;
	size_t count;
};

_Static_assert((int)MEMDEV_POLICY_KEY_SIZE == (int)KEYS_SIZE, "keys are as in key files");

static const struct {
	const char *name;
	uint32_t type;
} types[] = {
	{"development", CHANNEL_EVIDENCE_DEVELOPMENT},
	{"sgx-emulated", CHANNEL_EVIDENCE_EMULATED},
	{"sgx", CHANNEL_EVIDENCE_DCAP},
};

/* The string member `key` of `group`. */
static enum err take_string(const config_setting_t *group, const char *key, const char *file,
			    const char **ret, const config_setting_t **at_ret, struct err_ctx *err)
{
	const config_setting_t *s = config_setting_get_member(group, key);

	if (!s)
		return settings_wrong(group, file, err, "an identity without \"%s\"", key);
	if (config_setting_type(s) != CONFIG_TYPE_STRING)
		return settings_wrong(s, file, err, "\"%s\" isn't a string", key);
	*ret = config_setting_get_string(s);
	*at_ret = s;
	return ERR_OK;
}

static bool name_fine(const char *name)
{
	size_t size = strlen(name);

	for (size_t i = 0; i < size; i++) {
		if (name[i] < 0x21 || name[i] > 0x7e)
			return false;
	}
	return size && size <= MEMDEV_POLICY_NAME_MAX;
}

static enum err take_name(const struct memdev_policy *p, const config_setting_t *group,
			  const char *file, struct memdev_policy_identity *ret, struct err_ctx *err)
{
	const config_setting_t *at;
	const char *name;
	enum err e = take_string(group, "name", file, &name, &at, err);

	if (e)
		return e;
	if (!name_fine(name))
		return settings_wrong(at, file, err,
				      "a name is 1 to %d printable characters without spaces",
				      MEMDEV_POLICY_NAME_MAX);
	for (size_t i = 0; i < p->count; i++) {
		if (strcmp(p->identities[i].name, name) == 0)
			return settings_wrong(at, file, err, "there are two identities \"%.40s\"",
					      name);
	}
	memcpy(ret->name, name, strlen(name) + 1);
	return ERR_OK;
}

static enum err take_type(const config_setting_t *group, const char *file,
			  struct memdev_policy_identity *ret, struct err_ctx *err)
{
	const config_setting_t *at;
	const char *type;
	enum err e = take_string(group, "type", file, &type, &at, err);

	if (e)
		return e;
	for (size_t i = 0; i < BASE_COUNT(types); i++) {
		if (strcmp(types[i].name, type) == 0)
			ret->type = types[i].type;
	}
	return ret->type ? ERR_OK
			 : settings_wrong(at, file, err, "there is no type of evidence \"%.40s\"",
					  type);
}

/* The 64 digits of member `name`. */
static enum err take_digits(const config_setting_t *group, const char *name, const char *file,
			    uint8_t ret[MEMDEV_POLICY_KEY_SIZE], const config_setting_t **at_ret,
			    struct err_ctx *err)
{
	const char *digits;
	enum err e = take_string(group, name, file, &digits, at_ret, err);

	if (e)
		return e;
	return keys_from_hex(digits, ret)
		       ? ERR_OK
		       : settings_wrong(*at_ret, file, err, "a %s is %d hexadecimal digits", name,
					2 * MEMDEV_POLICY_KEY_SIZE);
}

static enum err take_key(const struct memdev_policy *p, const config_setting_t *group,
			 const char *file, struct memdev_policy_identity *ret, struct err_ctx *err)
{
	const config_setting_t *at;
	enum err e = take_digits(group, "key", file, ret->key, &at, err);

	if (!e && memdev_policy_find(p, ret->type, ret->key, sizeof(ret->key)))
		return settings_wrong(at, file, err, "two identities have the same key");
	return e;
}

static enum err take_number(const config_setting_t *group, const char *name, const char *file,
			    uint16_t *ret, struct err_ctx *err)
{
	const config_setting_t *s = config_setting_get_member(group, name);

	if (!s)
		return settings_wrong(group, file, err, "a \"mrsigner\" without \"%s\"", name);
	if (config_setting_type(s) != CONFIG_TYPE_INT || config_setting_get_int(s) < 0 ||
	    config_setting_get_int(s) > UINT16_MAX)
		return settings_wrong(s, file, err, "\"%s\" is a number of at most %d", name,
				      UINT16_MAX);
	*ret = (uint16_t)config_setting_get_int(s);
	return ERR_OK;
}

static enum err take_enclave(const config_setting_t *group, const char *file,
			     struct memdev_policy_identity *ret, struct err_ctx *err)
{
	const config_setting_t *at, *enclave = config_setting_get_member(group, "mrenclave");
	enum err e;

	ret->by_signer = config_setting_get_member(group, "mrsigner") != NULL;
	if (ret->by_signer == (enclave != NULL))
		return settings_wrong(group, file, err,
				      "an enclave is one \"mrenclave\", or those of a \"mrsigner\"");
	e = take_digits(group, ret->by_signer ? "mrsigner" : "mrenclave", file, ret->key, &at, err);
	if (!e && ret->by_signer)
		e = take_number(group, "product", file, &ret->product, err);
	if (!e && ret->by_signer)
		e = take_number(group, "minimum_version", file, &ret->version, err);
	return e;
}

static enum err take_patterns(const config_setting_t *group, const char *file,
			      struct memdev_policy_identity *ret, struct err_ctx *err)
{
	const config_setting_t *vms = config_setting_get_member(group, "vms");
	int count;

	if (!vms || (config_setting_type(vms) != CONFIG_TYPE_ARRAY &&
		     config_setting_type(vms) != CONFIG_TYPE_LIST))
		return settings_wrong(vms ? vms : group, file, err,
				      "\"vms\" must be an array of patterns");
	count = config_setting_length(vms);
	if (count > MEMDEV_POLICY_PATTERNS_MAX)
		return settings_wrong(vms, file, err, "more than %d patterns",
				      MEMDEV_POLICY_PATTERNS_MAX);
	ret->patterns = calloc((size_t)count + 1, sizeof(*ret->patterns));
	if (!ret->patterns)
		return err_set(err, ERR_NOMEM, "out of memory");
	for (int i = 0; i < count; i++) {
		const config_setting_t *s = config_setting_get_elem(vms, (unsigned int)i);
		const char *pattern = config_setting_type(s) == CONFIG_TYPE_STRING
					      ? config_setting_get_string(s)
					      : NULL;

		if (!pattern || !channel_vm_name_valid(pattern))
			return settings_wrong(s, file, err,
					      "a pattern is a string that could be a VM's name");
		ret->patterns[i] = strdup(pattern);
		if (!ret->patterns[i])
			return err_set(err, ERR_NOMEM, "out of memory");
		ret->pattern_count++;
	}
	return ERR_OK;
}

static enum err take_identity(struct memdev_policy *p, const config_setting_t *group,
			      const char *file, struct err_ctx *err)
{
	static const char *const all[] = {"name",     "type",	"key",		   "mrenclave",
					  "mrsigner", "product", "minimum_version", "vms",
					  NULL};
	static const char *const of_key[] = {"name", "type", "key", "vms", NULL};
	static const char *const of_signer[] = {"name",	   "type",	      "mrsigner",
						"product", "minimum_version", "vms",
						NULL};
	static const char *const of_enclave[] = {"name", "type", "mrenclave", "vms", NULL};
	struct memdev_policy_identity *i = &p->identities[p->count];
	enum err e;

	if (!config_setting_is_group(group))
		return settings_wrong(group, file, err, "an identity is a group: { ... }");
	e = settings_only(group, all, file, err);
	if (!e)
		e = take_name(p, group, file, i, err);
	if (!e)
		e = take_type(group, file, i, err);
	if (!e)
		e = i->type == CHANNEL_EVIDENCE_DEVELOPMENT ? take_key(p, group, file, i, err)
							    : take_enclave(group, file, i, err);
	if (!e)
		e = settings_only(group,
				  i->type == CHANNEL_EVIDENCE_DEVELOPMENT ? of_key
				  : i->by_signer			  ? of_signer
									  : of_enclave,
				  file, err);
	/* from here on it has something to free */
	if (!e)
		p->count++;
	return e ? e : take_patterns(group, file, i, err);
}

static enum err take_policy(struct memdev_policy *p, const config_t *config, const char *file,
			    struct err_ctx *err)
{
	static const char *const known[] = {"identities", NULL};
	const config_setting_t *root = config_root_setting(config);
	const config_setting_t *list = config_setting_get_member(root, "identities");
	enum err e = settings_only(root, known, file, err);
	int count;

	if (e)
		return e;
	if (!list || !config_setting_is_list(list))
		return settings_wrong(list ? list : root, file, err,
				      "\"identities\" must be a list: identities = ( { ... } );");
	count = config_setting_length(list);
	if (count > MEMDEV_POLICY_IDENTITIES_MAX)
		return settings_wrong(list, file, err, "more than %d identities",
				      MEMDEV_POLICY_IDENTITIES_MAX);
	p->identities = calloc((size_t)count + 1, sizeof(*p->identities));
	if (!p->identities)
		return err_set(err, ERR_NOMEM, "out of memory");
	for (int i = 0; i < count && !e; i++)
		e = take_identity(p, config_setting_get_elem(list, (unsigned int)i), file, err);
	return e;
}

enum err memdev_policy_parse(const char *text, size_t size, const char *name,
			     struct memdev_policy **ret, struct err_ctx *err)
{
	struct memdev_policy *p;
	config_t config;
	enum err e = settings_parse(&config, text, size, name, err);

	if (e)
		return e;
	p = calloc(1, sizeof(*p));
	e = p ? take_policy(p, &config, name, err) : err_set(err, ERR_NOMEM, "out of memory");
	config_destroy(&config);
	if (e) {
		memdev_policy_destroy(p);
		return e;
	}
	*ret = p;
	return ERR_OK;
}

enum err memdev_policy_load(const char *path, struct memdev_policy **ret, struct err_ctx *err)
{
	size_t size;
	char *text;
	enum err e = settings_read(path, &text, &size, err);

	if (e)
		return e;
	e = memdev_policy_parse(text, size, path, ret, err);
	free(text);
	return e;
}

void memdev_policy_destroy(struct memdev_policy *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->count; i++) {
		for (size_t k = 0; k < p->identities[i].pattern_count; k++)
			free(p->identities[i].patterns[k]);
		free(p->identities[i].patterns);
	}
	free(p->identities);
	free(p);
}

size_t memdev_policy_count(const struct memdev_policy *p)
{
	return p->count;
}

const struct memdev_policy_identity *memdev_policy_find(const struct memdev_policy *p,
							uint32_t type, const void *key, size_t size)
{
	if (size != MEMDEV_POLICY_KEY_SIZE || type != CHANNEL_EVIDENCE_DEVELOPMENT)
		return NULL;
	for (size_t i = 0; i < p->count; i++) {
		if (p->identities[i].type == type &&
		    memcmp(p->identities[i].key, key, size) == 0)
			return &p->identities[i];
	}
	return NULL;
}

/* Is it this enclave's, but for the version? */
static bool is_of(const struct memdev_policy_identity *i, uint32_t type,
		  const struct channel_enclave *e)
{
	if (i->type != type)
		return false;
	if (!i->by_signer)
		return memcmp(i->key, e->mrenclave, sizeof(i->key)) == 0;
	return memcmp(i->key, e->mrsigner, sizeof(i->key)) == 0 && i->product == e->product;
}

const struct memdev_policy_identity *
memdev_policy_next_enclave(const struct memdev_policy *p, uint32_t type,
			   const struct channel_enclave *e,
			   const struct memdev_policy_identity *after)
{
	for (size_t k = after ? (size_t)(after - p->identities) + 1 : 0; k < p->count; k++) {
		const struct memdev_policy_identity *i = &p->identities[k];

		if (is_of(i, type, e) && i->version <= e->version)
			return i;
	}
	return NULL;
}

uint16_t memdev_policy_wants_version(const struct memdev_policy *p, uint32_t type,
				     const struct channel_enclave *e)
{
	uint16_t least = 0;

	for (size_t k = 0; k < p->count; k++) {
		const struct memdev_policy_identity *i = &p->identities[k];

		if (is_of(i, type, e) && i->version > e->version &&
		    (!least || i->version < least))
			least = i->version;
	}
	return least;
}

const char *memdev_policy_name(const struct memdev_policy_identity *i)
{
	return i->name;
}

bool memdev_policy_allows(const struct memdev_policy_identity *i, const char *vm)
{
	for (size_t k = 0; k < i->pattern_count; k++) {
		if (fnmatch(i->patterns[k], vm, FNM_NOESCAPE) == 0)
			return true;
	}
	return false;
}
