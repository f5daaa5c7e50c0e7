/* The framebuffer's information call: sizes that fit together, or, on a machine without a display, a device that is not there; asked
 * of anything that is no framebuffer the call answers ENOTTY. */
#include "suite.h"
#include <linux/fb.h>
#include <sys/ioctl.h>

int main(void)
{
	struct fb_var_screeninfo variable;
	struct fb_fix_screeninfo fixed;
	int file = open("/dev/fb0", O_RDONLY);
	if (file < 0) {
		CHECK(errno == ENOENT || errno == ENODEV || errno == ENXIO || errno == EACCES);
	} else {
		CHECK_EQUAL(ioctl(file, FBIOGET_VSCREENINFO, &variable), 0);
		CHECK_EQUAL(ioctl(file, FBIOGET_FSCREENINFO, &fixed), 0);
		CHECK(variable.xres > 0 && variable.yres > 0);
		CHECK(fixed.line_length >= variable.xres * variable.bits_per_pixel / 8);
		CHECK(fixed.smem_len >= fixed.line_length * variable.yres);
		CHECK_EQUAL(close(file), 0);
	}
	int ends[2], null = open("/dev/null", O_RDONLY), hello = open(fixture("/hello.txt"), O_RDONLY);
	CHECK_EQUAL(pipe(ends), 0);
	CHECK_ERRNO(ioctl(null, FBIOGET_VSCREENINFO, &variable), ENOTTY);
	CHECK_ERRNO(ioctl(hello, FBIOGET_FSCREENINFO, &fixed), ENOTTY);
	CHECK_ERRNO(ioctl(ends[0], FBIOGET_VSCREENINFO, &variable), ENOTTY);
	CHECK_ERRNO(ioctl(999, FBIOGET_VSCREENINFO, &variable), EBADF);
	return 0;
}
