// SPDX-License-Identifier: MIT
/* What Intel's signed JSON says of a processor and its quoting enclave. */
#include "quote.h"

#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

static const char *const names[MEMDEV_TCB_COUNT] = {
	[MEMDEV_TCB_UP_TO_DATE] = "UpToDate",
	[MEMDEV_TCB_SW_HARDENING] = "SWHardeningNeeded",
	[MEMDEV_TCB_CONFIGURATION] = "ConfigurationNeeded",
	[MEMDEV_TCB_CONFIGURATION_SW_HARDENING] = "ConfigurationAndSWHardeningNeeded",
	[MEMDEV_TCB_OUT_OF_DATE] = "OutOfDate",
	[MEMDEV_TCB_OUT_OF_DATE_CONFIGURATION] = "OutOfDateConfigurationNeeded",
	[MEMDEV_TCB_REVOKED] = "Revoked",
};

const char *memdev_tcb_name(enum memdev_tcb t)
{
	return names[t];
}

static bool status_from(const char *word, size_t size, enum memdev_tcb *ret)
{
	for (int i = 0; i < MEMDEV_TCB_COUNT; i++) {
		if (strlen(names[i]) == size && memcmp(names[i], word, size) == 0) {
			*ret = (enum memdev_tcb)i;
			return true;
		}
	}
	return false;
}

enum err memdev_tcb_parse(const char *words, unsigned int *ret, struct err_ctx *err)
{
	unsigned int set = 0;

	while (*(words += strspn(words, " "))) {
		size_t size = strcspn(words, " ");
		enum memdev_tcb t;

		if (!status_from(words, size, &t) || t == MEMDEV_TCB_REVOKED)
			return err_set(err, ERR_INVAL, "\"%.*s\" is no status of a TCB to accept",
				       size > 40 ? 40 : (int)size, words);
		set |= 1u << t;
		words += size;
	}
	*ret = set;
	return ERR_OK;
}

/* ---- JSON ---- */

static const char *text_of(struct json_object *o, const char *name)
{
	struct json_object *s;

	return json_object_object_get_ex(o, name, &s) && json_object_is_type(s, json_type_string)
		       ? json_object_get_string(s)
		       : NULL;
}

static bool number_of(struct json_object *o, const char *name, int64_t most, int64_t *ret)
{
	struct json_object *n;

	if (!json_object_object_get_ex(o, name, &n) || !json_object_is_type(n, json_type_int))
		return false;
	*ret = json_object_get_int64(n);
	return *ret >= 0 && *ret <= most;
}

static bool bytes_of(struct json_object *o, const char *name, uint8_t *ret, size_t size)
{
	const char *s = text_of(o, name);

	return s && trust_hex(s, strlen(s), ret, size);
}

static struct json_object *array_of(struct json_object *o, const char *name)
{
	struct json_object *a;

	return json_object_object_get_ex(o, name, &a) && json_object_is_type(a, json_type_array)
		       ? a
		       : NULL;
}

/* "2025-06-19T10:56:11Z", as Intel writes dates. */
static bool date_of(struct json_object *o, const char *name, time_t *ret)
{
	const char *s = text_of(o, name), *end;
	struct tm t = {0};

	end = s ? strptime(s, "%Y-%m-%dT%H:%M:%SZ", &t) : NULL;
	if (!end || *end)
		return false;
	*ret = timegm(&t);
	return true;
}

static struct json_object *parse(const char *text)
{
	struct json_object *o = json_tokener_parse(text);

	if (o && !json_object_is_type(o, json_type_object)) {
		json_object_put(o);
		o = NULL;
	}
	return o;
}

bool tcb_fmspc(const char *tcb_info, uint8_t ret[QUOTE_FMSPC_SIZE])
{
	struct json_object *o = parse(tcb_info);
	bool ok = o && bytes_of(o, "fmspc", ret, QUOTE_FMSPC_SIZE);

	json_object_put(o);
	return ok;
}

static enum err malformed(const char *what, struct err_ctx *err)
{
	return err_set(err, ERR_CORRUPT, "the collateral's %s isn't what it should be", what);
}

/* Which it is, of which version, and whether it is of now. */
static enum err check_head(struct json_object *o, const char *what, const char *id,
			   int64_t version, time_t now, struct err_ctx *err)
{
	const char *got = o ? text_of(o, "id") : NULL;
	time_t issued, next;
	int64_t number;

	if (!got || strcmp(got, id) != 0 || !number_of(o, "version", INT64_MAX, &number) ||
	    number != version || !date_of(o, "issueDate", &issued) ||
	    !date_of(o, "nextUpdate", &next))
		return malformed(what, err);
	if (now < issued)
		return err_set(err, ERR_TAMPERED, "the collateral's %s is of the future (%s)", what,
			       text_of(o, "issueDate"));
	if (now > next)
		return err_set(err, ERR_TAMPERED,
			       "the collateral's %s has expired (%s): fetch it anew", what,
			       text_of(o, "nextUpdate"));
	return ERR_OK;
}

static bool level_status(struct json_object *level, enum memdev_tcb *ret)
{
	const char *s = text_of(level, "tcbStatus");

	return s && status_from(s, strlen(s), ret);
}

/* ---- the processor ---- */

