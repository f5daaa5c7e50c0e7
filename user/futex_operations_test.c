/* futex: waiters chosen by bits, moved without a comparison, and the operation on a second word with each of its forms. */
#include "check.h"
#include <linux/futex.h>

static uint32_t *word, *other, *woken;

static long futex(uint32_t *at, int operation, uint32_t value, long second, uint32_t *at2, uint32_t third)
{
	return syscall(SYS_futex, at, operation, value, second, at2, third);
}

/* A child that waits on a word, with its bits, and then says by its own bit that it was woken. Answers when it sleeps. */
static pid_t waiter(uint32_t *at, uint32_t bits, uint32_t mark)
{
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(futex(at, FUTEX_WAIT_BITSET, *at, 0, NULL, bits), 0);
		__atomic_fetch_or(woken, mark, __ATOMIC_SEQ_CST);
		_exit(0);
	}
	wait_asleep(child);
	return child;
}

static void check_bits(void)
{
	pid_t children[4];
	*woken = 0;
	for (int i = 0; i < 4; i++)
		children[i] = waiter(word, 1u << (i * 10), 1u << i);
	CHECK_EQUAL(futex(word, FUTEX_WAKE_BITSET, 10, 0, NULL, 2), 0);
	CHECK_EQUAL(futex(word, FUTEX_WAKE_BITSET, 10, 0, NULL, 1u << 10), 1);
	CHECK_EXITS(children[1], 0);
	CHECK_EQUAL(*woken, 2);
	CHECK_EQUAL(futex(word, FUTEX_WAKE_BITSET, 10, 0, NULL, 1u << 30 | 1u << 20 | 2), 2);
	CHECK_EXITS(children[2], 0);
	CHECK_EXITS(children[3], 0);
	CHECK_EQUAL(*woken, 2 | 4 | 8);
	/* A plain wake does not ask. */
	CHECK_EQUAL(futex(word, FUTEX_WAKE, 10, 0, NULL, 0), 1);
	CHECK_EXITS(children[0], 0);
	/* So many and no more, also among those that match. */
	for (int i = 0; i < 3; i++)
		children[i] = waiter(word, i == 1 ? 2 : 1, 1u << i);
	CHECK_EQUAL(futex(word, FUTEX_WAKE_BITSET, 1, 0, NULL, 1), 1);
	CHECK_EXITS(children[0], 0);
	CHECK_EQUAL(futex(word, FUTEX_WAKE_BITSET, 5, 0, NULL, FUTEX_BITSET_MATCH_ANY), 2);
	CHECK_EXITS(children[1], 0);
	CHECK_EXITS(children[2], 0);
}

/* Moved as they are: with their bits, in their order, whatever the word holds. */
static void check_requeue(void)
{
	pid_t children[4];
	*woken = 0;
	for (int i = 0; i < 4; i++)
		children[i] = waiter(word, 1u << i, 1u << i);
	*word = 12345;
	CHECK_EQUAL(futex(word, FUTEX_REQUEUE, 1, 2, other, 0), 3);
	CHECK_EXITS(children[0], 0);
	CHECK_EQUAL(*woken, 1);
	CHECK_EQUAL(futex(other, FUTEX_WAKE_BITSET, 10, 0, NULL, 1 | 8), 0);
	CHECK_EQUAL(futex(other, FUTEX_WAKE_BITSET, 10, 0, NULL, 4), 1);
	CHECK_EXITS(children[2], 0);
	CHECK_EQUAL(futex(other, FUTEX_WAKE, 10, 0, NULL, 0), 1);
	CHECK_EXITS(children[1], 0);
	CHECK_EQUAL(futex(word, FUTEX_WAKE, 10, 0, NULL, 0), 1);
	CHECK_EXITS(children[3], 0);
	CHECK_EQUAL(*woken, 15);
	/* Onto itself nothing is moved away. */
	children[0] = waiter(word, 1, 1);
	CHECK_ERRNO(futex(word, FUTEX_REQUEUE, -1, 2, other, 0), EINVAL);
	CHECK_ERRNO(futex(word, FUTEX_REQUEUE, 1, -1, other, 0), EINVAL);
	CHECK_EQUAL(futex(word, FUTEX_REQUEUE, 0, 5, other, 0), 1);
	CHECK_EQUAL(futex(word, FUTEX_WAKE, 10, 0, NULL, 0), 0);
	CHECK_EQUAL(futex(other, FUTEX_WAKE, 10, 0, NULL, 0), 1);
	CHECK_EXITS(children[0], 0);
	*word = 0;
}

