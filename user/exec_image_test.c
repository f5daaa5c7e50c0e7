/* Images that a linker would not make, but which are right: segments that share a page, that begin in the middle of one, whose zeros begin
 * in the last page of the file's part, that overlap, that lie out of order or beyond the end of the file. The program is a few
 * instructions that end with the byte at an address as status. */
#include "check.h"
#include <elf.h>

enum { PAGE = 4096, FILE_BYTES = 5 * PAGE };
#define BASE 0x400000ul

static unsigned char image[FILE_BYTES];
static Elf64_Ehdr *header = (Elf64_Ehdr *)image;
static Elf64_Phdr *segments = (Elf64_Phdr *)(image + sizeof(Elf64_Ehdr));

/* Code at file offset `offset` that exits with the byte at `addr`, or, with `stores`, writes to it first. */
static void put_code(size_t offset, uint32_t addr, int stores)
{
#ifdef __x86_64__
	unsigned char store[] = { 0xfe, 0x04, 0x25, 0, 0, 0, 0 }; /* incb addr */
	unsigned char code[] = { 0x0f, 0xb6, 0x3c, 0x25, 0, 0, 0, 0, 0xb8, 231, 0, 0, 0, 0x0f, 0x05 };
	memcpy(store + 3, &addr, 4);
	memcpy(code + 4, &addr, 4);
	if (stores)
		memcpy(image + offset, store, sizeof store), offset += sizeof store;
	memcpy(image + offset, code, sizeof code);
#else
	uint32_t store[] = { 0x39400020, 0x11000400, 0x39000020 }; /* ldrb w0,[x1]; add w0,w0,#1; strb w0,[x1] */
	uint32_t code[] = { 0x39400020, 0x52800bc8, 0xd4000001 }; /* ldrb w0,[x1]; mov w8,#94; svc #0 */
	uint32_t load[] = { 0xd2800001 | (addr & 0xffff) << 5, 0xf2a00001 | (addr >> 16) << 5 };
	memcpy(image + offset, load, sizeof load), offset += sizeof load;
	if (stores)
		memcpy(image + offset, store, sizeof store), offset += sizeof store;
	memcpy(image + offset, code, sizeof code);
#endif
}

/* Runs the image, whose code stands at file offset 0x800 and reads (or first counts up) the byte at `addr`. */
static int run(uint32_t addr, int stores)
{
	put_code(0x800, addr, stores);
	char path[] = "/tmp/exec_image_XXXXXX";
	int file = mkstemp(path);
	CHECK(file >= 0);
	CHECK_EQUAL(write(file, image, sizeof image), (ssize_t)sizeof image);
	CHECK_EQUAL(fchmod(file, 0755), 0);
	CHECK_EQUAL(close(file), 0);
	char *arguments[] = { path, NULL }, *environment[] = { NULL };
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		execve(path, arguments, environment);
		_exit(255);
	}
	int status = wait_status(child);
	CHECK_EQUAL(unlink(path), 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void add(uint32_t flags, size_t offset, uint64_t addr, size_t file_bytes, size_t memory_bytes)
{
	segments[header->e_phnum++] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = flags, .p_offset = offset, .p_vaddr = addr,
		.p_paddr = addr, .p_filesz = file_bytes, .p_memsz = memory_bytes, .p_align = PAGE };
}

/* No segments yet; every byte of the file tells its page, but for the header. */
static void begin(void)
{
	FILE *self = fopen("/proc/self/exe", "r");
	CHECK(self != NULL);
	for (int i = 0; i < FILE_BYTES; i++)
		image[i] = (unsigned char)(100 + i / PAGE * 10 + (i % PAGE >= 0xc00));
	CHECK_EQUAL(fread(image, sizeof *header, 1, self), 1);
	fclose(self);
	header->e_type = ET_EXEC;
	header->e_phoff = sizeof *header;
	header->e_phnum = 0;
	header->e_shnum = header->e_shoff = 0;
	header->e_entry = BASE + 0x800;
}

static void add_code(void)
{
	add(PF_R | PF_X, 0, BASE, PAGE, PAGE);
}

