/* The registers that point to a thread's own data: FS and GS by arch_prctl (and by their instructions) on x86-64, TPIDR_EL0 on ARM64, each with
 * another value in each of 100 threads, over every way through the kernel; what fork, clone and exec make of them; and the word that the
 * kernel clears and wakes at a thread's end (CLONE_CHILD_CLEARTID, set_tid_address). */
#include "check.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/auxv.h>

enum { THREADS = 100 };

static int turns = 6;
static __thread uint64_t mine, also_mine[64];

/* A second thread-local block beside the C library's: its address is in a register that the C library does not use, or only in between. */
struct block {
	uint64_t self, value;
};
static struct block blocks[THREADS + 1];

#ifdef __x86_64__
#include <asm/prctl.h>

static long arch_prctl(int code, uint64_t address) { return syscall(SYS_arch_prctl, code, address); }

static uint64_t base_of(int code)
{
	uint64_t base = 1;
	CHECK_EQUAL(arch_prctl(code, (uint64_t)&base), 0);
	return base;
}

static uint64_t gs_word(void)
{
	uint64_t word;
	__asm__ volatile("mov %%gs:8, %0" : "=r"(word));
	return word;
}

static void set_block(struct block *block) { CHECK_EQUAL(arch_prctl(ARCH_SET_GS, (uint64_t)block), 0); }

static int has_block(const struct block *block) { return gs_word() == block->value && base_of(ARCH_GET_GS) == block->self; }

static int sees_block(void) { return gs_word() == mine * 13; }

/* Whether the C library's pointer (the first word there points to itself) is what the kernel says. */
static void check_calls(void)
{
	uint64_t self;
	__asm__ volatile("mov %%fs:0, %0" : "=r"(self));
	CHECK_EQUAL(base_of(ARCH_GET_FS), self);
	CHECK_EQUAL(base_of(ARCH_GET_GS), 0);
	CHECK_ERRNO(arch_prctl(ARCH_SET_FS, 0xffff800000000000), EPERM);
	CHECK_ERRNO(arch_prctl(ARCH_SET_GS, 0xffff800000000000), EPERM);
	CHECK_ERRNO(arch_prctl(ARCH_SET_FS, ~0ull), EPERM);
	CHECK_ERRNO(arch_prctl(ARCH_SET_GS, ~0ull), EPERM);
	CHECK_ERRNO(arch_prctl(ARCH_GET_FS, 8), EFAULT);
	CHECK_ERRNO(arch_prctl(ARCH_GET_GS, 0xffff800000000000), EFAULT);
	CHECK_ERRNO(arch_prctl(0x1fff, 0), EINVAL);
	CHECK_EQUAL(base_of(ARCH_GET_FS), self);
	CHECK_EQUAL(base_of(ARCH_GET_GS), 0);
	/* Any address of a program's half, mapped or not, below 4 GiB or above. */
	static const uint64_t addresses[] = { 1, 0xfffff000, 0x100000000, 0x7ffffffde000 };
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
		CHECK_EQUAL(arch_prctl(ARCH_SET_GS, addresses[i]), 0);
		sched_yield();
		CHECK_EQUAL(base_of(ARCH_GET_GS), addresses[i]);
	}
	/* HWCAP2_FSGSBASE: programs may use the instructions. */
	if (getauxval(AT_HWCAP2) & 2) {
		uint64_t found;
		__asm__ volatile("wrgsbase %0" ::"r"(&blocks[0]));
		sched_yield(), sleep_ms(1);
		__asm__ volatile("rdgsbase %0" : "=r"(found));
		CHECK_EQUAL(found, (uint64_t)&blocks[0]);
		CHECK_EQUAL(base_of(ARCH_GET_GS), (uint64_t)&blocks[0]);
		__asm__ volatile("rdfsbase %0" : "=r"(found));
		CHECK_EQUAL(found, self);
	}
	CHECK_EQUAL(arch_prctl(ARCH_SET_GS, 0), 0);
}

static void check_after_exec(void) { CHECK_EQUAL(base_of(ARCH_GET_GS), 0); }

static void check_other_pointer(uint64_t value) { (void)value; }
#else
static __thread struct block *own_block;
static void set_block(struct block *block) { own_block = block; }
static int has_block(const struct block *block) { return own_block == block && own_block->value == block->value; }
static int sees_block(void) { return own_block->value == mine * 13; }
static void check_calls(void) {}
static void check_after_exec(void) {}

