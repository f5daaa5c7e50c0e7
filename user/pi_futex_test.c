/* Futexes with an owner: the word in every state, errors, hand-over in order, timeouts on both clocks, owners that die with and without a
 * robust list, the C library's mutexes with priority inheritance, conditions whose waiters are moved to the lock, rings of owners, and
 * the priority that an owner is lent. */
#include "check.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif

static long futex(uint32_t *word, int operation, uint32_t value, const void *timeout, uint32_t *second, uint32_t third)
{
	return syscall(SYS_futex, word, operation, value, timeout, second, third);
}

static uint32_t *shared;

static uint32_t word_of(volatile uint32_t *word) { return __atomic_load_n(word, __ATOMIC_SEQ_CST); }

static struct timespec in_ms(clockid_t clock, int ms)
{
	struct timespec time;
	CHECK_EQUAL(clock_gettime(clock, &time), 0);
	time.tv_nsec += ms * 1000000L;
	time.tv_sec += time.tv_nsec / 1000000000, time.tv_nsec %= 1000000000;
	return time;
}

static void alone(void)
{
	uint32_t word = 0, me = gettid();
	CHECK_EQUAL(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
	CHECK_EQUAL(word, me);
	CHECK_ERRNO(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EDEADLK);
	CHECK_ERRNO(futex(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), EDEADLK);
	CHECK_EQUAL(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
	CHECK_EQUAL(word, 0);
	CHECK_ERRNO(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), EPERM);
	CHECK_EQUAL(futex(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0), 0);
	CHECK_EQUAL(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
	CHECK_EQUAL(futex(&word, FUTEX_LOCK_PI2, 0, NULL, NULL, 0), 0);
	CHECK_EQUAL(futex(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
	/* Nobody has this number. */
	word = 4000000;
	CHECK_ERRNO(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0), ESRCH);
	/* The last owner died, and told so: whoever takes it sees that. */
	word = FUTEX_OWNER_DIED;
	CHECK_EQUAL(futex(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
	CHECK_EQUAL(word, me | FUTEX_OWNER_DIED);
	word = 0;
	CHECK_ERRNO(futex((uint32_t *)((char *)&word + 1), FUTEX_LOCK_PI, 0, NULL, NULL, 0), EINVAL);
	CHECK_ERRNO(futex((uint32_t *)8, FUTEX_LOCK_PI, 0, NULL, NULL, 0), EFAULT);
	CHECK_ERRNO(futex(&word, FUTEX_LOCK_PI | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0), ENOSYS);
}

static uint32_t word;
static volatile int order[8], taken;

static void *takes(void *number)
{
	CHECK_EQUAL(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
	CHECK_EQUAL(word_of(&word) & FUTEX_TID_MASK, gettid());
	order[taken++] = (int)(intptr_t)number;
	CHECK_EQUAL(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
	return NULL;
}

static void handed_over(void)
{
	pthread_t threads[4];
	word = gettid();
	for (intptr_t index = 0; index < 4; index++) {
		CHECK_EQUAL(pthread_create(&threads[index], NULL, takes, (void *)index), 0);
		while (!(word_of(&word) & FUTEX_WAITERS))
			sleep_ms(1);
		/* Threads of the same priority come in the order in which they came. */
		sleep_ms(100);
	}
	CHECK_EQUAL(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
	for (int index = 0; index < 4; index++) {
		CHECK_EQUAL(pthread_join(threads[index], NULL), 0);
		CHECK_EQUAL(order[index], index);
	}
	CHECK_EQUAL(word, 0);
}

static void *holds(void *unused)
{
	CHECK_EQUAL(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
	taken = 1;
	while (taken == 1)
		sleep_ms(1);
	CHECK_EQUAL(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
	return unused;
}

static void times_out(void)
{
	pthread_t thread;
	taken = 0, word = 0;
	CHECK_EQUAL(pthread_create(&thread, NULL, holds, NULL), 0);
	while (taken == 0)
		sleep_ms(1);
	CHECK_ERRNO(futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0), EAGAIN);
	CHECK_ERRNO(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), EPERM);
	int64_t start = now_ns();
	struct timespec time = in_ms(CLOCK_REALTIME, 20);
	CHECK_ERRNO(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, &time, NULL, 0), ETIMEDOUT);
	CHECK(now_ns() - start >= 19000000);
	start = now_ns();
	time = in_ms(CLOCK_MONOTONIC, 20);
	CHECK_ERRNO(futex(&word, FUTEX_LOCK_PI2 | FUTEX_PRIVATE_FLAG, 0, &time, NULL, 0), ETIMEDOUT);
	CHECK(now_ns() - start >= 19000000);
	time.tv_nsec = -1;
	CHECK_ERRNO(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, &time, NULL, 0), EINVAL);
	taken = 2;
	CHECK_EQUAL(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
	CHECK_EQUAL(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
	CHECK_EQUAL(pthread_join(thread, NULL), 0);
}

/* The owner, another process, dies while this one waits. */
static void owner_dies(void)
{
	*shared = 0;
	pid_t child = fork();
	if (child == 0) {
		CHECK_EQUAL(futex(shared, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
		while (!(word_of(shared) & FUTEX_WAITERS))
			sleep_ms(1);
		sleep_ms(20);
		_exit(0);
	}
	while (!word_of(shared))
		sleep_ms(1);
	CHECK_EQUAL(futex(shared, FUTEX_LOCK_PI, 0, NULL, NULL, 0), 0);
	CHECK_EQUAL(word_of(shared) & FUTEX_TID_MASK, gettid());
	CHECK(word_of(shared) & FUTEX_OWNER_DIED);
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(futex(shared, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0), 0);
	CHECK_EQUAL(word_of(shared), 0);
}

static pthread_mutex_t *mutex;

static void *dies_with_it(void *unused)
{
	CHECK_EQUAL(pthread_mutex_lock(mutex), 0);
	return unused;
}

static volatile long counter;

static void *counts(void *unused)
{
	for (int round = 0; round < 5000; round++) {
		CHECK_EQUAL(pthread_mutex_lock(mutex), 0);
		counter++;
		CHECK_EQUAL(pthread_mutex_unlock(mutex), 0);
	}
	return unused;
}

static void by_library(void)
{
	pthread_mutexattr_t attributes;
	pthread_t threads[4];
	mutex = (pthread_mutex_t *)(shared + 64);
	CHECK_EQUAL(pthread_mutexattr_init(&attributes), 0);
	CHECK_EQUAL(pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT), 0);
	CHECK_EQUAL(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED), 0);
	CHECK_EQUAL(pthread_mutex_init(mutex, &attributes), 0);
	for (int index = 0; index < 4; index++)
		CHECK_EQUAL(pthread_create(&threads[index], NULL, counts, NULL), 0);
	for (int index = 0; index < 4; index++)
		CHECK_EQUAL(pthread_join(threads[index], NULL), 0);
	CHECK_EQUAL(counter, 20000);
	CHECK_EQUAL(pthread_mutex_destroy(mutex), 0);
	/* Robust: the next one is told that the owner died, by thread and by process. */
	CHECK_EQUAL(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST), 0);
	CHECK_EQUAL(pthread_mutex_init(mutex, &attributes), 0);
	CHECK_EQUAL(pthread_create(&threads[0], NULL, dies_with_it, NULL), 0);
	CHECK_EQUAL(pthread_join(threads[0], NULL), 0);
	CHECK_EQUAL(pthread_mutex_lock(mutex), EOWNERDEAD);
	CHECK_EQUAL(pthread_mutex_consistent(mutex), 0);
	pid_t child = fork();
	if (child == 0) {
		/* Waits, gets it, and dies. */
		CHECK_EQUAL(pthread_mutex_lock(mutex), 0);
		_exit(0);
	}
	sleep_ms(30);
	CHECK_EQUAL(pthread_mutex_unlock(mutex), 0);
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(pthread_mutex_lock(mutex), EOWNERDEAD);
	CHECK_EQUAL(pthread_mutex_consistent(mutex), 0);
	CHECK_EQUAL(pthread_mutex_unlock(mutex), 0);
}

static uint32_t condition;
static volatile int sleeping, woken;

static void *waits(void *unused)
{
	__atomic_add_fetch(&sleeping, 1, __ATOMIC_SEQ_CST);
	CHECK_EQUAL(futex(&condition, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 7, NULL, &word, ~0u), 0);
	CHECK_EQUAL(word_of(&word) & FUTEX_TID_MASK, gettid());
	woken++;
	CHECK_EQUAL(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
	return unused;
}

static void moved(void)
{
	pthread_t threads[3];
	condition = 7, word = 0;
	CHECK_ERRNO(futex(&condition, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 8, NULL, &word, ~0u), EAGAIN);
	CHECK_ERRNO(futex(&condition, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 7, NULL, &condition, ~0u), EINVAL);
	struct timespec time = in_ms(CLOCK_MONOTONIC, 10);
	CHECK_ERRNO(futex(&condition, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 7, &time, &word, ~0u), ETIMEDOUT);
	CHECK_ERRNO(futex(&condition, FUTEX_CMP_REQUEUE_PI_PRIVATE, 2, (void *)1, &word, 7), EINVAL);
	CHECK_ERRNO(futex(&condition, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)1, &word, 8), EAGAIN);
	CHECK_EQUAL(futex(&condition, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)1, &word, 7), 0);
	for (int with_lock = 0; with_lock < 2; with_lock++) {
		sleeping = woken = 0;
		for (int index = 0; index < 3; index++)
			CHECK_EQUAL(pthread_create(&threads[index], NULL, waits, NULL), 0);
		while (sleeping < 3)
			sleep_ms(1);
		sleep_ms(100);
		if (with_lock)
			CHECK_EQUAL(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
		CHECK_EQUAL(futex(&condition, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, (void *)100, &word, 7), 3);
		if (with_lock) {
			sleep_ms(20);
			CHECK_EQUAL(woken, 0);
			CHECK_EQUAL(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
		}
		for (int index = 0; index < 3; index++)
			CHECK_EQUAL(pthread_join(threads[index], NULL), 0);
		CHECK_EQUAL(woken, 3);
		CHECK_EQUAL(word & FUTEX_TID_MASK, 0);
		word = 0;
	}
}

static uint32_t second_word;
static volatile pid_t between, urgent;

/* As /proc shows it: the nice value and 20, or one less than a real-time priority's negative. */
static int priority_of(pid_t tid)
{
	char path[64], text[512];
	snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
	int file = open(path, O_RDONLY);
	CHECK(file >= 0);
	ssize_t length = read(file, text, sizeof text - 1);
	CHECK(length > 0 && close(file) == 0);
	text[length] = 0;
	char *field = strrchr(text, ')') + 2;
	for (int number = 3; number < 18; number++)
		field = strchr(field, ' ') + 1;
	return atoi(field);
}

static void wait_priority(pid_t tid, int priority)
{
	while (priority_of(tid) != priority)
		sleep_ms(1);
}

static void *owns_and_waits(void *unused)
{
	CHECK_EQUAL(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
	between = gettid();
	CHECK_EQUAL(futex(&second_word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
	/* Still lent by the one who waits for the first. */
	CHECK_EQUAL(futex(&second_word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
	if (urgent > 0)
		CHECK_EQUAL(priority_of(between), -31);
	CHECK_EQUAL(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
	CHECK_EQUAL(priority_of(between), 20);
	return unused;
}

static void *is_urgent(void *is_allowed)
{
	struct sched_param param = { .sched_priority = 10 };
	if (sched_setscheduler(0, SCHED_FIFO, &param) != 0) {
		CHECK_EQUAL(errno, EPERM);
		*(int *)is_allowed = 0;
		return NULL;
	}
	urgent = gettid();
	CHECK_EQUAL(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
	CHECK_EQUAL(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
	return NULL;
}

static void ring_and_lending(void)
{
	pthread_t owner, waiter;
	int is_allowed = 1;
	word = 0, second_word = gettid();
	CHECK_EQUAL(setpriority(PRIO_PROCESS, 0, 0), 0);
	CHECK_EQUAL(pthread_create(&owner, NULL, owns_and_waits, NULL), 0);
	while (!(word_of(&second_word) & FUTEX_WAITERS))
		sleep_ms(1);
	/* The word is marked before the owner waits. */
	while (futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0) == 0)
		CHECK_EQUAL(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
	wait_asleep(between);
	CHECK_ERRNO(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), EDEADLK);
	CHECK_ERRNO(futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0), EAGAIN);
	CHECK_EQUAL(pthread_create(&waiter, NULL, is_urgent, &is_allowed), 0);
	while (!urgent && is_allowed)
		sleep_ms(1);
	if (is_allowed) {
		wait_priority(between, -11);
		wait_priority(gettid(), -11);
		struct sched_param param = { .sched_priority = 30 };
		CHECK_EQUAL(sched_setscheduler(urgent, SCHED_FIFO, &param), 0);
		wait_priority(between, -31);
		wait_priority(gettid(), -31);
		CHECK_EQUAL(sched_getscheduler(0), SCHED_OTHER);
		/* Children begin with their own. */
		pid_t child = fork();
		if (child == 0)
			_exit(priority_of(getpid()) != 20);
		CHECK_EXITS(child, 0);
	}
	CHECK_EQUAL(futex(&second_word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), 0);
	CHECK_EQUAL(priority_of(gettid()), 20);
	CHECK_EQUAL(pthread_join(owner, NULL) | pthread_join(waiter, NULL), 0);
}

int main(void)
{
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	alone();
	handed_over();
	times_out();
	owner_dies();
	by_library();
	moved();
	ring_and_lending();
	return 0;
}
