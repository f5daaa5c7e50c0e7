/* Random mmap, munmap, mprotect, mremap, madvise and fork in an arena, against a model with one cell a page: what is mapped, what is
 * allowed, and what each page holds, seen from the parent and from children. */
#include "check.h"
#include <sched.h>

enum { PAGE = 4096, PAGES = 192, FILE_PAGES = 64, STEPS = 3000 };

enum kind { NONE, PRIVATE, SHARED, FILE_PRIVATE, FILE_SHARED };

struct cell {
	enum kind kind;
	int protection;
	/* Own value of a private page, 0 for "as the file has it" of a private file page. */
	uint64_t value;
	int has_own;
	/* Index into the file or, for shared memory, into `shared_value`. */
	int index;
};

static struct cell model[PAGES];
static uint64_t file_value[FILE_PAGES];
static uint64_t shared_value[1 << 16];
static int shared_count;
static char *arena;
static int file;
static int ends[2];
static uint64_t state;

static uint64_t next(void)
{
	state ^= state << 13, state ^= state >> 7, state ^= state << 17;
	return state;
}

static uint64_t expected(const struct cell *cell)
{
	switch (cell->kind) {
	case PRIVATE:
		return cell->value;
	case SHARED:
		return shared_value[cell->index];
	case FILE_PRIVATE:
		return cell->has_own ? cell->value : file_value[cell->index];
	case FILE_SHARED:
		return file_value[cell->index];
	default:
		return 0;
	}
}

static volatile uint64_t *word(int page)
{
	return (volatile uint64_t *)(arena + (size_t)page * PAGE + 8 * (page % FILE_PAGES));
}

static void check_page(int page)
{
	const struct cell *cell = &model[page];
	uint64_t found = 0;
	ssize_t sent = write(ends[1], (const void *)word(page), 8);
	if (cell->kind == NONE || cell->protection == PROT_NONE) {
		CHECK_EQUAL(sent, -1);
		CHECK_EQUAL(errno, EFAULT);
		return;
	}
	CHECK_EQUAL(sent, 8);
	CHECK_EQUAL(read(ends[0], &found, 8), 8);
	CHECK_EQUAL(found, expected(cell));
	CHECK_EQUAL(*word(page), expected(cell));
}

static void check_all(void)
{
	for (int page = 0; page < PAGES; page++)
		check_page(page);
}

/* A write, by the program or by the kernel. */
static void write_page(int page)
{
	struct cell *cell = &model[page];
	uint64_t value = next() | 1;
	if (next() % 2 == 0) {
		CHECK_EQUAL(write(ends[1], &value, 8), 8);
		ssize_t got = read(ends[0], (void *)word(page), 8);
		if (cell->kind == NONE || !(cell->protection & PROT_WRITE)) {
			CHECK_EQUAL(got, -1);
			CHECK_EQUAL(errno, EFAULT);
			CHECK_EQUAL(read(ends[0], &value, 8), 8);
			return;
		}
		CHECK_EQUAL(got, 8);
	} else if (cell->kind != NONE && (cell->protection & PROT_WRITE)) {
		*word(page) = value;
	} else {
		return;
	}
	switch (cell->kind) {
	case SHARED:
		shared_value[cell->index] = value;
		break;
	case FILE_SHARED:
		file_value[cell->index] = value;
		break;
	default:
		cell->value = value;
		cell->has_own = 1;
	}
}

static int random_protection(void)
{
	static const int choices[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE };
	return choices[next() % 4];
}

