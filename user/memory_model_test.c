/* Random sequences of the calls on memory against a model with one cell a page: what is mapped there, what is allowed, what it holds.
 *
 *     memory_model_test [SEED [STEPS]]
 *
 * Calls: mmap (anonymous and file, shared and private, hints, FIXED, FIXED_NOREPLACE, POPULATE, LOCKED), munmap, mprotect, mremap with
 * all flags, madvise (huge pages too), msync, mincore, mlock, munlock, brk, ftruncate, pwrite, fork. After each, a page is read and perhaps written, by
 * the program and by the kernel; where that must fail, the signal, its code and its address are those that Linux gives. Children
 * check everything and go on by themselves; what they do to shared memory must show in the parent.
 *
 * One word of each page stands for all of it. Where Linux leaves a choice (does MADV_FREE take the page? are two areas one?) the model
 * allows both or leaves the case out. */
#include "check.h"
#include <setjmp.h>
#include <sys/resource.h>

enum { PAGE = 4096, PAGES = 1024, FENCE = 64, FILE_PAGES = 96, HEAP_PAGES = 48, POOL = 1 << 17, OBJECTS = 1 << 13 };
/* Most calls are for the first pages. From page BLOCK on lie 2 MiB that a huge page could take, beginning at an address where one can. */
enum { FEW_PAGES = 256, BLOCK = 384, BLOCK_PAGES = 512 };

enum kind { NONE, PRIVATE, SHARED, FILE_PRIVATE, FILE_SHARED };
enum { LOCKED = 1, DONT_FORK = 2, WIPE_ON_FORK = 4 };

struct cell {
	enum kind kind;
	int protection;
	int flags;
	/* A shared mapping of a file opened for reading: never writable. */
	int is_read_only;
	/* Cells with the same piece and following indexes are one area for certain. */
	int piece;
	/* Page of the file or of the shared object; for private memory any number that rises with the address. */
	int index;
	int object;
	/* Which word of the page is looked at. */
	int word;
	/* A private page's own value. */
	uint64_t value;
	int has_own;
	/* MADV_FREE: the value or zero. */
	int may_be_zero;
	/* A private file page that a lock may have copied: the value or what the file has now. */
	int may_be_copied;
};

/* What all processes see. */
struct common {
	uint64_t file_value[FILE_PAGES];
	int file_pages;
	uint64_t pool[POOL];
	int pool_used;
	struct {
		int start, pages;
	} object[OBJECTS];
	int object_count;
};

static struct cell model[PAGES];
static struct common *common;
static char *arena;
static int file, file_for_reading;
static int ends[2];
static uint64_t state, seed;
static int pieces, step_number, depth, may_lock;
static char what[200];
static struct cell heap[HEAP_PAGES];
static char *heap_start;
static int heap_pages;

#define FAIL(...)                                                                                        \
	do {                                                                                             \
		fprintf(stderr, "%s:%d: seed 0x%llx step %d depth %d: ", __FILE__, __LINE__,             \
			(unsigned long long)seed, step_number, depth);                                   \
		fprintf(stderr, __VA_ARGS__);                                                            \
		fprintf(stderr, "\n  after %s (errno %d)\n", what, errno);                               \
		_exit(1);                                                                                \
	} while (0)

static uint64_t next(void)
{
	return next_random(&state);
}

static int below(int bound)
{
	return (int)(next() % (uint64_t)bound);
}

static char *at_page(int page)
{
	return arena + (size_t)page * PAGE;
}

/* ---- What the model says ---- */

static int is_beyond_object(const struct cell *cell)
{
	switch (cell->kind) {
	case SHARED:
		return cell->index >= common->object[cell->object].pages;
	case FILE_PRIVATE:
	case FILE_SHARED:
		return cell->index >= common->file_pages;
	default:
		return 0;
	}
}

static uint64_t *shared_place(const struct cell *cell)
{
	if (cell->kind == SHARED)
		return &common->pool[common->object[cell->object].start + cell->index];
	return &common->file_value[cell->index];
}

static uint64_t expected(const struct cell *cell)
{
	switch (cell->kind) {
	case PRIVATE:
		return cell->value;
	case FILE_PRIVATE:
		return cell->has_own ? cell->value : *shared_place(cell);
	default:
		return *shared_place(cell);
	}
}

/* Whether `found` is right; settles what was open. */
static int is_right(struct cell *cell, uint64_t found)
{
	if (cell->may_be_zero && found == 0 && cell->value != 0) {
		cell->value = 0;
		return 1;
	}
	if (cell->may_be_copied && !cell->has_own && found != *shared_place(cell) && found == cell->value) {
		cell->has_own = 1;
		return 1;
	}
	return found == expected(cell);
}

