// SPDX-License-Identifier: MIT
/*
 * The instructions of SGX as an enclave and its host see them, in one mode of the emulation:
 * test_enclave ELF MODES. What a mode must not change is the same test in each.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <gcrypt.h>

#include "base/checked.h"
#include "emulation/emulation.h"
#include "harness.h"
#include "measure/measure.h"

#define SKIP_EXIT 77

static struct sign_image image;
static struct image parsed;
static unsigned int modes;
static struct host_enclave e;
static const struct backend *backend;

/*
 * cmocka sets handlers of its own around each test by signal(); like every handler, they have to
 * go through the backend.
 */
__attribute__((visibility("default"))) __sighandler_t signal(int sig, __sighandler_t handler)
{
	struct sigaction act = {.sa_handler = handler, .sa_flags = SA_RESTART}, old;

	return emulation_sigaction(sig, &act, &old) ? SIG_ERR : old.sa_handler;
}

static int load(void **state)
{
	struct err_ctx err = {0};

	(void)state;
	if (host_load(backend, &parsed, &e, &err))
		die_of("load", &err);
	return 0;
}

static int unload(void **state)
{
	(void)state;
	if (e.backend)
		host_unload(&e);
	return 0;
}

/* One entry as it is, for tests of what the exit tells. */
static struct abi_run enter_once(size_t thread, unsigned int leaf, enum tiny_op op,
				 struct tiny_args *args)
{
	struct abi_run run = {.tcs = e.tcs[thread]};

	assert_int_equal(0, host_enter(backend->enter, op, (unsigned long)args, 0, leaf, 0, 0, &run));
	return run;
}

static void test_add(void **state)
{
	struct tiny_args args = {.a = 20, .b = 22};

	(void)state;
	for (size_t i = 0; i < e.thread_count; i++) {
		args.result = 0;
		assert_int_equal(call(&e, i, TINY_ADD, &args), 0);
		assert_int_equal(args.result, 42);
	}
}

static void test_work(void **state)
{
	struct tiny_args args = {.a = 1000};
	double sum = 0;

	(void)state;
	assert_int_equal(call(&e, 1, TINY_COUNT, &args), 0);
	assert_int_equal(args.result, 168);
	assert_int_equal(call(&e, 2, TINY_FLOAT, &args), 0);
	for (int k = 1; k <= 1000; k++)
		sum += 1.0 / k;
	assert_true(sum == args.number);
}

static void test_thread_page(void **state)
{
	struct tiny_args args = {0};
	struct abi_thread t;

	(void)state;
	for (size_t i = 0; i < e.thread_count; i++) {
		assert_int_equal(call(&e, i, TINY_THREAD, &args), 0);
		memcpy(&t, args.thread, sizeof(t));
		assert_int_equal(t.index, i);
		assert_int_equal(t.self + e.base + 3 * ABI_PAGE, e.tcs[i]);
		assert_int_equal(t.tcs + e.base, e.tcs[i]);
		assert_int_equal(t.size, e.size);
		assert_int_equal(t.thread_count, e.thread_count);
	}
	assert_int_equal(call(&e, 0, TINY_CONFIG, &args), 0);
	assert_int_equal(args.b, 18);
	assert_memory_equal(&args.result, "test con", 8);
	args.b = 0x1122334455667788;
	assert_int_equal(call(&e, 0, TINY_HEAP, &args), 0);
	assert_int_equal(args.result, args.b);
}

/* A hostile direction flag, alignment check and MXCSR don't get to C code. */
static void test_entry_state(void **state)
{
	struct tiny_args args = {0};

	(void)state;
	assert_int_equal(call(&e, 0, TINY_STATE, &args), 0);
	assert_int_equal(args.result & 0x40400, 0);
	assert_int_equal(args.a, 0x1f80);
}

static uint32_t last_exit(struct tiny_args *args)
{
	assert_int_equal(call(&e, 3, TINY_EXCEPTIONS, args), 0);
	return args->exit_info;
}

