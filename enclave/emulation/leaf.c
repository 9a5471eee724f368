// SPDX-License-Identifier: MIT
/* The leaves of ENCLU that run inside an enclave, but for EEXIT (SDM volume 3D, by their names). */
#include <string.h>
#include <sys/mman.h>

#include "emu.h"

#define OUT_OF_ENCLAVE ((struct fault){ABI_VECTOR_GP, 0, 0})

/*
 * The operand of an instruction: [addr, addr + size) inside the enclave, aligned, in one page, with
 * the permissions `prot`. NULL: *fault was raised.
 */
static void *operand(struct enclave *e, uint64_t addr, size_t size, size_t align, int prot,
		     struct fault *fault)
{
	uint64_t offset = addr - e->secs.base;
	const struct page *p;
	uint32_t error = ABI_PF_USER | ABI_PF_PRESENT | (prot & PROT_WRITE ? ABI_PF_WRITE : 0);

	if (addr % align || offset >= e->secs.size) {
		*fault = OUT_OF_ENCLAVE;
		return NULL;
	}
	(void)size; /* no operand is larger than its alignment */
	p = &e->pages[offset / ABI_PAGE];
	if (!p->mapped || (p->vma_prot & prot) != prot) {
		*fault = (struct fault){ABI_VECTOR_PF, error & ~(p->mapped ? 0u : ABI_PF_PRESENT),
					addr};
		return NULL;
	}
	if (!p->valid || p->type != ABI_PT_REG || p->pending || p->modified || e->lost ||
	    (p->perm & prot) != prot) {
		*fault = (struct fault){ABI_VECTOR_PF, error | ABI_PF_SGX, addr};
		return NULL;
	}
	return e->alias + offset;
}

static void finish(uint64_t *regs, enum abi_code code)
{
	regs[EMU_RAX] = (uint64_t)code;
	regs[EMU_RFLAGS] &= ~EMU_FLAGS_STATUS;
	if (code)
		regs[EMU_RFLAGS] |= EMU_FLAG_ZF;
}

static bool do_report(struct enclave *e, uint64_t *regs, struct fault *fault)
{
	const struct abi_targetinfo *target;
	struct abi_targetinfo target_copy;
	const uint8_t *data;
	uint8_t data_copy[64];
	struct abi_report report;
	void *out;

	target = operand(e, regs[EMU_RBX], sizeof(*target), ABI_TARGETINFO_ALIGN, PROT_READ, fault);
	data = target ? operand(e, regs[EMU_RCX], sizeof(data_copy), ABI_REPORT_DATA_ALIGN,
				PROT_READ, fault)
		      : NULL;
	out = data ? operand(e, regs[EMU_RDX], sizeof(report), ABI_REPORT_ALIGN, PROT_WRITE, fault)
		   : NULL;
	if (!out)
		return false;
	target_copy = *target;
	memcpy(data_copy, data, sizeof(data_copy));
	emu_report(e, &target_copy, data_copy, &report);
	memcpy(out, &report, sizeof(report));
	return true;
}

static bool do_key(struct enclave *e, uint64_t *regs, struct fault *fault)
{
	const struct abi_keyrequest *request;
	uint8_t key[ABI_KEY_SIZE] = {0};
	enum abi_code code;
	uint8_t *out;

	request = operand(e, regs[EMU_RBX], sizeof(*request), ABI_KEYREQUEST_ALIGN, PROT_READ,
			  fault);
	out = request ? operand(e, regs[EMU_RCX], sizeof(key), sizeof(key), PROT_WRITE, fault) : NULL;
	if (!out)
		return false;
	for (size_t i = 0; i < sizeof(request->reserved2); i++)
		if (request->reserved2[i]) {
			*fault = (struct fault){ABI_VECTOR_GP, 0, 0};
			return false;
		}
	code = emu_key(e, request, key);
	if (code == ABI_SUCCESS)
		memcpy(out, key, sizeof(key));
	finish(regs, code);
	return true;
}

/* The EPCM entry of the page operand at `addr` of EACCEPT and EMODPE; NULL: *fault was raised. */
static struct page *target_page(struct enclave *e, uint64_t addr, struct fault *fault)
{
	uint64_t offset = addr - e->secs.base;
	struct page *p;