static void note_write(struct cell *cell, uint64_t value)
{
	if (cell->kind == SHARED || cell->kind == FILE_SHARED) {
		*shared_place(cell) = value;
		return;
	}
	cell->value = value;
	cell->has_own = 1;
	cell->may_be_zero = cell->may_be_copied = 0;
}

static void forget_page(struct cell *cell)
{
	cell->value = 0;
	cell->has_own = cell->may_be_zero = cell->may_be_copied = 0;
}

/* The signal and code of an access; 0 if it works. */
static int fault_of(const struct cell *cell, int is_write, int *code)
{
	if (cell->kind == NONE)
		return *code = SEGV_MAPERR, SIGSEGV;
	if (cell->protection == PROT_NONE || (is_write && !(cell->protection & PROT_WRITE)))
		return *code = SEGV_ACCERR, SIGSEGV;
	if (is_beyond_object(cell))
		return *code = BUS_ADRERR, SIGBUS;
	return *code = 0;
}

/* ---- Accesses ---- */

static sigjmp_buf after_fault;
static volatile int fault_signal, fault_code;
static void *volatile fault_addr;

static void on_fault(int number, siginfo_t *info, void *context)
{
	(void)context;
	fault_signal = number, fault_code = info->si_code, fault_addr = info->si_addr;
	siglongjmp(after_fault, 1);
}

/* One access by the program itself; answers the signal. */
static int touch(volatile uint64_t *word, int is_write, uint64_t *value)
{
	fault_signal = fault_code = 0;
	if (sigsetjmp(after_fault, 0) == 0) {
		if (is_write)
			*word = *value;
		else
			*value = *word;
	}
	return fault_signal;
}

static void check_cell(struct cell *cell, char *at, int page)
{
	volatile uint64_t *word = (volatile uint64_t *)(at + 8 * cell->word);
	uint64_t found = 0;
	int code, signal = fault_of(cell, 0, &code);
	if (below(2)) {
		ssize_t sent = write(ends[1], (const void *)word, 8);
		if (sent != (signal ? -1 : 8) || (signal && errno != EFAULT))
			FAIL("page %d: write from it answered %zd, the model says signal %d", page, sent, signal);
		if (!signal && read(ends[0], &found, 8) != 8)
			FAIL("the pipe is empty");
	} else {
		int got = touch(word, 0, &found);
		if (got != signal || fault_code != code || (signal && fault_addr != (void *)word))
			FAIL("page %d: reading it gave signal %d code %d at %p, expected %d code %d at %p", page, got, fault_code,
				fault_addr, signal, code, (void *)word);
	}
	if (!signal && !is_right(cell, found))
		FAIL("page %d holds 0x%llx, expected 0x%llx (kind %d, index %d, own %d)", page, (unsigned long long)found,
			(unsigned long long)expected(cell), cell->kind, cell->index, cell->has_own);
}

static void check_page(int page)
{
	check_cell(&model[page], at_page(page), page);
}

static void write_cell(struct cell *cell, char *at, int page)
{
	volatile uint64_t *word = (volatile uint64_t *)(at + 8 * cell->word);
	uint64_t value = next() | 1;
	int code, signal = fault_of(cell, 1, &code);
	if (below(2)) {
		CHECK_EQUAL(write(ends[1], &value, 8), 8);
		ssize_t got = read(ends[0], (void *)word, 8);
		if (got != (signal ? -1 : 8) || (signal && errno != EFAULT))
			FAIL("page %d: read into it answered %zd, the model says signal %d", page, got, signal);
		if (signal)
			CHECK_EQUAL(read(ends[0], &value, 8), 8);
	} else {
		int got = touch(word, 1, &value);
		if (got != signal || fault_code != code || (signal && fault_addr != (void *)word))
			FAIL("page %d: writing it gave signal %d code %d at %p, expected %d code %d at %p", page, got, fault_code,
				fault_addr, signal, code, (void *)word);
	}
	if (!signal)
		note_write(cell, value);
}

/* Compares the areas that /proc shows with the model. */
static void check_listing(void)
{
	static char text[1 << 18];
	static char kind[PAGES][5];
	int listing = open("/proc/self/maps", O_RDONLY);
	CHECK(listing >= 0);
	size_t length = 0;
	ssize_t got;
	while ((got = read(listing, text + length, sizeof text - 1 - length)) > 0)
		length += (size_t)got;
	close(listing);
	text[length] = 0;
	memset(kind, 0, sizeof kind);
	for (char *line = text; line && *line; line = strchr(line, '\n'), line += line != NULL) {
		unsigned long start, end;
		char rights[8];
		CHECK_EQUAL(sscanf(line, "%lx-%lx %4s", &start, &end, rights), 3);
		for (unsigned long at = start; at < end && at < (unsigned long)at_page(PAGES); at += PAGE)
			if (at >= (unsigned long)arena)
				memcpy(kind[(at - (unsigned long)arena) / PAGE], rights, 4);
	}
	for (int page = 0; page < PAGES; page++) {
		const struct cell *cell = &model[page];
		char rights[5] = "";
		if (cell->kind != NONE) {
			rights[0] = cell->protection & PROT_READ ? 'r' : '-';
			rights[1] = cell->protection & PROT_WRITE ? 'w' : '-';
			rights[2] = cell->protection & PROT_EXEC ? 'x' : '-';
			rights[3] = cell->kind == SHARED || cell->kind == FILE_SHARED ? 's' : 'p';
		}
		if (strcmp(kind[page], rights) != 0)
			FAIL("page %d is listed as '%s', expected '%s'", page, kind[page], rights);
	}
}

