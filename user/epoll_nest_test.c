/* epoll: how deeply sets may watch sets, whichever end is built first; cycles; adding and removing a ready file for ever;
 * files that are closed while watched. */
#include "check.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

#define ROUNDS 20000
#define LEVELS 100

static int add(int outer, int inner)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = inner };
	return epoll_ctl(outer, EPOLL_CTL_ADD, inner, &event);
}

static int new_set(void)
{
	int set = epoll_create1(0);
	CHECK(set >= 0);
	return set;
}

static void set_counter(int counter)
{
	uint64_t word = 1;
	CHECK_EQUAL(write(counter, &word, sizeof word), sizeof word);
}

static int found_in(int set)
{
	struct epoll_event found[8];
	return epoll_wait(set, found, 8, 0);
}

/* Five sets in a row, linked in the order that `is_from_top` says: an event at the bottom reaches the top. */
static void check_five(int is_from_top)
{
	int sets[5], counter = eventfd(0, 0);
	for (int i = 0; i < 5; i++)
		sets[i] = new_set();
	for (int i = 0; i < 4; i++) {
		int upper = is_from_top ? i : 3 - i;
		CHECK_EQUAL(add(sets[upper], sets[upper + 1]), 0);
	}
	CHECK_EQUAL(add(sets[4], counter), 0);
	CHECK_EQUAL(found_in(sets[0]), 0);
	set_counter(counter);
	for (int i = 0; i < 5; i++)
		CHECK_EQUAL(found_in(sets[i]), 1);
	/* A ring of any length is refused; a link that was taken away does not count. */
	for (int i = 1; i < 5; i++)
		CHECK_ERRNO(add(sets[i], sets[0]), ELOOP);
	CHECK_EQUAL(epoll_ctl(sets[2], EPOLL_CTL_DEL, sets[3], NULL), 0);
	CHECK_EQUAL(found_in(sets[0]), 0);
	CHECK_EQUAL(add(sets[3], sets[0]), 0);
	CHECK_ERRNO(add(sets[2], sets[3]), ELOOP);
	for (int i = 0; i < 5; i++)
		close(sets[i]);
	close(counter);
}

/* Built from the bottom, a tower of sets is refused before long. */
static void check_tower(void)
{
	int sets[LEVELS], count = 1;
	sets[0] = new_set();
	while (count < LEVELS) {
		sets[count] = new_set();
		count++;
		if (add(sets[count - 1], sets[count - 2]) != 0) {
			CHECK_EQUAL(errno, ELOOP);
			break;
		}
	}
	CHECK(count > 5 && count < 10);
	while (count > 0)
		close(sets[--count]);
}

/* Built from the top, either the links or the file at the bottom are refused; an event there does no harm. */
static void check_well(void)
{
	int sets[LEVELS], counter = eventfd(0, 0), is_refused = 0;
	for (int i = 0; i < LEVELS; i++) {
		sets[i] = new_set();
		if (i > 0 && add(sets[i - 1], sets[i]) != 0) {
			CHECK_EQUAL(errno, ELOOP);
			is_refused = 1;
			CHECK(i > 4);
		}
	}
	for (int i = 0; i < LEVELS; i++) {
		if (add(sets[i], counter) != 0) {
			CHECK(errno == EINVAL || errno == ELOOP);
			is_refused = 1;
		}
	}
	CHECK(is_refused);
	set_counter(counter);
	CHECK(found_in(sets[0]) >= 1);
	for (int i = 0; i < LEVELS; i++)
		close(sets[i]);
	close(counter);
}

int main(void)
{
	check_five(1);
	check_five(0);
	check_tower();
	check_well();
	/* A ready file added and removed leaves nothing behind. */
	int set = new_set(), counter = eventfd(1, 0);
	for (int i = 0; i < ROUNDS; i++) {
		CHECK_EQUAL(add(set, counter), 0);
		CHECK_EQUAL(epoll_ctl(set, EPOLL_CTL_DEL, counter, NULL), 0);
	}
	CHECK_EQUAL(found_in(set), 0);
	CHECK_EQUAL(add(set, counter), 0);
	CHECK_EQUAL(found_in(set), 1);
	/* Nor do watched files that are closed, ready or not. */
	for (int i = 0; i < ROUNDS; i++) {
		int closed = eventfd(i % 2, 0);
		CHECK_EQUAL(add(set, closed), 0);
		CHECK_EQUAL(close(closed), 0);
	}
	CHECK_EQUAL(found_in(set), 1);
	/* Nor sets that watched one that stays. */
	for (int i = 0; i < ROUNDS / 10; i++) {
		int outer = new_set();
		CHECK_EQUAL(add(outer, set), 0);
		CHECK_EQUAL(found_in(outer), 1);
		CHECK_EQUAL(close(outer), 0);
	}
	CHECK_EQUAL(found_in(set), 1);
	return 0;
}
