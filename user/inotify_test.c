/* inotify: what happens to files and directories is told, with names, in Linux's order. */
#include "check.h"
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

static int queue;
static uint32_t last_cookie;

/* What was told since the last time, as text: "number events name;" and so on. */
static const char *told(void)
{
	static const char *const names[] = { "access", "modify", "attributes", "close-write", "close", "open", "from", "to",
		"create", "delete", "gone", "moved" };
	static char text[4096];
	char buffer[8192];
	size_t length = 0;
	ssize_t bytes = read(queue, buffer, sizeof buffer);
	text[0] = 0;
	CHECK(bytes > 0 || errno == EAGAIN);
	for (char *at = buffer; bytes > 0 && at < buffer + bytes;) {
		struct inotify_event *event = (void *)at;
		length += snprintf(text + length, sizeof text - length, "%d", event->wd);
		for (int i = 0; i < 12; i++)
			if (event->mask & 1u << i)
				length += snprintf(text + length, sizeof text - length, " %s", names[i]);
		if (event->mask & IN_ISDIR)
			length += snprintf(text + length, sizeof text - length, " directory");
		if (event->mask & IN_IGNORED)
			length += snprintf(text + length, sizeof text - length, " ignored");
		if (event->mask & IN_UNMOUNT)
			length += snprintf(text + length, sizeof text - length, " unmount");
		if (event->mask & IN_Q_OVERFLOW)
			length += snprintf(text + length, sizeof text - length, " overflow");
		if (event->len)
			length += snprintf(text + length, sizeof text - length, " %s", event->name);
		length += snprintf(text + length, sizeof text - length, ";");
		if (event->cookie)
			last_cookie = event->cookie;
		CHECK_EQUAL(event->len % 16, 0);
		at += sizeof *event + event->len;
	}
	return text;
}

#define TOLD(expected)                                                                            \
	do {                                                                                      \
		const char *found_ = told();                                                      \
		if (strcmp(found_, expected) != 0) {                                              \
			fprintf(stderr, "%s:%d: told \"%s\", expected \"%s\"\n", __FILE__, __LINE__, found_, expected); \
			exit(1);                                                                  \
		}                                                                                 \
	} while (0)

static int make(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT, 0600);
	CHECK(fd >= 0);
	return fd;
}

static void touch(const char *name, int flags)
{
	int fd = open(name, flags, 0600);
	CHECK(fd >= 0);
	CHECK_EQUAL(close(fd), 0);
}

static void one_directory(void)
{
	char byte;
	CHECK_EQUAL(inotify_add_watch(queue, ".", IN_ALL_EVENTS), 1);
	int fd = make("a");
	TOLD("1 create a;1 open a;");
	CHECK_EQUAL(write(fd, "x", 1) + write(fd, "y", 1), 2);
	TOLD("1 modify a;");
	CHECK_EQUAL(pread(fd, &byte, 1, 0), 1);
	TOLD("1 access a;");
	CHECK_EQUAL(read(fd, &byte, 1), 0);
	TOLD("");
	CHECK_EQUAL(ftruncate(fd, 0), 0);
	TOLD("1 modify a;");
	CHECK_EQUAL(fchmod(fd, 0644), 0);
	TOLD("1 attributes a;");
	CHECK_EQUAL(futimens(fd, NULL), 0);
	TOLD("1 attributes a;");
	CHECK_EQUAL(close(fd), 0);
	TOLD("1 close-write a;");
	touch("a", O_RDONLY | O_TRUNC);
	TOLD("1 open a;1 modify a;1 close a;");
	touch("a", O_PATH);
	TOLD("");
	/* The file itself besides. */
	CHECK_EQUAL(inotify_add_watch(queue, "a", IN_ALL_EVENTS), 2);
	touch("a", O_RDONLY);
	TOLD("1 open a;2 open;1 close a;2 close;");
	CHECK_EQUAL(link("a", "b"), 0);
	TOLD("2 attributes;1 create b;");
	last_cookie = 0;
	CHECK_EQUAL(rename("b", "c"), 0);
	TOLD("1 from b;1 to c;2 moved;");
	CHECK(last_cookie != 0);
	fd = make("d");
	TOLD("1 create d;1 open d;");
	CHECK_EQUAL(rename("c", "d"), 0);
	TOLD("1 from c;1 to d;2 moved;");
	CHECK_EQUAL(close(fd), 0);
	TOLD("1 close-write d;");
	CHECK_EQUAL(unlink("d"), 0);
	TOLD("2 attributes;1 delete d;");
	fd = open("a", O_RDONLY);
	TOLD("1 open a;2 open;");
	CHECK_EQUAL(unlink("a"), 0);
	TOLD("2 attributes;1 delete a;");
	CHECK_EQUAL(close(fd), 0);
	TOLD("1 close a;2 close;2 gone;2 ignored;");
	CHECK_ERRNO(inotify_rm_watch(queue, 2), EINVAL);
	CHECK_EQUAL(close(make("e")), 0);
	CHECK_EQUAL(inotify_add_watch(queue, "e", IN_ALL_EVENTS), 3);
	TOLD("1 create e;1 open e;1 close-write e;");
	CHECK_EQUAL(unlink("e"), 0);
	TOLD("3 attributes;3 gone;3 ignored;1 delete e;");
}