/* The register with another value than the C library's over a call that switches. A handler would use it, so none may run. */
static void check_other_pointer(uint64_t value)
{
	sigset_t all, before;
	sigfillset(&all);
	CHECK_EQUAL(pthread_sigmask(SIG_SETMASK, &all, &before), 0);
	uint64_t kept, found;
	register long number __asm__("x8") = SYS_sched_yield;
	register long result __asm__("x0");
	__asm__ volatile("mrs %1, tpidr_el0\n"
			 "msr tpidr_el0, %4\n"
			 "svc #0\n"
			 "mrs %2, tpidr_el0\n"
			 "msr tpidr_el0, %1\n"
			 : "=r"(result), "=&r"(kept), "=&r"(found)
			 : "r"(number), "r"(value)
			 : "memory");
	CHECK_EQUAL(result, 0);
	CHECK_EQUAL(found, value);
	CHECK_EQUAL(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
}
#endif

static volatile int wrong;

static void handler(int number)
{
	(void)number;
	if (also_mine[5] != mine * 7 || !sees_block())
		wrong = 1;
}

static void look(uint64_t me)
{
	CHECK(mine == me && also_mine[5] == me * 7 && also_mine[63] == me * 11);
	CHECK(has_block(&blocks[me]));
	CHECK(!wrong);
}

static void *one_of_many(void *argument)
{
	uint64_t me = (uintptr_t)argument;
	mine = me, also_mine[5] = me * 7, also_mine[63] = me * 11;
	set_block(&blocks[me]);
	volatile char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(page != MAP_FAILED);
	for (int turn = 0; turn < turns; turn++) {
		sched_yield();
		look(me);
		check_other_pointer(0x123456789a00 + me);
		look(me);
		sleep_ms(turn & 1);
		look(me);
		CHECK_EQUAL(madvise((void *)page, 4096, MADV_DONTNEED), 0);
		page[turn] = 1;
		look(me);
		CHECK_EQUAL(pthread_kill(pthread_self(), SIGUSR1), 0);
		look(me);
		for (volatile int spin = 0; spin < 3000; spin++)
			;
		look(me);
	}
	if (me % 25 == 0) {
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			look(me);
			sched_yield();
			look(me);
			_exit(5);
		}
		CHECK_EXITS(child, 5);
		look(me);
	}
	CHECK_EQUAL(munmap((void *)page, 4096), 0);
	return argument;
}

static void check_threads(void)
{
	pthread_t threads[THREADS + 1];
	pthread_attr_t small;
	CHECK_EQUAL(pthread_attr_init(&small) | pthread_attr_setstacksize(&small, 256 << 10), 0);
	for (uintptr_t i = 1; i <= THREADS; i++) {
		blocks[i] = (struct block){ (uint64_t)&blocks[i], i * 13 };
		CHECK_EQUAL(pthread_create(&threads[i], &small, one_of_many, (void *)i), 0);
	}
	for (uintptr_t i = 1; i <= THREADS; i++) {
		void *answer;
		CHECK_EQUAL(pthread_join(threads[i], &answer), 0);
		CHECK_EQUAL((uintptr_t)answer, i);
	}
}

static uint32_t word, other_word;
static char stack[65536] __attribute__((aligned(16)));

static void futex_wait(uint32_t *at, uint32_t value) { syscall(SYS_futex, at, FUTEX_WAIT, value, NULL, NULL, 0); }

/* A thread that only calls the kernel: it has the parent's thread pointer. */
static int ends(void *argument)
{
	if (argument)
		syscall(SYS_set_tid_address, argument == (void *)1 ? (void *)8 : argument);
	for (int i = 0; i < 5; i++)
		syscall(SYS_sched_yield);
	return 0;
}

/* Waits as pthread_join does: on the word, until it is 0. Nothing but the kernel changes it or wakes. */
static void check_cleared_word(void)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
	for (int round = 0; round < 50; round++) {
		uint32_t now;
		int thread = clone(ends, stack + sizeof stack, flags, NULL, &word, NULL, &word);
		CHECK(thread > 0);
		while ((now = __atomic_load_n(&word, __ATOMIC_SEQ_CST)) != 0) {
			CHECK_EQUAL(now, thread);
			futex_wait(&word, now);
		}
	}
	/* The thread itself names another word: that one is cleared, the first one stays. */
	other_word = 77;
	int thread = clone(ends, stack + sizeof stack, flags, &other_word, &word, NULL, &word);
	CHECK(thread > 0);
	while (__atomic_load_n(&other_word, __ATOMIC_SEQ_CST) != 0)
		futex_wait(&other_word, 77);
	CHECK_EQUAL(word, thread);
	/* One that cannot be written is left alone, and the thread ends all the same. */
	thread = clone(ends, stack + sizeof stack, flags, (void *)1, &word, NULL, &word);
	CHECK(thread > 0);
	while (syscall(SYS_tgkill, getpid(), thread, 0) == 0)
		sched_yield();
	CHECK_EQUAL(errno, ESRCH);
	CHECK_EQUAL(word, thread);
	/* A child with memory of its own: the call tells who calls, and its end clears nothing of ours. */
	word = 5;
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(syscall(SYS_set_tid_address, &word), getpid());
		_exit(word == 5 ? 6 : 1);
	}
	CHECK_EXITS(child, 6);
	CHECK_EQUAL(word, 5);
}

int main(int count, char **arguments)
{
	if (count > 1 && strcmp(arguments[1], "after exec") == 0) {
		check_after_exec();
		return 9;
	}
	if (count > 1)
		turns = atoi(arguments[1]);
	CHECK(signal(SIGUSR1, handler) != SIG_ERR);
	check_calls();
	check_threads();
	check_cleared_word();
	blocks[0] = (struct block){ (uint64_t)&blocks[0], 0 };
	set_block(&blocks[0]);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		look(0);
		execl("/proc/self/exe", "again", "after exec", NULL);
		_exit(1);
	}
	CHECK_EXITS(child, 9);
	look(0);
	return 0;
}