int main(void)
{
	/* Plain. */
	begin(), add_code(), add(PF_R | PF_W, PAGE, BASE + PAGE, PAGE, PAGE);
	CHECK_EQUAL(run(BASE + PAGE + 5, 0), 110);
	CHECK_EQUAL(run(BASE + PAGE + 5, 1), 111);
	/* Code is not writable, and memory beyond the segments is not there. */
	CHECK_EQUAL(run(BASE + 0x900, 1), -SIGSEGV);
	CHECK_EQUAL(run(BASE + 2 * PAGE, 0), -SIGSEGV);

	/* Two segments in one page of the file: each maps the whole page at its own address. */
	begin(), add_code(), add(PF_R | PF_W, PAGE, BASE + PAGE, 0x600, 0x600), add(PF_R, PAGE + 0x600, BASE + 2 * PAGE + 0x600, 0x200, 0x200);
	CHECK_EQUAL(run(BASE + PAGE + 0x5ff, 1), 111);
	CHECK_EQUAL(run(BASE + 2 * PAGE + 0x600, 0), 110);
	CHECK_EQUAL(run(BASE + 2 * PAGE + 0x10, 0), 110);
	CHECK_EQUAL(run(BASE + 2 * PAGE + 0x600, 1), -SIGSEGV);

	/* Zeros from the middle of the file's last page on, and over whole pages. */
	begin(), add_code(), add(PF_R | PF_W, PAGE, BASE + PAGE, 0x345, 3 * PAGE);
	CHECK_EQUAL(run(BASE + PAGE + 0x344, 0), 110);
	CHECK_EQUAL(run(BASE + PAGE + 0x345, 0), 0);
	CHECK_EQUAL(run(BASE + PAGE + 0x345, 1), 1);
	CHECK_EQUAL(run(BASE + 2 * PAGE - 1, 0), 0);
	CHECK_EQUAL(run(BASE + 3 * PAGE + 7, 1), 1);
	/* The file's part ends with its page: nothing of the next page of the file shows. */
	begin(), add_code(), add(PF_R | PF_W, PAGE, BASE + PAGE, PAGE, PAGE + 1);
	CHECK_EQUAL(run(BASE + 2 * PAGE, 0), 0);

	/* Only zeros. */
	begin(), add_code(), add(PF_R | PF_W, 0, BASE + 4 * PAGE, 0, PAGE);
	CHECK_EQUAL(run(BASE + 4 * PAGE + 3, 1), 1);
	/* A segment of nothing. */
	begin(), add_code(), add(PF_R | PF_W, 0, BASE + 4 * PAGE, 0, 0), add(PF_R, PAGE, BASE + PAGE, PAGE, PAGE);
	CHECK_EQUAL(run(BASE + PAGE, 0), 110);

	/* A segment that begins in the middle of a page, in the file and in memory alike. */
	begin(), add_code(), add(PF_R, 2 * PAGE + 0xc00, BASE + PAGE + 0xc00, 0x100, 0x100);
	CHECK_EQUAL(run(BASE + PAGE + 0xc00, 0), 121);
	CHECK_EQUAL(run(BASE + PAGE, 0), 120);
	/* Not alike: Linux cannot map that. */
	begin(), add_code(), add(PF_R, 2 * PAGE + 0x400, BASE + PAGE + 0xc00, 0x100, 0x100);
	CHECK_EQUAL(run(BASE + PAGE + 0xc00, 0), -SIGSEGV);

	/* Overlapping: the later one counts. */
	begin(), add_code(), add(PF_R, PAGE, BASE + PAGE, 2 * PAGE, 2 * PAGE), add(PF_R, 3 * PAGE, BASE + 2 * PAGE, PAGE, PAGE);
	CHECK_EQUAL(run(BASE + PAGE, 0), 110);
	CHECK_EQUAL(run(BASE + 2 * PAGE, 0), 130);

	/* More promised than the file has: it is there as far as the file goes. */
	begin(), add_code(), add(PF_R, 4 * PAGE, BASE + PAGE, 3 * PAGE, 3 * PAGE);
	CHECK_EQUAL(run(BASE + PAGE, 0), 140);
	CHECK_EQUAL(run(BASE + 2 * PAGE, 0), -SIGBUS);

	/* Far away, and many. */
	begin(), add_code();
	for (int i = 0; i < 20; i++)
		add(PF_R | PF_W, PAGE, BASE + (size_t)(i + 1) * 16 * PAGE, PAGE, PAGE);
	CHECK_EQUAL(run(BASE + 20 * 16 * PAGE, 0), 110);
	return 0;
}
