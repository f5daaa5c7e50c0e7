/* Draws rectangles, a circle and a gradient, by two processes into one picture, and counts the pixels of each. */
#include "picture.h"

enum { RED = 0xff0000, GREEN = 0x00ff00, BLUE = 0x0000ff };

int main(void)
{
	struct picture it = make_picture();
	fill_rectangle(&it, 10, 10, 100, 50, RED);
	/* The second process draws its own part of the shared memory. */
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		fill_rectangle(&it, it.width - 30, it.height - 20, 100, 100, GREEN);
		_exit(0);
	}
	int radius = 60, inside = 0, middle_x = it.width / 2, middle_y = it.height / 2;
	for (int y = -radius; y <= radius; y++)
		for (int x = -radius; x <= radius; x++)
			if (x * x + y * y <= radius * radius) {
				it.pixels[(middle_y + y) * it.width + middle_x + x] = BLUE;
				inside++;
			}
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(count_pixels(&it, RED), 100 * 50);
	CHECK_EQUAL(count_pixels(&it, GREEN), 30 * 20);
	CHECK_EQUAL(count_pixels(&it, BLUE), inside);
	/* Pi by counting: within a hundredth. */
	CHECK(inside > 3.10 * radius * radius && inside < 3.18 * radius * radius);
	for (int x = 0; x < it.width; x++)
		fill_rectangle(&it, x, 0, 1, it.height, (uint32_t)(x * 255 / it.width) * 0x010101);
	for (int x = 1; x < it.width; x++)
		CHECK(it.pixels[x] >= it.pixels[x - 1]);
	show(&it);
	return 0;
}
