/* The waits that take a signal mask (ppoll, pselect6, epoll_pwait, epoll_pwait2): the mask holds exactly as long as the call waits. A signal that
 * only it lets in ends the wait, its handler runs with it, and the program's own mask is back afterwards; one that only it keeps out waits
 * for the end of the call; whatever is ready goes before a signal. However close a signal comes before the call, it is not lost. */
#include "check.h"
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <ucontext.h>

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

enum { PPOLL, PSELECT, EPOLL, EPOLL2, WAITS };
enum { FOR_EVER = -1 };

static int ends[2], poller;
static volatile int handled;
static volatile uint64_t mask_inside, mask_saved;

static uint64_t bit(int number) { return 1ull << (number - 1); }

static uint64_t own_mask(void)
{
	uint64_t mask;
	CHECK_EQUAL(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, 8), 0);
	return mask;
}

static void set_mask(uint64_t mask) { CHECK_EQUAL(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8), 0); }

static int is_pending(int number)
{
	uint64_t set;
	CHECK_EQUAL(syscall(SYS_rt_sigpending, &set, 8), 0);
	return (set & bit(number)) != 0;
}

static void handler(int number, siginfo_t *info, void *context)
{
	(void)number, (void)info;
	handled++;
	mask_inside = own_mask();
	memcpy((void *)&mask_saved, &((ucontext_t *)context)->uc_sigmask, 8);
}

/* Waits for the pipe to have something to read. The calls themselves, as the C library has no way to say a wrong size. */
static long wait_with(int which, const void *mask, size_t bytes, long seconds)
{
	struct timespec time = { seconds, 0 }, *limit = seconds == FOR_EVER ? NULL : &time;
	struct pollfd watched = { ends[0], POLLIN, 0 };
	struct epoll_event event;
	struct {
		const void *mask;
		size_t bytes;
	} sixth = { mask, bytes };
	fd_set set;
	FD_ZERO(&set);
	FD_SET(ends[0], &set);
	switch (which) {
	case PPOLL:
		return syscall(SYS_ppoll, &watched, 1, limit, mask, bytes);
	case PSELECT:
		return syscall(SYS_pselect6, ends[0] + 1, &set, NULL, NULL, limit, &sixth);
	case EPOLL:
		return syscall(SYS_epoll_pwait, poller, &event, 1, seconds == FOR_EVER ? -1 : (int)seconds * 1000, mask, bytes);
	default:
		return syscall(SYS_epoll_pwait2, poller, &event, 1, limit, mask, bytes);
	}
}

static void fill(void) { CHECK_EQUAL(write(ends[1], "x", 1), 1); }

static void drain(void)
{
	char byte;
	CHECK_EQUAL(read(ends[0], &byte, 1), 1);
}

/* A signal that is blocked and pending, and only the mask of the wait lets it in. */
static void check_let_in(int which, long seconds)
{
	uint64_t own = bit(SIGUSR1) | bit(SIGHUP), during = bit(SIGUSR2);
	set_mask(own);
	handled = 0;
	CHECK_EQUAL(raise(SIGUSR1), 0);
	CHECK(is_pending(SIGUSR1) && !handled);
	CHECK_ERRNO(wait_with(which, &during, 8, seconds), EINTR);
	CHECK_EQUAL(handled, 1);
	CHECK(!is_pending(SIGUSR1));
	CHECK_EQUAL(own_mask(), own);
	/* The handler runs below the mask of the wait, its own signal and those of its action; what comes back is the program's mask. */
	CHECK_EQUAL(mask_inside, during | bit(SIGUSR1) | bit(SIGTERM));
	CHECK_EQUAL(mask_saved, own);
}

/* Several at once: the handler of each runs, whatever the other's blocks, before the call is over. */
static void check_two(int which)
{
	uint64_t own = bit(SIGUSR1) | bit(SIGUSR2), during = 0;
	set_mask(own);
	handled = 0;
	CHECK_EQUAL(raise(SIGUSR1) | raise(SIGUSR2), 0);
	CHECK_ERRNO(wait_with(which, &during, 8, FOR_EVER), EINTR);
	CHECK_EQUAL(handled, 2);
	CHECK_EQUAL(own_mask(), own);
}

