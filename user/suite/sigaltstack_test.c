/* sigaltstack: handlers run there with SA_ONSTACK, also for a stack overflow; the rules of changing it. */
#include "../check.h"
#include <setjmp.h>

static char stack[65536] __attribute__((aligned(16)));
static sigjmp_buf back;
static volatile int was_inside;

static void handler(int number)
{
	char here;
	stack_t now, other = { .ss_sp = stack, .ss_size = sizeof stack };
	(void)number;
	was_inside = &here >= stack && &here < stack + sizeof stack;
	CHECK_EQUAL(sigaltstack(NULL, &now), 0);
	CHECK(now.ss_flags & SS_ONSTACK);
	CHECK_ERRNO(sigaltstack(&other, NULL), EPERM);
	siglongjmp(back, 1);
}

static int overflow(volatile char *before)
{
	volatile char room[1024];
	room[0] = before ? before[0] : 0;
	return overflow(room) + room[1];
}

int main(void)
{
	stack_t wanted = { .ss_sp = stack, .ss_size = sizeof stack }, found;
	CHECK_EQUAL(sigaltstack(&wanted, NULL), 0);
	CHECK_EQUAL(sigaltstack(NULL, &found), 0);
	CHECK(found.ss_sp == stack && found.ss_size == sizeof stack && found.ss_flags == 0);
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_ONSTACK | SA_NODEFER };
	CHECK_EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
	CHECK_EQUAL(sigaction(SIGSEGV, &action, NULL), 0);
	if (sigsetjmp(back, 1) == 0)
		raise(SIGUSR1);
	CHECK_EQUAL(was_inside, 1);
	was_inside = 0;
	if (sigsetjmp(back, 1) == 0)
		overflow(NULL);
	CHECK_EQUAL(was_inside, 1);
	stack_t small = { .ss_sp = stack, .ss_size = 100 };
	CHECK_ERRNO(sigaltstack(&small, NULL), ENOMEM);
	stack_t off = { .ss_flags = SS_DISABLE };
	CHECK_EQUAL(sigaltstack(&off, NULL), 0);
	CHECK_EQUAL(sigaltstack(NULL, &found), 0);
	CHECK_EQUAL(found.ss_flags, SS_DISABLE);
	return 0;
}
