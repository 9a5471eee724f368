// SPDX-License-Identifier: MIT
/*
 * Seals standard input for a public key, as an enclave does: seal DIGITS [evidence]. The evidence is what an emulated
 * enclave with an MRENCLAVE of 77... would show.
 */
#include <stdio.h>
#include <string.h>

#include "attach/keys.h"
#include "channel/output.h"
#include "emulation/report.h"

static size_t make_evidence(const struct channel_output *o, uint8_t buf[CHANNEL_EVIDENCE_MAX])
{
	static const struct abi_targetinfo nobody;
	struct channel_enclave self = {0};
	uint8_t identity[CHANNEL_ENCLAVE_SIZE];
	struct abi_report r = {.attributes.flags = ABI_ATTR_INIT | ABI_ATTR_MODE64BIT};
	const struct channel_evidence e = {CHANNEL_EVIDENCE_EMULATED, identity, sizeof(identity), &r,
					   sizeof(r)};
	size_t size = 0;

	memset(self.mrenclave, 0x77, sizeof(self.mrenclave));
	memset(r.mrenclave, 0x77, sizeof(r.mrenclave));
	channel_report_data(o->hash, r.report_data);
	emulation_report_mac(&r, &nobody, r.mac);
	channel_enclave_encode(&self, identity);
	return channel_evidence_encode(&e, buf, CHANNEL_EVIDENCE_MAX, &size, NULL) ? 0 : size;
}

int main(int argc, char **argv)
{
	static uint8_t evidence[CHANNEL_EVIDENCE_MAX], frame[CHANNEL_OUTPUT_FRAME_MAX];
	uint8_t owner[KEYS_SIZE], head[CHANNEL_OUTPUT_HEAD_SIZE], start[CHANNEL_OUTPUT_START_SIZE];
	struct channel_output_stream s;
	struct channel_output o;
	char text[5000];
	size_t size, evidence_size;

	if (argc < 2 || !keys_from_hex(argv[1], owner) || channel_library_init(NULL) ||
	    channel_output_make(owner, &o, NULL))
		return 2;
	evidence_size = argc > 2 ? make_evidence(&o, evidence) : 0;
	if (channel_output_begin(&o, 1, (uint32_t)evidence_size, head, start, &s, NULL))
		return 2;
	fwrite(head, sizeof(head), 1, stdout);
	fwrite(evidence, 1, evidence_size, stdout);
	fwrite(start, sizeof(start), 1, stdout);
	while ((size = fread(text, 1, sizeof(text), stdin)) > 0)
		fwrite(frame, channel_output_seal(&s, false, text, size, frame), 1, stdout);
	fwrite(frame, channel_output_seal(&s, true, NULL, 0, frame), 1, stdout);
	return fflush(stdout) ? 1 : 0;
}
