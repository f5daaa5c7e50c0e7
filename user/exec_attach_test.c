/* Tracing and programs that get rights by exec: nobody of fewer rights starts to trace between exec's question whether it is traced
 * and the new program, reads the new program's memory on an answer about the old one, or keeps a way into it that was opened before.
 * Only a superuser can make such programs; others check that a file of memory does not reach the next program. */
#include "check.h"
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

enum { ROUNDS = 150, USER = 1000, OLD = 1, NEW = 0x5ec7e7 };

/* What the new program exits with. */
enum { RAISED = 10, NOT_RAISED = 11, RAISED_AND_TRACED = 12 };

/* NEW in every program that begins, OLD in those that are about to begin another. */
static volatile long mark = NEW;

static int is_traced(void)
{
	char text[4096];
	int file = open("/proc/self/status", O_RDONLY);
	CHECK(file >= 0);
	ssize_t length = read(file, text, sizeof text - 1);
	CHECK(length > 0 && close(file) == 0);
	text[length] = 0;
	char *line = strstr(text, "TracerPid:");
	CHECK(line != NULL);
	return atoi(line + strlen("TracerPid:")) != 0;
}

static int new_program(char **arguments)
{
	/* Where the starter waits for us to have begun and says that it has looked. */
	if (arguments[2]) {
		char byte = 0;
		CHECK_EQUAL(write(atoi(arguments[2]), "b", 1), 1);
		CHECK_EQUAL(read(atoi(arguments[3]), &byte, 1), 1);
	}
	for (int i = 0; i < 3; i++)
		if (geteuid() == 0 && getuid() != 0 && is_traced())
			return RAISED_AND_TRACED;
	return geteuid() == 0 ? RAISED : NOT_RAISED;
}

static void copy_program(const char *path)
{
	char buffer[65536];
	int from = open("/proc/self/exe", O_RDONLY), to = open(path, O_CREAT | O_EXCL | O_WRONLY, 0700);
	CHECK(from >= 0 && to >= 0);
	ssize_t got;
	while ((got = read(from, buffer, sizeof buffer)) > 0)
		CHECK_EQUAL(write(to, buffer, (size_t)got), got);
	CHECK_EQUAL(got, 0);
	close(from);
	close(to);
}

/* From here on an ordinary user, whom others of it may look into. */
static void become_user(void)
{
	CHECK_EQUAL(setgroups(0, NULL), 0);
	CHECK_EQUAL(setresgid(USER, USER, USER), 0);
	CHECK_EQUAL(setresuid(USER, USER, USER), 0);
	CHECK_EQUAL(prctl(PR_SET_DUMPABLE, 1), 0);
}

/* A child that executes `path` as soon as `*go` is set. */
static pid_t start(const char *path, volatile int *go)
{
	*go = 0;
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		mark = OLD;
		*go = 1;
		while (*go != 2)
			sched_yield();
		execl(path, path, "child", NULL);
		_exit(1);
	}
	while (*go != 1)
		sched_yield();
	return child;
}

static void spin(long rounds)
{
	for (volatile long i = 0; i < rounds; i++)
		;
}

