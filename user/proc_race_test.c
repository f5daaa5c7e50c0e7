/* /proc while processes come and die: readers go through every file of processes that fork, make threads, execute and end meanwhile. What is
 * read is whole and well-formed, what is gone is gone with an error that says so. Then every file that this process itself has there, and every
 * one of the top level, can be opened and read to an end. An argument says how many children each forker has. */
#include "check.h"
#include <dirent.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

enum { FORKERS = 4, READERS = 4, RECENT = 16 };

static struct shared {
	pid_t recent[RECENT];
	int next, forkers_done;
	int read_files, parsed_stats, parsed_maps;
} *shared;

static char text[256 << 10];

/* The children's work: each kind of end, of many. */
static void *short_thread(void *argument)
{
	(void)argument;
	return malloc(100) ? NULL : (void *)1;
}

static void live_and_die(int kind)
{
	char *arguments[] = { "brief", NULL }, *environment[] = { "ONE=1", "TWO=2", NULL };
	pthread_t threads[3];
	switch (kind % 4) {
	case 0:
		_exit(0);
	case 1:
		execve("/proc/self/exe", arguments, environment);
		_exit(1);
	case 2:
		for (int i = 0; i < 3; i++)
			CHECK_EQUAL(pthread_create(&threads[i], NULL, short_thread, NULL), 0);
		if (kind & 4)
			_exit(0);
		for (int i = 0; i < 3; i++)
			CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
		_exit(0);
	default:
		for (int i = 0; i < 20; i++) {
			int fd = open("/dev/null", O_RDONLY);
			char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			CHECK(fd >= 0 && page != MAP_FAILED);
			page[i] = 1;
			CHECK_EQUAL(munmap(page, i & 1 ? 8192 : 4096) | close(fd), 0);
		}
		kill(getpid(), SIGKILL);
	}
}

static void forker(int children)
{
	for (int i = 0; i < children; i++) {
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0)
			live_and_die(i);
		shared->recent[__atomic_fetch_add(&shared->next, 1, __ATOMIC_SEQ_CST) % RECENT] = child;
		int status = wait_status(child);
		CHECK(i % 4 == 3 ? WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL : WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	/* All were waited for: none is left, and /proc shows none that would be ours. */
	CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD);
	__atomic_fetch_add(&shared->forkers_done, 1, __ATOMIC_SEQ_CST);
	_exit(0);
}

/* LINUX: the mounts of a process that is about to end are an invalid argument. */
static int may_be_gone(int error) { return error == ENOENT || error == ESRCH || error == EACCES || error == EPERM || error == EINVAL; }

/* Reads a file to its end; answers its length, or -1 if the process is gone or ours not to look at. */
static ssize_t read_all(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		if (!may_be_gone(errno))
			fprintf(stderr, "%s: ", path);
		CHECK(may_be_gone(errno));
		return -1;
	}
	ssize_t length = 0, got;
	while ((got = read(fd, text + length, sizeof text - 1 - length)) > 0)
		length += got;
	if (got < 0 && !may_be_gone(errno))
		fprintf(stderr, "%s: ", path);
	CHECK(got == 0 || may_be_gone(errno));
	CHECK_EQUAL(close(fd), 0);
	text[length] = 0;
	__atomic_fetch_add(&shared->read_files, 1, __ATOMIC_RELAXED);
	return got < 0 ? -1 : length;
}

/* The 52 numbers and the name of `stat`. */
static void check_stat(const char *path, int number)
{
	if (read_all(path) <= 0)
		return;
	int found, fields = 2;
	char *name = strchr(text, '('), *rest = strrchr(text, ')'), state;
	CHECK(sscanf(text, "%d", &found) == 1 && found == number && name != NULL && rest > name && rest - name <= 16);
	CHECK(sscanf(rest, ") %c", &state) == 1 && strchr("RSDTtZXI", state) != NULL);
	for (char *word = strtok(rest + 1, " \n"); word; word = strtok(NULL, " \n"), fields++)
		CHECK(fields == 2 || strspn(word, "-0123456789") == strlen(word));
	CHECK_EQUAL(fields, 52);
	__atomic_fetch_add(&shared->parsed_stats, 1, __ATOMIC_RELAXED);
}

