/*
 * The pictures the camera shows: files FORMAT-WIDTHxHEIGHT-0, -1 and so on in the folder V4L2_PLAYER_FRAMES, in turn
 * and for ever. What a fault does to a picture is done here.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "player.h"

#define MOST_FRAMES 64

static struct frame {
	uint8_t *data;
	uint32_t length;
} frames[MOST_FRAMES];
static unsigned int frames_known;
static uint32_t loaded_format;
static struct size loaded_size;

static bool load_one(const char *path, struct frame *frame)
{
	FILE *file = fopen(path, "rb");
	struct stat about;
	bool whole = false;

	if (!file)
		return false;
	if (!fstat(fileno(file), &about)) {
		frame->length = about.st_size;
		frame->data = malloc(frame->length);
		whole = frame->data && fread(frame->data, 1, frame->length, file) == frame->length;
	}
	fclose(file);
	return whole;
}

static void forget_frames(void)
{
	while (frames_known)
		free(frames[--frames_known].data);
	loaded_format = 0;
}

bool load_frames(uint32_t pixel_format, struct size size, uint32_t room)
{
	const char *folder = getenv("V4L2_PLAYER_FRAMES");
	char path[4096];

	if (loaded_format == pixel_format && loaded_size.width == size.width && loaded_size.height == size.height)
		return true;
	forget_frames();
	while (frames_known < MOST_FRAMES) {
		snprintf(path, sizeof(path), "%s/%.4s-%ux%u-%u", folder ? folder : ".", (const char *)&pixel_format,
			 size.width, size.height, frames_known);
		if (!load_one(path, &frames[frames_known]) || frames[frames_known].length > room)
			break;
		frames_known++;
	}
	if (!frames_known) {
		fprintf(stderr, "the V4L2 player has no frames: %s is missing or too long\n", path);
		return false;
	}
	loaded_format = pixel_format;
	loaded_size = size;
	return true;
}

static void put_noise(uint8_t *to, uint32_t length, uint32_t seed)
{
	uint32_t noise = seed * 2654435761u + 1;

	for (uint32_t i = 0; i < length; i++) {
		noise ^= noise << 13;
		noise ^= noise >> 17;
		noise ^= noise << 5;
		to[i] = noise;
	}
}

uint32_t put_frame(uint8_t *to, uint32_t sequence, enum fault fault)
{
	const struct frame *frame = &frames[sequence % frames_known];

	if (fault == EMPTY)
		return 0;
	if (fault == GARBAGE) {
		put_noise(to, frame->length, sequence);
		return frame->length;
	}
	memcpy(to, frame->data, frame->length);
	return fault == HALF || fault == ERROR ? frame->length / 2 : frame->length;
}
