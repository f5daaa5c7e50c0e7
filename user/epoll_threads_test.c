/* Several threads wait on one epoll set, or on several that watch one file: none sleeps while something is ready for it. */
#include "check.h"
#include <pthread.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

enum { WAITERS = 4, ROUNDS = 200, LONG_MS = 20000 };

static int set, counter, is_over;
static int sets[WAITERS];
static sem_t go, arrived;
static int got[WAITERS];

static int make_set(int fd, uint32_t events)
{
	int made = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = events, .data.u64 = 5 };
	CHECK(made >= 0);
	CHECK_EQUAL(epoll_ctl(made, EPOLL_CTL_ADD, fd, &event), 0);
	return made;
}

static void wait_semaphore(sem_t *semaphore)
{
	struct timespec until;
	CHECK_EQUAL(clock_gettime(CLOCK_REALTIME, &until), 0);
	until.tv_sec += LONG_MS / 1000;
	int answer;
	do
		answer = sem_timedwait(semaphore, &until);
	while (answer != 0 && errno == EINTR);
	CHECK_EQUAL(answer, 0);
}

static void add(uint64_t count)
{
	CHECK_EQUAL(write(counter, &count, sizeof count), sizeof count);
}

/* Nobody reads the counter: it is ready for every waiter. */
static void *see_level(void *unused)
{
	(void)unused;
	for (int round = 0; round < ROUNDS; round++) {
		struct epoll_event found;
		wait_semaphore(&go);
		CHECK_EQUAL(epoll_wait(set, &found, 1, LONG_MS), 1);
		CHECK_EQUAL(found.data.u64, 5);
		CHECK_EQUAL(sem_post(&arrived), 0);
	}
	return NULL;
}

/* Each change is told to one of them at least. */
static void *see_edge(void *unused)
{
	(void)unused;
	for (;;) {
		struct epoll_event found;
		int count = epoll_wait(set, &found, 1, LONG_MS);
		if (__atomic_load_n(&is_over, __ATOMIC_ACQUIRE))
			return NULL;
		CHECK_EQUAL(count, 1);
		CHECK_EQUAL(sem_post(&arrived), 0);
	}
}

/* Takes from the counter what it can get; the rest is for others. */
static void *take(void *argument)
{
	int *mine = argument;
	for (;;) {
		struct epoll_event found;
		uint64_t word;
		CHECK_EQUAL(epoll_wait(sets[mine - got], &found, 1, LONG_MS), 1);
		if (__atomic_load_n(&is_over, __ATOMIC_ACQUIRE))
			return NULL;
		if (read(counter, &word, sizeof word) == sizeof word) {
			++*mine;
			CHECK_EQUAL(sem_post(&arrived), 0);
		} else {
			CHECK_EQUAL(errno, EAGAIN);
		}
	}
}

static void start(pthread_t *threads, void *(*body)(void *))
{
	is_over = 0;
	CHECK_EQUAL(sem_init(&go, 0, 0) | sem_init(&arrived, 0, 0), 0);
	for (int i = 0; i < WAITERS; i++) {
		got[i] = 0;
		CHECK_EQUAL(pthread_create(&threads[i], NULL, body, &got[i]), 0);
	}
}

static void join(pthread_t *threads)
{
	for (int i = 0; i < WAITERS; i++)
		CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
}

