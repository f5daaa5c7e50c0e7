/* Calls of many kinds, made only to be looked at: what `ochre strace` shows of those between the closing of 1001 and of 1002 is
 * compared with what strace 6.1 showed of them on Linux (tests/expected/strace.txt). Results, descriptors and addresses are
 * therefore the same wherever it runs. As a test by itself it passes when none of them ends it. */
#include "check.h"
#include <poll.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <termios.h>

#define CALL(name, ...) syscall(SYS_##name, ##__VA_ARGS__)
/* Where nothing else lies. */
#define PLACE 0x3000000000L

static char buffer[4096];

int main(void)
{
	long fd;
	int pair[2];
	char directory[] = "/tmp/ochre-shown-XXXXXX";
	if (!mkdtemp(directory) || chdir(directory))
		return 1;
	for (int fd = 3; fd < 256; fd++)
		close(fd);
	/* From here on. */
	CALL(close, 1001L);
	fd = CALL(openat, AT_FDCWD, "decode.tmp", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	CALL(write, fd, "hello\n\tworld\001" "2\"\\\377", 17);
	CALL(pwrite64, fd, "0123456789012345678901234567890123456789", 40L, 0L);
	CALL(lseek, fd, 0L, SEEK_SET);
	CALL(read, fd, buffer, 8L);
	CALL(pread64, fd, buffer, 4096L, 8L);
	struct stat st;
	CALL(fstat, fd, &st);
	CALL(newfstatat, AT_FDCWD, "decode.tmp", &st, AT_SYMLINK_NOFOLLOW);
	CALL(newfstatat, AT_FDCWD, "/dev/null", &st, 0L);
	CALL(newfstatat, AT_FDCWD, "nowhere", 0L, 0L);
	CALL(faccessat, AT_FDCWD, "decode.tmp", R_OK | W_OK);
	struct iovec v[2] = {{"ab", 2}, {"cde", 3}};
	CALL(writev, fd, v, 2L);
	struct iovec r[2] = {{buffer, 3}, {buffer + 100, 100}};
	CALL(preadv, fd, r, 2L, 0L, 0L);
	CALL(fcntl, fd, F_GETFD);
	CALL(fcntl, fd, F_SETFD, 0L);
	CALL(fcntl, fd, F_SETFL, O_APPEND | O_NONBLOCK);
	CALL(fcntl, fd, F_DUPFD_CLOEXEC, 20L);
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10};
	CALL(fcntl, fd, F_SETLK, &lock);
	CALL(flock, fd, LOCK_EX | LOCK_NB);
	CALL(ftruncate, fd, 5L);
	CALL(fchmod, fd, 0600L);
	CALL(fchmodat, AT_FDCWD, "decode.tmp", 0644);
	CALL(umask, 022L);
	CALL(umask, 022L);
	CALL(mkdirat, AT_FDCWD, "decode.dir", 0755L);
	CALL(renameat2, AT_FDCWD, "decode.tmp", AT_FDCWD, "decode.dir/a", RENAME_NOREPLACE);
	CALL(symlinkat, "target", AT_FDCWD, "decode.dir/b");
	CALL(readlinkat, AT_FDCWD, "decode.dir/b", buffer, 100L);
	CALL(linkat, AT_FDCWD, "decode.dir/a", AT_FDCWD, "decode.dir/c", 0L);
	struct timespec times[2] = {{1, 2}, {3, UTIME_OMIT}};
	CALL(utimensat, AT_FDCWD, "decode.dir/a", times, 0L);
	CALL(utimensat, AT_FDCWD, "decode.dir/a", 0L, AT_SYMLINK_NOFOLLOW);
	CALL(unlinkat, AT_FDCWD, "decode.dir/a", 0L);
	CALL(unlinkat, AT_FDCWD, "decode.dir/b", 0L);
	CALL(unlinkat, AT_FDCWD, "decode.dir/c", 0L);
	CALL(unlinkat, AT_FDCWD, "decode.dir", AT_REMOVEDIR);
	CALL(unlinkat, AT_FDCWD, "decode.dir", AT_REMOVEDIR);
	CALL(ioctl, fd, TIOCGWINSZ, 0L);
	CALL(ioctl, fd, TCGETS, 0L);
	CALL(pipe2, pair, O_CLOEXEC | O_NONBLOCK);
	CALL(read, pair[0], 0L, 10L);
	CALL(dup3, pair[0], 30L, O_CLOEXEC);
	struct pollfd p[2] = {{pair[0], POLLIN, 0}, {pair[1], POLLOUT | POLLERR, 0}};
	struct timespec zero = {0, 0};
	CALL(ppoll, p, 2L, &zero, 0L, 8L);
	p[1].events = 0;
	CALL(ppoll, p, 2L, &zero, 0L, 8L);
		fd_set in;
	FD_ZERO(&in);
	FD_SET(pair[0], &in);
	CALL(pselect6, pair[0] + 1, &in, 0L, 0L, &zero, 0L);
	CALL(socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0L, pair);
	CALL(sendto, pair[0], "ping", 4L, MSG_NOSIGNAL, 0L, 0L);
	CALL(recvfrom, pair[1], buffer, 100L, MSG_PEEK | MSG_DONTWAIT, 0L, 0L);
	struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};
	CALL(sendmsg, pair[0], &m, 0L);
	struct msghdr m2 = {.msg_iov = r, .msg_iovlen = 2};
	CALL(recvmsg, pair[1], &m2, MSG_CMSG_CLOEXEC);
	CALL(shutdown, pair[0], SHUT_WR);
	int value = 1;
	CALL(setsockopt, pair[0], SOL_SOCKET, SO_PASSCRED, &value, 4L);
	unsigned bytes = 4;
	CALL(getsockopt, pair[0], SOL_SOCKET, SO_TYPE, &value, &bytes);
	fd = CALL(socket, AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0L);
	struct sockaddr_un un = {AF_UNIX, "/nowhere/x"};
	CALL(connect, fd, &un, 2L + 11);
	memcpy(un.sun_path, "\0abstract-decode", 16);
	CALL(bind, fd, &un, 2L + 16);
	unsigned length = sizeof un;
	CALL(getsockname, fd, &un, &length);
	struct epoll_event e = {EPOLLIN | EPOLLET, {.u64 = 7}}, got[4];
	fd = CALL(epoll_create1, EPOLL_CLOEXEC);
	CALL(epoll_ctl, fd, EPOLL_CTL_ADD, pair[1], &e);
	CALL(epoll_pwait, fd, got, 4L, 0L, 0L, 8L);
	CALL(eventfd2, 3L, EFD_CLOEXEC | EFD_NONBLOCK);
	fd = CALL(timerfd_create, CLOCK_MONOTONIC, TFD_CLOEXEC);
	struct itimerspec its = {{0, 0}, {1000, 5}};
	CALL(timerfd_settime, fd, 0L, &its, 0L);
	CALL(timerfd_settime, fd, 0L, &(struct itimerspec){0}, 0L);
	CALL(inotify_init1, IN_CLOEXEC);
	CALL(getrandom, buffer, 0L, GRND_NONBLOCK);
	CALL(memfd_create, "name", MFD_CLOEXEC);
	CALL(mmap, PLACE, 8192L, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1L, 0L);
	CALL(mprotect, PLACE, 4096L, PROT_READ);
	CALL(madvise, PLACE, 8192L, MADV_DONTNEED);
	CALL(msync, PLACE, 8192L, MS_SYNC);
	CALL(mremap, PLACE, 4096L, 4096L, MREMAP_MAYMOVE | MREMAP_FIXED, 0x3100000000L);
	CALL(munmap, 0x3100000000L, 4096L);
	CALL(munmap, 1L, 4096L);
	CALL(mlock2, PLACE + 4096, 4096L, 1L);
	struct { void *h; unsigned long f; void *r; unsigned long m; } sa = { (void *)1L, SA_RESTART | SA_NODEFER, 0, 1UL << (SIGUSR1 - 1)};
	CALL(rt_sigaction, SIGUSR2, &sa, 0L, 8L);
	sa.h = 0, sa.f = 0, sa.m = 0;
	CALL(rt_sigaction, SIGUSR2, &sa, &sa, 8L);
	unsigned long set = 1UL << (SIGUSR1 - 1) | 1UL << (SIGCHLD - 1) | 1UL << 40, before;
	CALL(rt_sigprocmask, SIG_BLOCK, &set, &before, 8L);
	CALL(kill, 0L, 0L);
	CALL(kill, 0x7fffffffL, SIGTERM);
	CALL(tgkill, 0x7ffffff0L, 0x7ffffff0L, SIGUSR1);
	set = 0;
	CALL(rt_sigprocmask, SIG_SETMASK, &set, &before, 8L);
	set = ~0UL;
	CALL(rt_sigprocmask, SIG_UNBLOCK, &set, 0L, 8L);
	set = ~(1UL << (SIGTERM - 1));
	CALL(rt_sigprocmask, SIG_UNBLOCK, &set, 0L, 8L);
	CALL(rt_sigpending, &set, 8L);
	stack_t ss;
	CALL(sigaltstack, 0L, &ss);
	struct rlimit rl = {64, 8192 * 1024};
	CALL(prlimit64, 0L, RLIMIT_CORE, &(struct rlimit){0, 0}, 0L);
	CALL(prlimit64, 0L, RLIMIT_CORE, 0L, &rl);
	CALL(setitimer, ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, 0L);
	CALL(getitimer, ITIMER_VIRTUAL, &(struct itimerval){{0, 0}, {0, 0}});
	CALL(nanosleep, &(struct timespec){0, 1000}, 0L);
	CALL(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &(struct timespec){1, 1000}, 0L);
	CALL(clock_getres, CLOCK_MONOTONIC, &zero);
	CALL(futex, PLACE + 4096, FUTEX_WAIT_PRIVATE, 2L, 0L);
	CALL(futex, 0L, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1L);
	CALL(sched_yield);
	CALL(getpriority, PRIO_PROCESS, 0L);
	CALL(sched_getscheduler, 0L);
	CALL(prctl, PR_SET_NAME, "named");
	CALL(sched_get_priority_max, SCHED_FIFO);
	CALL(fallocate, 1000L, FALLOC_FL_KEEP_SIZE, 0L, 100L);
	CALL(fadvise64, 1000L, 0L, 0L, POSIX_FADV_WILLNEED);
	CALL(getdents64, 1000L, 8L, 100L);
	((char **)(PLACE + 4096))[0] = "A=1";
	CALL(execve, "/nowhere", (char *[]){"a", "b c", 0}, PLACE + 4096);
	CALL(mount, "none", "/nowhere", "tmpfs", MS_NOSUID | MS_NODEV, "size=1");
	CALL(wait4, -1L, 0L, WNOHANG, 0L);
	CALL(openat, AT_FDCWD, (char *)8L, O_RDONLY);
	CALL(read, 77L, (char *)8L, 10L);
	CALL(nanosleep, (void *)8L, 0L);
	CALL(statfs, "/nowhere", 8L);
	CALL(getrusage, 55L, 8L);
	/* Until here. */
	CALL(close, 1002L);
	return chdir("/") || rmdir(directory);
}
