/* Hostile values for system calls: where pointers point, what lies there, and a source of choices that can be repeated. */
#ifndef VALUES_H
#define VALUES_H

#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* A thread's choices (splitmix64). */
struct choices {
	uint64_t state;
};

static inline uint64_t next(struct choices *from)
{
	uint64_t z = from->state += 0x9e3779b97f4a7c15ull;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static inline uint64_t below(struct choices *from, uint64_t bound)
{
	return next(from) % bound;
}

static inline int one_in(struct choices *from, uint64_t n)
{
	return below(from, n) == 0;
}

enum {
	PAGE = 4096,
	/* Bytes that programs share and fight over; behind them lies nothing. */
	ARENA = 16 * PAGE,
	/* Descriptors that are open at the start are below this. */
	DESCRIPTORS = 32,
};

/* Where the hostile memory is, in each round at the same places relative to these. */
struct places {
	/* Readable, writable; what lies there changes under the kernel's hands. */
	char *arena;
	/* One page that can only be read, one that cannot be touched, one of a file, one that is not there. */
	char *read_only, *forbidden, *of_file, *hole;
	/* The process's own number, and that of the one that watches it. */
	pid_t self, watcher;
	/* As the superuser some values would end the machine or the test rather than find a fault. */
	int is_privileged;
	/* Whether there is another user to become for what may do anything. */
	int has_ordinary_user;
};

static const char *const PATHS[] = {
	"a", "b", "c", "d", "d/e", "d/f", "d/..", "./d/./e", "link", "loop", "fifo", "socket", "", ".", "a/b", "nosuch", "d/nosuch",
	"/proc/self/maps", "/proc/self/mem", "/proc/self/fd", "/proc/self/fd/4", "/proc/self/exe", "/proc/self/task",
	"/proc/self/stat", "/proc/meminfo", "/proc/self/ns", "/proc/self/attr", "/proc/sys/kernel/hostname", "/proc/thread-self",
	"/dev/shm", "d/////e/", "link/x", "loop/loop",
};
/* Only without privileges: the superuser would break them for the watcher too. */
static const char *const OTHER_PATHS[] = {
	"/", "..", "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/tty", "/dev/ptmx", "/dev/pts/0", "/dev/kmsg",
	"/proc", "/proc/1", "/proc/1/environ", "/proc/2/mem", "/proc/trace/enable", "/proc/trace/buffer", "/etc/passwd", "/bin/busybox", "/tmp", "/tmp/..",
};

static inline uint64_t number(struct choices *from)
{
	static const uint64_t edges[] = {
		0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 63, 64, 100, 127, 128, 255, 256, 511, 512, 1000, 1023, 1024, 4095, 4096, 4097,
		65535, 65536, 1 << 20, 1 << 30, INT_MAX, 1ull << 31, UINT_MAX, 1ull << 32, 1ull << 40, 1ull << 47, LONG_MAX, 1ull << 63,
	};
	switch (below(from, 8)) {
	case 0: return next(from);
	case 1: return 1ull << below(from, 64);
	case 2: return -(uint64_t)edges[below(from, sizeof edges / sizeof *edges)];
	case 3: return below(from, 64);
	case 4: return (uint32_t)next(from);
	default: return edges[below(from, sizeof edges / sizeof *edges)];
	}
}

static inline uint64_t length(struct choices *from)
{
	static const uint64_t usual[] = { 0, 1, 4, 8, 16, 24, 32, 56, 64, 100, 128, 144, 152, 256, 1000, 4095, 4096, 4097, 8192, 65536 };
	return one_in(from, 5) ? number(from) : usual[below(from, sizeof usual / sizeof *usual)];
}

static inline uint64_t flags(struct choices *from)
{
	uint64_t value = 0;
	for (int bits = (int)below(from, 5); bits > 0; bits--)
		value |= 1ull << below(from, 32);
	return one_in(from, 8) ? number(from) : value;
}

static inline uint64_t descriptor(struct choices *from)
{
	switch (below(from, 10)) {
	case 0: return (uint64_t)(int64_t)AT_FDCWD;
	case 1: return number(from);
	case 2: return below(from, 200);
	default: return below(from, DESCRIPTORS);
	}
}

static inline uint64_t process(struct choices *from, const struct places *at)
{
	static const int64_t special[] = { 0, 0, -1, 1, 2, 3, 4, 5, 30000, INT_MAX, INT_MIN };
	int64_t value = one_in(from, 2) ? at->self + (int64_t)below(from, 8) : special[below(from, 11)];
	if (at->is_privileged && (value == -1 || value == 1 || value == at->watcher || value == -at->watcher))
		value = at->self;
	return (uint64_t)value;
}

static inline uint64_t signal_number(struct choices *from)
{
	/* Stopping is found out by the watcher only after a while. */
	uint64_t value = one_in(from, 8) ? number(from) : below(from, 66);
	return (value == SIGSTOP || value == SIGKILL) && !one_in(from, 50) ? SIGCONT : value;
}

static uint64_t pointer(struct choices *from, const struct places *at);

/* Writes something that some call takes for a structure to `out`, at most `room` bytes. */
static inline void fill(struct choices *from, const struct places *at, char *out, size_t room)
{
	uint64_t words[32];
	size_t bytes = 8 * (1 + below(from, 32));
	switch (below(from, 8)) {
	case 0: /* Times. */
		for (size_t i = 0; i < 32; i += 2) {
			words[i] = one_in(from, 4) ? number(from) : 0;
			words[i + 1] = one_in(from, 6) ? number(from) : below(from, 2000000);
		}
		break;
	case 1: /* Pieces of memory, small and large. */
		for (size_t i = 0; i < 32; i += 2) {
			words[i] = pointer(from, at);
			words[i + 1] = length(from);
		}
		break;
	case 2: { /* A message with control data. */
		uint64_t *message = words;
		message[0] = pointer(from, at), message[1] = length(from) & 0xff;
		message[2] = pointer(from, at), message[3] = below(from, 20);
		message[4] = pointer(from, at), message[5] = length(from);
		message[6] = flags(from);
		struct cmsghdr head = { .cmsg_len = sizeof head + 4 * below(from, 8), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
		memcpy(&words[7], &head, sizeof head);
		int *fds = (int *)&words[9];
		for (int i = 0; i < 16; i++)
			fds[i] = (int)descriptor(from);
		break;
	}
	case 3: { /* An address. */
		struct sockaddr_un *name = (struct sockaddr_un *)words;
		memset(words, 0, sizeof words);
		name->sun_family = one_in(from, 4) ? (sa_family_t)next(from) : AF_UNIX;
		if (one_in(from, 2))
			strcpy(name->sun_path, PATHS[below(from, 16)]);
		else
			name->sun_path[1] = (char)('a' + below(from, 4));
		break;
	}
	case 4: { /* Descriptors and events. */
		int *pairs = (int *)words;
		for (int i = 0; i < 64; i += 2) {
			pairs[i] = (int)descriptor(from);
			pairs[i + 1] = (int)next(from);
		}
		break;
	}
	case 5: { /* A path, perhaps without an end. */
		memset(words, one_in(from, 8) ? 'x' : 0, sizeof words);
		strncpy((char *)words, PATHS[below(from, sizeof PATHS / sizeof *PATHS)], sizeof words / 2);
		break;
	}
	case 6:
		for (size_t i = 0; i < 32; i++)
			words[i] = one_in(from, 3) ? number(from) : 0;
		break;
	default:
		for (size_t i = 0; i < 32; i++)
			words[i] = one_in(from, 3) ? pointer(from, at) : number(from);
	}
	memcpy(out, words, bytes < room ? bytes : room);
}

static uint64_t pointer(struct choices *from, const struct places *at)
{
	static const uint64_t outside[] = {
		0, 1, 4096, 0x10000, 0x7ffffffff000, 0x7fffffffeff8, 0x7ffffffffff8, 0x800000000000, 0xffff7fffffffffff, 0xffff800000000000,
		0xffffffff80000000, 0xffffffff80200000, 0xfffffffffffff000, 0xfffffffffffffff8, 0xffffffffffffffff, 0x0000ffffffffffff,
		0x0000fffffffff000, 0x0001000000000000, 0xffff000000000000, 0xffff000040000000, 0xffffffc000000000, 0x4141414141414141,
	};
	switch (below(from, 16)) {
	case 0: return outside[below(from, sizeof outside / sizeof *outside)];
	case 1: return (uint64_t)at->read_only + (below(from, PAGE) & ~7ull);
	case 2: return (uint64_t)at->forbidden + below(from, PAGE);
	case 3: return (uint64_t)at->hole + below(from, PAGE);
	case 4: return (uint64_t)at->arena + ARENA - 1 - below(from, 64);
	case 5: return (uint64_t)at->of_file + (below(from, PAGE) & ~7ull);
	case 6: return 0;
	case 7: return (uint64_t)at->arena + below(from, ARENA);
	default: return (uint64_t)at->arena + (below(from, ARENA - 512) & ~7ull);
	}
}

/* A path's address: the text is put into the arena, where other threads change it meanwhile. */
static inline uint64_t path(struct choices *from, const struct places *at)
{
	if (one_in(from, 6))
		return pointer(from, at);
	char *place = at->arena + (below(from, ARENA - 512) & ~7ull);
	const char *text = PATHS[below(from, sizeof PATHS / sizeof *PATHS)];
	if (!at->is_privileged && one_in(from, 3))
		text = OTHER_PATHS[below(from, sizeof OTHER_PATHS / sizeof *OTHER_PATHS)];
	if (one_in(from, 12)) {
		/* The last byte of the path is the last of the memory. */
		place = at->arena + ARENA - strlen(text) - below(from, 2);
		memcpy(place, text, strlen(text));
		return (uint64_t)place;
	}
	strcpy(place, text);
	return (uint64_t)place;
}

static inline uint64_t argument(struct choices *from, const struct places *at, char kind)
{
	/* Sometimes something else than what the call expects. */
	if (one_in(from, 10))
		kind = "fspztgoi"[below(from, 8)];
	switch (kind) {
	case 'f': return descriptor(from);
	case 's': return path(from, at);
	case 'p': {
		uint64_t address = pointer(from, at);
		uint64_t offset = address - (uint64_t)at->arena;
		if (offset < ARENA - 256 && one_in(from, 2))
			fill(from, at, (char *)address, 256);
		return address;
	}
	case 'z': return length(from);
	case 't': return process(from, at);
	case 'g': return signal_number(from);
	case 'o': return flags(from);
	default: return one_in(from, 2) ? below(from, 12) : number(from);
	}
}

#endif