static void check_all(void)
{
	for (int page = 0; page < PAGES; page++)
		check_page(page);
	for (int page = 0; page < heap_pages; page++)
		check_cell(&heap[page], heap_start + (size_t)page * PAGE, 1000 + page);
	check_listing();
}

/* ---- Calls ---- */

static int random_protection(void)
{
	static const int choices[] = { PROT_NONE, PROT_READ, PROT_WRITE, PROT_READ | PROT_EXEC, PROT_READ | PROT_WRITE,
		PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE };
	return choices[below(8)];
}

static void choose(int *first, int *count)
{
	*first = below(3) ? below(FEW_PAGES) : below(PAGES);
	*count = 1 + (below(4) ? below(12) : below(64));
	if (*first >= FEW_PAGES && below(8) == 0)
		*count = 1 + below(PAGES);
	if (*first + *count > PAGES)
		*count = PAGES - *first;
}

static int is_free(int first, int count)
{
	for (int i = 0; i < count; i++)
		if (model[first + i].kind != NONE)
			return 0;
	return 1;
}

/* A call may have cut the areas at both ends of its range. */
static void note_cut(int first, int count)
{
	int last = -1;
	for (int i = 0; i < count; i++) {
		struct cell *cell = &model[first + i];
		int piece = cell->kind == NONE ? -1 : cell->piece;
		if (piece != last)
			pieces++;
		last = piece;
		cell->piece = pieces;
	}
}

/* Makes pages present as mlock and MAP_POPULATE do: answers 0, or the errno of the first page that cannot be. */
static int note_populated(struct cell *cells, int count)
{
	for (int i = 0; i < count; i++) {
		struct cell *cell = &cells[i];
		if (cell->protection == PROT_NONE || is_beyond_object(cell))
			return ENOMEM;
		if (cell->kind == FILE_PRIVATE && (cell->protection & PROT_WRITE) && !cell->has_own)
			cell->value = *(volatile uint64_t *)(at_page((int)(cell - model)) + 8 * cell->word), cell->may_be_copied = 1;
	}
	return 0;
}

static void try_map(int first, int count)
{
	enum kind kind = PRIVATE + below(4);
	int protection = random_protection(), flags = 0, fd = -1, start = 0, object = 0, is_read_only = 0;
	if (kind == FILE_PRIVATE || kind == FILE_SHARED) {
		start = below(FILE_PAGES);
		if (count > FILE_PAGES - start)
			count = FILE_PAGES - start;
		is_read_only = below(4) == 0;
		fd = is_read_only ? file_for_reading : file;
	} else {
		flags |= MAP_ANONYMOUS;
		if (kind == SHARED && (common->pool_used + count > POOL || common->object_count == OBJECTS))
			kind = PRIVATE;
	}
	flags |= kind == PRIVATE || kind == FILE_PRIVATE ? MAP_PRIVATE : MAP_SHARED;
	flags |= below(8) == 0 ? MAP_POPULATE : 0;
	flags |= below(8) == 0 ? MAP_NORESERVE : 0;
	flags |= may_lock && below(16) == 0 ? MAP_LOCKED : 0;
	int place = below(3);
	flags |= place == 0 ? MAP_FIXED : place == 1 ? MAP_FIXED_NOREPLACE : 0;
	snprintf(what, sizeof what, "mmap(page %d, %d pages, prot %d, flags 0x%x, kind %d, offset %d%s)", first, count, protection,
		flags, kind, start, is_read_only ? ", read only" : "");
	char *wanted = at_page(first);
	char *got = mmap(wanted, (size_t)count * PAGE, protection, flags, fd, (off_t)start * PAGE);
	if (place == 1 && !is_free(first, count)) {
		if (got != MAP_FAILED || errno != EEXIST)
			FAIL("expected EEXIST, got %p", got);
		return;
	}
	if (kind == FILE_SHARED && is_read_only && (protection & PROT_WRITE)) {
		if (got != MAP_FAILED || errno != EACCES)
			FAIL("expected EACCES");
		return;
	}
	if (got == MAP_FAILED)
		FAIL("it failed");
	if (got != wanted) {
		if (place == 0 || is_free(first, count))
			FAIL("it went to %p", got);
		if (got + (size_t)count * PAGE <= arena || got >= at_page(PAGES)) {
			CHECK_EQUAL(munmap(got, (size_t)count * PAGE), 0);
			return;
		}
		first = (int)((got - arena) / PAGE);
		if (!is_free(first, count))
			FAIL("it went to page %d, where something is", first);
	}
	if (kind == SHARED) {
		object = common->object_count++;
		common->object[object].start = common->pool_used;
		common->object[object].pages = count;
		memset(&common->pool[common->pool_used], 0, (size_t)count * sizeof common->pool[0]);
		common->pool_used += count;
	}
	pieces++;
	for (int i = 0; i < count; i++)
		model[first + i] = (struct cell){ .kind = kind, .protection = protection, .flags = flags & MAP_LOCKED ? LOCKED : 0,
			.is_read_only = kind == FILE_SHARED && is_read_only, .piece = pieces, .index = start + i, .object = object,
			.word = kind == PRIVATE ? below(512) : (start + i) % 512 };
	if (flags & (MAP_POPULATE | MAP_LOCKED))
		note_populated(&model[first], count);
}

