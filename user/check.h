/* What every behaviour test shares: a check that says what was expected, where, and ends the program.
 *
 * A test is one C file that exits with 0 when Linux's behaviour was seen and with 1 at the first
 * difference. The same binary runs on Linux and on Ochre; nothing here may know which of them it is. */
#ifndef CHECK_H
#define CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Ends the test unless `condition` holds, saying where, what and errno. */
#define CHECK(condition)                                                                          \
	do {                                                                                      \
		if (!(condition)) {                                                               \
			fprintf(stderr, "%s:%d: expected %s (errno %d: %s)\n", __FILE__, __LINE__, #condition, \
				errno, strerror(errno));                                          \
			exit(1);                                                                  \
		}                                                                                 \
	} while (0)

/* Ends the test unless two integers are equal, showing both. */
#define CHECK_EQUAL(found, expected)                                                              \
	do {                                                                                      \
		long long found_ = (long long)(found), expected_ = (long long)(expected);         \
		if (found_ != expected_) {                                                        \
			fprintf(stderr, "%s:%d: %s is %lld (0x%llx), expected %lld (0x%llx)\n", __FILE__, \
				__LINE__, #found, found_, found_, expected_, expected_);          \
			exit(1);                                                                  \
		}                                                                                 \
	} while (0)

/* Ends the test unless the call fails with exactly this errno. */
#define CHECK_ERRNO(call, expected)                                                               \
	do {                                                                                      \
		errno = 0;                                                                        \
		long long answer_ = (long long)(call);                                            \
		if (answer_ != -1 || errno != (expected)) {                                       \
			fprintf(stderr, "%s:%d: %s answered %lld with errno %d (%s), expected -1 with %d (%s)\n", \
				__FILE__, __LINE__, #call, answer_, errno, strerror(errno), (expected), \
				strerror(expected));                                              \
			exit(1);                                                                  \
		}                                                                                 \
	} while (0)

/* Waits for `pid` and answers its wait status. */
static inline int wait_status(pid_t pid)
{
	int status = -1;
	pid_t found;
	do
		found = waitpid(pid, &status, 0);
	while (found < 0 && errno == EINTR);
	CHECK_EQUAL(found, pid);
	return status;
}

/* Waits for `pid` and requires that it exited with `code`. */
#define CHECK_EXITS(pid, code)                                                                    \
	do {                                                                                      \
		int status_ = wait_status(pid);                                                   \
		CHECK(WIFEXITED(status_));                                                        \
		CHECK_EQUAL(WEXITSTATUS(status_), (code));                                        \
	} while (0)

/* Waits for `pid` and requires that signal `number` ended it. */
#define CHECK_KILLED(pid, number)                                                                 \
	do {                                                                                      \
		int status_ = wait_status(pid);                                                   \
		CHECK(WIFSIGNALED(status_));                                                      \
		CHECK_EQUAL(WTERMSIG(status_), (number));                                         \
	} while (0)

/* Nanoseconds of the monotonic clock. */
static inline int64_t now_ns(void)
{
	struct timespec now;
	CHECK_EQUAL(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Sleeps, however often it is interrupted. */
static inline void sleep_ms(int ms)
{
	struct timespec left = { ms / 1000, (ms % 1000) * 1000000L };
	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

/* Waits until a process sleeps, in a call that waits, as it says before it makes it; it may sleep shortly before that for memory. */
static inline void wait_asleep(pid_t pid)
{
	char path[32], text[256];
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	for (int asleep = 0; asleep < 5; asleep++) {
		int file = open(path, O_RDONLY);
		CHECK(file >= 0);
		ssize_t length = read(file, text, sizeof text - 1);
		CHECK(length > 0 && close(file) == 0);
		text[length] = 0;
		char *after_name = strrchr(text, ')');
		CHECK(after_name != NULL);
		if (after_name[2] != 'S')
			asleep = -1;
		sleep_ms(2);
	}
}

/* Whether this thread has a capability: a superuser in a container may lack any of them. */
static inline int has_capability(int number)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	CHECK_EQUAL(syscall(SYS_capget, &header, data), 0);
	return data[number / 32].effective >> number % 32 & 1;
}

/* Whether we are the superuser with the rights that containers, too, usually leave it: other users' files and identities. */
static inline int is_superuser(void)
{
	static const int usual[] = { CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_KILL, CAP_SETGID, CAP_SETUID };
	if (geteuid() != 0 || getuid() != 0)
		return 0;
	for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
		if (!has_capability(usual[i]))
			return 0;
	return 1;
}

/* Runs `test` in a process of its own, which it may leave in any state; it must end well. */
static inline void in_child(void (*test)(void))
{
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		test();
		_exit(0);
	}
	CHECK_EXITS(child, 0);
}

/* A repeatable pseudo-random sequence (xorshift), the same on every machine. */
static inline uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Makes a directory of our own, that others may look into, and goes there: other runs on the same system, or what a run that was killed
 * left behind, do not matter. `SUITE_DIR` says where (else /tmp). */
static inline const char *enter_scratch(void)
{
	static char path[512];
	const char *where = getenv("SUITE_DIR");
	snprintf(path, sizeof path, "%s/test_XXXXXX", where ? where : "/tmp");
	CHECK(mkdtemp(path) != NULL);
	CHECK_EQUAL(chmod(path, 0755) | chdir(path), 0);
	/* Without the links on the way. */
	return getcwd(path, sizeof path);
}

/* Removes the (by now empty) directory that `enter_scratch` made. */
static inline void leave_scratch(const char *path)
{
	CHECK_EQUAL(chdir("/"), 0);
	CHECK_EQUAL(rmdir(path), 0);
}

#endif