static void directories(void)
{
	CHECK_EQUAL(mkdir("sub", 0700), 0);
	TOLD("1 create directory sub;");
	CHECK_EQUAL(inotify_add_watch(queue, "sub", IN_ALL_EVENTS), 4);
	CHECK_EQUAL(close(make("sub/x")), 0);
	TOLD("4 create x;4 open x;4 close-write x;");
	DIR *list = opendir("sub");
	TOLD("1 open directory sub;4 open directory;");
	CHECK(readdir(list));
	TOLD("1 access directory sub;4 access directory;");
	CHECK_EQUAL(closedir(list), 0);
	TOLD("1 close directory sub;4 close directory;");
	CHECK_EQUAL(rename("sub/x", "x"), 0);
	TOLD("4 from x;1 to x;");
	CHECK_EQUAL(rename("sub", "bus"), 0);
	TOLD("1 from directory sub;1 to directory bus;4 moved;");
	CHECK_EQUAL(rmdir("bus"), 0);
	TOLD("4 gone;4 ignored;1 delete directory bus;");
	CHECK_EQUAL(symlink("x", "l"), 0);
	TOLD("1 create l;");
	CHECK_EQUAL(unlink("l"), 0);
	TOLD("1 delete l;");
	CHECK_EQUAL(inotify_rm_watch(queue, 1), 0);
	TOLD("1 ignored;");
	CHECK_ERRNO(inotify_rm_watch(queue, 1), EINVAL);
}

static void modes(void)
{
	char small[20];
	int count;
	CHECK_EQUAL(inotify_add_watch(queue, ".", IN_CREATE | IN_ONESHOT), 5);
	CHECK_EQUAL(close(make("y")) | close(make("z")), 0);
	TOLD("5 create y;5 ignored;");
	int six = inotify_add_watch(queue, "x", IN_MODIFY);
	CHECK_EQUAL(inotify_add_watch(queue, "x", IN_OPEN | IN_MASK_ADD), six);
	touch("x", O_WRONLY | O_TRUNC);
	TOLD("6 open;6 modify;");
	CHECK_ERRNO(inotify_add_watch(queue, "x", IN_OPEN | IN_MASK_CREATE), EEXIST);
	CHECK_ERRNO(inotify_add_watch(queue, "x", IN_OPEN | IN_MASK_CREATE | IN_MASK_ADD), EINVAL);
	CHECK_EQUAL(inotify_add_watch(queue, "x", IN_CLOSE), six);
	touch("x", O_WRONLY);
	CHECK_EQUAL(ioctl(queue, FIONREAD, &count), 0);
	CHECK_EQUAL(count, 16);
	CHECK_ERRNO(read(queue, small, 8), EINVAL);
	TOLD("6 close-write;");
	CHECK_ERRNO(inotify_add_watch(queue, "x", 0), EINVAL);
	CHECK_ERRNO(inotify_add_watch(queue, "x", IN_ONLYDIR | IN_OPEN), ENOTDIR);
	CHECK_ERRNO(inotify_add_watch(queue, "nothing", IN_OPEN), ENOENT);
	CHECK_ERRNO(inotify_add_watch(0, "x", IN_OPEN), EINVAL);
	CHECK_ERRNO(inotify_add_watch(99, "x", IN_OPEN), EBADF);
	CHECK_ERRNO(inotify_rm_watch(0, 1), EINVAL);
	CHECK_ERRNO(inotify_init1(1), EINVAL);
	CHECK_ERRNO(write(queue, "x", 1), EBADF);
	CHECK_EQUAL(inotify_add_watch(queue, "x", IN_ALL_EVENTS), six);
	struct timespec times[2] = { { 1, 0 }, { 0, UTIME_OMIT } };
	CHECK_EQUAL(utimensat(AT_FDCWD, "x", times, 0), 0);
	TOLD("6 access;");
	times[0].tv_nsec = UTIME_OMIT;
	times[1].tv_nsec = 0;
	CHECK_EQUAL(utimensat(AT_FDCWD, "x", times, 0), 0);
	TOLD("6 modify;");
	/* Removed while it is open: told to the directory or not. */
	int seven = inotify_add_watch(queue, ".", IN_CLOSE | IN_EXCL_UNLINK);
	CHECK_EQUAL(seven, 7);
	int fd = open("y", O_RDONLY);
	CHECK_EQUAL(unlink("y") | close(fd), 0);
	TOLD("");
	touch("z", O_RDONLY);
	TOLD("7 close z;");
	CHECK_EQUAL(inotify_rm_watch(queue, 6) | inotify_rm_watch(queue, 7), 0);
	TOLD("6 ignored;7 ignored;");
	if (is_superuser()) {
		CHECK_EQUAL(chmod("x", 0), 0);
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			CHECK_EQUAL(setresuid(4321, 4321, 4321), 0);
			CHECK_ERRNO(inotify_add_watch(queue, "x", IN_OPEN), EACCES);
			_exit(0);
		}
		CHECK_EXITS(child, 0);
	}
}