static int ends_with(pid_t child)
{
	int status = wait_status(child);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Attaches at about the moment at which that begins to be refused: every refusal makes it earlier, every success later. */
static void race_attaching(const char *path, volatile int *go)
{
	long delay = 1000;
	for (int round = 0; round < ROUNDS; round++) {
		pid_t child = start(path, go);
		*go = 2;
		spin(delay);
		int is_attached = ptrace(PTRACE_SEIZE, child, 0, 0) == 0;
		int code = ends_with(child);
		CHECK(code == RAISED || code == NOT_RAISED);
		CHECK(is_attached || code == RAISED);
		delay = is_attached ? delay + delay / 8 + 100 : delay - delay / 8;
	}
}

/* Reads until that is refused, and never sees what the new program has. */
static void race_reading(const char *path, volatile int *go)
{
	for (int round = 0; round < ROUNDS / 3; round++) {
		pid_t child = start(path, go);
		*go = 2;
		for (;;) {
			long found = OLD;
			struct iovec own = { &found, sizeof found }, other = { (void *)&mark, sizeof mark };
			if (process_vm_readv(child, &own, 1, &other, 1, 0) < 0) {
				if (errno == EFAULT)
					continue;
				break;
			}
			CHECK_EQUAL(found, OLD);
		}
		CHECK_EQUAL(ends_with(child), RAISED);
	}
}

/* A file of memory that was opened before is at its end when the memory is gone, whatever is executed. */
static void keep_memory_open(const char *path)
{
	int begun[2], looked[2], ready[2];
	char name[64], numbers[2][12], byte;
	CHECK(pipe(begun) == 0 && pipe(looked) == 0 && pipe(ready) == 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		mark = OLD;
		snprintf(numbers[0], sizeof numbers[0], "%d", begun[1]);
		snprintf(numbers[1], sizeof numbers[1], "%d", looked[0]);
		CHECK_EQUAL(read(ready[0], &byte, 1), 1);
		execl(path, path, "child", numbers[0], numbers[1], NULL);
		_exit(1);
	}
	snprintf(name, sizeof name, "/proc/%d/mem", child);
	int memory = open(name, O_RDONLY);
	/* A machine may forbid it to all but the superuser. */
	CHECK(memory >= 0 || errno == EACCES || errno == EPERM);
	CHECK_EQUAL(write(ready[1], "r", 1), 1);
	CHECK_EQUAL(read(begun[0], &byte, 1), 1);
	long found = OLD;
	while (memory >= 0 && pread(memory, &found, sizeof found, (off_t)(uintptr_t)&mark) == sizeof found) {
		CHECK_EQUAL(found, OLD);
		sched_yield();
	}
	CHECK_EQUAL(write(looked[1], "l", 1), 1);
	int code = ends_with(child);
	CHECK(code == RAISED || code == NOT_RAISED);
	for (int i = 0; i < 2; i++)
		close(begun[i]), close(looked[i]), close(ready[i]);
	if (memory >= 0)
		close(memory);
}

/* Memory of a program that may not be read is not shown to the tracer that was there before it. */
static void trace_unreadable(const char *path)
{
	FILE *setting = fopen("/proc/sys/fs/suid_dumpable", "r");
	int shows_all = setting && fgetc(setting) == '1';
	if (setting)
		fclose(setting);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0)
			_exit(NOT_RAISED);
		execl(path, path, "child", NULL);
		_exit(1);
	}
	int status = wait_status(child);
	if (WIFSTOPPED(status)) {
		CHECK_EQUAL(WSTOPSIG(status), SIGTRAP);
		if (!shows_all) {
			CHECK_ERRNO(ptrace(PTRACE_PEEKDATA, child, &mark, 0), EIO);
			CHECK_ERRNO(ptrace(PTRACE_POKEDATA, child, &mark, 1), EIO);
		}
		CHECK_EQUAL(ptrace(PTRACE_CONT, child, 0, 0), 0);
		status = wait_status(child);
	}
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == NOT_RAISED);
}

/* Who has more rights than its parent cannot make that its tracer. */
static void trace_by_lesser_parent(void)
{
	pid_t parent = fork();
	CHECK(parent >= 0);
	if (parent == 0) {
		int dropped[2];
		char byte;
		CHECK_EQUAL(pipe(dropped), 0);
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			CHECK_EQUAL(read(dropped[0], &byte, 1), 1);
			CHECK_ERRNO(ptrace(PTRACE_TRACEME, 0, 0, 0), EPERM);
			_exit(0);
		}
		become_user();
		CHECK_EQUAL(write(dropped[1], "d", 1), 1);
		CHECK_EXITS(child, 0);
		_exit(0);
	}
	CHECK_EXITS(parent, 0);
}

int main(int count, char **arguments)
{
	if (count > 1)
		return new_program(arguments);
	keep_memory_open("/proc/self/exe");
	if (!is_superuser())
		return 0;
	trace_by_lesser_parent();

	char directory[] = "/tmp/exec_attach_XXXXXX", path[64], unreadable[64];
	CHECK(mkdtemp(directory) != NULL);
	CHECK_EQUAL(chmod(directory, 0755), 0);
	snprintf(path, sizeof path, "%s/program", directory);
	snprintf(unreadable, sizeof unreadable, "%s/unreadable", directory);
	copy_program(path);
	CHECK_EQUAL(chmod(path, 04755), 0);
	copy_program(unreadable);
	CHECK_EQUAL(chmod(unreadable, 0711), 0);
	volatile int *go = mmap(NULL, sizeof *go, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(go != MAP_FAILED);
	pid_t user = fork();
	CHECK(user >= 0);
	if (user == 0) {
		become_user();
		trace_unreadable(unreadable);
		pid_t child = start(path, go);
		*go = 2;
		/* Not where rights are not given: a mount without set-user-ID, a container that promised. */
		if (ends_with(child) == RAISED) {
			race_attaching(path, go);
			race_reading(path, go);
			keep_memory_open(path);
		}
		exit(0);
	}
	int status = wait_status(user);
	CHECK(unlink(path) == 0 && unlink(unreadable) == 0 && rmdir(directory) == 0);
	CHECK_EQUAL(status, 0);
	return 0;
}
