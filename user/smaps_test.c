/* /proc/PID/smaps, smaps_rollup, pagemap and clear_refs: what they say of private, shared and file pages before and after writes,
 * fork, and copies on write. Figures of one area are compared with what this program did to it; nothing else looks at these pages. */
#include "check.h"

enum { PAGE = 4096, PAGES = 24 };

#define PRESENT (1ull << 63)
#define OF_FILE (1ull << 61)
#define MAPPED_ONCE (1ull << 56)
#define CHANGED (1ull << 55)
#define FRAME ((1ull << 55) - 1)

struct figures {
	long size, rss, pss, pss_dirty, shared_clean, shared_dirty, private_clean, private_dirty, referenced, anonymous, swap, locked;
	char flags[512];
};

/* What smaps of this process says of the area that begins at `area`; `rollup`: the sums. */
static struct figures look(const char *path, const void *area)
{
	struct figures found = { .size = -1 };
	FILE *file = fopen(path, "r");
	CHECK(file != NULL);
	char line[512];
	int is_it = 0;
	while (fgets(line, sizeof line, file)) {
		unsigned long start, end;
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2) {
			if (is_it)
				break;
			is_it = !area || start == (unsigned long)area;
			found.size = is_it ? 0 : found.size;
			continue;
		}
		if (!is_it)
			continue;
		struct {
			const char *name;
			long *place;
		} fields[] = { { "Size:", &found.size }, { "Rss:", &found.rss }, { "Pss:", &found.pss },
			       { "Pss_Dirty:", &found.pss_dirty }, { "Shared_Clean:", &found.shared_clean },
			       { "Shared_Dirty:", &found.shared_dirty }, { "Private_Clean:", &found.private_clean },
			       { "Private_Dirty:", &found.private_dirty }, { "Referenced:", &found.referenced },
			       { "Anonymous:", &found.anonymous }, { "Swap:", &found.swap }, { "Locked:", &found.locked } };
		for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
			if (strncmp(line, fields[i].name, strlen(fields[i].name)) == 0)
				*fields[i].place = strtol(line + strlen(fields[i].name), NULL, 10);
		if (strncmp(line, "VmFlags:", 8) == 0)
			snprintf(found.flags, sizeof found.flags, "%s", line + 8);
	}
	fclose(file);
	CHECK(found.size >= 0);
	/* True of every area: each page is counted once. */
	CHECK_EQUAL(found.shared_clean + found.shared_dirty + found.private_clean + found.private_dirty, found.rss);
	CHECK(found.pss <= found.rss && found.referenced <= found.rss && found.anonymous <= found.rss);
	CHECK(found.pss >= found.private_clean + found.private_dirty);
	return found;
}

static struct figures of(const void *area)
{
	return look("/proc/self/smaps", area);
}

static int pagemap;

static uint64_t word_of(const void *page)
{
	uint64_t word;
	CHECK_EQUAL(pread(pagemap, &word, 8, (off_t)((uintptr_t)page / PAGE * 8)), 8);
	return word;
}

static long kib(int pages)
{
	return pages * (PAGE / 1024);
}

