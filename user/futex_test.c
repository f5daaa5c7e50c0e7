/* futex: wait compares, wakes count, time-outs on both clocks, bitsets, requeue, sharing between processes. */
#include "check.h"
#include <linux/futex.h>

static long futex(uint32_t *word, int op, uint32_t value, const void *timeout, uint32_t *other, uint32_t third)
{
	return syscall(SYS_futex, word, op, value, timeout, other, third);
}

int main(void)
{
	uint32_t *word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(word != MAP_FAILED);
	struct timespec brief = { 0, 20000000 }, until;
	CHECK_ERRNO(futex(word, FUTEX_WAIT, 1, NULL, NULL, 0), EAGAIN);
	int64_t start = now_ns();
	CHECK_ERRNO(futex(word, FUTEX_WAIT, 0, &brief, NULL, 0), ETIMEDOUT);
	CHECK(now_ns() - start >= 20000000);
	CHECK_EQUAL(clock_gettime(CLOCK_REALTIME, &until), 0);
	until.tv_nsec += 20000000;
	if (until.tv_nsec >= 1000000000)
		until.tv_sec++, until.tv_nsec -= 1000000000;
	CHECK_ERRNO(futex(word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &until, NULL, FUTEX_BITSET_MATCH_ANY), ETIMEDOUT);
	CHECK_EQUAL(futex(word, FUTEX_WAKE, 10, NULL, NULL, 0), 0);
	CHECK_ERRNO(futex((uint32_t *)((char *)word + 1), FUTEX_WAIT, 0, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(futex((uint32_t *)8, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT);
	CHECK_ERRNO(futex(word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(futex(word, 99, 0, NULL, NULL, 0), ENOSYS);
	/* Three children wait; one is woken, then the others are requeued and woken at the second word. */
	pid_t children[3];
	for (int i = 0; i < 3; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			__atomic_fetch_add(&word[2], 1, __ATOMIC_SEQ_CST);
			CHECK_EQUAL(futex(word, FUTEX_WAIT, 0, NULL, NULL, 0), 0);
			__atomic_fetch_add(&word[3], 1, __ATOMIC_SEQ_CST);
			_exit(0);
		}
	}
	while (__atomic_load_n(&word[2], __ATOMIC_SEQ_CST) < 3)
		sleep_ms(1);
	sleep_ms(50);
	CHECK_EQUAL(futex(word, FUTEX_WAKE, 1, NULL, NULL, 0), 1);
	while (__atomic_load_n(&word[3], __ATOMIC_SEQ_CST) < 1)
		sleep_ms(1);
	CHECK_ERRNO(futex(word, FUTEX_CMP_REQUEUE, 0, (void *)10, word + 1, 5), EAGAIN);
	CHECK_EQUAL(futex(word, FUTEX_CMP_REQUEUE, 0, (void *)10, word + 1, 0), 2);
	CHECK_EQUAL(futex(word, FUTEX_WAKE, 10, NULL, NULL, 0), 0);
	CHECK_EQUAL(futex(word + 1, FUTEX_WAKE, 10, NULL, NULL, 0), 2);
	for (int i = 0; i < 3; i++)
		CHECK_EXITS(children[i], 0);
	/* Ping-pong: no wake-up is ever lost between the check and the sleep. */
	word[0] = 0;
	pid_t child = fork();
	if (child == 0) {
		for (uint32_t i = 0; i < 2000; i++) {
			while (__atomic_load_n(word, __ATOMIC_SEQ_CST) != 2 * i + 1)
				futex(word, FUTEX_WAIT, 2 * i, NULL, NULL, 0);
			__atomic_store_n(word, 2 * i + 2, __ATOMIC_SEQ_CST);
			futex(word, FUTEX_WAKE, 1, NULL, NULL, 0);
		}
		_exit(0);
	}
	for (uint32_t i = 0; i < 2000; i++) {
		__atomic_store_n(word, 2 * i + 1, __ATOMIC_SEQ_CST);
		futex(word, FUTEX_WAKE, 1, NULL, NULL, 0);
		while (__atomic_load_n(word, __ATOMIC_SEQ_CST) != 2 * i + 2)
			futex(word, FUTEX_WAIT, 2 * i + 1, NULL, NULL, 0);
	}
	CHECK_EXITS(child, 0);
	return 0;
}
