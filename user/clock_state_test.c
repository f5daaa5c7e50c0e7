/* adjtimex and clock_adjtime tell how the clock is kept, and change nothing for who may not; ioprio_get and ioprio_set keep what is
 * set, and children have it too. */
#include "check.h"
#include <sys/timex.h>

enum { WHO_PROCESS = 1, WHO_GROUP = 2, WHO_USER = 3, BEST_EFFORT = 2, IDLE = 3 };

static int priority(int class, int level)
{
	return class << 13 | level;
}

static void clocks(void)
{
	struct timex state = { .modes = 0 };
	int64_t before = time(NULL);
	int answer = adjtimex(&state);
	/* A container's filter may forbid even to ask. */
	if (answer < 0 && (errno == EPERM || errno == ENOSYS))
		return;
	CHECK(answer >= TIME_OK && answer <= TIME_ERROR);
	CHECK((answer == TIME_ERROR) == ((state.status & (STA_UNSYNC | STA_CLOCKERR)) != 0) || (state.status & (STA_PPSFREQ | STA_PPSTIME)));
	CHECK(state.time.tv_sec >= before && state.tick >= 9000 && state.tick <= 11000 && state.tolerance > 0 && state.precision > 0);
	int subseconds = state.status & STA_NANO ? 1000000000 : 1000000;
	CHECK(state.time.tv_usec >= 0 && state.time.tv_usec < subseconds);
	memset(&state, 0, sizeof state);
	answer = clock_adjtime(CLOCK_REALTIME, &state);
	if (answer >= 0 || (errno != EPERM && errno != ENOSYS)) {
		CHECK(answer >= TIME_OK && answer <= TIME_ERROR);
		CHECK_ERRNO(clock_adjtime(CLOCK_MONOTONIC, &state), EOPNOTSUPP);
		CHECK_ERRNO(clock_adjtime(77, &state), EINVAL);
	}
	CHECK_ERRNO(syscall(SYS_adjtimex, 8L), EFAULT);
	state.modes = ADJ_OFFSET_SS_READ;
	CHECK(adjtimex(&state) >= TIME_OK);
	state.modes = 0x8000;
	CHECK_ERRNO(adjtimex(&state), EINVAL);
	if (!has_capability(CAP_SYS_TIME)) {
		state.modes = ADJ_TICK;
		state.tick = 10000;
		CHECK_ERRNO(adjtimex(&state), EPERM);
		state.modes = ADJ_SETOFFSET;
		CHECK_ERRNO(adjtimex(&state), EPERM);
	}
}

static void disks(void)
{
	int before = (int)syscall(SYS_ioprio_get, WHO_PROCESS, 0);
	if (before < 0 && (errno == ENOSYS || errno == EPERM))
		return;
	CHECK(before >= 0);
	CHECK_EQUAL(syscall(SYS_ioprio_set, WHO_PROCESS, 0, priority(BEST_EFFORT, 6)), 0);
	CHECK_EQUAL(syscall(SYS_ioprio_get, WHO_PROCESS, 0), priority(BEST_EFFORT, 6));
	CHECK_EQUAL(syscall(SYS_ioprio_get, WHO_PROCESS, getpid()), priority(BEST_EFFORT, 6));
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(syscall(SYS_ioprio_get, WHO_PROCESS, 0), priority(BEST_EFFORT, 6));
		CHECK_EQUAL(syscall(SYS_ioprio_set, WHO_PROCESS, 0, priority(IDLE, 0)), 0);
		CHECK_EQUAL(syscall(SYS_ioprio_get, WHO_PROCESS, 0), priority(IDLE, 0));
		/* Of a group it is the best. */
		CHECK_EQUAL(setpgid(0, 0), 0);
		CHECK_EQUAL(syscall(SYS_ioprio_set, WHO_GROUP, 0, priority(BEST_EFFORT, 3)), 0);
		CHECK_EQUAL(syscall(SYS_ioprio_get, WHO_GROUP, 0), priority(BEST_EFFORT, 3));
		_exit(0);
	}
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(syscall(SYS_ioprio_get, WHO_PROCESS, 0), priority(BEST_EFFORT, 6));
	CHECK_ERRNO(syscall(SYS_ioprio_get, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_ioprio_get, WHO_USER + 1, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_ioprio_get, WHO_PROCESS, 0x3fffffff), ESRCH);
	CHECK_ERRNO(syscall(SYS_ioprio_set, WHO_PROCESS, 0, priority(0, 3)), EINVAL);
	CHECK_ERRNO(syscall(SYS_ioprio_set, WHO_PROCESS, 0, priority(6, 0)), EINVAL);
}

int main(void)
{
	clocks();
	disks();
	return 0;
}
