// SPDX-License-Identifier: MIT
/*
 * /proc/crypto: crypto/proc.c and the show functions of the kinds of algorithms (crypto/shash.c,
 * skcipher.c, ...), which are told by the address of their struct crypto_type. An algorithm of a
 * kind that isn't known, because a module brought it, is left out.
 */
#include "global.h"

GUEST_TYPES_BEGIN
struct cipher_alg {
	unsigned int cia_min_keysize;
	unsigned int cia_max_keysize;
};
struct cra_u_type {
	struct cipher_alg cipher;
};
struct crypto_alg {
	struct list_head cra_list;
	uint32_t cra_flags;
	unsigned int cra_blocksize;
	int cra_priority;
	refcount_t cra_refcnt;
	char cra_name[1];
	char cra_driver_name[1];
	void __guest *cra_type;
	struct cra_u_type cra_u;
	struct module __guest *cra_module;
};
struct hash_alg_common {
	unsigned int digestsize;
	struct crypto_alg base;
};
struct skcipher_alg {
	unsigned int min_keysize;
	unsigned int max_keysize;
	unsigned int ivsize;
	unsigned int chunksize;
	unsigned int walksize;
	unsigned int statesize; /* since 6.7 */
	struct crypto_alg base;
};
struct skcipher_alg_common { /* since 6.7 */
	unsigned int min_keysize;
	unsigned int max_keysize;
	unsigned int ivsize;
	unsigned int chunksize;
	unsigned int statesize;
	struct crypto_alg base;
};
struct aead_alg {
	unsigned int ivsize;
	unsigned int maxauthsize;
	struct crypto_alg base;
};
struct rng_alg {
	unsigned int seedsize;
	struct crypto_alg base;
};
GUEST_TYPES_END

extern struct list_head __guest crypto_alg_list;
extern int __guest fips_enabled;
extern char __guest crypto_shash_type[];
extern char __guest crypto_ahash_type[];
extern char __guest crypto_skcipher_type[];
extern char __guest crypto_lskcipher_type[];
extern char __guest crypto_aead_type[];
extern char __guest crypto_akcipher_type[];
extern char __guest crypto_sig_type[];
extern char __guest crypto_kpp_type[];
extern char __guest crypto_rng_type[];
extern char __guest crypto_acomp_type[];
extern char __guest crypto_scomp_type[];

enum {
	CRYPTO_NAME_MAX = 128,
	/* include/linux/crypto.h: macros that didn't change */
	CRYPTO_TYPE_MASK = 0xf,
	CRYPTO_TYPE_CIPHER = 1,
	CRYPTO_TYPE_COMPRESS = 2,
	CRYPTO_LARVAL = 0x10,
	CRYPTO_ASYNC = 0x80,
	CRYPTO_TESTED = 0x400,
	CRYPTO_INTERNAL = 0x2000,
	CRYPTO_FIPS_INTERNAL = 0x20000,
};

static void put_text(struct seq_file *m, const char *title, const char *text)
{
	seq_printf(m, "%-13s: %s\n", title, text);
}

static void put_number(struct seq_file *m, const char *title, unsigned int n)
{
	seq_printf(m, "%-13s: %u\n", title, n);
}

static void put_name(struct seq_file *m, const char *title, const char __guest *name, size_t max)
{
	seq_printf(m, "%-13s: ", title);
	global_puts(m, name, max);
	seq_putc(m, '\n');
}

static void put_async(struct seq_file *m, struct crypto_alg __guest *alg)
{
	put_text(m, "async", alg->cra_flags & CRYPTO_ASYNC ? "yes" : "no");
}

static void show_skcipher(struct seq_file *m, struct crypto_alg __guest *alg)
{
	struct skcipher_alg __guest *sk = container_of(alg, struct skcipher_alg, base);

	put_text(m, "type", "skcipher");
	put_async(m, alg);
	put_number(m, "blocksize", alg->cra_blocksize);
	put_number(m, "min keysize", sk->min_keysize);
	put_number(m, "max keysize", sk->max_keysize);
	put_number(m, "ivsize", sk->ivsize);
	put_number(m, "chunksize", sk->chunksize);
	put_number(m, "walksize", sk->walksize);
	if (guest_has(struct skcipher_alg, statesize))
		put_number(m, "statesize", sk->statesize);
}

static void show_lskcipher(struct seq_file *m, struct crypto_alg __guest *alg)
{
	struct skcipher_alg_common __guest *co = container_of(alg, struct skcipher_alg_common, base);

	put_text(m, "type", "lskcipher");
	put_number(m, "blocksize", alg->cra_blocksize);
	put_number(m, "min keysize", co->min_keysize);
	put_number(m, "max keysize", co->max_keysize);
	put_number(m, "ivsize", co->ivsize);
	put_number(m, "chunksize", co->chunksize);
	put_number(m, "statesize", co->statesize);
}

