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
	CHECK(try_image() != 0);
	/* More in the file than in memory: Linux maps p_filesz and goes on or fails; it must not run away. */
	good_image();
	segment->p_filesz = 0x2000, segment->p_memsz = 0x1000;
	CHECK(try_image() != 0);
	/* Offset and address differ within the page. */
	good_image();
	segment->p_offset = 0x10;
	CHECK(try_image() != 0);
	/* Kernel addresses and sizes that wrap. */
	good_image();
	segment->p_vaddr = 0xffffffff80000000;
	CHECK(try_image() != 0);
	good_image();
	segment->p_memsz = 0xfffffffffffffff0;
	CHECK(try_image() != 0);
	/* Entry in the kernel half. */
	good_image();
	header->e_entry = 0xffffffff80000000;
	CHECK(try_image() != 0);

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