/* What is ready goes first: the signal stays pending, though the mask would let it in. */
static void check_ready(int which)
{
	uint64_t own = bit(SIGUSR1), during = 0;
	set_mask(own);
	handled = 0;
	fill();
	CHECK_EQUAL(raise(SIGUSR1), 0);
	CHECK_EQUAL(wait_with(which, &during, 8, FOR_EVER), 1);
	CHECK_EQUAL(own_mask(), own);
	CHECK(is_pending(SIGUSR1) && !handled);
	drain();
	/* With no time to wait, ppoll and pselect let it in nevertheless, and epoll does not look. */
	if (which == PPOLL || which == PSELECT) {
		CHECK_ERRNO(wait_with(which, &during, 8, 0), EINTR);
		CHECK_EQUAL(handled, 1);
	} else {
		CHECK_EQUAL(wait_with(which, &during, 8, 0), 0);
		CHECK(is_pending(SIGUSR1) && !handled);
	}
	CHECK_EQUAL(own_mask(), own);
	set_mask(0);
	CHECK_EQUAL(handled, 1);
}

/* The mask of the wait keeps a signal out that the program's lets in: the wait goes on until something is ready. */
static void check_kept_out(int which)
{
	uint64_t during = bit(SIGUSR1);
	set_mask(0);
	handled = 0;
	pid_t parent = getpid(), child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		wait_asleep(parent);
		CHECK_EQUAL(kill(parent, SIGUSR1), 0);
		sleep_ms(5);
		fill();
		_exit(0);
	}
	CHECK_EQUAL(wait_with(which, &during, 8, FOR_EVER), 1);
	CHECK_EQUAL(handled, 1);
	CHECK_EQUAL(own_mask(), 0);
	/* It came when the mask was the program's own again. */
	CHECK_EQUAL(mask_inside, bit(SIGUSR1) | bit(SIGTERM));
	drain();
	CHECK_EXITS(child, 0);
}

static void check_errors(int which)
{
	uint64_t own = bit(SIGHUP), during = ~0ull;
	set_mask(own);
	CHECK_ERRNO(wait_with(which, &during, 4, 0), EINVAL);
	CHECK_ERRNO(wait_with(which, &during, 0, 0), EINVAL);
	CHECK_ERRNO(wait_with(which, &during, 128, 0), EINVAL);
	CHECK_ERRNO(wait_with(which, (void *)8, 8, 0), EFAULT);
	CHECK_EQUAL(own_mask(), own);
	/* No mask: its size does not matter. */
	CHECK_EQUAL(wait_with(which, NULL, 3, 0), 0);
	/* All signals: those that nobody can block stay as they are, and the rest is as it was. */
	fill();
	CHECK_EQUAL(wait_with(which, &during, 8, 100), 1);
	CHECK_EQUAL(own_mask(), own);
	drain();
	set_mask(0);
}

/* A child sends a signal at any moment around the beginning of the wait; nothing else would end it. */
static void check_race(int which, int rounds, volatile int *about_to_wait)
{
	uint64_t own = bit(SIGUSR1), during = 0, random = 0x5eed + which;
	set_mask(own);
	handled = 0;
	*about_to_wait = 0;
	pid_t parent = getpid(), child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		for (int round = 1; round <= rounds; round++) {
			while (__atomic_load_n(about_to_wait, __ATOMIC_SEQ_CST) < round)
				sched_yield();
			for (volatile uint64_t spin = next_random(&random) % 1024; spin > 0; spin--)
				;
			CHECK_EQUAL(kill(parent, SIGUSR1), 0);
		}
		_exit(0);
	}
	for (int round = 1; round <= rounds; round++) {
		__atomic_store_n(about_to_wait, round, __ATOMIC_SEQ_CST);
		CHECK_ERRNO(wait_with(which, &during, 8, FOR_EVER), EINTR);
		CHECK_EQUAL(handled, round);
	}
	CHECK_EQUAL(own_mask(), own);
	CHECK_EXITS(child, 0);
}

int main(int count, char **arguments)
{
	int rounds = count > 1 ? atoi(arguments[1]) : 100;
	volatile int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART };
	sigaddset(&action.sa_mask, SIGTERM);
	CHECK_EQUAL(sigaction(SIGUSR1, &action, NULL) | sigaction(SIGUSR2, &action, NULL), 0);
	CHECK_EQUAL(pipe(ends), 0);
	poller = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN };
	CHECK(poller >= 0 && epoll_ctl(poller, EPOLL_CTL_ADD, ends[0], &event) == 0);
	for (int which = 0; which < WAITS; which++) {
		/* Linux has epoll_pwait2 since 5.11. */
		if (which == EPOLL2 && wait_with(which, NULL, 8, 0) < 0 && errno == ENOSYS)
			break;
		check_let_in(which, FOR_EVER);
		check_let_in(which, 100);
		check_two(which);
		check_ready(which);
		check_kept_out(which);
		check_errors(which);
		check_race(which, rounds, shared);
	}
	return 0;
}
