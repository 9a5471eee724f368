// SPDX-License-Identifier: MIT
/* Making BTF blobs: see synth/btf.h. */
#include "synth/btf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	HEADER_SIZE = 24,
	MAX_SIZE = 4 << 20,
};

struct synth_btf {
	uint32_t type_count;
	size_t types_size, strings_size;
	unsigned char *types, *strings, *blob;
};

struct synth_btf *synth_btf_create(void)
{
	struct synth_btf *b = calloc(1, sizeof(*b));

	if (b) {
		b->types = malloc(MAX_SIZE);
		b->strings = malloc(MAX_SIZE);
	}
	if (!b || !b->types || !b->strings)
		abort();
	b->strings[0] = '\0';
	b->strings_size = 1;
	return b;
}

void synth_btf_destroy(struct synth_btf *b)
{
	if (!b)
		return;
	free(b->types);
	free(b->strings);
	free(b->blob);
	free(b);
}

void *synth_btf_bytes(struct synth_btf *b, size_t *size_ret)
{
	const uint32_t header[] = {0x0001eb9f,
				   HEADER_SIZE,
				   0,
				   (uint32_t)b->types_size,
				   (uint32_t)b->types_size,
				   (uint32_t)b->strings_size};

	free(b->blob);
	*size_ret = HEADER_SIZE + b->types_size + b->strings_size;
	b->blob = malloc(*size_ret);
	if (!b->blob)
		abort();
	memcpy(b->blob, header, HEADER_SIZE);
	memcpy(b->blob + HEADER_SIZE, b->types, b->types_size);
	memcpy(b->blob + HEADER_SIZE + b->types_size, b->strings, b->strings_size);
	return b->blob;
}

uint32_t synth_btf_string(struct synth_btf *b, const char *s)
{
	size_t size = strlen(s) + 1;

	for (size_t at = 0; at < b->strings_size; at += strlen((char *)b->strings + at) + 1)
		if (!strcmp((char *)b->strings + at, s))
			return (uint32_t)at;
	if (b->strings_size + size > MAX_SIZE)
		abort();
	memcpy(b->strings + b->strings_size, s, size);
	b->strings_size += size;
	return (uint32_t)(b->strings_size - size);
}

void synth_btf_word(struct synth_btf *b, uint32_t word)
{
	if (b->types_size + sizeof(word) > MAX_SIZE)
		abort();
	memcpy(b->types + b->types_size, &word, sizeof(word));
	b->types_size += sizeof(word);
}

uint32_t synth_btf_type(struct synth_btf *b, const char *name, enum synth_btf_kind kind,
			uint32_t vlen, int flag, uint32_t size_or_type)
{
	synth_btf_word(b, synth_btf_string(b, name));
	synth_btf_word(b, (uint32_t)kind << 24 | (flag ? 0x80000000u : 0) | vlen);
	synth_btf_word(b, size_or_type);
	return ++b->type_count;
}

uint32_t synth_btf_int(struct synth_btf *b, const char *name, uint32_t size, uint32_t encoding)
{
	uint32_t id = synth_btf_type(b, name, SYNTH_BTF_INT, 0, 0, size);

	synth_btf_word(b, encoding << 24 | size * 8);
	return id;
}

uint32_t synth_btf_int_bits(struct synth_btf *b, const char *name, uint32_t size, uint32_t offset,
			    uint32_t bits)
{
	uint32_t id = synth_btf_type(b, name, SYNTH_BTF_INT, 0, 0, size);

	synth_btf_word(b, offset << 16 | bits);
	return id;
}

uint32_t synth_btf_array(struct synth_btf *b, uint32_t element, uint32_t count)
{
	uint32_t id = synth_btf_type(b, "", SYNTH_BTF_ARRAY, 0, 0, 0);

	synth_btf_word(b, element);
	synth_btf_word(b, 1);
	synth_btf_word(b, count);
	return id;
}

void synth_btf_member(struct synth_btf *b, const char *name, uint32_t type, uint32_t bit_offset)
{
	synth_btf_word(b, synth_btf_string(b, name));
	synth_btf_word(b, type);
	synth_btf_word(b, bit_offset);
}

void synth_btf_bit_member(struct synth_btf *b, const char *name, uint32_t type,
			  uint32_t bit_offset, uint32_t bits)
{
	synth_btf_member(b, name, type, bits << 24 | bit_offset);
}

uint32_t synth_btf_record(struct synth_btf *b, const char *name, uint32_t size,
			  uint32_t count, ...)
{
	uint32_t id = synth_btf_type(b, name, SYNTH_BTF_STRUCT, count, 0, size);
	va_list ap;

	va_start(ap, count);
	for (uint32_t i = 0; i < count; i++) {
		const char *member = va_arg(ap, const char *);
		uint32_t type = va_arg(ap, uint32_t), offset = va_arg(ap, uint32_t);

		synth_btf_member(b, member, type, offset * 8);
	}
	va_end(ap);
	return id;
}

void synth_btf_enumerator(struct synth_btf *b, const char *name, int32_t value)
{
	synth_btf_word(b, synth_btf_string(b, name));
	synth_btf_word(b, (uint32_t)value);
}

void synth_btf_enumerator64(struct synth_btf *b, const char *name, int64_t value)
{
	synth_btf_word(b, synth_btf_string(b, name));
	synth_btf_word(b, (uint32_t)(uint64_t)value);
	synth_btf_word(b, (uint32_t)((uint64_t)value >> 32));
}

