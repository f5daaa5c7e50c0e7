/* Hunts a futex whose check of the word and whose sleep are not one step, and a time-out that takes a wake-up with it.
 *
 * Threads hand a token around by futex words alone: each waits for its number and wakes the next. Another word is waited for with
 * time-outs that end about when the wake-up comes: every wake-up that was answered as given must have ended somebody's wait. */
#include "../check.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { THREADS = 6, TURNS = 4000, TIMED = 3000 };

static long futex(atomic_uint *word, int op, unsigned value, const struct timespec *timeout)
{
	return syscall(SYS_futex, word, op, value, timeout, NULL, 0);
}

static atomic_uint token;
static unsigned last;

static void *hand_on(void *argument)
{
	unsigned mine = (unsigned)(uintptr_t)argument;
	for (unsigned turn = mine; turn < last; turn += THREADS) {
		unsigned seen;
		while ((seen = atomic_load(&token)) != turn)
			futex(&token, FUTEX_WAIT_PRIVATE, seen, NULL);
		atomic_store(&token, turn + 1);
		futex(&token, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL);
	}
	return NULL;
}

static atomic_uint gate, woken, finished;

static void *wait_with_timeout(void *argument)
{
	uint64_t seed = 77 + (uintptr_t)argument;
	for (int turn = 0; turn < TIMED; turn++) {
		struct timespec soon = { 0, (long)(next_random(&seed) % 60000) };
		long answer = futex(&gate, FUTEX_WAIT_PRIVATE, 0, &soon);
		if (answer == 0)
			atomic_fetch_add(&woken, 1);
		else
			CHECK_EQUAL(errno, ETIMEDOUT);
	}
	atomic_fetch_add(&finished, 1);
	return NULL;
}

int main(int count, char **arguments)
{
	unsigned rounds = count > 1 ? (unsigned)atoi(arguments[1]) : 1;
	pthread_t threads[THREADS];
	last = rounds * TURNS;
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK_EQUAL(pthread_create(&threads[i], NULL, hand_on, (void *)i), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
	CHECK_EQUAL(atomic_load(&token), last);
	for (unsigned round = 0; round < rounds; round++) {
		for (uintptr_t i = 0; i < 3; i++)
			CHECK_EQUAL(pthread_create(&threads[i], NULL, wait_with_timeout, (void *)i), 0);
		long given = 0;
		atomic_store(&woken, 0);
		atomic_store(&finished, 0);
		while (atomic_load(&finished) < 3) {
			long answer = futex(&gate, FUTEX_WAKE_PRIVATE, 1, NULL);
			CHECK(answer == 0 || answer == 1);
			given += answer;
			if (answer == 0)
				sched_yield();
		}
		for (int i = 0; i < 3; i++)
			CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
		CHECK_EQUAL(atomic_load(&woken), given);
	}
	return 0;
}