/* Private memory that a huge page fits in, and some writes, the first of which may bring one. What is done to it later takes it apart. */
static void try_block(void)
{
	int first = BLOCK - below(20), count = BLOCK_PAGES + 20 + below(20);
	snprintf(what, sizeof what, "mmap(page %d, %d pages), perhaps huge", first, count);
	char *got = mmap(at_page(first), (size_t)count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (got != at_page(first))
		FAIL("it went to %p", got);
	/* Refused where there are none. */
	(void)madvise(got, (size_t)count * PAGE, MADV_HUGEPAGE);
	pieces++;
	for (int i = 0; i < count; i++)
		model[first + i] = (struct cell){ .kind = PRIVATE, .protection = PROT_READ | PROT_WRITE, .piece = pieces, .index = i,
			.word = below(512) };
	for (int i = 0; i < 8; i++) {
		int page = first + below(count);
		write_cell(&model[page], at_page(page), page);
		check_page(first + below(count));
	}
}

static void try_unmap(int first, int count)
{
	snprintf(what, sizeof what, "munmap(page %d, %d pages)", first, count);
	if (munmap(at_page(first), (size_t)count * PAGE) != 0)
		FAIL("it failed");
	for (int i = 0; i < count; i++)
		model[first + i].kind = NONE;
}

static void try_protect(int first, int count)
{
	int protection = random_protection(), error = 0;
	snprintf(what, sizeof what, "mprotect(page %d, %d pages, %d)", first, count, protection);
	int result = mprotect(at_page(first), (size_t)count * PAGE, protection), found = errno;
	note_cut(first, count);
	for (int i = 0; i < count && !error; i++) {
		struct cell *cell = &model[first + i];
		if (cell->kind == NONE) {
			error = ENOMEM;
		} else if (cell->is_read_only && (protection & PROT_WRITE)) {
			error = EACCES;
		} else {
			cell->protection = protection;
			if ((cell->flags & LOCKED) && (protection & PROT_WRITE) && !is_beyond_object(cell))
				note_populated(cell, 1);
		}
	}
	if (result != (error ? -1 : 0) || (error && found != error))
		FAIL("it answered %d with errno %d, expected errno %d", result, found, error);
}

/* Whether the pages are in one area: 1 yes, 0 no, -1 not known. */
static int is_one_area(int first, int count)
{
	int answer = 1;
	const struct cell *one = &model[first];
	for (int i = 1; i < count; i++) {
		const struct cell *cell = &model[first + i];
		if (cell->kind != one->kind || cell->protection != one->protection || cell->flags != one->flags ||
			cell->object != one->object || cell->is_read_only != one->is_read_only)
			return 0;
		if (cell->kind != PRIVATE && cell->index != one->index + i)
			return 0;
		if (cell->piece != one->piece || cell->index != one->index + i)
			answer = -1;
	}
	return answer;
}

/* Puts the cells of an area that was moved and perhaps became longer. */
static void note_moved(const struct cell *cells, int count, int to, int new_count)
{
	pieces++;
	for (int i = 0; i < new_count; i++) {
		struct cell *cell = &model[to + i];
		*cell = cells[i < count ? i : 0];
		cell->piece = pieces;
		if (i >= count) {
			cell->index = cells[0].index + i;
			cell->word = cell->kind == PRIVATE ? below(512) : cell->index % 512;
			forget_page(cell);
			if (cell->flags & LOCKED)
				note_populated(cell, 1);
		}
	}
}

static void try_remap(int first, int count)
{
	int flags = 0, new_count = below(3) ? count : 1 + below(40), to = below(PAGES), is_second = below(12) == 0;
	flags |= below(4) ? MREMAP_MAYMOVE : 0;
	flags |= below(3) == 0 ? MREMAP_FIXED : 0;
	flags |= below(6) == 0 ? MREMAP_DONTUNMAP : 0;
	if (new_count > PAGES - to)
		new_count = PAGES - to;
	if (is_second)
		count = 1;
	int old_count = is_second ? 0 : count;
	if (is_second && (flags & MREMAP_FIXED) && below(2) == 0)
		to = first + count < PAGES ? first + count : to;
	if (to + new_count > PAGES)
		new_count = PAGES - to;
	int is_one = is_one_area(first, count);
	int ends_there = first + count == PAGES || model[first + count].kind == NONE;
	/* Left out: what depends on how Linux has put areas together, and moving several areas, which is new in Linux 6.17. */
	if (is_one < 0 || (!is_one && new_count == old_count && (flags & MREMAP_FIXED)))
		return;
	/* Also left out: growing beyond the file's greatest length in the model. */
	if (model[first].kind >= FILE_PRIVATE && model[first].index + new_count > FILE_PAGES)
		return;
	/* A target over the start of a second mapping's source takes the source away. */
	if (is_second && (flags & MREMAP_FIXED) && to <= first && first < to + new_count)
		return;
	/* And what Linux's DONTUNMAP does to the lock of what stays: it unlocks all of the area, not only the part. */
	if ((flags & MREMAP_DONTUNMAP) && (model[first].flags & LOCKED))
		return;
	/* The place is only a hint, which Linux versions judge differently, with DONTUNMAP alone. */
	char *target = flags & MREMAP_FIXED ? at_page(to) : NULL;
	struct cell cells[PAGES];
	memcpy(cells, &model[first], sizeof cells[0] * (size_t)count);
	snprintf(what, sizeof what, "mremap(page %d, %d, %d, flags %d, page %d) of kind %d", first, old_count, new_count, flags, to,
		cells[0].kind);
	char *got = mremap(at_page(first), (size_t)old_count * PAGE, (size_t)new_count * PAGE, flags, target);
	int found = errno, error = 0;
	int overlaps = first < to + new_count && to < first + old_count;
	if ((flags & MREMAP_FIXED) && !(flags & MREMAP_MAYMOVE))
		error = EINVAL;
	else if ((flags & MREMAP_DONTUNMAP) && (!(flags & MREMAP_MAYMOVE) || old_count != new_count))
		error = EINVAL;
	else if (cells[0].kind == NONE)
		error = EFAULT;
	else if ((flags & MREMAP_FIXED) && overlaps)
		error = EINVAL;
	else if (is_second && cells[0].kind != SHARED && cells[0].kind != FILE_SHARED)
		error = EINVAL;
	if (error) {
		/* What is looked at first differs between versions of Linux. */
		int is_either = error == EFAULT && (flags & MREMAP_FIXED) && overlaps && found == EINVAL;
		if (got != MAP_FAILED || (found != error && !is_either))
			FAIL("it answered %p with errno %d, expected errno %d", got, found, error);
		if (error == EINVAL && is_second && (flags & MREMAP_FIXED) && (flags & MREMAP_MAYMOVE) && cells[0].kind != NONE)
			try_unmap(to, new_count);
		return;
	}
	if (new_count < old_count) {
		/* The tail goes first, whatever areas it is in. */
		if (!(flags & MREMAP_FIXED)) {
			if (got != at_page(first))
				FAIL("shrinking answered %p with errno %d", got, found);
			for (int i = new_count; i < count; i++)
				model[first + i].kind = NONE;
			return;
		}
		is_one = is_one_area(first, new_count);
		if (is_one <= 0) {
			/* How much is gone by then differs between versions: make it certain. */
			try_unmap(to, new_count);
			try_unmap(first, count);
			if (got != MAP_FAILED && got != target)
				FAIL("it answered %p", got);
			return;
		}
		for (int i = new_count; i < count; i++)
			model[first + i].kind = NONE;
		old_count = count = new_count;
	}
	if (!is_one && !(new_count == old_count && !(flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)))) {
		if (got != MAP_FAILED || found != EFAULT)
			FAIL("it answered %p with errno %d, expected EFAULT", got, found);
		if (flags & MREMAP_FIXED)
			try_unmap(to, new_count);
		return;
	}
	int is_kept = (flags & MREMAP_DONTUNMAP) != 0;
	int can_grow = !is_second && !is_kept && !(flags & MREMAP_FIXED) && ends_there && first + new_count <= PAGES &&
		(new_count <= old_count || is_free(first + count, new_count - count));
	if (!(flags & MREMAP_FIXED) && !is_kept && !is_second && (new_count == old_count || can_grow)) {
		if (got != at_page(first))
			FAIL("growing in place answered %p with errno %d", got, found);
		if (new_count > old_count)
			note_moved(cells, count, first, new_count);
		return;
	}
	if (!(flags & MREMAP_MAYMOVE)) {
		/* A second mapping in place: Linux versions answer EINVAL or ENOMEM. */
		if (got != MAP_FAILED || (found != ENOMEM && !(is_second && found == EINVAL)))
			FAIL("it answered %p with errno %d, expected ENOMEM", got, found);
		return;
	}
	if (got == MAP_FAILED)
		FAIL("it failed");
	if ((flags & MREMAP_FIXED) && got != target)
		FAIL("it went to %p", got);
	int is_inside = got >= arena && got < at_page(PAGES);
	if (is_inside) {
		to = (int)((got - arena) / PAGE);
		if (!(flags & MREMAP_FIXED) && (!is_free(to, new_count)))
			FAIL("it went to page %d, where something is", to);
	}
	for (int i = 0; i < old_count; i++) {
		if (is_kept) {
			/* The old place is as if just mapped, and no longer locked. */
			forget_page(&model[first + i]);
			model[first + i].flags &= ~LOCKED;
		} else {
			model[first + i].kind = NONE;
		}
	}
	note_cut(first, old_count);
	if (is_second) {
		/* The new one begins where the old one does. */
		for (int i = 0; i < count; i++)
			cells[i] = cells[0], cells[i].index += i, cells[i].word = cells[i].index % 512;
		count = 0;
	}
	if (is_inside) {
		note_moved(cells, count, to, new_count);
		return;
	}
	/* It went out of the arena: back to where it does not lie over anything, or away with it. */
	to = below(PAGES - new_count + 1);
	if (is_free(to, new_count)) {
		if (mremap(got, (size_t)new_count * PAGE, (size_t)new_count * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at_page(to)) !=
			at_page(to))
			FAIL("moving back failed");
		note_moved(cells, count, to, new_count);
	} else if (munmap(got, (size_t)new_count * PAGE) != 0) {
		FAIL("unmapping what was moved failed");
	}
}