static void *write_later(void *unused)
{
	(void)unused;
	sleep_ms(30);
	touch("z", O_WRONLY);
	return NULL;
}

static void waiting(void)
{
	struct pollfd watched = { .fd = queue, .events = POLLIN };
	pthread_t thread;
	CHECK_EQUAL(poll(&watched, 1, 0), 0);
	CHECK_EQUAL(inotify_add_watch(queue, "z", IN_OPEN), 8);
	CHECK_EQUAL(pthread_create(&thread, NULL, write_later, NULL), 0);
	CHECK_EQUAL(poll(&watched, 1, 10000), 1);
	CHECK_EQUAL(pthread_join(thread, NULL), 0);
	TOLD("8 open;");
	CHECK_EQUAL(inotify_rm_watch(queue, 8), 0);
	TOLD("8 ignored;");
}

/* More than fit: what is lost is said. */
static void overflow(void)
{
	char buffer[4096];
	long most = 0, count = 0;
	FILE *limit = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
	CHECK(limit && fscanf(limit, "%ld", &most) == 1);
	fclose(limit);
	if (most > 20000)
		return;
	int wd = inotify_add_watch(queue, "z", IN_OPEN | IN_CLOSE);
	for (long i = 0; i <= most / 2 + 10; i++)
		touch("z", O_RDONLY);
	uint32_t last = 0;
	ssize_t bytes;
	while ((bytes = read(queue, buffer, sizeof buffer)) > 0)
		for (char *at = buffer; at < buffer + bytes; at += sizeof(struct inotify_event) + ((struct inotify_event *)at)->len) {
			count++;
			last = ((struct inotify_event *)at)->mask;
		}
	CHECK_EQUAL(count, most + 1);
	CHECK_EQUAL(last, IN_Q_OVERFLOW);
	CHECK_EQUAL(inotify_rm_watch(queue, wd), 0);
	told();
}

/* A user may have so many instances, here and in other processes. */
static void instances(void)
{
	char text[32];
	int made[600], count = 0, file = open("/proc/sys/fs/inotify/max_user_instances", O_RDONLY);
	CHECK(file >= 0);
	ssize_t length = read(file, text, sizeof text - 1);
	CHECK(length > 0 && close(file) == 0);
	text[length] = 0;
	int most = atoi(text);
	CHECK(most > 0);
	if (most > 500)
		return;
	while (count <= most && (made[count] = inotify_init1(0)) >= 0)
		count++;
	CHECK(count < most);
	CHECK_EQUAL(errno, EMFILE);
	while (count > 0)
		CHECK_EQUAL(close(made[--count]), 0);
}

static void unmounting(void)
{
	if (!is_superuser() || unshare(CLONE_NEWNS) != 0)
		if (!is_superuser() || errno == EPERM)
			return;
	CHECK_EQUAL(mkdir("mount", 0700), 0);
	mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (mount("none", "mount", "tmpfs", 0, NULL) == 0) {
		CHECK_EQUAL(close(make("mount/q")), 0);
		int wd = inotify_add_watch(queue, "mount/q", IN_MODIFY);
		char expected[64];
		snprintf(expected, sizeof expected, "%d unmount;%d ignored;", wd, wd);
		CHECK_EQUAL(umount("mount"), 0);
		TOLD(expected);
	}
	CHECK_EQUAL(rmdir("mount"), 0);
}

int main(void)
{
	const char *scratch = enter_scratch();
	queue = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	CHECK(queue >= 0);
	one_directory();
	directories();
	modes();
	waiting();
	overflow();
	instances();
	unmounting();
	CHECK_EQUAL(unlink("x") | unlink("z"), 0);
	/* An instance that goes while files are watched. */
	int fd = memfd_create("inotify_test", 0);
	CHECK(fd >= 0);
	CHECK(inotify_add_watch(queue, ".", IN_ALL_EVENTS) > 0);
	CHECK_EQUAL(close(queue), 0);
	touch("last", O_RDWR | O_CREAT);
	CHECK_EQUAL(unlink("last"), 0);
	leave_scratch(scratch);
	return 0;
}