/*
 *	typedef int pid_t;
 *	struct list_head { struct list_head *next, *prev; };
 *	enum pid_type { PIDTYPE_PID, PIDTYPE_TGID = 1, PIDTYPE_BAD = -2 };
 *	enum big { BIG = 1 << 40, NEGATIVE = -3 };
 *	struct task_struct {
 *		unsigned int __state;			0
 *		const volatile pid_t pid;		4
 *		struct list_head tasks;			8
 *		union {					24
 *			unsigned long ua;
 *			struct { int low, high; };
 *		};
 *		unsigned int three : 3, :1, four : 4;	32
 *		int wide : 17;				36
 *		enum pid_type kind;			40
 *		char comm[16];				44
 *		struct list_head lists[2];		64
 *		void *flexible[];			96
 *	};
 *	struct old_bits { u8 a : 4, b : 4 } encoded in the ints, as before Linux 5.0
 */
void synth_btf_add_kernel(struct synth_btf *b)
{
	uint32_t i = synth_btf_int(b, "int", 4, SYNTH_BTF_SIGNED);
	uint32_t ui = synth_btf_int(b, "unsigned int", 4, 0);
	uint32_t ul = synth_btf_int(b, "long unsigned int", 8, 0);
	uint32_t c = synth_btf_int(b, "char", 1, SYNTH_BTF_SIGNED);
	uint32_t list = synth_btf_type(b, "list_head", SYNTH_BTF_STRUCT, 2, 0, 16);
	uint32_t list_ptr, pid, task_pid, pair, either, kind, comm, lists, void_ptr, flexible, low4,
		high4, proto;

	synth_btf_member(b, "next", list + 1, 0);
	synth_btf_member(b, "prev", list + 1, 64);
	list_ptr = synth_btf_type(b, "", SYNTH_BTF_PTR, 0, 0, list);
	if (list_ptr != list + 1)
		abort();
	pid = synth_btf_type(b, "pid_t", SYNTH_BTF_TYPEDEF, 0, 0, i);
	task_pid = synth_btf_type(b, "", SYNTH_BTF_VOLATILE, 0, 0, pid);
	task_pid = synth_btf_type(b, "", SYNTH_BTF_CONST, 0, 0, task_pid);
	pair = synth_btf_type(b, "", SYNTH_BTF_STRUCT, 2, 0, 8);
	synth_btf_member(b, "low", i, 0);
	synth_btf_member(b, "high", i, 32);
	either = synth_btf_type(b, "", SYNTH_BTF_UNION, 2, 0, 8);
	synth_btf_member(b, "ua", ul, 0);
	synth_btf_member(b, "", pair, 0);
	kind = synth_btf_type(b, "pid_type", SYNTH_BTF_ENUM, 3, 1, 4);
	synth_btf_enumerator(b, "PIDTYPE_PID", 0);
	synth_btf_enumerator(b, "PIDTYPE_TGID", 1);
	synth_btf_enumerator(b, "PIDTYPE_BAD", -2);
	comm = synth_btf_array(b, c, 16);
	lists = synth_btf_array(b, list, 2);
	void_ptr = synth_btf_type(b, "", SYNTH_BTF_PTR, 0, 0, 0);
	flexible = synth_btf_array(b, void_ptr, 0);
	synth_btf_type(b, "task_struct", SYNTH_BTF_STRUCT, 12, 1, 96);
	synth_btf_member(b, "__state", ui, 0);
	synth_btf_member(b, "pid", task_pid, 32);
	synth_btf_member(b, "tasks", list, 64);
	synth_btf_member(b, "", either, 192);
	synth_btf_bit_member(b, "three", ui, 256, 3);
	synth_btf_bit_member(b, "", ui, 259, 1);
	synth_btf_bit_member(b, "four", ui, 260, 4);
	synth_btf_bit_member(b, "wide", i, 288, 17);
	synth_btf_member(b, "kind", kind, 320);
	synth_btf_member(b, "comm", comm, 352);
	synth_btf_member(b, "lists", lists, 512);
	synth_btf_member(b, "flexible", flexible, 768);
	synth_btf_type(b, "big", SYNTH_BTF_ENUM64, 2, 1, 8);
	synth_btf_enumerator64(b, "BIG", (int64_t)1 << 40);
	synth_btf_enumerator64(b, "NEGATIVE", -3);
	low4 = synth_btf_int_bits(b, "low4", 1, 0, 4);
	high4 = synth_btf_int_bits(b, "high4", 1, 4, 4);
	synth_btf_type(b, "old_bits", SYNTH_BTF_STRUCT, 2, 0, 1);
	synth_btf_member(b, "a", low4, 0);
	synth_btf_member(b, "b", high4, 0);
	proto = synth_btf_type(b, "", SYNTH_BTF_FUNC_PROTO, 1, 0, i);
	synth_btf_word(b, synth_btf_string(b, "argument"));
	synth_btf_word(b, list_ptr);
	synth_btf_type(b, "function", SYNTH_BTF_FUNC, 1, 0, proto);
	synth_btf_type(b, "declared_only", SYNTH_BTF_FWD, 0, 0, 0);
	synth_btf_type(b, "double", SYNTH_BTF_FLOAT, 0, 0, 8);
	synth_btf_type(b, "user", SYNTH_BTF_TYPE_TAG, 0, 0, i);
	synth_btf_type(b, "tagged", SYNTH_BTF_DECL_TAG, 0, 0, list);
	synth_btf_word(b, UINT32_MAX);
	synth_btf_type(b, "variable", SYNTH_BTF_VAR, 0, 0, i);
	synth_btf_word(b, 1);
	synth_btf_type(b, ".data", SYNTH_BTF_DATASEC, 1, 0, 4);
	synth_btf_word(b, proto);
	synth_btf_word(b, 0);
	synth_btf_word(b, 4);
}