static void try_advise(int first, int count)
{
	static const int choices[] = { MADV_DONTNEED, MADV_DONTNEED, MADV_DONTNEED, MADV_FREE, MADV_FREE, MADV_DONTFORK, MADV_DOFORK,
		MADV_WIPEONFORK, MADV_KEEPONFORK, 22 /* POPULATE_READ */, 23 /* POPULATE_WRITE */, 23, MADV_WILLNEED, MADV_NORMAL,
		MADV_RANDOM, MADV_SEQUENTIAL };
	int advice = choices[below(16)], error = 0, has_hole = 0;
	snprintf(what, sizeof what, "madvise(page %d, %d pages, %d)", first, count, advice);
	int result = madvise(at_page(first), (size_t)count * PAGE, advice), found = errno;
	/* A kernel from before MADV_POPULATE. */
	if ((advice == 22 || advice == 23) && result < 0 && found == EINVAL &&
		madvise(common, PAGE, 22) < 0)
		return;
	int flag = advice == MADV_DONTFORK || advice == MADV_DOFORK ? DONT_FORK :
		advice == MADV_WIPEONFORK || advice == MADV_KEEPONFORK ? WIPE_ON_FORK : 0;
	/* Those about reading ahead are kept per area. */
	if (flag || advice <= MADV_SEQUENTIAL)
		note_cut(first, count);
	for (int i = 0; i < count && !error; i++) {
		struct cell *cell = &model[first + i];
		if (cell->kind == NONE) {
			has_hole = 1;
			if (advice == 22 || advice == 23)
				error = ENOMEM;
			continue;
		}
		switch (advice) {
		case MADV_DONTNEED:
			if (cell->flags & LOCKED)
				error = EINVAL;
			else
				forget_page(cell);
			break;
		case MADV_FREE:
			if ((cell->flags & LOCKED) || cell->kind != PRIVATE)
				error = EINVAL;
			else
				cell->may_be_zero = 1;
			break;
		case MADV_WIPEONFORK:
			if (cell->kind != PRIVATE)
				error = EINVAL;
			else
				cell->flags |= flag;
			break;
		case MADV_DONTFORK:
			cell->flags |= flag;
			break;
		case MADV_DOFORK:
		case MADV_KEEPONFORK:
			cell->flags &= ~flag;
			break;
		case 22:
		case 23:
			if (!(cell->protection & (advice == 22 ? PROT_READ : PROT_WRITE)))
				error = EINVAL;
			else if (is_beyond_object(cell))
				error = EFAULT;
			else if (advice == 23 && cell->kind == FILE_PRIVATE && !cell->has_own)
				note_write(cell, *(volatile uint64_t *)(at_page(first + i) + 8 * cell->word));
			break;
		}
	}
	if (!error && has_hole)
		error = ENOMEM;
	if (result != (error ? -1 : 0) || (error && found != error))
		FAIL("it answered %d with errno %d, expected errno %d", result, found, error);
}