static char *map(int flags, int file)
{
	/* Between two areas that can only be read, so that it stays an area of its own; and never of huge pages. */
	char *place = mmap(NULL, (PAGES + 2) * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(place != MAP_FAILED);
	char *area = mmap(place + PAGE, PAGES * PAGE, PROT_READ | PROT_WRITE, flags | MAP_FIXED, file, 0);
	CHECK(area == place + PAGE);
	/* Refused where there are none. */
	(void)madvise(area, PAGES * PAGE, MADV_NOHUGEPAGE);
	return area;
}

/* Writes, and does not read before: that could bring a file's next pages along. */
static void touch(char *area, int pages)
{
	for (int i = 0; i < pages; i++)
		((volatile char *)area)[i * PAGE] = 1;
}

static int ends[2][2];

static void send(int pipe)
{
	CHECK_EQUAL(write(ends[pipe][1], "x", 1), 1);
}

static void await(int pipe)
{
	char byte;
	CHECK_EQUAL(read(ends[pipe][0], &byte, 1), 1);
}

/* Waits until an area's pages are this process's alone: what has ended may take a moment to give its memory back. */
static struct figures alone(const void *area)
{
	for (int i = 0; i < 3000 && of(area).shared_dirty; i++)
		sleep_ms(10);
	return of(area);
}

/* Nothing, zeros, own pages; then shared with a child, copied by it, and alone again. */
static void private_memory(void)
{
	char *area = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	struct figures now = of(area);
	CHECK_EQUAL(now.size, kib(PAGES));
	CHECK_EQUAL(now.rss, 0);
	CHECK_EQUAL(word_of(area) & PRESENT, 0);
	/* What is only read shows the page of zeros, which is nobody's. */
	CHECK_EQUAL(((volatile char *)area)[20 * PAGE], 0);
	CHECK_EQUAL(of(area).rss, 0);
	CHECK((word_of(area + 20 * PAGE) & (PRESENT | MAPPED_ONCE)) == PRESENT);

	touch(area, 16);
	now = of(area);
	CHECK_EQUAL(now.rss, kib(16));
	CHECK_EQUAL(now.private_dirty, kib(16));
	CHECK_EQUAL(now.anonymous, kib(16));
	CHECK_EQUAL(now.pss, kib(16));
	CHECK_EQUAL(now.referenced, kib(16));
	CHECK_EQUAL(now.swap, 0);
	CHECK(strstr(now.flags, " rd wr ") && strstr(now.flags, " mr mw me ") && !strstr(now.flags, " sh"));
	CHECK((word_of(area) & (PRESENT | MAPPED_ONCE | OF_FILE)) == (PRESENT | MAPPED_ONCE));

	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		struct figures mine = of(area);
		/* The parent sleeps: nothing changes meanwhile. */
		CHECK_EQUAL(mine.shared_dirty, kib(16));
		CHECK_EQUAL(mine.pss, kib(8));
		touch(area, 6);
		mine = of(area);
		CHECK_EQUAL(mine.shared_dirty, kib(10));
		CHECK_EQUAL(mine.private_dirty, kib(6));
		CHECK_EQUAL(mine.pss, kib(6 + 5));
		send(0);
		await(1);
		_exit(0);
	}
	await(0);
	now = of(area);
	CHECK_EQUAL(now.rss, kib(16));
	CHECK_EQUAL(now.shared_dirty, kib(10));
	CHECK_EQUAL(now.private_dirty, kib(6));
	CHECK((word_of(area + 15 * PAGE) & (PRESENT | MAPPED_ONCE)) == PRESENT);
	CHECK(word_of(area) & MAPPED_ONCE);
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/smaps", child);
	CHECK_EQUAL(look(path, area).private_dirty, kib(6));
	send(1);
	CHECK_EXITS(child, 0);
	now = alone(area);
	CHECK_EQUAL(now.private_dirty, kib(16));
	CHECK_EQUAL(now.pss, kib(16));

	CHECK_EQUAL(madvise(area, 4 * PAGE, MADV_DONTNEED), 0);
	CHECK_EQUAL(of(area).rss, kib(12));
	CHECK_EQUAL(mprotect(area, PAGES * PAGE, PROT_NONE), 0);
	now = of(area);
	CHECK_EQUAL(now.rss, kib(12));
	CHECK(!strstr(now.flags, " rd") && !strstr(now.flags, " wr") && strstr(now.flags, " mr mw me "));
	CHECK_EQUAL(mprotect(area, PAGES * PAGE, PROT_READ | PROT_WRITE), 0);
	if (mlock(area, PAGES * PAGE) == 0) {
		now = of(area);
		CHECK_EQUAL(now.rss, kib(PAGES));
		CHECK_EQUAL(now.locked, kib(PAGES));
		CHECK(strstr(now.flags, " lo "));
	}
	CHECK_EQUAL(munmap(area - PAGE, (PAGES + 2) * PAGE), 0);
}

/* One frame in two processes, counted in each. */
static void shared_memory(void)
{
	char *area = map(MAP_SHARED | MAP_ANONYMOUS, -1);
	touch(area, 10);
	struct figures now = of(area);
	CHECK_EQUAL(now.rss, kib(10));
	CHECK_EQUAL(now.private_dirty, kib(10));
	CHECK_EQUAL(now.anonymous, 0);
	CHECK(strstr(now.flags, " sh ") && strstr(now.flags, " ms "));
	CHECK((word_of(area) & (PRESENT | OF_FILE | MAPPED_ONCE)) == (PRESENT | OF_FILE | MAPPED_ONCE));
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		touch(area, 4);
		CHECK_EQUAL(of(area).shared_dirty, kib(4));
		send(0);
		await(1);
		_exit(0);
	}
	await(0);
	now = of(area);
	CHECK_EQUAL(now.rss, kib(10));
	CHECK_EQUAL(now.shared_dirty, kib(4));
	CHECK_EQUAL(now.private_dirty, kib(6));
	CHECK_EQUAL(now.pss, kib(8));
	CHECK(!(word_of(area) & MAPPED_ONCE) && (word_of(area + 9 * PAGE) & MAPPED_ONCE));
	send(1);
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(alone(area).private_dirty, kib(10));
	CHECK_EQUAL(munmap(area - PAGE, (PAGES + 2) * PAGE), 0);
}

