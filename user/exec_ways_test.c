/* The ways to name a program: /proc/self/exe, a memory file, a descriptor, a directory and a name, scripts by descriptor; from a thread that
 * is not the first; and what a failed execve leaves as it was: everything. */
#include "check.h"
#include <pthread.h>

static char *none[] = { NULL };
static char self[256];

static void copy_to(int to)
{
	char buffer[65536];
	int from = open("/proc/self/exe", O_RDONLY);
	CHECK(from >= 0);
	ssize_t got;
	while ((got = read(from, buffer, sizeof buffer)) > 0)
		CHECK_EQUAL(write(to, buffer, (size_t)got), got);
	CHECK_EQUAL(got, 0);
	CHECK_EQUAL(close(from), 0);
}

/* execveat in a child: its exit status, or 200 plus errno. */
static int run_at(int directory, const char *path, int flags, char *first, char *second)
{
	char *arguments[] = { "exec_ways_test", first, second, NULL };
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		syscall(SYS_execveat, directory, path, arguments, none, flags);
		_exit(200 + errno);
	}
	int status = wait_status(child);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void check_descriptors(void)
{
	int memory = memfd_create("program", 0);
	CHECK(memory >= 0);
	copy_to(memory);
	CHECK_EQUAL(run_at(memory, "", AT_EMPTY_PATH, "exit", "41"), 41);
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
	CHECK_EQUAL(run_at(AT_FDCWD, path, 0, "exit", "42"), 42);
	/* A program does not need its descriptor any more once it runs. */
	CHECK_EQUAL(fcntl(memory, F_SETFD, FD_CLOEXEC), 0);
	CHECK_EQUAL(run_at(memory, "", AT_EMPTY_PATH, "exit", "43"), 43);
	CHECK_EQUAL(run_at(memory, "", 0, "exit", "1"), 200 + ENOENT);
	CHECK_EQUAL(run_at(memory, "name", 0, "exit", "1"), 200 + ENOTDIR);
	CHECK_EQUAL(run_at(99, "", AT_EMPTY_PATH, "exit", "1"), 200 + EBADF);
	CHECK_EQUAL(run_at(99, "name", 0, "exit", "1"), 200 + EBADF);
	CHECK_EQUAL(run_at(99, self, 0, "exit", "44"), 44);
	CHECK_EQUAL(run_at(memory, self, 0x40000000, "exit", "1"), 200 + EINVAL);
	CHECK_EQUAL(run_at(AT_FDCWD, "/proc/self/exe", AT_SYMLINK_NOFOLLOW, "exit", "1"), 200 + ELOOP);
	/* A memory file that may not be executed. */
	CHECK_EQUAL(fchmod(memory, 0600), 0);
	CHECK_EQUAL(run_at(memory, "", AT_EMPTY_PATH, "exit", "1"), 200 + EACCES);
	CHECK_EQUAL(close(memory), 0);
	/* Descriptors of the wrong kind. */
	int ends[2];
	CHECK_EQUAL(pipe(ends), 0);
	CHECK_EQUAL(run_at(ends[0], "", AT_EMPTY_PATH, "exit", "1"), 200 + EACCES);
	CHECK_EQUAL(close(ends[0]), 0);
	CHECK_EQUAL(close(ends[1]), 0);
	int directory = open("/tmp", O_RDONLY | O_DIRECTORY);
	CHECK(directory >= 0);
	CHECK_EQUAL(run_at(directory, "", AT_EMPTY_PATH, "exit", "1"), 200 + EACCES);
	CHECK_EQUAL(close(directory), 0);
}

static void check_directory(void)
{
	char place[] = "/tmp/exec_ways_XXXXXX", path[64], text[300];
	CHECK(mkdtemp(place) != NULL);
	int directory = open(place, O_RDONLY | O_DIRECTORY);
	CHECK(directory >= 0);
	int file = openat(directory, "program", O_CREAT | O_WRONLY, 0755);
	CHECK(file >= 0);
	copy_to(file);
	CHECK_EQUAL(close(file), 0);
	CHECK_EQUAL(run_at(directory, "program", 0, "exit", "45"), 45);
	CHECK_EQUAL(symlinkat("program", directory, "link"), 0);
	CHECK_EQUAL(run_at(directory, "link", 0, "exit", "46"), 46);
	CHECK_EQUAL(run_at(directory, "link", AT_SYMLINK_NOFOLLOW, "exit", "1"), 200 + ELOOP);
	CHECK_EQUAL(run_at(directory, "none", 0, "exit", "1"), 200 + ENOENT);

	/* A script by descriptor is told to its interpreter as /dev/fd/N: that must still be open then. */
	file = openat(directory, "script", O_CREAT | O_WRONLY, 0755);
	CHECK(file >= 0);
	int length = snprintf(text, sizeof text, "#!%s script\n", self);
	CHECK_EQUAL(write(file, text, (size_t)length), length);
	CHECK_EQUAL(close(file), 0);
	CHECK_EQUAL(run_at(directory, "script", 0, "0", "x"), 47);
	file = openat(directory, "script", O_RDONLY);
	CHECK(file >= 0);
	CHECK_EQUAL(run_at(file, "", AT_EMPTY_PATH, "0", "x"), 47);
	CHECK_EQUAL(fcntl(file, F_SETFD, FD_CLOEXEC), 0);
	CHECK_EQUAL(run_at(file, "", AT_EMPTY_PATH, "0", "x"), 200 + ENOENT);
	CHECK_EQUAL(close(file), 0);

	/* What runs is the file that was opened, whatever happens to its name. */
	file = openat(directory, "program", O_PATH);
	CHECK(file >= 0);
	CHECK_EQUAL(unlinkat(directory, "program", 0), 0);
	CHECK_EQUAL(run_at(file, "", AT_EMPTY_PATH, "exit", "48"), 48);
	CHECK_EQUAL(close(file), 0);
	CHECK_EQUAL(close(directory), 0);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%s", place, i ? "script" : "link");
		CHECK_EQUAL(unlink(path), 0);
	}
	CHECK_EQUAL(rmdir(place), 0);
}