int main(void)
{
	pthread_t threads[WAITERS];
	uint64_t word;
	counter = eventfd(0, EFD_NONBLOCK);
	CHECK(counter >= 0);
	set = make_set(counter, EPOLLIN);
	start(threads, see_level);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < WAITERS; i++)
			CHECK_EQUAL(sem_post(&go), 0);
		if (round % 4 == 0)
			usleep(2000);
		add(1);
		for (int i = 0; i < WAITERS; i++)
			wait_semaphore(&arrived);
		CHECK_EQUAL(read(counter, &word, sizeof word), sizeof word);
	}
	join(threads);
	CHECK_EQUAL(close(set), 0);

	set = make_set(counter, EPOLLIN | EPOLLET);
	start(threads, see_edge);
	for (int round = 0; round < ROUNDS; round++) {
		add(1);
		wait_semaphore(&arrived);
	}
	__atomic_store_n(&is_over, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < WAITERS; i++) {
		add(1);
		usleep(1000);
	}
	int last = make_set(counter, EPOLLIN);
	struct epoll_event event = { .events = EPOLLIN };
	CHECK_EQUAL(epoll_ctl(set, EPOLL_CTL_ADD, last, &event), 0);
	join(threads);
	CHECK_EQUAL(close(set) | close(last) | close(counter), 0);

	/* One counter in one set, then in as many sets as there are threads, once for all and once exclusively. */
	for (int way = 0; way < 4; way++) {
		counter = eventfd(0, EFD_NONBLOCK | EFD_SEMAPHORE);
		CHECK(counter >= 0);
		for (int i = 0; i < WAITERS; i++)
			sets[i] = way == 0 && i > 0 ? dup(sets[0]) :
				make_set(counter, EPOLLIN | (way == 2 ? EPOLLEXCLUSIVE : way == 3 ? EPOLLET | EPOLLEXCLUSIVE : 0));
		start(threads, take);
		for (int round = 0; round < ROUNDS; round++) {
			int tokens = way == 3 ? 1 : 1 + round % 3;
			add(tokens);
			for (int i = 0; i < tokens; i++)
				wait_semaphore(&arrived);
		}
		int all = 0;
		for (int i = 0; i < WAITERS; i++)
			all += got[i];
		CHECK_EQUAL(all, way == 3 ? ROUNDS : ROUNDS / 3 * 6 + 1 + 2);
		__atomic_store_n(&is_over, 1, __ATOMIC_RELEASE);
		int ready = eventfd(1, 0);
		for (int i = 0; i < (way == 0 ? 1 : WAITERS); i++) {
			struct epoll_event more = { .events = EPOLLIN };
			CHECK_EQUAL(epoll_ctl(sets[i], EPOLL_CTL_ADD, ready, &more), 0);
		}
		join(threads);
		for (int i = 0; i < WAITERS; i++)
			CHECK_EQUAL(close(sets[i]), 0);
		CHECK_EQUAL(close(counter) | close(ready), 0);
	}

	/* What could not be told is not lost. */
	counter = eventfd(1, EFD_NONBLOCK);
	set = make_set(counter, EPOLLIN | EPOLLET | EPOLLONESHOT);
	struct epoll_event found;
	char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(page != MAP_FAILED);
	CHECK_ERRNO(epoll_wait(set, (struct epoll_event *)page, 1, 0), EFAULT);
	CHECK_EQUAL(epoll_wait(set, &found, 1, 0), 1);
	CHECK_EQUAL(epoll_wait(set, &found, 1, 0), 0);
	/* Exclusive watching: what goes with it, and never a change. */
	int other = eventfd(0, 0);
	event.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT;
	CHECK_ERRNO(epoll_ctl(set, EPOLL_CTL_ADD, other, &event), EINVAL);
	event.events = EPOLLIN | EPOLLEXCLUSIVE;
	CHECK_EQUAL(epoll_ctl(set, EPOLL_CTL_ADD, other, &event), 0);
	CHECK_ERRNO(epoll_ctl(set, EPOLL_CTL_MOD, other, &event), EINVAL);
	event.events = EPOLLIN;
	CHECK_ERRNO(epoll_ctl(set, EPOLL_CTL_MOD, other, &event), EINVAL);
	int inner = epoll_create1(0);
	event.events = EPOLLIN | EPOLLEXCLUSIVE;
	CHECK_ERRNO(epoll_ctl(set, EPOLL_CTL_ADD, inner, &event), EINVAL);
	return 0;
}
