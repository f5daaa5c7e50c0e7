/* The older terminal structure (TCGETA, TCSETA and their relatives): it has the lower halves of the flags and the first control
 * characters, and leaves the rest alone. */
#include "pty.h"

/* `struct termio`, which the C library's headers keep from those who include <termios.h>. */
struct old_termio {
	unsigned short input, output, control, local;
	unsigned char line, characters[8];
};

int main(void)
{
	int slave, master = open_pair(&slave);
	int files[2] = { slave, master };
	for (int side = 0; side < 2; side++) {
		struct old_termio old, again;
		struct termios now, before;
		CHECK_EQUAL(tcgetattr(slave, &before), 0);
		CHECK_EQUAL(ioctl(files[side], TCGETA, &old), 0);
		CHECK_EQUAL(old.input, (unsigned short)before.c_iflag);
		CHECK_EQUAL(old.output, (unsigned short)before.c_oflag);
		CHECK_EQUAL(old.control, (unsigned short)before.c_cflag);
		CHECK_EQUAL(old.local, (unsigned short)before.c_lflag);
		CHECK_EQUAL(old.line, 0);
		CHECK(memcmp(old.characters, before.c_cc, 8) == 0);

		old.local &= ~(ICANON | ECHO);
		old.characters[VMIN] = 1;
		old.characters[VTIME] = 0;
		old.characters[VINTR] = 7;
		CHECK_EQUAL(ioctl(files[side], side == 0 ? TCSETA : TCSETAW, &old), 0);
		CHECK_EQUAL(tcgetattr(slave, &now), 0);
		CHECK_EQUAL(now.c_lflag, before.c_lflag & ~(ICANON | ECHO));
		CHECK_EQUAL(now.c_iflag, before.c_iflag);
		CHECK_EQUAL(now.c_cc[VINTR], 7);
		CHECK_EQUAL(now.c_cc[VLNEXT], before.c_cc[VLNEXT]);
		CHECK_EQUAL(ioctl(slave, TCGETA, &again), 0);
		CHECK_EQUAL(again.local, old.local);
		SEND(master, "x");
		EXPECT(slave, "x");
		/* With a flush of what was typed. */
		SEND(master, "gone");
		CHECK(is_readable(slave, 10000));
		CHECK_EQUAL(ioctl(slave, TCSETAF, &old), 0);
		EXPECT_NOTHING(slave);
		CHECK_EQUAL(tcsetattr(slave, TCSANOW, &before), 0);
		CHECK_ERRNO(ioctl(files[side], TCGETA, (void *)8), EFAULT);
		CHECK_ERRNO(ioctl(files[side], TCSETA, (void *)8), EFAULT);
	}
	int ends[2];
	CHECK_EQUAL(pipe(ends), 0);
	CHECK_ERRNO(ioctl(ends[0], TCGETA, &files), ENOTTY);
	return 0;
}