static void test_syscall(void **state)
{
	struct tiny_args args = {.a = 39};

	(void)state;
	if (!(emulation_features() & EMULATION_TRAPS_SYSCALLS)) {
		skip();
		return;
	}
	assert_int_equal(call(&e, 0, TINY_SYSCALL, &args), 1);
	assert_int_equal(args.result, 4242);
	assert_int_equal(last_exit(&args), 0x80000306);
	args.a = 20;
	assert_int_equal(call(&e, 0, TINY_INT80, &args), 1);
	assert_int_equal(args.result, 4242);
	assert_int_equal(last_exit(&args), 0x80000306);
	assert_int_equal(args.count, 2);
}

static void test_divide(void **state)
{
	struct tiny_args args = {.a = 84, .b = 2};

	(void)state;
	assert_int_equal(call(&e, 0, TINY_DIVIDE, &args), 0);
	assert_int_equal(args.result, 42);
	args.b = 0;
	assert_int_equal(call(&e, 0, TINY_DIVIDE, &args), 1);
	assert_int_equal(args.result, 4242);
	assert_int_equal(last_exit(&args), 0x80000300);
}

/* In the image, below the first byte: a guard page; the program's code; a TCS. */
static uint64_t code_address(void)
{
	for (uint32_t i = 0; i < parsed.header->segment_count; i++)
		if (parsed.segments[i].secinfo & ABI_SECINFO_X)
			return e.base + parsed.segments[i].offset;
	return 0;
}

static uint64_t data_address(void)
{
	for (uint32_t i = 0; i < parsed.header->segment_count; i++)
		if (parsed.segments[i].kind == ABI_SEGMENT_HEAP)
			return e.base + parsed.segments[i].offset;
	return 0;
}

/* The page, what is asked of it, the error code that host and enclave are told. */
static void check_fault(uint64_t address, enum tiny_op op, uint32_t error)
{
	struct tiny_args args = {.a = address + 8};
	struct abi_run run = enter_once(0, ABI_EENTER, op, &args);

	assert_int_equal(run.function, ABI_ERESUME);
	assert_int_equal(run.exception_vector, ABI_VECTOR_PF);
	assert_int_equal(run.exception_error_code, error);
	assert_int_equal(run.exception_addr, address);
	run = enter_once(0, ABI_EENTER, 0, &args);
	assert_int_equal(run.function, ABI_EEXIT);
	assert_int_equal(last_exit(&args), 0x8000030e);
	assert_int_equal(args.maddr, address);
	assert_int_equal(args.errcd, error);
}

static void test_code_is_read_only(void **state)
{
	(void)state;
	check_fault(code_address(), TINY_WRITE, 7);
}

static void test_tcs_is_the_processors(void **state)
{
	(void)state;
	check_fault(e.tcs[1], TINY_READ, 0x8005);
}

