/* Ordinary calls whose Nth allocation fails, and all after it until the call ends, for each N until the call needs no more: they succeed or fail
 * with an errno for want of memory, and leave nothing behind: no descriptor, mapping, child, name or frame.
 *
 * /proc/self/fail-nth makes them fail, as on a Linux built with fault injection; where there is none, each sequence runs once as it is.
 * Usage: failed_allocation_test [ROUNDS]; with an argument it says how many allocations failed where. */
#include "check.h"
#include "pty.h"
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <dirent.h>

enum { BLOCK = 65536, MOST_ALLOCATIONS = 2000 };

/* The countdown's file, or -1. */
static int control = -1;
static char *block;

static void set_countdown(int file, int count)
{
	char text[16];
	int length = snprintf(text, sizeof text, "%d", count);
	CHECK_EQUAL(pwrite(file, text, length, 0), length);
}

static int countdown(void)
{
	char text[16] = "";
	CHECK(pread(control, text, sizeof text - 1, 0) > 0);
	return atoi(text);
}

/* A sequence: 0, or -1 with errno after the call that failed; whatever it made is gone again. */
typedef int sequence(void);

static int closes(int file)
{
	return file < 0 ? -1 : close(file);
}

static int forks(void)
{
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	if (child < 0)
		return -1;
	CHECK_EXITS(child, 0);
	return 0;
}

static void *nothing(void *unused) { return unused; }
static int threads(void)
{
	pthread_t thread;
	errno = pthread_create(&thread, NULL, nothing, NULL);
	if (errno != 0)
		return -1;
	CHECK_EQUAL(pthread_join(thread, NULL), 0);
	return 0;
}

static int maps(void)
{
	char *memory = mmap(NULL, 64 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (memory == MAP_FAILED)
		return -1;
	char *larger = mremap(memory, 64 * 4096, 4 << 20, MREMAP_MAYMOVE);
	int result = larger == MAP_FAILED ? -1 : 0, error = errno;
	size_t length = larger == MAP_FAILED ? 64 * 4096 : 4 << 20;
	if (larger != MAP_FAILED)
		memory = larger;
	if (result == 0)
		result = mprotect(memory + 8 * 4096, 4096, PROT_READ), error = errno;
	if (result == 0)
		result = madvise(memory, length, MADV_POPULATE_WRITE) < 0 && errno != EINVAL && errno != EFAULT ? -1 : 0, error = errno;
	CHECK_EQUAL(munmap(memory, length), 0);
	errno = error;
	return result;
}

/* The kernel faults pages in for a call. */
static int copies(void)
{
	char *memory = mmap(NULL, 16 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return -1;
	int zero = open("/dev/zero", O_RDONLY);
	int result = zero < 0 ? -1 : read(zero, memory, 16 * 4096) < 0 ? -1 : 0, error = errno;
	if (zero >= 0)
		close(zero);
	CHECK_EQUAL(munmap(memory, 16 * 4096), 0);
	errno = error;
	return result;
}

static int files(void)
{
	int file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	int result = file < 0 ? -1 : 0, error = errno;
	if (result == 0 && write(file, block, BLOCK) < 0)
		result = -1, error = errno;
	if (result == 0 && ftruncate(file, 5 << 20) < 0)
		result = -1, error = errno;
	if (result == 0) {
		char *mapped = mmap(NULL, BLOCK, PROT_READ, MAP_SHARED | MAP_POPULATE, file, 0);
		if (mapped == MAP_FAILED)
			result = -1, error = errno;
		else
			CHECK_EQUAL(munmap(mapped, BLOCK), 0);
	}
	if (file >= 0)
		close(file);
	/* What was not made is not there. */
	if (unlink("file") < 0)
		CHECK(file < 0);
	errno = error;
	return result;
}

static int names(void)
{
	int result = mkdir("directory", 0700), error = errno;
	if (result == 0 && ((result = symlink("directory/x", "symbolic")) < 0 || (result = mknod("node", S_IFIFO | 0600, 0)) < 0
			    || (result = link("node", "directory/second")) < 0 || (result = rename("node", "directory/third")) < 0))
		error = errno;
	unlink("symbolic"), unlink("node"), unlink("directory/second"), unlink("directory/third"), rmdir("directory");
	CHECK(access("directory", F_OK) != 0 && access("node", F_OK) != 0);
	errno = error;
	return result;
}

static int pipes(void)
{
	int ends[2];
	if (pipe2(ends, O_NONBLOCK) < 0)
		return -1;
	int result = 0, error = 0;
	/* LINUX: EPERM where the user has much in pipes already. */
	if (write(ends[1], block, BLOCK) < 0 || (fcntl(ends[1], F_SETPIPE_SZ, 1 << 18) < 0 && errno != EPERM))
		result = -1, error = errno;
	close(ends[0]), close(ends[1]);
	errno = error;
	return result;
}

static int socket_pairs(void)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) < 0)
		return -1;
	char control_bytes[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec part = { block, 20000 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control_bytes, .msg_controllen = sizeof control_bytes };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET, header->cmsg_type = SCM_RIGHTS, header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &ends[0], sizeof(int));
	int result = sendmsg(ends[1], &message, 0) < 0 ? -1 : 0, error = errno, received = -1;
	if (result == 0) {
		message.msg_controllen = sizeof control_bytes;
		result = recvmsg(ends[0], &message, 0) < 0 ? -1 : 0, error = errno;
		header = CMSG_FIRSTHDR(&message);
		if (result == 0 && header != NULL && message.msg_controllen >= CMSG_LEN(sizeof(int)))
			memcpy(&received, CMSG_DATA(header), sizeof(int)), close(received);
	}
	close(ends[0]), close(ends[1]);
	errno = error;
	return result;
}