static void *sleeper(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void *executor(void *number)
{
	execl("/proc/self/exe", "exec_ways_test", "alone", number, NULL);
	_exit(99);
}

/* The thread that executes takes over the process; the others are gone. */
static void check_threads(void)
{
	for (int round = 0; round < 10; round++) {
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			pthread_t thread;
			char number[12];
			snprintf(number, sizeof number, "%d", getpid());
			for (int i = 0; i < 5; i++)
				CHECK_EQUAL(pthread_create(&thread, NULL, sleeper, NULL), 0);
			CHECK_EQUAL(pthread_create(&thread, NULL, executor, number), 0);
			sleeper(NULL);
		}
		CHECK_EXITS(child, 49);
	}
}

static void check_alone(const char *number)
{
	CHECK_EQUAL(getpid(), atoi(number));
	CHECK_EQUAL(syscall(SYS_gettid), getpid());
	char text[4096] = "";
	int status = open("/proc/self/status", O_RDONLY);
	CHECK(status >= 0);
	CHECK(read(status, text, sizeof text - 1) > 0);
	CHECK(strstr(text, "\nThreads:\t1\n") != NULL);
}

static volatile int handled;

static void handler(int number)
{
	handled = number;
}

static void *counter(void *running)
{
	while (*(volatile int *)running)
		sched_yield();
	return running;
}

/* All kinds of failure, up to the last moment: memory, handlers, descriptors, threads and the name are as they were. */
static void check_failures(void)
{
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), running = 1;
	CHECK(file >= 0);
	CHECK(signal(SIGUSR1, handler) != SIG_ERR);
	pthread_t thread;
	CHECK_EQUAL(pthread_create(&thread, NULL, counter, &running), 0);
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(page != MAP_FAILED);
	page[7] = 77;
	char name[32], before[32];
	int bad = memfd_create("bad", MFD_CLOEXEC);
	CHECK(bad >= 0);
	copy_to(bad);
	struct {
		const char *path;
		char **arguments;
		int error;
	} tries[] = {
		{ "/no/such/program", none, ENOENT },
		{ "/tmp", none, EACCES },
		{ "/etc/hostname/x", none, 0 },
		{ (char *)8, none, EFAULT },
		{ self, (char **)8, EFAULT },
		{ "", none, ENOENT },
	};
	FILE *comm = fopen("/proc/self/comm", "r");
	CHECK(comm != NULL && fgets(before, sizeof before, comm) != NULL);
	fclose(comm);
	for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
		CHECK_EQUAL(execve(tries[i].path, tries[i].arguments, none), -1);
		if (tries[i].error)
			CHECK_EQUAL(errno, tries[i].error);
		handled = 0;
		CHECK_EQUAL(raise(SIGUSR1), 0);
		CHECK_EQUAL(handled, SIGUSR1);
		CHECK_EQUAL(page[7], 77);
		CHECK_EQUAL(fcntl(file, F_GETFD), FD_CLOEXEC);
		CHECK_EQUAL(pthread_tryjoin_np(thread, NULL), EBUSY);
	}
	/* A truncated image. */
	CHECK_EQUAL(ftruncate(bad, 63), 0);
	char *arguments[] = { "x", NULL };
	CHECK_ERRNO(syscall(SYS_execveat, bad, "", arguments, none, AT_EMPTY_PATH), ENOEXEC);
	comm = fopen("/proc/self/comm", "r");
	CHECK(comm != NULL && fgets(name, sizeof name, comm) != NULL);
	CHECK(strcmp(name, before) == 0);
	fclose(comm);
	running = 0;
	CHECK_EQUAL(pthread_join(thread, NULL), 0);
	CHECK_EQUAL(close(bad), 0);
	CHECK_EQUAL(close(file), 0);
}

int main(int count, char **arguments)
{
	if (count == 3 && strcmp(arguments[1], "exit") == 0)
		return atoi(arguments[2]);
	if (count == 3 && strcmp(arguments[1], "alone") == 0) {
		check_alone(arguments[2]);
		return 49;
	}
	if (count == 5 && strcmp(arguments[1], "script") == 0) {
		/* By name or by descriptor, the script can be opened. */
		CHECK(access(arguments[2], R_OK) == 0);
		return 47;
	}
	ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
	CHECK(length > 0);
	self[length] = 0;
	CHECK_EQUAL(run_at(AT_FDCWD, "/proc/self/exe", 0, "exit", "40"), 40);
	check_descriptors();
	check_directory();
	check_threads();
	check_failures();
	return 0;
}
