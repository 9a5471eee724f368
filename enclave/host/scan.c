// SPDX-License-Identifier: MIT
/*
 * The table of instructions that raise #UD inside, over capstone's decoder. That is loaded when it is needed: only
 * signing does, and its tables take a millisecond to relocate, at each start of a program that is linked with them.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

#include <capstone/capstone.h>

#include "base/checked.h"
#include "scan.h"

/* SDM volume 3D, "Interactions with the Processor Instructions": "Illegal Instructions". */
static const unsigned int illegal[] = {
	X86_INS_CPUID,	X86_INS_GETSEC,	 X86_INS_RDPMC,	 X86_INS_SGDT,	 X86_INS_SIDT,
	X86_INS_SLDT,	X86_INS_STR,	 X86_INS_SMSW,	 X86_INS_VMCALL, X86_INS_VMFUNC,
	X86_INS_IN,	X86_INS_INSB,	 X86_INS_INSD,	 X86_INS_INSW,	 X86_INS_OUT,
	X86_INS_OUTSB,	X86_INS_OUTSD,	 X86_INS_OUTSW,	 X86_INS_LCALL,	 X86_INS_LJMP,
	X86_INS_RETF,	X86_INS_RETFQ,	 X86_INS_INT,	 X86_INS_INTO,	 X86_INS_IRET,
	X86_INS_IRETD,	X86_INS_IRETQ,	 X86_INS_LDS,	 X86_INS_LES,	 X86_INS_LFS,
	X86_INS_LGS,	X86_INS_LSS,	 X86_INS_SYSCALL, X86_INS_SYSENTER, X86_INS_SYSRET,
	X86_INS_SYSEXIT, X86_INS_RDTSC,	 X86_INS_RDTSCP,
};

static bool is_segment_register(const char *operands)
{
	static const char names[][4] = {"ds", "es", "ss", "fs", "gs"};

	for (size_t i = 0; i < BASE_COUNT(names); i++)
		if (strncmp(operands, names[i], 2) == 0 && (!operands[2] || operands[2] == ','))
			return true;
	return false;
}

static bool is_illegal(const cs_insn *insn)
{
	for (size_t i = 0; i < BASE_COUNT(illegal); i++)
		if (insn->id == illegal[i])
			return true;
	return (insn->id == X86_INS_MOV || insn->id == X86_INS_POP) &&
	       is_segment_register(insn->op_str);
}

static struct {
	__typeof__(cs_open) *open;
	__typeof__(cs_malloc) *malloc;
	__typeof__(cs_disasm_iter) *disasm_iter;
	__typeof__(cs_free) *free;
	__typeof__(cs_close) *close;
} capstone;

static bool find(void *library, const char *name, void *ret)
{
	void *symbol = dlsym(library, name);

	memcpy(ret, &symbol, sizeof(symbol));
	return symbol;
}

/* The library stays loaded. */
static bool load_capstone(void)
{
	void *library = capstone.close ? NULL : dlopen(SCW_CAPSTONE, RTLD_NOW | RTLD_LOCAL);

	return capstone.close || (library && find(library, "cs_open", &capstone.open) &&
				  find(library, "cs_malloc", &capstone.malloc) &&
				  find(library, "cs_disasm_iter", &capstone.disasm_iter) &&
				  find(library, "cs_free", &capstone.free) &&
				  find(library, "cs_close", &capstone.close));
}

enum err scan_code(const uint8_t *code, size_t size, uint64_t addr, const struct scan_start *starts,
		   size_t start_count, struct err_ctx *err)
{
	const uint8_t *at = code;
	const char *name = NULL;
	struct err_ctx first = {0};
	size_t left = size, next = 0, found = 0;
	cs_insn *insn;
	csh handle;

	if (!load_capstone())
		return err_set(err, ERR_UNSUPPORTED, "no disassembler: " SCW_CAPSTONE " can't be loaded");
	if (capstone.open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK)
		return err_set(err, ERR_NOMEM, "no disassembler");
	insn = capstone.malloc(handle);
	if (!insn) {
		capstone.close(&handle);
		return err_set(err, ERR_NOMEM, "no disassembler");
	}
	while (left) {
		uint64_t here = addr + (size - left);

		while (next < start_count && starts[next].addr <= here)
			name = starts[next++].name;
		if (!capstone.disasm_iter(handle, &at, &left, &here, insn)) {
			/* no instruction that is known */
			at++;
			left--;
			continue;
		}
		if (next < start_count && insn->address < starts[next].addr &&
		    here > starts[next].addr) {
			/* ran from data into a function: that begins where its symbol says */
			left += here - starts[next].addr;
			at -= here - starts[next].addr;
			continue;
		}
		if (!is_illegal(insn))
			continue;
		if (found++ == 0)
			(void)!err_set_addr(&first, ERR_UNSUPPORTED, insn->address,
					    "program: an enclave can't run '%s %s'%s%.80s",
					    insn->mnemonic, insn->op_str, name ? " in " : "",
					    name ? name : "");
	}
	capstone.free(insn, 1);
	capstone.close(&handle);
	if (!found)
		return ERR_OK;
	return err_set_addr(err, ERR_UNSUPPORTED, first.addr, "%s (%zu such in all)", first.text,
			    found);
}