static void map(int first, int count)
{
	enum kind kind = PRIVATE + next() % 4;
	int protection = random_protection(), flags = MAP_FIXED, fd = -1, start = 0;
	if (kind == PRIVATE || kind == SHARED) {
		flags |= MAP_ANONYMOUS;
	} else {
		fd = file;
		/* The word that stands for a page of the file must be the same wherever it is mapped. */
		start = first % FILE_PAGES;
		if (start + count > FILE_PAGES)
			count = FILE_PAGES - start;
	}
	flags |= kind == PRIVATE || kind == FILE_PRIVATE ? MAP_PRIVATE : MAP_SHARED;
	char *at = arena + (size_t)first * PAGE;
	CHECK(mmap(at, (size_t)count * PAGE, protection, flags, fd, (off_t)start * PAGE) == at);
	for (int i = 0; i < count; i++) {
		struct cell *cell = &model[first + i];
		*cell = (struct cell){ .kind = kind, .protection = protection, .index = start + i };
		if (kind == SHARED) {
			cell->index = shared_count++;
			CHECK(shared_count < 1 << 16);
			shared_value[cell->index] = 0;
		}
	}
}

static void step(void)
{
	int first = next() % PAGES, count = 1 + next() % 24;
	if (first + count > PAGES)
		count = PAGES - first;
	char *at = arena + (size_t)first * PAGE;
	size_t bytes = (size_t)count * PAGE;
	int is_covered = 1;
	for (int i = 0; i < count; i++)
		is_covered &= model[first + i].kind != NONE;
	switch (next() % 8) {
	case 0:
	case 1:
		map(first, count);
		break;
	case 2:
		CHECK_EQUAL(munmap(at, bytes), 0);
		for (int i = 0; i < count; i++)
			model[first + i].kind = NONE;
		break;
	case 3: {
		int protection = random_protection();
		int result = mprotect(at, bytes, protection);
		CHECK_EQUAL(result, is_covered ? 0 : -1);
		if (!is_covered)
			CHECK_EQUAL(errno, ENOMEM);
		for (int i = 0; i < count && model[first + i].kind != NONE; i++)
			model[first + i].protection = protection;
		break;
	}
	case 4: {
		int result = madvise(at, bytes, MADV_DONTNEED);
		CHECK_EQUAL(result, is_covered ? 0 : -1);
		for (int i = 0; i < count; i++)
			model[first + i].value = 0, model[first + i].has_own = 0;
		break;
	}
	default:
		for (int i = 0; i < count; i++)
			write_page(first + i);
	}
	check_page(next() % PAGES);
}

/* Moves one mapped page out of the arena and back. */
static void move(void)
{
	int page = next() % PAGES;
	if (model[page].kind == NONE)
		return;
	char *at = arena + (size_t)page * PAGE;
	char *away = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(away != MAP_FAILED);
	CHECK(mremap(at, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, away) == away);
	CHECK_EQUAL(write(ends[1], at, 1), -1);
	CHECK(mremap(away, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at) == at);
	check_page(page);
}

static void run(int steps)
{
	for (int i = 0; i < steps; i++) {
		step();
		if (next() % 16 == 0)
			move();
	}
	check_all();
}

int main(int count, char **arguments)
{
	state = count > 1 ? strtoull(arguments[1], NULL, 0) : 0x2545f4914f6cdd1d;
	char path[] = "/tmp/mmap_model_XXXXXX";
	file = mkstemp(path);
	CHECK(file >= 0);
	CHECK_EQUAL(unlink(path), 0);
	CHECK_EQUAL(ftruncate(file, FILE_PAGES * PAGE), 0);
	CHECK_EQUAL(pipe(ends), 0);
	arena = mmap(NULL, PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(arena != MAP_FAILED);
	CHECK_EQUAL(munmap(arena, PAGES * PAGE), 0);
	for (int round = 0; round < 12; round++) {
		run(STEPS / 12);
		/* A child sees what we see, goes its own way with private pages, and has its own map. */
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			check_all();
			for (int page = 0; page < PAGES; page++)
				if (model[page].kind == SHARED || model[page].kind == FILE_SHARED) {
					CHECK_EQUAL(munmap(arena + (size_t)page * PAGE, PAGE), 0);
					model[page].kind = NONE;
				}
			for (int page = 0; page < PAGES; page++)
				write_page(page);
			check_all();
			_exit(0);
		}
		CHECK_EXITS(child, 0);
		check_all();
	}
	return 0;
}
