/* Delivery in detail: the order of pending signals, masks in handlers, SA_NODEFER, SA_RESETHAND, handlers on the alternate stack, nested and
 * disarmed, signals unblocked before a call returns, threads and processes as addressees, and waiting for signals. */
#include "check.h"
#include <pthread.h>
#include <ucontext.h>

static volatile int order[64], depth, deepest;
static volatile sig_atomic_t seen;
static char *stack;
static volatile int was_on_stack, stack_flags, reraise;

static void record(int number, siginfo_t *info, void *context)
{
	(void)context;
	order[seen++] = number * 1000 + (info->si_code == SI_QUEUE ? info->si_value.sival_int : 0);
}

static void set(int number, void (*handler)(int, siginfo_t *, void *), int flags, const sigset_t *mask)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags };
	if (mask)
		action.sa_mask = *mask;
	CHECK_EQUAL(sigaction(number, &action, NULL), 0);
}

static void mask(int how, int first, int second, int third)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, first);
	if (second)
		sigaddset(&set, second);
	if (third)
		sigaddset(&set, third);
	CHECK_EQUAL(sigprocmask(how, &set, NULL), 0);
}

static void in_order(void)
{
	sigset_t all;
	sigfillset(&all);
	int numbers[] = { SIGUSR1, SIGUSR2, SIGTERM, SIGRTMIN, SIGRTMIN + 3 };
	for (int index = 0; index < 5; index++)
		set(numbers[index], record, 0, &all);
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, &all, NULL), 0);
	for (int value = 0; value < 3; value++) {
		CHECK_EQUAL(sigqueue(getpid(), SIGRTMIN + 3, (union sigval){ .sival_int = value }), 0);
		CHECK_EQUAL(sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = value }), 0);
		CHECK_EQUAL(kill(getpid(), SIGTERM), 0);
		CHECK_EQUAL(kill(getpid(), SIGUSR2), 0);
	}
	CHECK_EQUAL(raise(SIGUSR1), 0);
	seen = 0;
	CHECK_EQUAL(sigprocmask(SIG_UNBLOCK, &all, NULL), 0);
	/* All of them before the call returned, each handler to its end, since each blocks everything: the thread's own first, then by
	 * number, real-time ones as often and in the order they were sent. */
	int expected[] = { SIGUSR1 * 1000, SIGUSR2 * 1000, SIGTERM * 1000, SIGRTMIN * 1000, SIGRTMIN * 1000 + 1, SIGRTMIN * 1000 + 2,
		(SIGRTMIN + 3) * 1000, (SIGRTMIN + 3) * 1000 + 1, (SIGRTMIN + 3) * 1000 + 2 };
	CHECK_EQUAL(seen, 9);
	for (int index = 0; index < 9; index++)
		CHECK_EQUAL(order[index], expected[index]);
}

static void nests(int number, siginfo_t *info, void *context)
{
	(void)info, (void)context;
	if (++depth > deepest)
		deepest = depth;
	if (reraise-- > 0)
		CHECK_EQUAL(raise(number), 0);
	depth--;
	seen++;
}

static void by_flags(void)
{
	/* The signal itself is blocked in its handler, unless SA_NODEFER. */
	set(SIGUSR1, nests, 0, NULL);
	seen = deepest = 0, reraise = 3;
	CHECK_EQUAL(raise(SIGUSR1), 0);
	CHECK_EQUAL(deepest, 1);
	CHECK_EQUAL(seen, 4);
	set(SIGUSR1, nests, SA_NODEFER, NULL);
	seen = deepest = 0, reraise = 3;
	CHECK_EQUAL(raise(SIGUSR1), 0);
	CHECK_EQUAL(deepest, 4);
	CHECK_EQUAL(seen, 4);
	/* One-shot: default when the handler begins, and the signal is still blocked in it. */
	set(SIGUSR1, record, SA_RESETHAND, NULL);
	seen = 0;
	CHECK_EQUAL(raise(SIGUSR1), 0);
	CHECK_EQUAL(seen, 1);
	struct sigaction now;
	CHECK_EQUAL(sigaction(SIGUSR1, NULL, &now), 0);
	CHECK(now.sa_handler == SIG_DFL);
	pid_t child = fork();
	if (child == 0) {
		raise(SIGUSR1);
		_exit(0);
	}
	CHECK_KILLED(child, SIGUSR1);
	/* Flags are told as they were set; those that nobody knows are not kept. */
	struct { void *handler; unsigned long flags; void *restorer; uint64_t mask; } raw = { (void *)record, 0x10000000 | 0x400 | 0x20000000000UL, NULL, 0 }, found;
	CHECK_EQUAL(syscall(SYS_rt_sigaction, SIGUSR2, &raw, NULL, 8), 0);
	CHECK_EQUAL(syscall(SYS_rt_sigaction, SIGUSR2, NULL, &found, 8), 0);
	CHECK_EQUAL(found.flags & 0x10000400, 0x10000000);
	CHECK_ERRNO(sigaction(SIGKILL, &now, NULL), EINVAL);
	CHECK_ERRNO(sigaction(SIGSTOP, &now, NULL), EINVAL);
	CHECK_ERRNO(sigaction(65, NULL, &now), EINVAL);
	CHECK(signal(SIGUSR2, SIG_DFL) != SIG_ERR);
}