/* The second word's new value for an operation; nobody waits. */
static uint32_t operated(uint32_t before, int operation, int argument)
{
	*other = before;
	CHECK_EQUAL(futex(word, FUTEX_WAKE_OP, 1, 1, other, FUTEX_OP((unsigned)operation, argument, FUTEX_OP_CMP_EQ, 0)), 0);
	return *other;
}

static void check_operation(void)
{
	CHECK_EQUAL(operated(7, FUTEX_OP_SET, 5), 5);
	CHECK_EQUAL(operated(7, FUTEX_OP_ADD, 5), 12);
	CHECK_EQUAL(operated(7, FUTEX_OP_OR, 8), 15);
	CHECK_EQUAL(operated(7, FUTEX_OP_ANDN, 2), 5);
	CHECK_EQUAL(operated(7, FUTEX_OP_XOR, 5), 2);
	/* Arguments have a sign, unless they say which bit it is. */
	CHECK_EQUAL(operated(7, FUTEX_OP_ADD, -1), 6);
	CHECK_EQUAL(operated(7, FUTEX_OP_SET, -1), 0xffffffffu);
	CHECK_EQUAL(operated(7, FUTEX_OP_OR | FUTEX_OP_OPARG_SHIFT, 31), 0x80000007u);
	CHECK_EQUAL(operated(7, FUTEX_OP_SET | FUTEX_OP_OPARG_SHIFT, 4), 16);
	CHECK_ERRNO(futex(word, FUTEX_WAKE_OP, 1, 1, other, FUTEX_OP(6, 0, FUTEX_OP_CMP_EQ, 0)), ENOSYS);
	CHECK_ERRNO(futex(word, FUTEX_WAKE_OP, 1, 1, other, FUTEX_OP(FUTEX_OP_SET, 0, 6, 0)), ENOSYS);
	CHECK_ERRNO(futex(word, FUTEX_WAKE_OP, 1, 1, (uint32_t *)8, FUTEX_OP(FUTEX_OP_SET, 0, FUTEX_OP_CMP_EQ, 0)), EFAULT);
	CHECK_ERRNO(futex(word, FUTEX_WAKE_OP, 1, 1, (uint32_t *)((char *)other + 2), FUTEX_OP(FUTEX_OP_SET, 0, FUTEX_OP_CMP_EQ, 0)), EINVAL);

	/* Each comparison of the old value: three with which it does not hold or does. */
	static const struct {
		int comparison, below, same, above;
	} rows[] = {
		{ FUTEX_OP_CMP_EQ, 0, 1, 0 }, { FUTEX_OP_CMP_NE, 1, 0, 1 }, { FUTEX_OP_CMP_LT, 1, 0, 0 },
		{ FUTEX_OP_CMP_LE, 1, 1, 0 }, { FUTEX_OP_CMP_GT, 0, 0, 1 }, { FUTEX_OP_CMP_GE, 0, 1, 1 },
	};
	enum { ROWS = sizeof rows / sizeof *rows };
	pid_t children[9], first = waiter(word, 1, 1);
	int woken_children = 0;
	*other = 0;
	for (int i = 0; i < 9; i++)
		children[i] = waiter(other, 1, 1);
	for (int i = 0; i < ROWS; i++) {
		const int olds[] = { -3, 5, 6 }, holds[] = { rows[i].below, rows[i].same, rows[i].above };
		for (int k = 0; k < 3; k++) {
			*other = (uint32_t)olds[k];
			int operation = (int)FUTEX_OP(FUTEX_OP_SET, 9, (unsigned)rows[i].comparison, 5);
			CHECK_EQUAL(futex(word, FUTEX_WAKE_OP, 0, 1, other, operation), holds[k] + (i == 0 && k == 0));
			CHECK_EQUAL(*other, 9);
			if (i == 0 && k == 0)
				CHECK_EXITS(first, 0);
			if (holds[k]) {
				CHECK(woken_children < 9);
				CHECK_EXITS(children[woken_children], 0);
				woken_children++;
			}
		}
	}
	CHECK_EQUAL(woken_children, 9);
	CHECK_EQUAL(futex(other, FUTEX_WAKE, 10, 0, NULL, 0), 0);
}

int main(void)
{
	word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(word != MAP_FAILED);
	other = word + 16, woken = word + 32;
	check_bits();
	check_requeue();
	check_operation();
	return 0;
}