/* `status`: a key and a value on each line, the number of this very thread among them. */
static void check_status(const char *path, int number)
{
	if (read_all(path) <= 0)
		return;
	int found = 0, lines = 0;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++) {
		char *colon = strchr(line, ':');
		CHECK(colon != NULL && colon > line && (colon[1] == '\t' || colon[1] == ' '));
		if (strncmp(line, "Pid:", 4) == 0)
			CHECK(atoi(line + 4) == number && !found++);
	}
	CHECK(found == 1 && lines > 20);
}

/* `maps` and `smaps`: areas, each with its lines of keys below it. */
static void check_maps(const char *path)
{
	if (read_all(path) <= 0)
		return;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		unsigned long start, end, offset, inode;
		unsigned major, minor;
		char rights[5], key[64];
		if (sscanf(line, "%lx-%lx %4s %lx %x:%x %lu", &start, &end, rights, &offset, &major, &minor, &inode) == 7) {
			CHECK(start < end && start % 4096 == 0 && end % 4096 == 0);
			CHECK(strspn(rights, "r-w-x-sp") == 4 && (rights[3] == 'p' || rights[3] == 's'));
			__atomic_fetch_add(&shared->parsed_maps, 1, __ATOMIC_RELAXED);
		} else if (sscanf(line, "%63[A-Za-z_]: %lu kB", key, &start) != 2) {
			if (sscanf(line, "%63[A-Za-z_]:", key) != 1)
				fprintf(stderr, "%s: %s\n", path, line);
			CHECK(sscanf(line, "%63[A-Za-z_]:", key) == 1);
		}
	}
}

/* Every entry of a directory of a process, by `each`. */
static void for_each(const char *directory, void (*each)(const char *path, const char *name))
{
	char path[600];
	DIR *entries = opendir(directory);
	if (!entries) {
		CHECK(may_be_gone(errno));
		return;
	}
	for (struct dirent *entry; errno = 0, (entry = readdir(entries)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
		each(path, entry->d_name);
	}
	CHECK(errno == 0 || may_be_gone(errno));
	CHECK_EQUAL(closedir(entries), 0);
}

static void follow(const char *path, const char *name)
{
	(void)name;
	char target[600];
	CHECK(readlink(path, target, sizeof target) >= 0 || may_be_gone(errno));
}

static void read_one(const char *path, const char *name)
{
	(void)name;
	read_all(path);
}

static void read_task(const char *path, const char *name)
{
	char file[700];
	snprintf(file, sizeof file, "%s/stat", path);
	check_stat(file, atoi(name));
	snprintf(file, sizeof file, "%s/status", path);
	check_status(file, atoi(name));
	snprintf(file, sizeof file, "%s/comm", path);
	read_all(file);
}

static void read_process(pid_t pid)
{
	static const char *const plain[] = { "comm", "cmdline", "environ", "auxv", "statm", "io", "limits", "mounts", "mountinfo",
					     "oom_score", "oom_score_adj", "wchan", "cgroup", "schedstat", "personality", "smaps_rollup" };
	static const char *const links[] = { "exe", "cwd", "root" };
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	check_stat(path, pid);
	snprintf(path, sizeof path, "/proc/%d/status", pid);
	check_status(path, pid);
	snprintf(path, sizeof path, "/proc/%d/maps", pid);
	check_maps(path);
	snprintf(path, sizeof path, "/proc/%d/smaps", pid);
	check_maps(path);
	snprintf(path, sizeof path, "/proc/%d/task", pid);
	for_each(path, read_task);
	snprintf(path, sizeof path, "/proc/%d/fd", pid);
	for_each(path, follow);
	snprintf(path, sizeof path, "/proc/%d/fdinfo", pid);
	for_each(path, read_one);
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
		snprintf(path, sizeof path, "/proc/%d/%s", pid, plain[i]);
		read_all(path);
	}
	for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
		snprintf(path, sizeof path, "/proc/%d/%s", pid, links[i]);
		follow(path, NULL);
	}
}

static void reader(int which)
{
	do {
		for (int i = 0; i < RECENT; i++) {
			pid_t pid = shared->recent[(i + which * 5) % RECENT];
			if (pid > 0)
				read_process(pid);
		}
		read_process(getppid());
	} while (__atomic_load_n(&shared->forkers_done, __ATOMIC_SEQ_CST) < FORKERS);
	_exit(0);
}

