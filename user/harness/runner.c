/* Runs many tests in one machine: `runner SECONDS DIRECTORY TEST...`. A TEST is a program's name, or, in one argument, the test's name and
 * the words of a command, whose program is looked for in the directory and then by PATH. The host reads the verdicts from stdout, one line a test:
 * "result NAME WAIT_STATUS MILLISECONDS" (WAIT_STATUS "timeout" if it had to be killed), and "done COUNT" at the end.
 * What tests print goes to stderr after a line "== NAME", so that it reaches the host even if the kernel dies in the middle.
 *
 * Each test starts in the same surroundings, whoever started the runner: signals, mask, umask, limits, descriptors, variables, directory.
 * What needs a right that is not there stays as it was: a lower hard limit, a nice value.
 *
 * It asks little of the kernel on purpose: fork, execve, waitpid without waiting, nanosleep, kill, write. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Much what Linux gives its first process; where the hard limit is lower and we may raise it, it is raised, else the soft one stays below.
 * Infinity stands for the hard limit, which may count other programs' shares too. */
static const struct {
	int resource;
	rlim_t soft;
} limits[] = {
	{ RLIMIT_CORE, 0 },          { RLIMIT_NOFILE, 1024 },         { RLIMIT_STACK, 8 << 20 },
	{ RLIMIT_MEMLOCK, 8 << 20 }, { RLIMIT_MSGQUEUE, 819200 },      { RLIMIT_SIGPENDING, RLIM_INFINITY },
	{ RLIMIT_NPROC, RLIM_INFINITY }, { RLIMIT_CPU, RLIM_INFINITY }, { RLIMIT_FSIZE, RLIM_INFINITY },
	{ RLIMIT_AS, RLIM_INFINITY }, { RLIMIT_DATA, RLIM_INFINITY }, { RLIMIT_LOCKS, RLIM_INFINITY },
};

static void set_limits(void)
{
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		struct rlimit limit, higher;
		if (getrlimit(limits[i].resource, &limit) != 0)
			continue;
		limit.rlim_cur = limits[i].soft;
		higher = limit;
		if (limits[i].soft == RLIM_INFINITY)
			limit.rlim_cur = limit.rlim_max;
		else if (higher.rlim_max < limit.rlim_cur) {
			higher.rlim_max = limit.rlim_cur;
			if (setrlimit(limits[i].resource, &higher) == 0)
				continue;
			limit.rlim_cur = limit.rlim_max;
		}
		setrlimit(limits[i].resource, &limit);
	}
}

/* The variables that tests may know, and no others. */
static void set_variables(void)
{
	static const char *const kept[] = { "PATH", "SUITE_ROOT", "SUITE_DIR", "SUITE_TCP_SERVER" };
	enum { KEPT = sizeof kept / sizeof kept[0] };
	char *values[KEPT];
	for (int i = 0; i < KEPT; i++) {
		const char *value = getenv(kept[i]);
		values[i] = value ? strdup(value) : NULL;
	}
	clearenv();
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("LC_ALL", "C", 1);
	setenv("HOME", "/", 1);
	for (int i = 0; i < KEPT; i++)
		if (values[i])
			setenv(kept[i], values[i], 1);
}

/* Standard streams that are open, and nothing else: input is empty, and what is closed of the others goes nowhere. */
static void set_descriptors(void)
{
	int null;
	do
		null = open("/dev/null", O_RDWR);
	while (null >= 0 && null < 3);
	if (null > 2)
		dup2(null, 0);
	if (syscall(SYS_close_range, 3U, ~0U, 0) != 0)
		for (int fd = 3; fd < 65536; fd++)
			close(fd);
}

static void define_surroundings(void)
{
	set_descriptors();
	alarm(0);
	sigset_t none;
	sigemptyset(&none);
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	umask(022);
	set_limits();
	set_variables();
	personality(PER_LINUX);
	setpriority(PRIO_PROCESS, 0, 0);
	if (chdir("/") != 0)
		dprintf(2, "cannot go to /: errno %d\n", errno);
}

enum { MOST_WORDS = 32 };

static void run(const char *directory, char *test, long limit_ms)
{
	char path[512], *name = strtok(test, " "), *words[MOST_WORDS + 1] = { strtok(NULL, " ") };
	const char *program = words[0] ? words[0] : name;
	for (int i = 0; words[i] && i + 1 < MOST_WORDS; i++)
		words[i + 1] = strtok(NULL, " ");
	snprintf(path, sizeof path, "%s/%s", directory, program);
	if (!words[0] || access(path, X_OK) == 0)
		words[0] = path;
	dprintf(2, "== %s\n", name);
	long start = now_ms();
	pid_t child = fork();
	if (child == 0) {
		setpgid(0, 0);
		execvp(words[0], words);
		dprintf(2, "cannot execute %s: errno %d\n", words[0], errno);
		_exit(125);
	}
	if (child < 0) {
		dprintf(2, "cannot fork: errno %d\n", errno);
		dprintf(1, "result %s nofork 0\n", name);
		return;
	}
	/* Short naps first: most tests take a few milliseconds. */
	long nap_us = 500;
	int status = 0;
	for (;;) {
		pid_t done = waitpid(child, &status, WNOHANG);
		if (done == child) {
			dprintf(1, "result %s %d %ld\n", name, status, now_ms() - start);
			break;
		}
		if (now_ms() - start > limit_ms) {
			kill(-child, SIGKILL);
			kill(child, SIGKILL);
			dprintf(1, "result %s timeout %ld\n", name, now_ms() - start);
			break;
		}
		struct timespec nap = { 0, nap_us * 1000 };
		nanosleep(&nap, NULL);
		if (nap_us < 20000)
			nap_us *= 2;
	}
	/* What the test left running must not disturb the next. */
	kill(-child, SIGKILL);
	while (waitpid(-1, &status, WNOHANG) > 0)
		;
}

int main(int count, char **arguments)
{
	if (count < 3) {
		dprintf(2, "usage: runner SECONDS DIRECTORY TEST...\n");
		return 2;
	}
	long limit_ms = strtol(arguments[1], NULL, 10) * 1000;
	const char *directory = realpath(arguments[2], NULL);
	if (!directory) {
		dprintf(2, "no directory %s\n", arguments[2]);
		return 2;
	}
	define_surroundings();
	for (int i = 3; i < count; i++)
		run(directory, arguments[i], limit_ms);
	dprintf(1, "done %d\n", count - 3);
	return 0;
}