static void test_outside_fault(void **state)
{
	void *page = mmap(NULL, ABI_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	check_fault((uint64_t)page, TINY_READ, 4);
	munmap(page, ABI_PAGE);
}

/* The program may take rights away from the mapping and give them back. */
static void test_mapping_rights(void **state)
{
	struct tiny_args args = {.a = data_address(), .b = 5};
	struct abi_run run;

	(void)state;
	assert_int_equal(0, backend->protect((void *)args.a, ABI_PAGE, PROT_READ));
	run = enter_once(0, ABI_EENTER, TINY_WRITE, &args);
	assert_int_equal(run.function, ABI_ERESUME);
	assert_int_equal(run.exception_error_code, 7);
	assert_int_equal(0, backend->protect((void *)args.a, ABI_PAGE, PROT_READ | PROT_WRITE));
	run = enter_once(0, ABI_ERESUME, 0, NULL);
	assert_int_equal(run.function, ABI_EEXIT);
	assert_int_equal(call(&e, 0, TINY_READ, &args), 0);
	assert_int_equal(args.result, 5);
	/* but not more than the image says */
	assert_int_equal(-EACCES, backend->protect((void *)args.a, ABI_PAGE,
						   PROT_READ | PROT_WRITE | PROT_EXEC));
	assert_int_equal(-EACCES,
			 backend->map(e.fd, (void *)code_address(), ABI_PAGE, PROT_READ | PROT_WRITE));
}

static void cmac(const uint8_t *key, const void *data, size_t size, uint8_t ret[16])
{
	gcry_mac_hd_t mac;
	size_t length = 16;

	assert_int_equal(0, gcry_mac_open(&mac, GCRY_MAC_CMAC_AES, 0, NULL));
	assert_int_equal(0, gcry_mac_setkey(mac, key, ABI_KEY_SIZE));
	assert_int_equal(0, gcry_mac_write(mac, data, size));
	assert_int_equal(0, gcry_mac_read(mac, ret, &length));
	gcry_mac_close(mac);
}

static void test_report(void **state)
{
	const struct abi_sigstruct *sig = &parsed.header->sigstruct;
	struct tiny_args args = {.a = 0x5a};
	uint8_t mac[16], signer[32];

	(void)state;
	assert_int_equal(call(&e, 0, TINY_REPORT, &args), 0);
	assert_int_equal(args.code, 0);
	assert_int_equal(args.result, ABI_INVALID_ATTRIBUTE);
	assert_int_equal(args.b, ABI_INVALID_KEYNAME);
	assert_memory_equal(args.report.mrenclave, sig->enclave_hash, 32);
	measure_signer(sig, signer);
	assert_memory_equal(args.report.mrsigner, signer, 32);
	assert_int_equal(args.report.isv_prod_id, 7);
	assert_int_equal(args.report.isv_svn, 3);
	assert_int_equal(args.report.attributes.flags, ABI_ATTR_INIT | ABI_ATTR_MODE64BIT);
	assert_int_equal(args.report.report_data[63], 0x5a);
	cmac(args.key, &args.report, offsetof(struct abi_report, keyid), mac);
	assert_memory_equal(mac, args.report.mac, 16);
	assert_memory_not_equal(args.seal[0], args.seal[1], ABI_KEY_SIZE);
	assert_memory_equal(args.seal[1], args.seal[2], ABI_KEY_SIZE);
}

static void test_bad_operands(void **state)
{
	struct tiny_args args = {.a = (uint64_t)&args.report};
	struct abi_run run = enter_once(0, ABI_EENTER, TINY_UNALIGNED, &args);

	(void)state;
	assert_int_equal(run.function, ABI_ERESUME);
	assert_int_equal(run.exception_vector, ABI_VECTOR_GP);
	args.a &= ~511ull;
	run = enter_once(1, ABI_EENTER, TINY_OUTSIDE, &args);
	assert_int_equal(run.function, ABI_ERESUME);
	assert_int_equal(run.exception_vector, ABI_VECTOR_GP);
}

static void test_bad_entries(void **state)
{
	struct tiny_args args = {.a = 1};
	struct abi_run run = {.tcs = e.tcs[0] + 8};

	(void)state;
	/* not aligned */
	assert_int_equal(0, host_enter(backend->enter, 0, 0, 0, ABI_EENTER, 0, 0, &run));
	assert_int_equal(run.function, ABI_EENTER);
	assert_int_equal(run.exception_vector, ABI_VECTOR_GP);
	/* not a TCS; not an enclave */
	run.tcs = code_address();
	assert_int_equal(0, host_enter(backend->enter, 0, 0, 0, ABI_EENTER, 0, 0, &run));
	assert_int_equal(run.exception_vector, ABI_VECTOR_PF);
	assert_int_equal(run.exception_error_code, 0x8005);
	run.tcs = (uint64_t)&args & ~4095ull;
	assert_int_equal(0, host_enter(backend->enter, 0, 0, 0, ABI_EENTER, 0, 0, &run));
	assert_int_equal(run.exception_vector, ABI_VECTOR_PF);
	/* nothing to resume */
	run = enter_once(0, ABI_ERESUME, 0, NULL);
	assert_int_equal(run.function, ABI_ERESUME);
	assert_int_equal(run.exception_vector, ABI_VECTOR_GP);
	/* no frame left: two exceptions, then no third entry */
	run = enter_once(0, ABI_EENTER, TINY_UNALIGNED, &args);
	assert_int_equal(run.function, ABI_ERESUME);
	run = enter_once(0, ABI_EENTER, TINY_UNALIGNED, &args);
	assert_int_equal(run.function, ABI_EEXIT);
	/* neither EENTER nor ERESUME, and reserved bytes that aren't zero */
	assert_int_equal(-EINVAL, host_enter(backend->enter, 0, 0, 0, ABI_EEXIT, 0, 0, &run));
	run.reserved[7] = 1;
	assert_int_equal(-EINVAL, host_enter(backend->enter, 0, 0, 0, ABI_EENTER, 0, 0, &run));
}

static volatile sig_atomic_t ticks, trap_rip_outside;

static void on_tick(int sig, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;
	uint64_t rip = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];

	(void)sig;
	(void)info;
	ticks++;
	/* what a handler sees of an enclave is the exit point, never the inside */
	if (rip - e.base >= e.size)
		trap_rip_outside++;
}