static void try_lock(int first, int count)
{
	int is_locked = below(2), is_late = below(3) == 0, error = 0;
	snprintf(what, sizeof what, "%s(page %d, %d pages)", is_locked ? is_late ? "mlock2" : "mlock" : "munlock", first, count);
	size_t bytes = (size_t)count * PAGE;
	int result = !is_locked ? munlock(at_page(first), bytes) :
		is_late ? mlock2(at_page(first), bytes, MLOCK_ONFAULT) : mlock(at_page(first), bytes);
	int found = errno, i;
	note_cut(first, count);
	for (i = 0; i < count && model[first + i].kind != NONE; i++) {
		struct cell *cell = &model[first + i];
		cell->flags = is_locked ? cell->flags | LOCKED : cell->flags & ~LOCKED;
	}
	if (i < count)
		error = ENOMEM;
	else if (is_locked && !is_late)
		error = note_populated(&model[first], count);
	if (result != (error ? -1 : 0) || (error && found != error))
		FAIL("it answered %d with errno %d, expected errno %d", result, found, error);
}

static void try_sync(int first, int count)
{
	static const int choices[] = { MS_SYNC, MS_ASYNC, MS_SYNC | MS_INVALIDATE, MS_ASYNC | MS_INVALIDATE };
	int flags = choices[below(4)], error = 0;
	snprintf(what, sizeof what, "msync(page %d, %d pages, %d)", first, count, flags);
	int result = msync(at_page(first), (size_t)count * PAGE, flags), found = errno;
	for (int i = 0; i < count; i++) {
		if (model[first + i].kind == NONE) {
			error = ENOMEM;
		} else if ((flags & MS_INVALIDATE) && (model[first + i].flags & LOCKED)) {
			error = EBUSY;
			break;
		}
	}
	if (result != (error ? -1 : 0) || (error && found != error))
		FAIL("it answered %d with errno %d, expected errno %d", result, found, error);
}