static int connections(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "socket" };
	int result = -1, error = 0, accepted = -1;
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (listener < 0)
		return -1;
	int client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (client < 0 || bind(listener, (struct sockaddr *)&name, sizeof name) < 0 || listen(listener, 4) < 0
	    || connect(client, (struct sockaddr *)&name, sizeof name) < 0 || (accepted = accept(listener, NULL, NULL)) < 0)
		error = errno;
	else
		result = 0;
	if (accepted >= 0)
		close(accepted);
	if (client >= 0)
		close(client);
	close(listener), unlink("socket");
	errno = error;
	return result;
}

/* A descriptor that makes the table long, as far as the limit lets us. */
static int highest_file(void)
{
	long limit = sysconf(_SC_OPEN_MAX);
	return limit > 0 && limit < 900 ? (int)limit - 1 : 900;
}

static int epolls(void)
{
	int result = -1, error = 0;
	int watcher = epoll_create1(0);
	if (watcher < 0)
		return -1;
	int event = eventfd(0, 0), copy = -1;
	struct epoll_event wanted = { .events = EPOLLIN };
	if (event >= 0 && epoll_ctl(watcher, EPOLL_CTL_ADD, event, &wanted) == 0 && (copy = fcntl(event, F_DUPFD, highest_file())) >= 0
	    && epoll_ctl(watcher, EPOLL_CTL_ADD, copy, &wanted) == 0 && epoll_wait(watcher, &wanted, 1, 0) == 0)
		result = 0;
	else
		error = errno;
	if (copy >= 0)
		close(copy);
	if (event >= 0)
		close(event);
	close(watcher);
	errno = error;
	return result;
}

static int polls(void)
{
	static struct pollfd wanted[900];
	for (int i = 0; i < 900; i++)
		wanted[i].fd = -1;
	return poll(wanted, highest_file(), 0);
}

static int small_files(void)
{
	sigset_t set;
	sigemptyset(&set), sigaddset(&set, SIGUSR1);
	if (closes(timerfd_create(CLOCK_MONOTONIC, 0)) < 0 || closes(signalfd(-1, &set, 0)) < 0)
		return -1;
	if (closes(memfd_create("memory", 0)) < 0 || closes(syscall(SYS_pidfd_open, getpid(), 0)) < 0)
		return -1;
	int watch = inotify_init1(0);
	if (watch < 0)
		return -1;
	int result = inotify_add_watch(watch, ".", IN_CREATE) < 0 ? -1 : 0, error = errno;
	close(watch);
	errno = error;
	return result;
}

static int timers(void)
{
	timer_t timer;
	struct sigevent quiet = { .sigev_notify = SIGEV_NONE };
	return timer_create(CLOCK_MONOTONIC, &quiet, &timer) < 0 ? -1 : timer_delete(timer);
}

static int terminals(void)
{
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY), number, zero = 0, slave = -1, error = 0, result = -1;
	char path[32];
	if (master < 0)
		return -1;
	if (ioctl(master, TIOCSPTLCK, &zero) < 0 || ioctl(master, TIOCGPTN, &number) < 0)
		error = errno;
	else {
		snprintf(path, sizeof path, "/dev/pts/%d", number);
		slave = open(path, O_RDWR | O_NOCTTY);
		result = slave < 0 || write(slave, "text\n", 5) < 0 ? -1 : 0, error = errno;
	}
	if (slave >= 0)
		close(slave);
	close(master);
	errno = error;
	return result;
}

