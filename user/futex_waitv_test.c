/* futex_waitv: waiting for several words at once: which one was woken, values that differ, timeouts on both clocks, errors, and a word shared
 * with another process. */
#include "check.h"
#include <linux/futex.h>
#include <pthread.h>

struct waiter { uint64_t value, address; uint32_t flags, reserved; };
#define SIZE_U32 2

static uint32_t words[4];
static uint32_t *shared;

static long waitv(struct waiter *waiters, unsigned count, unsigned flags, struct timespec *timeout, clockid_t clock)
{
	return syscall(449, waiters, count, flags, timeout, clock);
}

static volatile int target;

static void *wakes(void *unused)
{
	while (syscall(SYS_futex, &words[target], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 0)
		sleep_ms(1);
	return unused;
}

int main(void)
{
	struct waiter waiters[4];
	struct timespec time;
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	for (int index = 0; index < 4; index++)
		waiters[index] = (struct waiter){ 0, (uintptr_t)&words[index], SIZE_U32 | FUTEX_PRIVATE_FLAG, 0 };
	CHECK_ERRNO(waitv(waiters, 0, 0, NULL, 0), EINVAL);
	CHECK_ERRNO(waitv(waiters, 129, 0, NULL, 0), EINVAL);
	CHECK_ERRNO(waitv(NULL, 1, 0, NULL, 0), EINVAL);
	CHECK_ERRNO(waitv(waiters, 4, 1, NULL, 0), EINVAL);
	CHECK_EQUAL(clock_gettime(CLOCK_MONOTONIC, &time), 0);
	CHECK_ERRNO(waitv(waiters, 4, 0, &time, CLOCK_BOOTTIME), EINVAL);
	waiters[2].reserved = 1;
	CHECK_ERRNO(waitv(waiters, 4, 0, NULL, 0), EINVAL);
	waiters[2].reserved = 0, waiters[2].flags = FUTEX_PRIVATE_FLAG;
	CHECK_ERRNO(waitv(waiters, 4, 0, NULL, 0), EINVAL);
	waiters[2].flags |= SIZE_U32;
	words[3] = 5;
	CHECK_ERRNO(waitv(waiters, 4, 0, NULL, 0), EAGAIN);
	words[3] = 0;
	clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME };
	for (int index = 0; index < 2; index++) {
		int64_t start = now_ns();
		CHECK_EQUAL(clock_gettime(clocks[index], &time), 0);
		time.tv_nsec += 20000000;
		if (time.tv_nsec >= 1000000000)
			time.tv_sec++, time.tv_nsec -= 1000000000;
		CHECK_ERRNO(waitv(waiters, 4, 0, &time, clocks[index]), ETIMEDOUT);
		CHECK(now_ns() - start >= 19000000);
	}
	for (target = 0; target < 4; target++) {
		pthread_t thread;
		CHECK_EQUAL(pthread_create(&thread, NULL, wakes, NULL), 0);
		CHECK_EQUAL(waitv(waiters, 4, 0, NULL, 0), target);
		CHECK_EQUAL(pthread_join(thread, NULL), 0);
	}
	waiters[1] = (struct waiter){ 0, (uintptr_t)shared, SIZE_U32, 0 };
	pid_t child = fork();
	if (child == 0) {
		while (syscall(SYS_futex, shared, FUTEX_WAKE, 1, NULL, NULL, 0) == 0)
			sleep_ms(1);
		_exit(0);
	}
	CHECK_EQUAL(waitv(waiters, 4, 0, NULL, 0), 1);
	CHECK_EXITS(child, 0);
	waiters[1].address = 8;
	CHECK_ERRNO(waitv(waiters, 4, 0, NULL, 0), EFAULT);
	return 0;
}