static void try_residency(int first, int count)
{
	unsigned char answers[PAGES];
	snprintf(what, sizeof what, "mincore(page %d, %d pages)", first, count);
	int error = 0;
	for (int i = 0; i < count; i++)
		if (model[first + i].kind == NONE)
			error = ENOMEM;
	int result = mincore(at_page(first), (size_t)count * PAGE, answers), found = errno;
	if (result != (error ? -1 : 0) || (error && found != error))
		FAIL("it answered %d with errno %d, expected errno %d", result, found, error);
}

static void try_break(void)
{
	int pages = below(HEAP_PAGES + 1);
	char *wanted = heap_start + (size_t)pages * PAGE - (pages ? below(PAGE - 8) : 0);
	snprintf(what, sizeof what, "brk(%d pages)", pages);
	char *got = (char *)syscall(SYS_brk, wanted);
	if (got != wanted)
		FAIL("it answered %p instead of %p", got, wanted);
	for (; heap_pages < pages; heap_pages++)
		heap[heap_pages] =
			(struct cell){ .kind = PRIVATE, .protection = PROT_READ | PROT_WRITE, .word = below(512) };
	heap_pages = pages;
	for (int i = 0; i < 8 && heap_pages; i++) {
		int page = below(heap_pages);
		char *at = heap_start + (size_t)page * PAGE;
		check_cell(&heap[page], at, 1000 + page);
		write_cell(&heap[page], at, 1000 + page);
	}
}

/* Another length of the file: beyond it, private copies go too. */
static void try_truncate(void)
{
	int pages = below(4) ? FILE_PAGES - below(16) : below(FILE_PAGES);
	snprintf(what, sizeof what, "ftruncate(%d pages)", pages);
	CHECK_EQUAL(ftruncate(file, (off_t)pages * PAGE), 0);
	for (int i = pages; i < common->file_pages; i++)
		common->file_value[i] = 0;
	for (int page = 0; page < PAGES; page++)
		if (model[page].kind == FILE_PRIVATE && model[page].index >= pages)
			forget_page(&model[page]);
	common->file_pages = pages;
}

/* The file's own calls, and its shared mappings, are the same bytes. */
static void try_file(void)
{
	if (common->file_pages == 0)
		return;
	int index = below(common->file_pages);
	off_t place = (off_t)index * PAGE + 8 * (index % 512);
	uint64_t value = 0;
	snprintf(what, sizeof what, "pread and pwrite of page %d", index);
	CHECK_EQUAL(pread(file, &value, 8, place), 8);
	if (value != common->file_value[index])
		FAIL("page %d of the file holds 0x%llx, expected 0x%llx", index, (unsigned long long)value,
			(unsigned long long)common->file_value[index]);
	value = next() | 1;
	CHECK_EQUAL(pwrite(file, &value, 8, place), 8);
	common->file_value[index] = value;
}