static void test_signals(void **state)
{
	struct sigaction act = {.sa_flags = SA_SIGINFO | SA_RESTART}, old;
	struct itimerval often = {{0, 500}, {0, 500}}, never = {0};
	struct tiny_args args = {.a = modes & EMULATION_STEP ? 2000 : 20000000};
	double sum = 0;

	(void)state;
	ticks = trap_rip_outside = 0;
	act.sa_sigaction = on_tick;
	assert_int_equal(0, backend->set_action(SIGALRM, &act, &old));
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 1000 && (i == 0 || ticks < 20); i++) {
		assert_int_equal(call(&e, 0, TINY_FLOAT, &args), 0);
		sum = args.number;
	}
	setitimer(ITIMER_REAL, &never, NULL);
	assert_int_equal(0, backend->set_action(SIGALRM, &old, NULL));
	assert_true(ticks >= 20);
	assert_int_equal(ticks, trap_rip_outside);
	args.number = 0;
	assert_int_equal(call(&e, 0, TINY_FLOAT, &args), 0);
	assert_true(sum == args.number);
}

static void test_fsbase(void **state)
{
	struct tiny_args args = {.a = 0x123456789000, .b = modes & EMULATION_STEP ? 100 : 100000};

	(void)state;
	if (!(emulation_features() & EMULATION_FSGSBASE)) {
		skip();
		return;
	}
	assert_int_equal(call(&e, 0, TINY_FSBASE, &args), 0);
	assert_int_equal(args.result, args.a);
	assert_int_equal(errno, errno); /* TLS of the host is back */
}

struct worker {
	pthread_t thread;
	size_t index;
	uint64_t failures;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	int rounds = modes & EMULATION_STEP ? 3 : 200;

	for (int i = 0; i < rounds; i++) {
		struct tiny_args args = {.a = w->index, .b = (uint64_t)i};

		if (call(&e, w->index, TINY_ADD, &args) != 0 ||
		    args.result != w->index + (uint64_t)i)
			w->failures++;
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct worker workers[4] = {0};

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < e.thread_count; i++) {
			workers[i].index = i;
			assert_int_equal(0, pthread_create(&workers[i].thread, NULL, work,
							   &workers[i]));
		}
		for (size_t i = 0; i < e.thread_count; i++) {
			pthread_join(workers[i].thread, NULL);
			assert_int_equal(workers[i].failures, 0);
		}
	}
}

static void *wait_inside(void *arg)
{
	return (void *)(intptr_t)call(&e, 0, TINY_WAIT, arg);
}

/* A TCS takes one thread at a time. */
static void test_busy(void **state)
{
	struct tiny_args args = {0};
	struct emulation_counts before, now;
	struct abi_run run;
	pthread_t thread;
	void *result;

	(void)state;
	emulation_count(&before);
	assert_int_equal(0, pthread_create(&thread, NULL, wait_inside, &args));
	do {
		usleep(1000);
		emulation_count(&now);
	} while (now.enters == before.enters);
	if (modes & EMULATION_STEP) {
		/* it is outside between any two instructions: no telling */
		args.stop = 1;
		pthread_join(thread, &result);
		return;
	}
	if (!(modes & EMULATION_FAULT)) {
		run = enter_once(0, ABI_EENTER, TINY_ADD, &args);
		assert_int_equal(run.function, ABI_EENTER);
		assert_int_equal(run.exception_vector, ABI_VECTOR_GP);
	}
	args.stop = 1;
	pthread_join(thread, &result);
	assert_int_equal((intptr_t)result, 0);
}

static int status_of_child(enum tiny_op op, bool touch_from_outside)
{
	struct tiny_args args = {0};
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		signal(SIGTRAP, SIG_DFL);
		backend->set_action(SIGSEGV, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
		if (touch_from_outside)
			args.a = *(volatile uint64_t *)data_address();
		else
			call(&e, 0, op, &args);
		_exit(0);
	}
	assert_int_equal(pid, waitpid(pid, &status, 0));
	return status;
}