static void on_stack(int number, siginfo_t *info, void *context)
{
	(void)info;
	char here;
	stack_t now;
	was_on_stack += &here >= stack && &here < stack + SIGSTKSZ * 4;
	CHECK_EQUAL(sigaltstack(NULL, &now), 0);
	stack_flags = now.ss_flags;
	/* The frame tells how it was. */
	CHECK(((ucontext_t *)context)->uc_stack.ss_sp == stack);
	if (!(now.ss_flags & SS_DISABLE))
		CHECK_ERRNO(sigaltstack(&now, NULL), EPERM);
	if (reraise-- > 0)
		CHECK_EQUAL(raise(number == SIGUSR1 ? SIGUSR2 : SIGUSR1), 0);
	seen++;
}

static void alternate(void)
{
	stack = malloc(SIGSTKSZ * 4);
	stack_t new = { .ss_sp = stack, .ss_size = SIGSTKSZ * 4 }, old;
	CHECK_EQUAL(sigaltstack(&new, NULL), 0);
	set(SIGUSR1, on_stack, SA_ONSTACK, NULL);
	set(SIGUSR2, on_stack, SA_ONSTACK, NULL);
	seen = was_on_stack = 0, reraise = 1;
	CHECK_EQUAL(raise(SIGUSR1), 0);
	CHECK_EQUAL(seen, 2);
	CHECK_EQUAL(was_on_stack, 2);
	CHECK_EQUAL(stack_flags, SS_ONSTACK);
	/* Disarmed while its handler runs, so that the handler may leave it and use another; armed again afterwards. */
	new.ss_flags = (int)(1u << 31);
	CHECK_EQUAL(sigaltstack(&new, NULL), 0);
	seen = was_on_stack = 0, reraise = 0;
	CHECK_EQUAL(raise(SIGUSR1), 0);
	CHECK_EQUAL(was_on_stack, 1);
	CHECK_EQUAL(stack_flags, SS_DISABLE);
	CHECK_EQUAL(sigaltstack(NULL, &old), 0);
	CHECK(old.ss_sp == stack && old.ss_size == (size_t)SIGSTKSZ * 4);
	CHECK_EQUAL(old.ss_flags, (int)(1u << 31));
	/* Without SA_ONSTACK it is not used. */
	set(SIGUSR1, on_stack, 0, NULL);
	seen = was_on_stack = 0;
	CHECK_EQUAL(raise(SIGUSR1), 0);
	CHECK_EQUAL(was_on_stack, 0);
	new = (stack_t){ .ss_sp = stack, .ss_size = 100 };
	CHECK_ERRNO(sigaltstack(&new, NULL), ENOMEM);
	new = (stack_t){ .ss_sp = stack, .ss_size = SIGSTKSZ * 4, .ss_flags = 4 };
	CHECK_ERRNO(sigaltstack(&new, NULL), EINVAL);
	new.ss_flags = SS_DISABLE;
	CHECK_EQUAL(sigaltstack(&new, NULL), 0);
	CHECK_EQUAL(sigaltstack(NULL, &old), 0);
	CHECK_EQUAL(old.ss_flags, SS_DISABLE);
	free(stack);
}

static volatile pid_t waiter, taker;
static volatile int stage;