	if (addr % ABI_PAGE || offset >= e->secs.size) {
		*fault = OUT_OF_ENCLAVE;
		return NULL;
	}
	p = &e->pages[offset / ABI_PAGE];
	/* the page fault that adds the page is the kernel's affair: the instruction runs again */
	if (!p->valid && !emu_augment(e, offset / ABI_PAGE)) {
		*fault = (struct fault){ABI_VECTOR_PF, ABI_PF_USER, addr};
		return NULL;
	}
	if (e->lost) {
		*fault = (struct fault){ABI_VECTOR_PF, ABI_PF_USER | ABI_PF_PRESENT | ABI_PF_SGX,
					addr};
		return NULL;
	}
	return p;
}

static uint64_t epcm_flags(const struct page *p)
{
	return p->perm | (p->pending ? ABI_SECINFO_PENDING : 0) |
	       (p->modified ? ABI_SECINFO_MODIFIED : 0) | (p->restricted ? ABI_SECINFO_PR : 0) |
	       (uint64_t)p->type << ABI_SECINFO_TYPE_SHIFT;
}

static bool do_accept(struct enclave *e, uint64_t *regs, uint64_t flags, struct fault *fault)
{
	struct page *p = target_page(e, regs[EMU_RCX], fault);

	if (!p)
		return false;
	if (flags != epcm_flags(p)) {
		finish(regs, ABI_PAGE_ATTRIBUTES_MISMATCH);
		return true;
	}
	p->pending = false;
	p->modified = false;
	p->restricted = false;
	emu_apply(e, (regs[EMU_RCX] - e->secs.base) / ABI_PAGE, 1);
	finish(regs, ABI_SUCCESS);
	return true;
}

static bool do_extend(struct enclave *e, uint64_t *regs, uint64_t flags, struct fault *fault)
{
	struct page *p = target_page(e, regs[EMU_RCX], fault);

	if (!p)
		return false;
	if (p->type != ABI_PT_REG || p->pending || p->modified) {
		*fault = (struct fault){ABI_VECTOR_PF,
					ABI_PF_USER | ABI_PF_PRESENT | ABI_PF_SGX, regs[EMU_RCX]};
		return false;
	}
	p->perm |= flags & ABI_SECINFO_PERMISSIONS;
	emu_apply(e, (regs[EMU_RCX] - e->secs.base) / ABI_PAGE, 1);
	return true;
}

static bool do_accept_copy(struct enclave *e, uint64_t *regs, uint64_t flags, struct fault *fault)
{
	struct page *p = target_page(e, regs[EMU_RCX], fault);
	const void *source = p ? operand(e, regs[EMU_RDX], ABI_PAGE, ABI_PAGE, PROT_READ, fault)
			       : NULL;

	if (!source)
		return false;
	if (p->type != ABI_PT_REG || !p->pending || p->modified) {
		finish(regs, ABI_PAGE_ATTRIBUTES_MISMATCH);
		return true;
	}
	memcpy(e->alias + (regs[EMU_RCX] - e->secs.base), source, ABI_PAGE);
	p->perm = flags & ABI_SECINFO_PERMISSIONS;
	p->pending = false;
	emu_apply(e, (regs[EMU_RCX] - e->secs.base) / ABI_PAGE, 1);
	finish(regs, ABI_SUCCESS);
	return true;
}

/* Under the enclave's lock. */
static bool do_leaf(struct enclave *e, uint64_t *regs, struct fault *fault)
{
	uint32_t leaf = (uint32_t)regs[EMU_RAX];
	const struct abi_secinfo *secinfo;

	switch (leaf) {
	case ABI_EREPORT:
		return do_report(e, regs, fault);
	case ABI_EGETKEY:
		return do_key(e, regs, fault);
	case ABI_EACCEPT:
	case ABI_EMODPE:
	case ABI_EACCEPTCOPY:
		if (emu_modes() & EMULATION_SGX1)
			break;
		secinfo = operand(e, regs[EMU_RBX], sizeof(*secinfo), sizeof(*secinfo), PROT_READ,
				  fault);
		if (!secinfo)
			return false;
		return (leaf == ABI_EACCEPT  ? do_accept
			: leaf == ABI_EMODPE ? do_extend
					     : do_accept_copy)(e, regs, secinfo->flags, fault);
	}
	/* EENTER and ERESUME inside, and leaves that this processor doesn't have */
	*fault = (struct fault){ABI_VECTOR_GP, 0, 0};
	return false;
}

bool emu_leaf(struct enclave *e, uint64_t *regs, struct fault *fault)
{
	bool done;

	pthread_mutex_lock(&e->lock);
	done = do_leaf(e, regs, fault);
	pthread_mutex_unlock(&e->lock);
	return done;
}