/* A file's pages in two mappings; a private copy is no longer the file's. */
static void file_memory(void)
{
	char path[] = "/tmp/smaps_XXXXXX";
	int file = mkstemp(path);
	CHECK(file >= 0);
	CHECK_EQUAL(unlink(path), 0);
	static char bytes[PAGES * PAGE];
	memset(bytes, 7, sizeof bytes);
	CHECK_EQUAL(write(file, bytes, sizeof bytes), (ssize_t)sizeof bytes);
	char *private = map(MAP_PRIVATE, file), *shared = map(MAP_SHARED, file);
	/* All, so that pages that come along by themselves make no difference. */
	int sum = 0;
	for (int i = 0; i < PAGES; i++)
		sum += ((volatile char *)private)[i * PAGE];
	CHECK_EQUAL(sum, 7 * PAGES);
	struct figures now = of(private);
	CHECK_EQUAL(now.rss, kib(PAGES));
	CHECK_EQUAL(now.private_clean + now.private_dirty, kib(PAGES));
	CHECK_EQUAL(now.anonymous, 0);
	CHECK(word_of(private) & OF_FILE);
	for (int i = 0; i < PAGES; i++)
		sum += ((volatile char *)shared)[i * PAGE];
	now = of(private);
	CHECK_EQUAL(now.shared_clean + now.shared_dirty, kib(PAGES));
	CHECK_EQUAL(now.pss, kib(PAGES / 2));
	touch(private, 5);
	now = of(private);
	CHECK_EQUAL(now.rss, kib(PAGES));
	CHECK_EQUAL(now.anonymous, kib(5));
	CHECK_EQUAL(now.private_dirty, kib(5));
	CHECK_EQUAL(now.pss, kib(5) + kib(PAGES - 5) / 2);
	CHECK(!(word_of(private) & OF_FILE) && (word_of(private + 6 * PAGE) & OF_FILE));
	now = of(shared);
	CHECK_EQUAL(now.private_clean + now.private_dirty, kib(5));
	CHECK_EQUAL(munmap(private - PAGE, (PAGES + 2) * PAGE), 0);
	CHECK_EQUAL(munmap(shared - PAGE, (PAGES + 2) * PAGE), 0);
	close(file);
}

static int write_word(const char *word)
{
	int file = open("/proc/self/clear_refs", O_WRONLY);
	CHECK(file >= 0);
	int result = (int)write(file, word, strlen(word)), error = errno;
	close(file);
	errno = error;
	return result;
}

/* Pages count as used, and as changed, until that is forgotten, and again from the next use or write on. */
static void forgetting(void)
{
	char *area = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	touch(area, 12);
	CHECK_EQUAL(of(area).referenced, kib(12));
	CHECK_EQUAL(write_word("1"), 1);
	CHECK_EQUAL(of(area).referenced, 0);
	CHECK_EQUAL(of(area).rss, kib(12));
	/* Linux leaves the processor its translations, through which uses do not show; fork takes them away. */
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0)
		_exit(0);
	CHECK_EXITS(child, 0);
	touch(area, 3);
	CHECK_EQUAL(((volatile char *)area)[5 * PAGE], 1);
	CHECK_EQUAL(of(area).referenced, kib(4));
	CHECK_EQUAL(write_word("3\n"), 2);
	CHECK_EQUAL(of(area).referenced, kib(4));
	CHECK_EQUAL(write_word("2"), 1);
	CHECK_EQUAL(of(area).referenced, 0);

	/* Not every Linux follows changes. */
	int follows_changes = (word_of(area) & CHANGED) != 0;
	if (follows_changes) {
		CHECK_EQUAL(write_word("4"), 1);
		for (int i = 0; i < PAGES; i++)
			CHECK_EQUAL(word_of(area + i * PAGE) & CHANGED, 0);
		touch(area, 2);
		CHECK(word_of(area) & CHANGED);
		/* Also if the kernel writes. */
		int zero = open("/dev/zero", O_RDONLY);
		CHECK_EQUAL(read(zero, area + 7 * PAGE, 8), 8);
		CHECK(word_of(area + 7 * PAGE) & CHANGED);
		close(zero);
		CHECK_EQUAL(((volatile char *)area)[5 * PAGE], 1);
		CHECK_EQUAL(word_of(area + 5 * PAGE) & CHANGED, 0);
		/* Rights come and go without a change. */
		CHECK_EQUAL(mprotect(area, PAGES * PAGE, PROT_READ), 0);
		CHECK_EQUAL(mprotect(area, PAGES * PAGE, PROT_READ | PROT_WRITE), 0);
		CHECK_EQUAL(word_of(area + 5 * PAGE) & CHANGED, 0);
		touch(area + 5 * PAGE, 1);
		CHECK(word_of(area + 5 * PAGE) & CHANGED);
		/* A shared page, too. */
		char *shared = map(MAP_SHARED | MAP_ANONYMOUS, -1);
		touch(shared, 2);
		CHECK_EQUAL(write_word("4"), 1);
		CHECK_EQUAL(word_of(shared) & CHANGED, 0);
		touch(shared, 1);
		CHECK((word_of(shared) & CHANGED) && !(word_of(shared + PAGE) & CHANGED));
		CHECK_EQUAL(munmap(shared - PAGE, (PAGES + 2) * PAGE), 0);
		/* What is new has changed before anybody touches it. */
		shared = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
		CHECK((word_of(shared) & (CHANGED | PRESENT)) == CHANGED);
		CHECK_EQUAL(munmap(shared - PAGE, (PAGES + 2) * PAGE), 0);
	}
	CHECK_EQUAL(write_word("5"), 1);
	CHECK_ERRNO(write_word("0"), EINVAL);
	CHECK_ERRNO(write_word("6"), EINVAL);
	CHECK_ERRNO(write_word("x"), EINVAL);
	CHECK_EQUAL(munmap(area - PAGE, (PAGES + 2) * PAGE), 0);
}