/* Is the processor at least on this level? False with *broken when the level is malformed. */
static bool reaches(struct json_object *level, const struct pck *pck, bool *broken)
{
	struct json_object *tcb, *components, *c;
	bool enough = true;
	int64_t svn;

	*broken = true;
	if (!json_object_object_get_ex(level, "tcb", &tcb) ||
	    !(components = array_of(tcb, "sgxtcbcomponents")) ||
	    json_object_array_length(components) != QUOTE_COMPONENTS ||
	    !number_of(tcb, "pcesvn", UINT16_MAX, &svn))
		return false;
	enough = pck->pcesvn >= svn;
	for (size_t i = 0; i < QUOTE_COMPONENTS; i++) {
		c = json_object_array_get_idx(components, i);
		if (!number_of(c, "svn", UINT8_MAX, &svn))
			return false;
		enough = enough && pck->components[i] >= svn;
	}
	*broken = false;
	return enough;
}

/* Levels come in order, the newest first: the first that is reached counts. */
static enum err processor_level(struct json_object *o, const struct pck *pck, enum memdev_tcb *ret,
				struct err_ctx *err)
{
	struct json_object *levels = array_of(o, "tcbLevels");
	size_t count = levels ? json_object_array_length(levels) : 0;
	bool broken = !levels;

	for (size_t i = 0; i < count && !broken; i++) {
		struct json_object *level = json_object_array_get_idx(levels, i);

		if (reaches(level, pck, &broken))
			return level_status(level, ret) ? ERR_OK : malformed("TCB info", err);
	}
	return broken ? malformed("TCB info", err)
		      : err_set(err, ERR_PERM, "the processor's TCB is older than any that Intel knows");
}

enum err tcb_of_processor(const char *tcb_info, const struct pck *pck, time_t now,
			  enum memdev_tcb *ret, struct err_ctx *err)
{
	struct json_object *o = parse(tcb_info);
	uint8_t fmspc[QUOTE_FMSPC_SIZE], pceid[QUOTE_PCEID_SIZE];
	int64_t type;
	enum err e = check_head(o, "TCB info", "SGX", 3, now, err);

	if (!e && (!bytes_of(o, "fmspc", fmspc, sizeof(fmspc)) ||
		   !bytes_of(o, "pceId", pceid, sizeof(pceid)) ||
		   !number_of(o, "tcbType", 0, &type)))
		e = malformed("TCB info", err);
	if (!e && memcmp(fmspc, pck->fmspc, sizeof(fmspc)) != 0)
		e = err_set(err, ERR_TAMPERED, "the collateral is of processors of another FMSPC");
	if (!e && memcmp(pceid, pck->pceid, sizeof(pceid)) != 0)
		e = err_set(err, ERR_TAMPERED, "the collateral is of another PCEID");
	if (!e)
		e = processor_level(o, pck, ret, err);
	json_object_put(o);
	return e;
}

/* ---- the quoting enclave ---- */

static bool masked_equal(const void *a, const uint8_t *mask, const uint8_t *b, size_t size)
{
	const uint8_t *bytes = a;

	for (size_t i = 0; i < size; i++) {
		if ((bytes[i] & mask[i]) != b[i])
			return false;
	}
	return true;
}

static enum err check_quoter(struct json_object *o, const struct abi_report *qe,
			     struct err_ctx *err)
{
	uint8_t misc[4], misc_mask[4], attributes[16], attributes_mask[16], signer[32];
	uint32_t misc_value = 0, misc_bits = 0;
	int64_t product;

	if (!bytes_of(o, "miscselect", misc, sizeof(misc)) ||
	    !bytes_of(o, "miscselectMask", misc_mask, sizeof(misc_mask)) ||
	    !bytes_of(o, "attributes", attributes, sizeof(attributes)) ||
	    !bytes_of(o, "attributesMask", attributes_mask, sizeof(attributes_mask)) ||
	    !bytes_of(o, "mrsigner", signer, sizeof(signer)) ||
	    !number_of(o, "isvprodid", UINT16_MAX, &product))
		return malformed("QE identity", err);
	/* numbers are written with the highest byte first, attributes as they lie in memory */
	for (int i = 0; i < 4; i++) {
		misc_value = misc_value << 8 | misc[i];
		misc_bits = misc_bits << 8 | misc_mask[i];
	}
	if (memcmp(signer, qe->mrsigner, sizeof(signer)) != 0 || product != qe->isv_prod_id ||
	    (qe->miscselect & misc_bits) != misc_value ||
	    !masked_equal(&qe->attributes, attributes_mask, attributes, sizeof(attributes)))
		return err_set(err, ERR_TAMPERED, "the quote is by no quoting enclave of Intel's");
	return ERR_OK;
}

static enum err quoter_level(struct json_object *o, const struct abi_report *qe,
			     enum memdev_tcb *ret, struct err_ctx *err)
{
	struct json_object *levels = array_of(o, "tcbLevels"), *tcb;
	size_t count = levels ? json_object_array_length(levels) : 0;
	int64_t svn;

	for (size_t i = 0; i < count; i++) {
		struct json_object *level = json_object_array_get_idx(levels, i);

		if (!json_object_object_get_ex(level, "tcb", &tcb) ||
		    !number_of(tcb, "isvsvn", UINT16_MAX, &svn))
			return malformed("QE identity", err);
		if (qe->isv_svn >= svn)
			return level_status(level, ret) ? ERR_OK : malformed("QE identity", err);
	}
	return err_set(err, ERR_PERM, "the quoting enclave is older than any that Intel knows");
}

enum err tcb_of_quoter(const char *qe_identity, const struct abi_report *qe, time_t now,
		       enum memdev_tcb *ret, struct err_ctx *err)
{
	struct json_object *o = parse(qe_identity);
	enum err e = check_head(o, "QE identity", "QE", 2, now, err);

	if (!e)
		e = check_quoter(o, qe, err);
	if (!e)
		e = quoter_level(o, qe, ret, err);
	json_object_put(o);
	return e;
}
