/* membarrier: what it offers, registration, errors, and that it orders memory: with it the store-and-load pattern of two threads
 * needs no barrier on one side. */
#include "check.h"
#include <linux/membarrier.h>
#include <pthread.h>

static int membarrier(int command, unsigned flags) { return syscall(SYS_membarrier, command, flags, 0); }

static volatile int first, second, seen_first, seen_second;
static volatile int round_of_light, is_over;

static void *light(void *unused)
{
	for (int round = 1; !is_over; ) {
		if (round_of_light != round)
			continue;
		first = 1;
		/* Only the compiler is held back here. */
		__asm__ volatile("" ::: "memory");
		seen_second = second;
		round_of_light = -round;
		round++;
	}
	return unused;
}

int main(void)
{
	int offered = membarrier(MEMBARRIER_CMD_QUERY, 0);
	CHECK(offered > 0);
	CHECK(offered & MEMBARRIER_CMD_GLOBAL);
	CHECK(offered & MEMBARRIER_CMD_PRIVATE_EXPEDITED);
	CHECK(offered & MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
	CHECK_ERRNO(membarrier(MEMBARRIER_CMD_QUERY, 1), EINVAL);
	CHECK_ERRNO(membarrier(1 << 30, 0), EINVAL);
	CHECK_ERRNO(membarrier(3, 0), EINVAL);
	CHECK_ERRNO(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0), EPERM);
	CHECK_EQUAL(membarrier(MEMBARRIER_CMD_GLOBAL, 0), 0);
	CHECK_EQUAL(membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0), 0);
	CHECK_EQUAL(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0), 0);
	CHECK_ERRNO(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 1), EINVAL);
	if (offered & 32 /* PRIVATE_EXPEDITED_SYNC_CORE */) {
		CHECK_ERRNO(membarrier(32, 0), EPERM);
		CHECK_EQUAL(membarrier(64, 0), 0);
		CHECK_EQUAL(membarrier(32, 0), 0);
	}
	if (offered & 128 /* PRIVATE_EXPEDITED_RSEQ */) {
		CHECK_EQUAL(membarrier(256, 0), 0);
		CHECK_EQUAL(membarrier(128, 0), 0);
		CHECK_EQUAL(syscall(SYS_membarrier, 128, 1, 0), 0);
	}
	CHECK_EQUAL(membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0), 0);
	CHECK_EQUAL(membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0), 0);
	/* A child of fork has its parent's registration. */
	pid_t child = fork();
	if (child == 0)
		_exit(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0) == 0 ? 0 : 1);
	CHECK_EXITS(child, 0);

	pthread_t thread;
	CHECK_EQUAL(pthread_create(&thread, NULL, light, NULL), 0);
	for (int round = 1; round <= 2000; round++) {
		first = second = 0;
		__sync_synchronize();
		round_of_light = round;
		second = 1;
		CHECK_EQUAL(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0), 0);
		seen_first = first;
		while (round_of_light != -round)
			sched_yield();
		__sync_synchronize();
		/* One of them at least saw the other's store. */
		CHECK(seen_first || seen_second);
	}
	is_over = 1;
	CHECK_EQUAL(pthread_join(thread, NULL), 0);
	return 0;
}