static void show_aead(struct seq_file *m, struct crypto_alg __guest *alg)
{
	struct aead_alg __guest *aead = container_of(alg, struct aead_alg, base);

	put_text(m, "type", "aead");
	put_async(m, alg);
	put_number(m, "blocksize", alg->cra_blocksize);
	put_number(m, "ivsize", aead->ivsize);
	put_number(m, "maxauthsize", aead->maxauthsize);
	put_text(m, "geniv", "<none>");
}

static void show_hash(struct seq_file *m, struct crypto_alg __guest *alg, bool async)
{
	put_text(m, "type", async ? "ahash" : "shash");
	if (async)
		put_async(m, alg);
	put_number(m, "blocksize", alg->cra_blocksize);
	put_number(m, "digestsize", container_of(alg, struct hash_alg_common, base)->digestsize);
}

/* Algorithms without a type of their own are of the oldest kinds. */
static void show_old(struct seq_file *m, struct crypto_alg __guest *alg, uint32_t flags)
{
	switch (flags & CRYPTO_TYPE_MASK) {
	case CRYPTO_TYPE_CIPHER:
		put_text(m, "type", "cipher");
		put_number(m, "blocksize", alg->cra_blocksize);
		put_number(m, "min keysize", alg->cra_u.cipher.cia_min_keysize);
		put_number(m, "max keysize", alg->cra_u.cipher.cia_max_keysize);
		break;
	case CRYPTO_TYPE_COMPRESS:
		put_text(m, "type", "compression");
		break;
	default:
		put_text(m, "type", "unknown");
	}
}

#define IS(type_name) (guest_has_symbol(type_name) && guest_eq(type, &type_name))

static bool show_kind(struct seq_file *m, struct crypto_alg __guest *alg)
{
	static const char *const plain[] = { "akcipher", "sig", "kpp", "acomp", "scomp" };
	uint64_t type = guest_addr(alg->cra_type);
	const bool is_plain[] = {
		IS(crypto_akcipher_type), IS(crypto_sig_type), IS(crypto_kpp_type),
		IS(crypto_acomp_type), IS(crypto_scomp_type),
	};

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (is_plain[i]) {
			put_text(m, "type", plain[i]);
			return true;
		}
	}
	if (IS(crypto_shash_type)) {
		show_hash(m, alg, false);
	} else if (IS(crypto_ahash_type)) {
		show_hash(m, alg, true);
	} else if (IS(crypto_skcipher_type)) {
		show_skcipher(m, alg);
	} else if (IS(crypto_lskcipher_type)) {
		show_lskcipher(m, alg);
	} else if (IS(crypto_aead_type)) {
		show_aead(m, alg);
	} else if (IS(crypto_rng_type)) {
		put_text(m, "type", "rng");
		put_number(m, "seedsize", container_of(alg, struct rng_alg, base)->seedsize);
	} else {
		return false;
	}
	return true;
}

static bool show_alg(struct seq_file *m, struct crypto_alg __guest *alg)
{
	uint32_t flags = alg->cra_flags;

	put_name(m, "name", alg->cra_name, CRYPTO_NAME_MAX);
	put_name(m, "driver", alg->cra_driver_name, CRYPTO_NAME_MAX);
	if (alg->cra_module)
		put_name(m, "module", alg->cra_module->name, 56);
	else
		put_text(m, "module", "kernel");
	seq_printf(m, "%-13s: %d\n", "priority", alg->cra_priority);
	put_number(m, "refcnt", (uint32_t)alg->cra_refcnt.refs.counter);
	put_text(m, "selftest", flags & CRYPTO_TESTED ? "passed" : "unknown");
	put_text(m, "internal", flags & CRYPTO_INTERNAL ? "yes" : "no");
	if (guest_has_symbol(fips_enabled) && fips_enabled &&
	    guest_has(struct skcipher_alg, statesize))
		put_text(m, "fips", flags & CRYPTO_FIPS_INTERNAL ? "no" : "yes");
	if (flags & CRYPTO_LARVAL) {
		put_text(m, "type", "larval");
		seq_printf(m, "%-13s: 0x%x\n", "flags", flags);
	} else if (!alg->cra_type) {
		show_old(m, alg, flags);
	} else if (!show_kind(m, alg)) {
		return false;
	}
	seq_putc(m, '\n');
	return true;
}

int proc_crypto_show(const struct proc_item *it, struct seq_file *m)
{
	struct crypto_alg __guest *alg;

	(void)it;
	list_for_each_entry(alg, &crypto_alg_list, cra_list) {
		struct guest_record r = guest_record_begin();
		size_t mark = seq_mark(m);
		bool known = show_alg(m, alg);

		if (!guest_record_end(&r) || !known)
			seq_rollback(m, mark);
	}
	return guest_faulted() ? -EIO : 0;
}
