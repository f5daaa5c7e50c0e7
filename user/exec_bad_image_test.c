/* execve of damaged and hostile images: the errno Linux gives, and the caller is untouched. */
#include "check.h"
#include <elf.h>

static unsigned char image[8192];
static size_t image_bytes;

static int try_image(void)
{
	char path[] = "/tmp/bad_image_XXXXXX";
	int file = mkstemp(path);
	CHECK(file >= 0);
	CHECK_EQUAL(write(file, image, image_bytes), (ssize_t)image_bytes);
	CHECK_EQUAL(fchmod(file, 0755), 0);
	CHECK_EQUAL(close(file), 0);
	char *arguments[] = { path, NULL }, *environment[] = { NULL };
	pid_t child = fork();
	if (child == 0) {
		execve(path, arguments, environment);
		_exit(errno);
	}
	int status = wait_status(child);
	CHECK_EQUAL(unlink(path), 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static Elf64_Ehdr *header = (Elf64_Ehdr *)image;
static Elf64_Phdr *segment = (Elf64_Phdr *)(image + sizeof(Elf64_Ehdr));

static void good_image(void)
{
	FILE *self = fopen("/proc/self/exe", "r");
	CHECK(self != NULL);
	Elf64_Ehdr own;
	CHECK_EQUAL(fread(&own, sizeof own, 1, self), 1);
	fclose(self);
	memset(image, 0, sizeof image);
	image_bytes = sizeof image;
	*header = own;
	header->e_type = ET_EXEC;
	header->e_phoff = sizeof(Elf64_Ehdr);
	header->e_phnum = 1;
	header->e_shnum = header->e_shoff = 0;
	header->e_entry = 0x401000;
	*segment = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = 0x400000, .p_paddr = 0x400000,
		.p_filesz = 0x2000, .p_memsz = 0x2000, .p_align = 0x1000 };
	/* The code at the entry is all zero: on ARM64 that is an undefined instruction; on x86-64 it adds to [rax], rax being 0. */
}

/* Too late for an error: the old program is given up by then, and the new one ends before its first instruction. */
#define CHECK_LATE(found) CHECK_EQUAL(found, -SIGSEGV)

static char interpreter[] = "/tmp/bad_interpreter_XXXXXX";

/* Gives the image a PT_INTERP of so many bytes. */
static void with_interpreter(const char *path, size_t bytes)
{
	header->e_phnum = 2;
	segment[1] = (Elf64_Phdr){ .p_type = PT_INTERP, .p_flags = PF_R, .p_offset = 0x400, .p_filesz = bytes, .p_memsz = bytes, .p_align = 1 };
	memset(image + 0x400, 'x', 5000);
	memcpy(image + 0x400, path, strlen(path) + (bytes != strlen(path)));
}

static int try_interpreter(const char *path)
{
	good_image();
	with_interpreter(path, strlen(path) + 1);
	return try_image();
}

/* Another beginning of a file of 8 KiB. */
static void rewrite(const char *path, const char *start, size_t bytes)
{
	static char rest[8192];
	int file = open(path, O_WRONLY | O_TRUNC);
	CHECK(file >= 0);
	CHECK_EQUAL(write(file, start, bytes), (ssize_t)bytes);
	CHECK_EQUAL(write(file, rest, sizeof rest - bytes), (ssize_t)(sizeof rest - bytes));
	CHECK_EQUAL(close(file), 0);
}

int main(void)
{
	good_image();
	int ran = try_image();
	CHECK(ran == -SIGSEGV || ran == -SIGILL);

	good_image();
	image_bytes = 3;
	CHECK_EQUAL(try_image(), ENOEXEC);
	good_image();
	image_bytes = 40;
	CHECK_EQUAL(try_image(), ENOEXEC);
	good_image();
	image[0] = 0x7e;
	CHECK_EQUAL(try_image(), ENOEXEC);
	good_image();
	header->e_machine = EM_MIPS;
	CHECK_EQUAL(try_image(), ENOEXEC);
	good_image();
	header->e_type = ET_REL;
	CHECK_EQUAL(try_image(), ENOEXEC);
	good_image();
	header->e_phentsize = 1;
	CHECK_EQUAL(try_image(), ENOEXEC);
	good_image();
	header->e_phnum = 0;
	CHECK_EQUAL(try_image(), ENOEXEC);
	good_image();
	header->e_phnum = 0xffff;
	CHECK_EQUAL(try_image(), ENOEXEC);
	good_image();
	header->e_phoff = 0xfffffffffffff000;
	CHECK_EQUAL(try_image(), ENOEXEC);
	/* What is only found where segments are mapped. More in the file than in memory: */
	good_image();
	segment->p_filesz = 0x2000, segment->p_memsz = 0x1000;
	CHECK_LATE(try_image());
	/* Offset and address differ within the page. */
	good_image();
	segment->p_offset = 0x10;
	CHECK_LATE(try_image());
	/* Kernel addresses and sizes that wrap. */
	good_image();
	segment->p_vaddr = 0xffffffff80000000;
	CHECK_LATE(try_image());
	good_image();
	segment->p_memsz = 0xfffffffffffffff0;
	CHECK_LATE(try_image());
	/* Entry in the kernel half. */
	good_image();
	header->e_entry = 0xffffffff80000000;
	CHECK_LATE(try_image());
	/* Nothing to load at all. */
	good_image();
	segment->p_type = PT_NOTE;
	CHECK_LATE(try_image());

	/* The interpreter's name: too short, without an end, too long, beyond the end of the file. */
	good_image();
	with_interpreter("", 1);
	CHECK_EQUAL(try_image(), ENOEXEC);
	good_image();
	with_interpreter("/bin/true", 9);
	CHECK_EQUAL(try_image(), ENOEXEC);
	good_image();
	with_interpreter("/bin/true", 4097);
	CHECK_EQUAL(try_image(), ENOEXEC);
	good_image();
	with_interpreter("/bin/true", 10);
	segment[1].p_offset = 0x100000;
	CHECK_EQUAL(try_image(), EIO);
	/* The interpreter itself: missing, a directory, not executable, too short, no ELF file, of another machine. */
	CHECK_EQUAL(try_interpreter("/no/such/interpreter"), ENOENT);
	CHECK_EQUAL(try_interpreter("/dev/null/interpreter"), ENOTDIR);
	CHECK_EQUAL(try_interpreter("/tmp"), EACCES);
	int file = mkstemp(interpreter);
	CHECK(file >= 0);
	good_image();
	CHECK_EQUAL(write(file, image, sizeof image), sizeof image);
	CHECK_EQUAL(fchmod(file, 0644), 0);
	CHECK_EQUAL(try_interpreter(interpreter), EACCES);
	CHECK_EQUAL(fchmod(file, 0755) | ftruncate(file, 20), 0);
	CHECK_EQUAL(close(file), 0);
	CHECK_EQUAL(try_interpreter(interpreter), EIO);
	rewrite(interpreter, "#!/bin/sh\n", 10);
	CHECK_EQUAL(try_interpreter(interpreter), ELIBBAD);
	good_image();
	header->e_machine = EM_MIPS;
	rewrite(interpreter, (char *)header, sizeof *header);
	CHECK_EQUAL(try_interpreter(interpreter), ELIBBAD);
	good_image();
	header->e_phoff = 0x100000;
	rewrite(interpreter, (char *)header, sizeof *header);
	CHECK_EQUAL(try_interpreter(interpreter), ELIBBAD);
	CHECK_EQUAL(unlink(interpreter), 0);

	/* An empty file. */
	good_image();
	image_bytes = 0;
	CHECK_EQUAL(try_image(), ENOEXEC);
	/* A script whose interpreter is missing. */
	good_image();
	image_bytes = (size_t)snprintf((char *)image, sizeof image, "#!/no/such/interpreter\n");
	CHECK_EQUAL(try_image(), ENOENT);
	return 0;
}
