/* The fixture /lines.txt as text: fifteen lines, thirty words, 111 bytes. */
#ifndef LINES_H
#define LINES_H

static const char *const LINES[15] = { "an one\n",  "b two\n",  "c three\n", "d four\n", "e five\n", "f six\n",	"g seven\n", "h eight\n",
				       "i nine\n", "j ten\n", "k eleven\n", "l twelve\n", "m 13th\n", "n 14th\n", "o line15\n" };

/* Lines `from` to `to` (excluded), in one of two buffers in turn. */
static inline const char *lines(int from, int to)
{
	static char texts[2][256];
	static unsigned turn;
	char *text = texts[turn++ % 2];
	text[0] = 0;
	for (int i = from; i < to; i++)
		strcat(text, LINES[i]);
	return text;
}

#endif