static int shares(void)
{
	int memory = shmget(IPC_PRIVATE, 1 << 20, 0600), error = 0, result = -1;
	if (memory < 0)
		return -1;
	void *address = shmat(memory, NULL, 0);
	int queue = msgget(IPC_PRIVATE, 0600), semaphores = semget(IPC_PRIVATE, 200, 0600);
	struct { long type; char text[4000]; } message = { 1, "" };
	if (address == (void *)-1 || queue < 0 || semaphores < 0 || msgsnd(queue, &message, sizeof message.text, IPC_NOWAIT) < 0)
		error = errno ? errno : ENOMEM;
	else
		result = 0;
	if (address != (void *)-1)
		CHECK_EQUAL(shmdt(address), 0);
	if (queue >= 0)
		CHECK_EQUAL(msgctl(queue, IPC_RMID, NULL), 0);
	if (semaphores >= 0)
		CHECK_EQUAL(semctl(semaphores, 0, IPC_RMID), 0);
	CHECK_EQUAL(shmctl(memory, IPC_RMID, NULL), 0);
	errno = error;
	return result;
}

static int shows(void)
{
	static const char *const texts[] = { "/proc/self/maps", "/proc/self/smaps", "/proc/self/status", "/proc/stat", "/proc/self/mountinfo" };
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		int file = open(texts[i], O_RDONLY);
		if (file < 0)
			return -1;
		ssize_t count = read(file, block, BLOCK);
		int error = errno;
		close(file);
		errno = error;
		if (count < 0)
			return -1;
	}
	int directory = open("/proc", O_RDONLY | O_DIRECTORY);
	if (directory < 0)
		return -1;
	int result = syscall(SYS_getdents64, directory, block, BLOCK) < 0 ? -1 : 0, error = errno;
	close(directory);
	errno = error;
	return result;
}

static int moves(void)
{
	int from = memfd_create("from", 0), to = -1, ends[2] = { -1, -1 }, error = 0, result = -1;
	off_t start = 0;
	if (from < 0)
		return -1;
	if (write(from, block, BLOCK) < 0 || (to = memfd_create("to", 0)) < 0 || sendfile(to, from, &start, BLOCK) < 0 || pipe(ends) < 0
	    || splice(from, &(loff_t){ 0 }, ends[1], NULL, 4096 * 8, SPLICE_F_NONBLOCK) < 0
	    || copy_file_range(from, &(loff_t){ 0 }, to, &(loff_t){ BLOCK }, BLOCK, 0) < 0)
		error = errno;
	else
		result = 0;
	for (int i = 0; i < 2; i++)
		if (ends[i] >= 0)
			close(ends[i]);
	if (to >= 0)
		close(to);
	close(from);
	errno = error;
	return result;
}

/* Only where allocations can be made to fail: elsewhere it would be somebody's machine. */
static int mounts(void)
{
	if (control < 0 || !has_capability(CAP_SYS_ADMIN))
		return 0;
	if (mkdir("mount", 0700) < 0)
		return -1;
	int result = mount("none", "mount", "tmpfs", 0, NULL), error = errno;
	if (result == 0)
		while (umount("mount") < 0)
			CHECK(errno == ENOMEM);
	CHECK_EQUAL(rmdir("mount"), 0);
	errno = error;
	return result;
}

static const struct {
	const char *name;
	sequence *run;
	int changes_maps; /* the C library keeps threads' stacks */
} sequences[] = {
	{ "fork", forks, 0 },         { "threads", threads, 1 },   { "mappings", maps, 0 },   { "copies", copies, 0 },
	{ "files", files, 0 },        { "names", names, 0 },       { "pipes", pipes, 0 },     { "socket pairs", socket_pairs, 0 },
	{ "connections", connections, 0 }, { "epoll", epolls, 0 }, { "poll", polls, 0 },      { "small files", small_files, 0 },
	{ "timers", timers, 0 },      { "terminals", terminals, 0 }, { "shares", shares, 0 }, { "shows", shows, 0 },
	{ "moves", moves, 0 },        { "mounts", mounts, 0 },
};