/* The peak is forgotten: it is then what is there now, as status tells. */
static long status_of(const char *name)
{
	FILE *file = fopen("/proc/self/status", "r");
	CHECK(file != NULL);
	char line[256];
	long found = -1;
	while (fgets(line, sizeof line, file))
		if (strncmp(line, name, strlen(name)) == 0)
			found = strtol(line + strlen(name), NULL, 10);
	fclose(file);
	CHECK(found >= 0);
	return found;
}

static void peak(void)
{
	enum { BYTES = 16 << 20 };
	char *area = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	CHECK(area != MAP_FAILED);
	CHECK_EQUAL(munmap(area, BYTES), 0);
	CHECK(status_of("VmHWM:") >= BYTES / 1024);
	CHECK_EQUAL(write_word("5"), 1);
	CHECK(status_of("VmHWM:") < BYTES / 1024);
}

static void words(void)
{
	uint64_t word;
	CHECK_ERRNO(pread(pagemap, &word, 7, 0), EINVAL);
	CHECK_ERRNO(pread(pagemap, &word, 8, 4), EINVAL);
	CHECK_EQUAL(pread(pagemap, &word, 8, 0), 8);
	CHECK_EQUAL(word, 0);
	/* Beyond the last address there is nothing. */
	CHECK_EQUAL(pread(pagemap, &word, 8, 1ll << 56), 0);
	static uint64_t many[3000];
	CHECK_EQUAL(pread(pagemap, many, sizeof many, (off_t)((uintptr_t)many / PAGE * 8)), (ssize_t)sizeof many);
	CHECK(many[0] & PRESENT);

	/* Frames are for the superuser only: it may see here that mappings share one. */
	char *area = map(MAP_SHARED | MAP_ANONYMOUS, -1);
	touch(area, 1);
	char *second = mremap(area, 0, PAGE, MREMAP_MAYMOVE);
	CHECK(second != MAP_FAILED);
	CHECK_EQUAL(*second, 1);
	CHECK_EQUAL(word_of(area) & FRAME, word_of(second) & FRAME);
	CHECK_EQUAL(munmap(second, PAGE), 0);
	CHECK_EQUAL(munmap(area - PAGE, (PAGES + 2) * PAGE), 0);
	if (geteuid() == 0) {
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
				_exit(0);
			/* No longer dumpable after that, so its own files are the superuser's. */
			int own = open("/proc/self/pagemap", O_RDONLY);
			if (own >= 0) {
				CHECK_EQUAL(pread(own, &word, 8, (off_t)((uintptr_t)&word / PAGE * 8)), 8);
				CHECK_EQUAL(word & FRAME, 0);
				CHECK(word & PRESENT);
			}
			CHECK(own >= 0 || errno == EACCES);
			_exit(0);
		}
		CHECK_EXITS(child, 0);
	}
}

int main(void)
{
	CHECK_EQUAL(pipe(ends[0]), 0);
	CHECK_EQUAL(pipe(ends[1]), 0);
	pagemap = open("/proc/self/pagemap", O_RDONLY);
	CHECK(pagemap >= 0);
	private_memory();
	shared_memory();
	file_memory();
	words();
	struct figures all = look("/proc/self/smaps_rollup", NULL);
	CHECK(all.rss > 0 && all.private_dirty > 0 && all.anonymous > 0);
	peak();
	forgetting();
	return 0;
}