static void takes(int number, siginfo_t *info, void *context)
{
	(void)number, (void)info, (void)context;
	taker = gettid();
	seen++;
}

static void *thread_main(void *unused)
{
	waiter = gettid();
	while (stage == 0)
		sleep_ms(1);
	return unused;
}

static void threads(void)
{
	/* What a process gets goes to a thread that does not block it; what a thread gets stays with it. */
	pthread_t thread;
	stage = 0, waiter = 0;
	set(SIGUSR1, takes, SA_RESTART, NULL);
	CHECK_EQUAL(pthread_create(&thread, NULL, thread_main, NULL), 0);
	while (!waiter)
		sleep_ms(1);
	mask(SIG_BLOCK, SIGUSR1, 0, 0);
	seen = 0;
	CHECK_EQUAL(kill(getpid(), SIGUSR1), 0);
	while (!seen)
		sleep_ms(1);
	CHECK_EQUAL(taker, waiter);
	CHECK_EQUAL(syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1), 0);
	sleep_ms(20);
	CHECK_EQUAL(seen, 1);
	mask(SIG_UNBLOCK, SIGUSR1, 0, 0);
	CHECK_EQUAL(seen, 2);
	CHECK_EQUAL(taker, gettid());
	CHECK_ERRNO(syscall(SYS_tgkill, getppid(), waiter, SIGUSR1), ESRCH);
	CHECK_ERRNO(syscall(SYS_tgkill, 0, waiter, SIGUSR1), EINVAL);
	stage = 1;
	CHECK_EQUAL(pthread_join(thread, NULL), 0);
}

static void waiting(void)
{
	sigset_t set;
	siginfo_t info;
	struct timespec none = { 0, 0 }, some = { 0, 30000000 };
	mask(SIG_BLOCK, SIGRTMIN, SIGRTMIN + 1, SIGUSR2);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN), sigaddset(&set, SIGRTMIN + 1), sigaddset(&set, SIGUSR2);
	CHECK_ERRNO(sigtimedwait(&set, &info, &none), EAGAIN);
	int64_t start = now_ns();
	CHECK_ERRNO(sigtimedwait(&set, &info, &some), EAGAIN);
	CHECK(now_ns() - start >= 30000000);
	for (int value = 0; value < 3; value++) {
		CHECK_EQUAL(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = value }), 0);
		CHECK_EQUAL(sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = value }), 0);
	}
	CHECK_EQUAL(raise(SIGUSR2), 0);
	CHECK_EQUAL(sigtimedwait(&set, &info, &none), SIGUSR2);
	for (int number = 0; number < 2; number++)
		for (int value = 0; value < 3; value++) {
			CHECK_EQUAL(sigwaitinfo(&set, &info), SIGRTMIN + number);
			CHECK_EQUAL(info.si_value.sival_int, value);
		}
	CHECK_ERRNO(sigtimedwait(&set, &info, &none), EAGAIN);
	/* A handler for another signal ends the wait, also with SA_RESTART. */
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	timer_t timer;
	struct itimerspec soon = { .it_value = { 0, 20000000 } };
	CHECK_EQUAL(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	CHECK_EQUAL(timer_settime(timer, 0, &soon, NULL), 0);
	CHECK_ERRNO(sigwaitinfo(&set, &info), EINTR);
	CHECK_EQUAL(timer_delete(timer), 0);
	/* sigsuspend: the handler runs under the other mask, which is gone when it returns. */
	sigset_t empty, now;
	sigemptyset(&empty);
	set.__val[0] = 0;
	seen = 0;
	mask(SIG_BLOCK, SIGUSR1, 0, 0);
	CHECK_EQUAL(raise(SIGUSR1), 0);
	CHECK_ERRNO(sigsuspend(&empty), EINTR);
	CHECK_EQUAL(seen, 1);
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, NULL, &now), 0);
	CHECK_EQUAL(sigismember(&now, SIGUSR1), 1);
	CHECK_ERRNO(syscall(SYS_rt_sigprocmask, 7, &now, NULL, 8), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &now, NULL, 4), EINVAL);
	CHECK_ERRNO(syscall(SYS_rt_sigtimedwait, &now, NULL, (void *)8, 8), EFAULT);
}

int main(void)
{
	in_order();
	by_flags();
	alternate();
	threads();
	waiting();
	return 0;
}
