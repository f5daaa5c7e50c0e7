/* Restartable sequences: registration and its errors, the CPU's number kept right through migrations, sequences sent to their abort place by
 * preemption and by signals and never torn, damaged descriptions punished with SIGSEGV, fork and thread creation. */
#include "check.h"
#include <pthread.h>
#include <sched.h>
#include <sys/time.h>

struct area {
	uint32_t cpu_start, cpu;
	uint64_t sequence;
	uint32_t flags, node, concurrency, padding;
} __attribute__((aligned(32)));

struct sequence {
	uint32_t version, flags;
	uint64_t start, bytes, abort;
} __attribute__((aligned(32)));

#define SIGNATURE 0x53053053u

static int rseq(void *area, unsigned bytes, int flags, unsigned signature)
{
	return syscall(SYS_rseq, area, bytes, flags, signature);
}

static __thread volatile struct area area;

static void take_over(void)
{
	CHECK_EQUAL(rseq((void *)&area, sizeof area, 0, SIGNATURE), 0);
}

/* Adds one to *counter and then to *other if nothing disturbs it in between; answers whether it did. The loop in the middle gives
 * disturbances something to hit. */
static int __attribute__((noinline)) add_both(volatile uint64_t *counter, volatile uint64_t *other, uint64_t spins)
{
	static struct sequence sequence;
	uint64_t done;
#if defined(__x86_64__)
	__asm__ volatile(
		"lea 1f(%%rip), %%rax\n\t"
		"mov %%rax, 8+%[sequence]\n\t"
		"lea 2f(%%rip), %%rcx\n\t"
		"sub %%rax, %%rcx\n\t"
		"mov %%rcx, 16+%[sequence]\n\t"
		"lea 4f(%%rip), %%rax\n\t"
		"mov %%rax, 24+%[sequence]\n\t"
		"lea %[sequence], %%rax\n\t"
		"mov %%rax, %[name]\n\t"
		"1:\n\t"
		"mov (%[counter]), %%rax\n\t"
		"mov %[spins], %%rcx\n\t"
		"5: dec %%rcx\n\t"
		"jnz 5b\n\t"
		"inc %%rax\n\t"
		"mov %%rax, (%[counter])\n\t"
		"2:\n\t"
		"incq (%[other])\n\t"
		"mov $1, %[done]\n\t"
		"jmp 6f\n\t"
		".byte 0x0f, 0xb9, 0x3d\n\t"
		".long 0x53053053\n\t"
		"4:\n\t"
		"mov $0, %[done]\n\t"
		"6:\n\t"
		: [done] "=&r"(done), [sequence] "+m"(sequence), [name] "+m"(area.sequence)
		: [counter] "r"(counter), [other] "r"(other), [spins] "r"(spins)
		: "rax", "rcx", "memory", "cc");
#else
	__asm__ volatile(
		"adr x9, 1f\n\t"
		"str x9, [%[at], #8]\n\t"
		"adr x10, 2f\n\t"
		"sub x10, x10, x9\n\t"
		"str x10, [%[at], #16]\n\t"
		"adr x9, 4f\n\t"
		"str x9, [%[at], #24]\n\t"
		"str %[at], [%[name]]\n\t"
		"1:\n\t"
		"ldr x9, [%[counter]]\n\t"
		"mov x10, %[spins]\n\t"
		"5: subs x10, x10, #1\n\t"
		"b.ne 5b\n\t"
		"add x9, x9, #1\n\t"
		"str x9, [%[counter]]\n\t"
		"2:\n\t"
		"ldr x9, [%[other]]\n\t"
		"add x9, x9, #1\n\t"
		"str x9, [%[other]]\n\t"
		"mov %[done], #1\n\t"
		"b 6f\n\t"
		".long 0x53053053\n\t"
		"4:\n\t"
		"mov %[done], #0\n\t"
		"6:\n\t"
		: [done] "=&r"(done)
		: [at] "r"(&sequence), [name] "r"(&area.sequence), [counter] "r"(counter), [other] "r"(other), [spins] "r"(spins)
		: "x9", "x10", "memory", "cc");
#endif
	return done;
}

static void errors(void)
{
	static struct area other;
	CHECK_ERRNO(rseq((void *)&area, sizeof area, 0, SIGNATURE), EBUSY);
	CHECK_ERRNO(rseq((void *)&area, sizeof area, 0, SIGNATURE + 1), EPERM);
	CHECK_ERRNO(rseq(&other, sizeof other, 0, SIGNATURE), EINVAL);
	CHECK_ERRNO(rseq(&other, sizeof other, 1, SIGNATURE), EINVAL);
	CHECK_ERRNO(rseq((void *)&area, sizeof area, 1, SIGNATURE + 1), EPERM);
	CHECK_ERRNO(rseq((void *)&area, sizeof area, 2, SIGNATURE), EINVAL);
	CHECK_EQUAL(rseq((void *)&area, sizeof area, 1, SIGNATURE), 0);
	CHECK_EQUAL(area.cpu, (uint32_t)-1);
	CHECK_EQUAL(area.cpu_start, 0);
	CHECK_ERRNO(rseq((char *)&other + 8, sizeof other, 0, SIGNATURE), EINVAL);
	CHECK_ERRNO(rseq(&other, 16, 0, SIGNATURE), EINVAL);
	CHECK_ERRNO(rseq((void *)-32L, 32, 0, SIGNATURE), EFAULT);
	CHECK_EQUAL(rseq((void *)&area, sizeof area, 0, SIGNATURE), 0);
}

