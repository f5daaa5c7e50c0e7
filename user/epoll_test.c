/* epoll: level and edge triggers, one-shot, changes, removal by close, nesting, waiting across processes, errors. */
#include "check.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int set;

static int wait_for(int most, int timeout, struct epoll_event *found)
{
	return epoll_wait(set, found, most, timeout);
}

static void watch(int operation, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = { .events = events, .data.u64 = data };
	CHECK_EQUAL(epoll_ctl(set, operation, fd, &event), 0);
}

int main(void)
{
	struct epoll_event found[8], event = { .events = EPOLLIN };
	char bytes[16];
	uint64_t word = 1;
	int ends[2], ends2[2];
	CHECK_ERRNO(epoll_create(0), EINVAL);
	CHECK_ERRNO(epoll_create1(1), EINVAL);
	set = epoll_create1(EPOLL_CLOEXEC);
	CHECK(set >= 0);
	CHECK_EQUAL(pipe(ends) | pipe(ends2), 0);
	/* Errors. */
	const char *scratch = enter_scratch();
	int file = open("file", O_RDWR | O_CREAT, 0600);
	CHECK_ERRNO(epoll_ctl(set, EPOLL_CTL_ADD, file, &event), EPERM);
	CHECK_EQUAL(unlink("file"), 0);
	leave_scratch(scratch);
	CHECK_ERRNO(epoll_ctl(set, EPOLL_CTL_ADD, 999, &event), EBADF);
	CHECK_ERRNO(epoll_ctl(set, EPOLL_CTL_ADD, set, &event), EINVAL);
	CHECK_ERRNO(epoll_ctl(ends[0], EPOLL_CTL_ADD, ends[1], &event), EINVAL);
	CHECK_ERRNO(epoll_ctl(set, EPOLL_CTL_MOD, ends[0], &event), ENOENT);
	CHECK_ERRNO(epoll_ctl(set, EPOLL_CTL_DEL, ends[0], &event), ENOENT);
	CHECK_ERRNO(epoll_ctl(set, 9, ends[0], &event), EINVAL);
	CHECK_ERRNO(epoll_wait(set, found, 0, 0), EINVAL);
	CHECK_ERRNO(epoll_wait(ends[0], found, 1, 0), EINVAL);
	/* Level-triggered. */
	watch(EPOLL_CTL_ADD, ends[0], EPOLLIN, 7);
	CHECK_ERRNO(epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event), EEXIST);
	CHECK_EQUAL(wait_for(8, 0, found), 0);
	CHECK_EQUAL(wait_for(8, 20, found), 0);
	CHECK_EQUAL(write(ends[1], "ab", 2), 2);
	for (int i = 0; i < 2; i++) {
		CHECK_EQUAL(wait_for(8, -1, found), 1);
		CHECK_EQUAL(found[0].events, EPOLLIN);
		CHECK_EQUAL(found[0].data.u64, 7);
	}
	CHECK_EQUAL(read(ends[0], bytes, 16), 2);
	CHECK_EQUAL(wait_for(8, 0, found), 0);
	/* Edge-triggered. */
	watch(EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLET, 8);
	CHECK_EQUAL(write(ends[1], "a", 1), 1);
	CHECK_EQUAL(wait_for(8, -1, found), 1);
	CHECK_EQUAL(found[0].data.u64, 8);
	CHECK_EQUAL(wait_for(8, 0, found), 0);
	CHECK_EQUAL(read(ends[0], bytes, 16), 1);
	CHECK_EQUAL(write(ends[1], "b", 1), 1);
	CHECK_EQUAL(wait_for(8, 0, found), 1);
	/* Once. */
	watch(EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLONESHOT, 9);
	CHECK_EQUAL(wait_for(8, 0, found), 1);
	CHECK_EQUAL(wait_for(8, 0, found), 0);
	watch(EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLONESHOT, 10);
	CHECK_EQUAL(wait_for(8, 0, found), 1);
	CHECK_EQUAL(found[0].data.u64, 10);
	/* Several, taken in turns. */
	watch(EPOLL_CTL_MOD, ends[0], EPOLLIN, 1);
	watch(EPOLL_CTL_ADD, ends2[0], EPOLLIN, 2);
	watch(EPOLL_CTL_ADD, ends2[1], EPOLLOUT, 3);
	CHECK_EQUAL(write(ends2[1], "x", 1), 1);
	CHECK_EQUAL(wait_for(8, 0, found), 3);
	uint64_t sum = 0;
	for (int i = 0; i < 3; i++) {
		CHECK_EQUAL(wait_for(1, 0, found), 1);
		sum += found[0].data.u64;
	}
	CHECK_EQUAL(sum, 6);
	/* A closed file is watched no more; the other end's is told of a hang-up. */
	CHECK_EQUAL(close(ends2[1]), 0);
	CHECK_EQUAL(wait_for(8, 0, found), 2);
	CHECK_EQUAL(read(ends2[0], bytes, 16), 1);
	CHECK_EQUAL(read(ends[0], bytes, 16), 1);
	CHECK_EQUAL(wait_for(8, 0, found), 1);
	CHECK_EQUAL(found[0].events, EPOLLHUP);
	CHECK_EQUAL(close(ends2[0]), 0);
	CHECK_EQUAL(wait_for(8, 0, found), 0);
	/* An event counter, and a set within a set. */
	int counter = eventfd(0, EFD_NONBLOCK);
	CHECK(counter >= 0);
	int inner = set;
	set = epoll_create1(0);
	watch(EPOLL_CTL_ADD, inner, EPOLLIN, 4);
	event.events = EPOLLIN;
	CHECK_ERRNO(epoll_ctl(inner, EPOLL_CTL_ADD, set, &event), ELOOP);
	event.data.u64 = 5;
	CHECK_EQUAL(epoll_ctl(inner, EPOLL_CTL_ADD, counter, &event), 0);
	CHECK_EQUAL(wait_for(8, 0, found), 0);
	CHECK_EQUAL(write(counter, &word, 8), 8);
	CHECK_EQUAL(wait_for(8, -1, found), 1);
	CHECK_EQUAL(found[0].data.u64, 4);
	CHECK_EQUAL(epoll_wait(inner, found, 8, 0), 1);
	CHECK_EQUAL(found[0].data.u64, 5);
	CHECK_EQUAL(read(counter, &word, 8), 8);
	CHECK_EQUAL(word, 1);
	CHECK_ERRNO(read(counter, &word, 8), EAGAIN);
	CHECK_EQUAL(wait_for(8, 0, found), 0);
	/* Woken from another process, many times. */
	set = inner;
	pid_t child = fork();
	if (child == 0) {
		for (int i = 0; i < 200; i++)
			CHECK_EQUAL(write(ends[1], "0123456789abcdef", i % 16 + 1), i % 16 + 1);
		exit(0);
	}
	int total = 0, expected = 0;
	for (int i = 0; i < 200; i++)
		expected += i % 16 + 1;
	while (total < expected) {
		CHECK_EQUAL(wait_for(8, 5000, found), 1);
		ssize_t got = read(ends[0], bytes, sizeof bytes);
		CHECK(got > 0);
		total += got;
	}
	CHECK_EXITS(child, 0);
	/* Interrupted. */
	child = fork();
	if (child == 0) {
		alarm(1);
		wait_for(8, -1, found);
		exit(1);
	}
	CHECK_KILLED(child, SIGALRM);
	return 0;
}