/* Opens and reads a file that says it can be read, a MiB at most, whatever it answers. Some have no end, wait for events, or tell too much. */
static void can_be_read(const char *path, const char *name)
{
	static const char *const left_out[] = { "kmsg", "kcore", "kpagecount", "kpageflags", "kpagecgroup", "kallsyms", "sysrq-trigger", "mem", "pagemap" };
	struct stat status;
	for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
		if (strcmp(name, left_out[i]) == 0)
			return;
	if (lstat(path, &status) != 0 || !S_ISREG(status.st_mode) || !(status.st_mode & S_IRUSR))
		return;
	int fd = open(path, O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		return;
	ssize_t length = 0, got;
	while (length < 1 << 20 && (got = read(fd, text, sizeof text)) > 0)
		length += got;
	CHECK_EQUAL(close(fd), 0);
}

static void look_into(const char *path, const char *name)
{
	struct stat status;
	can_be_read(path, name);
	if (lstat(path, &status) == 0 && S_ISDIR(status.st_mode) && strcmp(name, "net") != 0 && strcmp(name, "map_files") != 0)
		for_each(path, can_be_read);
}

/* What is told of descriptors of every kind, the one through which it is read among them. */
static void check_descriptors(void)
{
	char path[64];
	sigset_t set;
	sigemptyset(&set);
	struct epoll_event event = { .events = EPOLLIN };
	int fds[12], poller = epoll_create1(0), kinds = 0;
	CHECK_EQUAL(pipe(fds) | socketpair(AF_UNIX, SOCK_STREAM, 0, fds + 2), 0);
	fds[4] = eventfd(7, 0), fds[5] = timerfd_create(CLOCK_MONOTONIC, 0), fds[6] = signalfd(-1, &set, 0), fds[7] = inotify_init1(0);
	fds[8] = memfd_create("shown", 0), fds[9] = open("/", O_RDONLY), fds[10] = open("/proc/self/exe", O_RDONLY), fds[11] = open("/proc/self/stat", O_RDONLY);
	CHECK(poller >= 0 && epoll_ctl(poller, EPOLL_CTL_ADD, fds[4], &event) == 0);
	CHECK(inotify_add_watch(fds[7], "/", IN_CREATE) > 0);
	CHECK_EQUAL(lseek(fds[10], 1234, SEEK_SET), 1234);
	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++, kinds++) {
		CHECK(fds[i] >= 0);
		snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fds[i]);
		CHECK(read_all(path) > 0);
		unsigned long position, flags;
		CHECK_EQUAL(sscanf(text, "pos:\t%lu\nflags:\t%lo\n", &position, &flags), 2);
		CHECK_EQUAL(position, fds[i] == fds[10] ? 1234 : 0);
	}
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", poller);
	CHECK(read_all(path) > 0);
	/* A link leads to the listing itself: the number is that of the file which is being read. */
	int held = dup(0);
	CHECK(held >= 0);
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", held);
	int listing = open(path, O_RDONLY);
	CHECK(listing >= 0);
	CHECK_EQUAL(dup2(listing, held), held);
	CHECK(read(listing, text, 100) > 0);
	CHECK_EQUAL(close(held) | close(listing), 0);
	for (int i = 0; i < kinds; i++)
		close(fds[i]);
	close(poller);
}

int main(int count, char **arguments)
{
	if (strcmp(arguments[0], "brief") == 0)
		return 0;
	int children = count > 1 ? atoi(arguments[1]) : 40;
	pid_t forkers[FORKERS], readers[READERS];
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	for (int i = 0; i < FORKERS; i++) {
		forkers[i] = fork();
		CHECK(forkers[i] >= 0);
		if (forkers[i] == 0)
			forker(children);
	}
	for (int i = 0; i < READERS; i++) {
		readers[i] = fork();
		CHECK(readers[i] >= 0);
		if (readers[i] == 0)
			reader(i);
	}
	for (int i = 0; i < FORKERS; i++)
		CHECK_EXITS(forkers[i], 0);
	for (int i = 0; i < READERS; i++)
		CHECK_EXITS(readers[i], 0);
	CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD);
	CHECK(shared->read_files > 100 && shared->parsed_stats > 0 && shared->parsed_maps > 0);
	check_descriptors();
	for_each("/proc", can_be_read);
	for_each("/proc/self", look_into);
	return 0;
}