static void follows_migrations(void)
{
	cpu_set_t all, one;
	CHECK_EQUAL(sched_getaffinity(0, sizeof all, &all), 0);
	for (int round = 0; round < 50; round++)
		for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
			if (!CPU_ISSET(cpu, &all))
				continue;
			CPU_ZERO(&one);
			CPU_SET(cpu, &one);
			CHECK_EQUAL(sched_setaffinity(0, sizeof one, &one), 0);
			CHECK_EQUAL(area.cpu, cpu);
			CHECK_EQUAL(area.cpu_start, cpu);
		}
	CHECK_EQUAL(sched_setaffinity(0, sizeof all, &all), 0);
}

static volatile uint64_t both[2][64][8];

/* Several threads on one CPU add to that CPU's counter without any lock. */
static void *adds(void *unused)
{
	if (unused)
		take_over();
	for (int round = 0; round < 3000; ) {
		uint32_t cpu = area.cpu_start & 63;
		round += add_both(&both[0][cpu][0], &both[1][cpu][0], 2000);
	}
	return NULL;
}

static volatile sig_atomic_t ticks;
static void tick(int number) { (void)number; ticks++; }

static void is_interrupted(void)
{
	/* A signal in the middle of a sequence sends it to its abort place; when that is over it succeeds. */
	struct sigaction action = { .sa_handler = tick };
	struct itimerval timer = { { 0, 1000 }, { 0, 1000 } };
	CHECK_EQUAL(sigaction(SIGALRM, &action, NULL), 0);
	CHECK_EQUAL(setitimer(ITIMER_REAL, &timer, NULL), 0);
	volatile uint64_t one = 0, two = 0;
	uint64_t done = 0, aborted = 0;
	while (aborted < 20) {
		int before = ticks;
		if (add_both(&one, &two, 200000))
			done++;
		else {
			aborted++;
			CHECK(ticks >= before);
		}
	}
	memset(&timer, 0, sizeof timer);
	CHECK_EQUAL(setitimer(ITIMER_REAL, &timer, NULL), 0);
	while (!add_both(&one, &two, 10))
		;
	CHECK_EQUAL(one, done + 1);
	CHECK_EQUAL(two, done + 1);
}

static int killed_by(struct sequence *sequence)
{
	pid_t child = fork();
	if (child == 0) {
		area.sequence = (uintptr_t)sequence;
		for (int round = 0; round < 100; round++)
			sched_yield(), sleep_ms(1);
		_exit(0);
	}
	int status = wait_status(child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void damaged(void)
{
	static struct sequence bad = { .version = 1 };
	CHECK_EQUAL(killed_by((struct sequence *)16), SIGSEGV);
	CHECK_EQUAL(killed_by(&bad), SIGSEGV);
	/* No signature before the abort place. */
	static char place[64];
	bad = (struct sequence){ .start = 0x1000, .bytes = 16, .abort = (uintptr_t)(place + 32) };
	CHECK_EQUAL(killed_by(&bad), SIGSEGV);
}

static void *has_none(void *unused)
{
	/* A new thread begins without; its first registration is no second one. */
	take_over();
	CHECK(area.cpu < 4096);
	return unused;
}

static void run(void)
{
	take_over();
	errors();
	follows_migrations();
	is_interrupted();
	pid_t child = fork();
	if (child == 0) {
		/* The child has its parent's registration. */
		CHECK_ERRNO(rseq((void *)&area, sizeof area, 0, SIGNATURE), EBUSY);
		CHECK(area.cpu < 4096);
		_exit(0);
	}
	CHECK_EXITS(child, 0);
	damaged();
	pthread_t threads[4];
	CHECK_EQUAL(pthread_create(&threads[0], NULL, has_none, NULL), 0);
	CHECK_EQUAL(pthread_join(threads[0], NULL), 0);
	for (int index = 0; index < 4; index++)
		CHECK_EQUAL(pthread_create(&threads[index], NULL, adds, &threads), 0);
	for (int index = 0; index < 4; index++)
		CHECK_EQUAL(pthread_join(threads[index], NULL), 0);
	uint64_t sum = 0;
	for (int cpu = 0; cpu < 64; cpu++)
		sum += both[0][cpu][0];
	CHECK_EQUAL(sum, 4 * 3000);
}

int main(void)
{
	/* The C library registers areas of its own unless it is told not to. */
	if (!getenv("GLIBC_TUNABLES")) {
		setenv("GLIBC_TUNABLES", "glibc.pthread.rseq=0", 1);
		execl("/proc/self/exe", "rseq_test", NULL);
		return 9;
	}
	run();
	return 0;
}