/* A breakpoint is never fixed up: it ends who isn't a debugger. */
static void test_breakpoint(void **state)
{
	int status = status_of_child(TINY_BREAKPOINT, false);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTRAP);
}

/* What the host may see of an enclave: all of it, but in the mode that hides it. */
static void test_hidden(void **state)
{
	int status = status_of_child(0, true);

	(void)state;
	if (modes & EMULATION_HIDE) {
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSEGV);
	} else {
		assert_int_equal(status, 0);
	}
}

/* A power loss: every entry fails, nothing crashes. */
static void test_lost(void **state)
{
	struct tiny_args args = {.a = 1, .b = 2};
	struct abi_run run;

	(void)state;
	assert_int_equal(call(&e, 0, TINY_ADD, &args), 0);
	assert_int_equal(0, emulation_lose(e.fd));
	run = enter_once(0, ABI_EENTER, TINY_ADD, &args);
	assert_int_equal(run.function, ABI_EENTER);
	assert_int_equal(run.exception_vector, ABI_VECTOR_PF);
	assert_int_equal(run.exception_error_code, 0x8005);
}

/* Once somebody is inside. */
static void *lose_soon(void *arg)
{
	const struct emulation_counts *before = arg;
	struct emulation_counts now;

	do {
		usleep(1000);
		emulation_count(&now);
	} while (now.enters == before->enters);
	usleep(20000);
	emulation_lose(e.fd);
	return NULL;
}

/* The same while a thread is inside: it comes out with a fault of the EPCM. */
static void test_lost_inside(void **state)
{
	struct tiny_args args = {0};
	struct emulation_counts before;
	pthread_t thread;
	struct abi_run run;

	(void)state;
	emulation_count(&before);
	assert_int_equal(0, pthread_create(&thread, NULL, lose_soon, &before));
	run = enter_once(0, ABI_EENTER, TINY_WAIT, &args);
	pthread_join(thread, NULL);
	assert_int_equal(run.function, ABI_ERESUME);
	assert_int_equal(run.exception_vector, ABI_VECTOR_PF);
	assert_true(run.exception_error_code & ABI_PF_SGX);
}

/* Taken away pages were given back, single steps were taken: the modes do something. */
static void test_mode_happened(void **state)
{
	struct tiny_args args = {.a = 100};
	struct emulation_counts counts;

	(void)state;
	for (int i = 0; i < 50; i++)
		assert_int_equal(call(&e, 0, TINY_ADD, &args), 0);
	emulation_count(&counts);
	if (modes & EMULATION_FAULT)
		assert_true(counts.pages_lost > 0);
	else
		assert_int_equal(counts.pages_lost, 0);
	if (modes & EMULATION_STEP)
		assert_true(counts.aexs > 1000);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, load, unload)
	const struct CMUnitTest tests[] = {
		TEST(test_add),		   TEST(test_work),
		TEST(test_thread_page),	   TEST(test_entry_state),
		TEST(test_syscall),	   TEST(test_divide),
		TEST(test_code_is_read_only), TEST(test_tcs_is_the_processors),
		TEST(test_outside_fault),  TEST(test_mapping_rights),
		TEST(test_report),	   TEST(test_bad_operands),
		TEST(test_bad_entries),	   TEST(test_signals),
		TEST(test_fsbase),	   TEST(test_threads),
		TEST(test_busy),	   TEST(test_breakpoint),
		TEST(test_hidden),	   TEST(test_lost),
		TEST(test_lost_inside),	   TEST(test_mode_happened),
	};
	struct err_ctx err = {0};
	struct file elf, pem;
	int failed;

	if (argc != 3)
		return 2;
	if (emulation_parse_modes(argv[2], &modes, &err))
		die_of("modes", &err);
	if (backend_emulated(modes, &backend, &err)) {
		fprintf(stderr, "skipped: %s\n", err.text);
		return SKIP_EXIT;
	}
	elf = read_whole(argv[1]);
	pem = new_key(3072, 3);
	image = signed_image(&elf, &pem);
	if (image_parse(image.data, image.size, &parsed, &err))
		die_of("image", &err);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	sign_deinit(&image);
	free(pem.data);
	free(elf.data);
	return failed;
}