static int count_lines(const char *path)
{
	int file = open(path, O_RDONLY), lines = 0;
	ssize_t count;
	CHECK(file >= 0);
	while ((count = read(file, block, BLOCK)) > 0)
		for (ssize_t i = 0; i < count; i++)
			lines += block[i] == '\n';
	close(file);
	return lines;
}

static int count_descriptors(void)
{
	int count = 0;
	for (int file = 0; file < 1024; file++)
		count += fcntl(file, F_GETFD) >= 0;
	return count;
}

static long free_pages(void)
{
	struct sysinfo now;
	CHECK_EQUAL(sysinfo(&now), 0);
	return now.freeram / 4096 * now.mem_unit;
}

/* Runs a sequence for each N; answers how many times an allocation failed. */
static int run(int index)
{
	int descriptors = count_descriptors(), mappings = count_lines("/proc/self/maps"), mounted = count_lines("/proc/self/mounts");
	int failed = 0;
	for (int n = 1; n < MOST_ALLOCATIONS; n++) {
		if (control >= 0)
			set_countdown(control, n);
		errno = 0;
		int result = sequences[index].run(), error = errno, left = control >= 0 ? countdown() : n;
		if (control >= 0)
			set_countdown(control, 0);
		if (result < 0 && (left != 0 || (error != ENOMEM && error != EAGAIN && error != EFAULT && error != ENOBUFS && error != ENFILE && error != ENOSPC))) {
			fprintf(stderr, "%s, allocation %d (%d left): errno %d (%s)\n", sequences[index].name, n, left, error, strerror(error));
			exit(1);
		}
		CHECK_ERRNO(waitpid(-1, NULL, WNOHANG), ECHILD);
		CHECK_EQUAL(count_descriptors(), descriptors);
		CHECK_EQUAL(count_lines("/proc/self/mounts"), mounted);
		if (!sequences[index].changes_maps)
			CHECK_EQUAL(count_lines("/proc/self/maps"), mappings);
		if (left != 0)
			return failed;
		failed++;
	}
	fprintf(stderr, "%s: never through\n", sequences[index].name);
	exit(1);
}

/* Programs are started in a child: it tells by its status whether the call failed as it should (0), the new program ran (any other). */
static int run_exec(const char *program)
{
	for (int n = 1; n < MOST_ALLOCATIONS; n++) {
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			int own = control >= 0 ? open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC) : -1;
			CHECK(control < 0 || own >= 0);
			if (own >= 0)
				set_countdown(own, n);
			execl(program, program, "child", (char *)NULL);
			_exit(errno == ENOMEM || errno == EAGAIN ? 0 : 99);
		}
		int status = wait_status(child);
		/* The new program's own first calls may want memory too: its C library ends it as it likes. */
		CHECK(!WIFEXITED(status) || WEXITSTATUS(status) != 99);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 43)
			return n - 1;
	}
	fprintf(stderr, "exec: never through\n");
	exit(1);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "child") == 0) {
		/* 43: no allocation has failed. */
		char text[16] = "";
		int file = open("/proc/self/fail-nth", O_RDONLY);
		if (file < 0)
			return errno == ENOENT ? 43 : 42;
		return read(file, text, sizeof text - 1) > 0 && atoi(text) > 0 ? 43 : 42;
	}
	int rounds = argc > 1 ? atoi(argv[1]) : 1, failed = 0;
	char program[512];
	ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
	CHECK(length > 0);
	program[length] = 0;
	const char *scratch = enter_scratch();
	block = malloc(BLOCK);
	CHECK(block != NULL);
	memset(block, 1, BLOCK);
	control = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
	int count = sizeof sequences / sizeof sequences[0];
	/* Once without a failure, for what libraries and kernel keep. */
	for (int i = 0; i < count; i++)
		CHECK_EQUAL(sequences[i].run(), 0);
	long before = 0;
	for (int round = 0; round <= rounds; round++) {
		for (int i = 0; i <= count; i++) {
			int here = i < count ? run(i) : run_exec(program);
			failed += here;
			if (argc > 1 && round == rounds)
				printf("%s: %d\n", i < count ? sequences[i].name : "exec", here);
		}
		if (round == 0)
			before = free_pages();
	}
	/* What leaks leaks in each round. */
	if (control >= 0)
		CHECK(free_pages() > before - 200);
	CHECK_EQUAL(chdir(scratch), 0);
	leave_scratch(scratch);
	if (argc > 1)
		printf("%d allocations failed in %d rounds\n", failed, rounds + 1);
	return 0;
}
