/* A picture to draw into: the framebuffer's size where there is one, else 640 by 480, in memory; shown on the framebuffer if it takes
 * 32-bit pixels. What is drawn can be read back and checked, with a display or without. */
#ifndef PICTURE_H
#define PICTURE_H

#include "suite.h"
#include <linux/fb.h>
#include <sys/ioctl.h>

struct picture {
	int width, height;
	uint32_t *pixels;
	/* The framebuffer: -1 if there is none. */
	int file;
	size_t line_bytes;
};

static inline struct picture make_picture(void)
{
	struct picture it = { 640, 480, NULL, open("/dev/fb0", O_RDWR), 0 };
	struct fb_var_screeninfo variable;
	struct fb_fix_screeninfo fixed;
	if (it.file >= 0) {
		CHECK_EQUAL(ioctl(it.file, FBIOGET_VSCREENINFO, &variable), 0);
		CHECK_EQUAL(ioctl(it.file, FBIOGET_FSCREENINFO, &fixed), 0);
		if (variable.bits_per_pixel == 32) {
			it.width = (int)variable.xres, it.height = (int)variable.yres;
			it.line_bytes = fixed.line_length;
		} else {
			close(it.file);
			it.file = -1;
		}
	}
	it.pixels = mmap(NULL, (size_t)it.width * (size_t)it.height * 4, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(it.pixels != MAP_FAILED);
	return it;
}

static inline void show(const struct picture *it)
{
	for (int y = 0; it->file >= 0 && y < it->height; y++) {
		ssize_t bytes = it->width * 4;
		CHECK_EQUAL(pwrite(it->file, it->pixels + y * it->width, (size_t)bytes, (off_t)((size_t)y * it->line_bytes)), bytes);
	}
}

/* Fills a rectangle, cut at the borders. */
static inline void fill_rectangle(struct picture *it, int left, int top, int width, int height, uint32_t colour)
{
	for (int y = top < 0 ? 0 : top; y < top + height && y < it->height; y++)
		for (int x = left < 0 ? 0 : left; x < left + width && x < it->width; x++)
			it->pixels[y * it->width + x] = colour;
}

/* How many pixels have a colour. */
static inline long count_pixels(const struct picture *it, uint32_t colour)
{
	long count = 0;
	for (long i = 0; i < (long)it->width * it->height; i++)
		count += it->pixels[i] == colour;
	return count;
}

#endif
