/* fallocate: holes give their memory back however long they are, mapped or not; sizes are limited; what is interrupted leaves nothing. */
#include "check.h"
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>

enum { PAGE = 4096 };
static struct stat facts;

static struct stat *look(int file)
{
	CHECK_EQUAL(fstat(file, &facts), 0);
	return &facts;
}

static void check_holes(void)
{
	static char bytes[64 * PAGE], found[64 * PAGE];
	int file = memfd_create("holes", 0);
	memset(bytes, 'x', sizeof bytes);
	CHECK_EQUAL(write(file, bytes, sizeof bytes), (ssize_t)sizeof bytes);
	char *mapped = mmap(NULL, sizeof bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	CHECK(mapped != MAP_FAILED && mapped[5 * PAGE] == 'x');
	/* Inside a page, across pages, whole pages. */
	const int holes[][2] = { { 10, 20 }, { PAGE - 5, PAGE + 5 }, { 4 * PAGE, 6 * PAGE }, { 8 * PAGE + 1, 11 * PAGE - 1 }, { 63 * PAGE, 64 * PAGE } };
	for (size_t i = 0; i < sizeof holes / sizeof *holes; i++) {
		int start = holes[i][0], length = holes[i][1] - start;
		CHECK_EQUAL(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, start, length), 0);
		memset(bytes + start, 0, length);
	}
	CHECK_EQUAL(pread(file, found, sizeof found, 0), (ssize_t)sizeof found);
	CHECK(memcmp(found, bytes, sizeof bytes) == 0);
	CHECK(memcmp(mapped, bytes, sizeof bytes) == 0);
	/* A store into a hole makes a page that both ways see. */
	mapped[5 * PAGE] = 'y';
	CHECK_EQUAL(pread(file, found, 1, 5 * PAGE), 1);
	CHECK_EQUAL(found[0], 'y');
	CHECK_EQUAL(look(file)->st_size, 64 * PAGE);
	/* A hole of a tebibyte is there at once. */
	CHECK_EQUAL(ftruncate(file, 1ll << 40), 0);
	CHECK_EQUAL(pwrite(file, "z", 1, 1ll << 39), 1);
	CHECK(look(file)->st_blocks > 0);
	CHECK_EQUAL(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1ll << 40), 0);
	CHECK_EQUAL(look(file)->st_blocks, 0);
	CHECK_EQUAL(mapped[0] | mapped[20 * PAGE] | mapped[63 * PAGE], 0);
	CHECK_EQUAL(pread(file, found, 1, 1ll << 39), 1);
	CHECK_EQUAL(found[0], 0);
	CHECK_EQUAL(munmap(mapped, sizeof bytes) | close(file), 0);
}

static volatile int signals;

static void count(int number)
{
	(void)number;
	signals++;
}

static void check_limit(void)
{
	int file = memfd_create("limit", 0);
	CHECK_EQUAL(ftruncate(file, 8 << 20), 0);
	struct sigaction action = { .sa_handler = count };
	CHECK_EQUAL(sigaction(SIGXFSZ, &action, NULL), 0);
	struct rlimit limit = { 1 << 20, 1 << 20 };
	CHECK_EQUAL(setrlimit(RLIMIT_FSIZE, &limit), 0);
	signals = 0;
	/* What is too large already may become smaller, not larger. */
	CHECK_EQUAL(ftruncate(file, 4 << 20), 0);
	CHECK_EQUAL(signals, 0);
	CHECK_ERRNO(ftruncate(file, (4 << 20) + 1), EFBIG);
	CHECK_EQUAL(signals, 1);
	CHECK_ERRNO(fallocate(file, 0, 0, 5 << 20), EFBIG);
	CHECK_EQUAL(signals, 2);
	CHECK_EQUAL(look(file)->st_size, 4 << 20);
	CHECK_EQUAL(look(file)->st_blocks, 0);
	CHECK_EQUAL(close(file), 0);
}

/* Asking for more than there is. Linux would take all of the host's memory. */
static void check_interrupted(void)
{
	int file = memfd_create("all", 0);
	struct sigaction action = { .sa_handler = count };
	CHECK_EQUAL(sigaction(SIGALRM, &action, NULL), 0);
	struct itimerval soon = { .it_value.tv_usec = 2000, .it_interval.tv_usec = 2000 }, never = { 0 };
	CHECK_EQUAL(setitimer(ITIMER_REAL, &soon, NULL), 0);
	CHECK_EQUAL(fallocate(file, 0, 0, 1ll << 42), -1);
	CHECK(errno == EINTR || errno == ENOSPC || errno == ENOMEM);
	CHECK_EQUAL(setitimer(ITIMER_REAL, &never, NULL), 0);
	CHECK_EQUAL(look(file)->st_size, 0);
	CHECK_EQUAL(look(file)->st_blocks, 0);
	CHECK_EQUAL(close(file), 0);
}

int main(void)
{
	check_holes();
	if (access("/proc/trace/enable", F_OK) == 0)
		check_interrupted();
	check_limit();
	return 0;
}