static void step(void)
{
	int first, count;
	choose(&first, &count);
	switch (below(24)) {
	case 0 ... 4:
		try_map(first, count);
		break;
	case 5:
		try_unmap(first, count);
		break;
	case 6 ... 8:
		try_protect(first, count);
		break;
	case 9 ... 11:
		try_remap(first, count);
		break;
	case 12 ... 14:
		try_advise(first, count);
		break;
	case 15:
		if (may_lock)
			try_lock(first, count);
		break;
	case 16:
		try_sync(first, count);
		try_residency(first, count);
		break;
	case 17:
		try_break();
		break;
	case 18:
		if (depth == 0)
			try_truncate();
		break;
	case 19:
		try_file();
		break;
	case 20:
		if (below(2))
			try_block();
		break;
	default:
		snprintf(what, sizeof what, "writes to page %d and %d more", first, count - 1);
		for (int i = 0; i < count; i++)
			write_cell(&model[first + i], at_page(first + i), first + i);
	}
	for (int i = 0; i < 4; i++)
		check_page(below(PAGES));
}

static void run(int steps)
{
	for (int i = 0; i < steps; i++, step_number++) {
		step();
		if (step_number % 64 == 0)
			check_listing();
	}
	check_all();
}

/* A child has the same memory but for what advice and locks say, and goes its own way from there. */
static void try_child(int steps)
{
	snprintf(what, sizeof what, "fork");
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		depth++;
		for (int page = 0; page < PAGES; page++) {
			struct cell *cell = &model[page];
			if (cell->flags & DONT_FORK)
				cell->kind = NONE;
			if (cell->flags & WIPE_ON_FORK)
				forget_page(cell);
			cell->flags &= ~LOCKED;
		}
		check_all();
		run(steps);
		if (depth < 3)
			try_child(steps / 2);
		_exit(0);
	}
	int status = wait_status(child);
	if (status != 0)
		FAIL("the child ended with status 0x%x", status);
	snprintf(what, sizeof what, "a child's end");
	check_all();
}

static void run_seed(uint64_t number, int steps)
{
	seed = state = number;
	snprintf(what, sizeof what, "the start");
	for (int round = 0; round < 8; round++) {
		run(steps / 8);
		try_child(steps / 40);
	}
	CHECK_EQUAL(munmap(arena, PAGES * PAGE), 0);
	memset(model, 0, sizeof model);
	/* Nothing refers to the shared objects any more. */
	common->pool_used = common->object_count = 0;
}

int main(int count, char **arguments)
{
	static char stack[65536];
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof stack };
	CHECK_EQUAL(sigaltstack(&alternate, NULL), 0);
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };
	CHECK_EQUAL(sigaction(SIGSEGV, &action, NULL), 0);
	CHECK_EQUAL(sigaction(SIGBUS, &action, NULL), 0);

	struct rlimit limit;
	CHECK_EQUAL(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
	may_lock = limit.rlim_cur >= 6 << 20;
	char path[] = "/tmp/memory_model_XXXXXX";
	file = mkstemp(path);
	CHECK(file >= 0);
	file_for_reading = open(path, O_RDONLY);
	CHECK(file_for_reading >= 0);
	CHECK_EQUAL(unlink(path), 0);
	CHECK_EQUAL(ftruncate(file, FILE_PAGES * PAGE), 0);
	CHECK_EQUAL(pipe(ends), 0);
	common = mmap(NULL, sizeof *common, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(common != MAP_FAILED);
	common->file_pages = FILE_PAGES;
	/* Between two fences, so that nothing grows out of the arena, and nothing of others grows in. */
	char *region = mmap(NULL, (PAGES + 2 * FENCE + BLOCK_PAGES) * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		0);
	CHECK(region != MAP_FAILED);
	uintptr_t block = (uintptr_t)region + (FENCE + BLOCK) * PAGE;
	arena = (char *)((block + BLOCK_PAGES * PAGE - 1) / (BLOCK_PAGES * PAGE) * (BLOCK_PAGES * PAGE) - BLOCK * PAGE);
	CHECK_EQUAL(munmap(arena, PAGES * PAGE), 0);
	/* The heap from a page of its own; nothing here calls malloc from now on. */
	heap_start = (char *)(((uintptr_t)syscall(SYS_brk, 0) + 2 * PAGE - 1) / PAGE * PAGE);
	CHECK((char *)syscall(SYS_brk, heap_start) == heap_start);

	if (count > 1) {
		run_seed(strtoull(arguments[1], NULL, 0) | 1, count > 2 ? atoi(arguments[2]) : 100000);
		return 0;
	}
	for (uint64_t number = 1; number <= 3; number++)
		run_seed(number * 0x9e3779b97f4a7c15, 1600);
	return 0;
}
